"""``storewarden policy accept-clock``: a person says that the wall clock is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine


@verb
def command(session: Session) -> int:
    """Take the wall clock for right after it jumped.

    While it is not known whether a jump of the clock was right, nothing is archived, moved,
    trashed or purged. It ends by itself when the kernel says that the clock is synchronised, or
    by this.
    """
    _ = session.settings
    from storewarden.errors import DONE

    engine = session.catalogue(readonly=False)
    try:
        jumped_ns = _accept(engine)
    finally:
        engine.close()
    _tell(session, jumped_ns)
    return DONE


def _accept(engine: Engine) -> int | None:
    """Accept it; by how much it had jumped, None when it had not. A daemon sees it by itself."""
    from storewarden.catalogue import clocks
    from storewarden.catalogue.migrate import require_current
    from storewarden.catalogue.roots import host_id, this_machine

    require_current(engine)
    host = host_id(engine, this_machine())
    noted = clocks.read(engine, host) if host is not None else None
    if host is None or noted is None or not clocks.accept(engine, host):
        return None
    return noted.jumped_ns


def _tell(session: Session, jumped_ns: int | None) -> None:
    from storewarden.cli.when import SECOND_NS
    from storewarden.units import format_duration

    output = session.output
    if output.json:
        output.document({"accepted": jumped_ns is not None, "jumped_ns": jumped_ns})
    elif jumped_ns is None:
        output.text("The clock did not jump; there is nothing to accept")
    else:
        by = format_duration(abs(jumped_ns) / SECOND_NS)
        way = "forward" if jumped_ns > 0 else "back"
        output.text(f"The clock is taken for right: it had jumped {by} {way}", "good")
