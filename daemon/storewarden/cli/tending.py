"""What a person wishes for databases: done by the daemon if one holds the lease, else by us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewarden.cli.holder import Interrupted, asked, holder
from storewarden.cli.progress import Progress
from storewarden.cli.session import Session

if TYPE_CHECKING:
    from storewarden.daemon.tending.wish import TendResult, TendWish, Told

VERB = "tend"


def tend(session: Session, wish: TendWish, label: str = "") -> TendResult:
    """Carry out a wish and return what came of it; on a terminal it is shown how far it is.

    Raises:
        StorewardenError: nothing could be done for any database.
        KeyboardInterrupt: the person has enough; what is done is done.
    """
    with Progress(label or wish.what) as bar, Interrupted() as interrupted:
        result = _carried(session, wish, bar, interrupted)
        if interrupted.told:
            raise KeyboardInterrupt
        return result


def _carried(
    session: Session, wish: TendWish, bar: Progress, interrupted: Interrupted
) -> TendResult:
    from storewarden.daemon.tending.wish import TendResult, Told

    with session.reading():
        pass  # without a catalogue there is nothing to work on, and nobody to ask
    engine = session.catalogue(readonly=False)
    try:
        who = holder(engine)
        if who is not None:
            facts = asked(
                *(engine, who, VERB, wish.facts()),
                lambda facts: _draw(bar, Told.of(facts)),
                interrupted,
            )
            return TendResult.of(facts)
    finally:
        engine.close()
    from storewarden.daemon.tending.once import tend_once
    from storewarden.measure import log

    log.setup("error", "text")
    return tend_once(
        *(session.settings, wish),
        told=lambda told: _draw(bar, told),
        stopping=interrupted.asked,
    )


def _draw(bar: Progress, told: Told) -> None:
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    size = f"{format_size(told.bytes)} of {format_size(told.of_bytes)}" if told.of_bytes else ""
    bar.update(told.done, told.total or None, f"{size} {shown(told.database)}".strip())
