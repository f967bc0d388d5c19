"""Wishes of a person are carried out: by the daemon if one holds the lease, else by ourselves."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storewarden.cli.holder import Holder, Interrupted, asked, holder
from storewarden.cli.output import note
from storewarden.cli.progress import Progress
from storewarden.cli.session import Session

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.requests import Facts
    from storewarden.daemon.acting.wish import Result, Told, Wish

VERB = "act"
LARGEST = 5_000  # files in one request: a row that is written and read in milliseconds


def carry_out(session: Session, wishes: Iterable[Wish], bar: Drawn) -> Result:
    """Carry out wishes one after the other; what all of them came to.

    Each is a request of its own: who holds the lease is looked at anew, so that a daemon may come
    and go in between.
    """
    from storewarden.daemon.acting.wish import Result

    result = Result()
    with Interrupted() as interrupted:
        for wish in wishes:
            done = _one(session, wish, bar, interrupted)
            result = result.plus(done)
            bar.add(done, len(wish.wanted))
            if interrupted.told:
                _tell_enough(session, wish, result)
                raise KeyboardInterrupt
    return result


def _tell_enough(session: Session, wish: Wish, result: Result) -> None:
    """Say what is done, and what was begun and goes on, when the person wants no more."""
    from storewarden.catalogue.past_acts import open_for

    with session.reading() as engine:
        begun = open_for(engine, wish.reason)
    on = f"; {begun:,} were begun, and go on with the next start" if begun else ""
    note(f"storewarden: interrupted; {result.done:,} done{on}; the rest was not begun")


def _one(session: Session, wish: Wish, bar: Drawn, interrupted: Interrupted) -> Result:
    engine = session.catalogue(readonly=False)
    try:
        who = holder(engine)
        if who is not None:
            return _by_daemon(engine, who, wish, bar, interrupted)
    finally:
        engine.close()
    from storewarden.daemon.acting.once import act_once
    from storewarden.measure import log

    log.setup("error", "text")
    return act_once(session.settings, wish, told=bar.update, stopping=interrupted.asked)


def _by_daemon(
    engine: Engine, who: Holder, wish: Wish, bar: Drawn, interrupted: Interrupted
) -> Result:
    """Ask the daemon and wait for what comes of it."""
    from storewarden.daemon.acting.wish import Result, Told

    def hear(facts: Facts) -> None:
        bar.update(Told.of(facts))

    return Result.of(asked(engine, who, VERB, wish.facts(), hear, interrupted))


class Drawn:
    """How far several wishes are together, on a terminal; nothing in a pipe."""

    def __init__(self, bar: Progress, files: int, size: int) -> None:
        self._bar, self._files, self._size = bar, files, size
        self._began = time.monotonic()
        self._before_files = self._before_size = 0

    def add(self, result: Result, files: int) -> None:
        """Count in a wish that is done."""
        self._before_files += files
        self._before_size += result.size

    def update(self, told: Told) -> None:
        """Show how far the present one is."""
        here = told.done + told.refused + told.failed + told.put_off
        size = self._before_size + told.size
        self._bar.update(self._before_files + here, self._files, self._detail(size, told))

    def _detail(self, size: int, told: Told) -> str:
        from storewarden.measure.shown import shown
        from storewarden.units import format_duration, format_size

        seconds = time.monotonic() - self._began
        parts = [f"{format_size(told.freed)} freed" if told.freed else ""]
        if seconds >= 1 and size:
            parts.insert(0, f"{format_size(int(size / seconds))}/s")
            left = (self._size - size) / (size / seconds)
            if left >= 1:
                parts.append(f"{format_duration(int(left))} left")
        parts.append(f"{told.root}/{shown(told.path)}" if told.path else "")
        return "  ".join(part for part in parts if part)


@contextmanager
def drawn(label: str, files: int, size: int) -> Iterator[Drawn]:
    """Draw how far it is while entered."""
    with Progress(label) as bar:
        yield Drawn(bar, files, size)
