"""``storewarden listeners``: whom events are sent to, how far each came, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.cli.listeners_told import Seen


@verb
@click.argument("name", required=False)
@click.option("--retry", is_flag=True, help="Try it now, and send it its dead letters once more.")
@click.option("--forget", is_flag=True, help="Throw its dead letters away.")
def listeners(session: Session, name: str | None, *, retry: bool, forget: bool) -> int:
    """Show whom events are sent to: all listeners, or one with the events that it refuses.

    \b
    storewarden listeners
    storewarden listeners app
    storewarden listeners app --retry

    An event that a listener refuses again and again is kept as a dead letter, so that the others
    may pass. Exit code 1 when one cannot be told, or has dead letters.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.cli.listeners_told import tell_done, tell_listeners
    from storewarden.errors import DONE, FAILED

    if not retry and not forget:
        found = _read(session, name)
        tell_listeners(session.output, found, one=name is not None)
        return FAILED if any(each.wrong for each in found) else DONE
    if name is None or (retry and forget):
        raise click.UsageError("one listener, and either --retry or --forget")
    _read(session, name)  # which refuses a name that there is not
    tell_done(session.output, name, retry, _changed(session, name, retry=retry))
    return DONE


def _read(session: Session, name: str | None) -> list[Seen]:
    settings = session.settings
    from storewarden.catalogue.events import dead
    from storewarden.catalogue.events import listeners as kept
    from storewarden.catalogue.hosts import host_id, this_machine
    from storewarden.cli.listeners_told import Seen
    from storewarden.clock import SystemClock
    from storewarden.config.problems import did_you_mean
    from storewarden.errors import UsageError

    now_ns = SystemClock().wall_ns()
    with session.reading() as engine:
        host = host_id(engine, this_machine()) or 0
        counts = dead.counts(engine, host)
        known = {each.name: each for each in kept.standings(engine, host)}
        names = {one.name: None for one in settings.listeners} | dict.fromkeys(known)
        if name is not None and name not in names:
            hint = did_you_mean(name, list(names)) or "storewarden listeners shows all"
            raise UsageError("there is no such listener", where=name, remedy=hint)
        return [
            Seen(
                name=each,
                standing=known.get(each),
                configured=any(one.name == each for one in settings.listeners),
                behind_ns=kept.behind(engine, host, known[each].at) if each in known else None,
                dead=counts.get(each, 0),
                letters=tuple(dead.letters(engine, host, each)) if name is not None else (),
                now_ns=now_ns,
            )
            for each in names
            if name in (None, each)
        ]


def _changed(session: Session, name: str, *, retry: bool) -> int:
    """Have its dead letters sent again, or throw them away; return how many there were."""
    from storewarden.catalogue.events import dead
    from storewarden.catalogue.events import listeners as kept
    from storewarden.catalogue.hosts import host_id, this_machine

    engine = session.catalogue(readonly=False)
    try:
        host = host_id(engine, this_machine()) or 0
        with engine.transaction(durable=True):
            if not retry:
                return dead.drop(engine, host, name)
            kept.hurry(engine, host, name)
            return dead.send_again(engine, host, name)
    finally:
        engine.close()
