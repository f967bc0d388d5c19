"""Wishes of a person are carried out: by the daemon if one holds the lease, else by ourselves."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from storewarden.cli.output import note
from storewarden.cli.progress import Progress
from storewarden.cli.session import Session

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.process import Process
    from storewarden.catalogue.requests import Request
    from storewarden.daemon.acting.wish import Result, Told, Wish

VERB = "act"
DAEMON = "storewarden run"
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
        holder = _holder(engine)
        if holder is not None:
            return _by_daemon(engine, holder, wish, bar, interrupted)
    finally:
        engine.close()
    from storewarden.daemon.acting.once import act_once
    from storewarden.measure import log

    log.setup("error", "text")
    return act_once(session.settings, wish, told=bar.update, stopping=interrupted.asked)


def _holder(engine: Engine) -> tuple[int, Process] | None:
    """Return the daemon that holds the lease; of another verb that does it is no use to ask."""
    from storewarden.catalogue.lease import live_holder
    from storewarden.catalogue.roots import host_id, this_machine
    from storewarden.clock import SystemClock

    host = host_id(engine, this_machine())
    who = live_holder(engine, host, SystemClock()) if host is not None else None
    if who is None or host is None or who.program != DAEMON:
        return None
    return host, who


def _by_daemon(
    engine: Engine,
    holder: tuple[int, Process],
    wish: Wish,
    bar: Drawn,
    interrupted: Interrupted,
) -> Result:
    """Ask the daemon and wait for what comes of it."""
    from storewarden.catalogue import requests
    from storewarden.catalogue.roots import roots
    from storewarden.clock import SystemClock
    from storewarden.daemon.acting.wish import Result, Told
    from storewarden.errors import PermanentError

    clock = SystemClock()
    # that names a root of the host: of a catalogue that several share, each daemon takes its own
    root = next((row.id for row in roots(engine, holder[0])), None)
    number = requests.ask(
        *(engine, VERB, root, wish.facts()), asked_by=wish.asked_by, now_ns=clock.wall_ns()
    )
    for request in _watched(engine, number, holder, interrupted):
        bar.update(Told.of(request.progress))
        if request.state == "failed":
            why = str(request.outcome.get("error", "it did not say why"))
            raise PermanentError("the daemon refused", where=str(holder[1]), why=why)
        if request.ended:
            return Result.of(request.outcome)
    raise PermanentError("the request is gone from the catalogue", where=str(holder[1]))


def _watched(
    engine: Engine, number: int, holder: tuple[int, Process], interrupted: Interrupted
) -> Iterator[Request]:
    """Yield a request as it goes on, until it ended, its daemon did, or the person has enough."""
    from storewarden.catalogue import requests
    from storewarden.catalogue.lease import live_holder
    from storewarden.clock import SystemClock
    from storewarden.errors import StorewardenError

    clock = SystemClock()
    while True:
        for request in requests.wait(engine, number, clock, interrupted.sleep, 1.0):
            yield request
            if request.ended:
                return
            if interrupted.told:
                note("storewarden: the daemon goes on with it: storewarden status, history")
                raise KeyboardInterrupt
        if live_holder(engine, holder[0], clock) is None:
            raise StorewardenError(
                "the daemon ended before it had done all",
                where=str(holder[1]),
                why="what was begun is noted",
                remedy="its next start goes on with it; storewarden history shows how far it is",
            )


class Interrupted:
    """Ctrl-C while acts go on: the act in hand is finished, a second one ends the process."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._before: Any = None

    @property
    def told(self) -> bool:
        """Whether the person wants no more."""
        return self._event.is_set()

    def asked(self) -> bool:
        """Say whether to stop, for who is to look from time to time."""
        return self._event.is_set()

    def sleep(self, seconds: float) -> None:
        """Sleep, no longer than until the person wants no more."""
        self._event.wait(seconds)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _hear(self, _number: int, _frame: object) -> None:
        if self._event.is_set():
            raise KeyboardInterrupt
        self._event.set()


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
