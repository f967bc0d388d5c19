"""Who holds the lease is asked for something and waited for, until a person has enough of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from storewarden.cli.output import note

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.process import Process
    from storewarden.catalogue.requests import Facts, Request

DAEMON = "storewarden run"


class Holder(NamedTuple):
    """A daemon that holds the lease of this host."""

    host_id: int
    process: Process


def holder(engine: Engine) -> Holder | None:
    """Return the daemon that holds the lease; of another verb that does it is no use to ask."""
    from storewarden.catalogue.lease import live_holder
    from storewarden.catalogue.roots import host_id, this_machine
    from storewarden.clock import SystemClock

    host = host_id(engine, this_machine())
    who = live_holder(engine, host, SystemClock()) if host is not None else None
    if who is None or host is None or who.program != DAEMON:
        return None
    return Holder(host, who)


def asked(
    engine: Engine,
    who: Holder,
    verb: str,
    wish: Facts,
    hear: Callable[[Facts], None],
    interrupted: Interrupted,
) -> Facts:
    """Ask the daemon and wait for what comes of it; ``hear`` is told how far it is.

    Raises:
        PermanentError: it refused.
        StorewardenError: it ended before it had done all.
    """
    from storewarden.catalogue import requests
    from storewarden.catalogue.roots import roots
    from storewarden.clock import SystemClock
    from storewarden.errors import PermanentError

    # that names a root of the host: of a catalogue that several share, each daemon takes its own
    root = next((row.id for row in roots(engine, who.host_id)), None)
    now_ns = SystemClock().wall_ns()
    number = requests.ask(engine, verb, root, wish, asked_by=wish["asked_by"], now_ns=now_ns)
    for request in _watched(engine, number, who, interrupted):
        hear(request.progress)
        if request.state == "failed":
            why = str(request.outcome.get("error", "it did not say why"))
            raise PermanentError("the daemon refused", where=str(who.process), why=why)
        if request.ended:
            return request.outcome
    raise PermanentError("the request is gone from the catalogue", where=str(who.process))


def _watched(
    engine: Engine, number: int, who: Holder, interrupted: Interrupted
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
        if live_holder(engine, who.host_id, clock) is None:
            raise StorewardenError(
                "the daemon ended before it had done all",
                where=str(who.process),
                why="what was begun is noted",
                remedy="its next start goes on with it; storewarden history shows how far it is",
            )


class Interrupted:
    """Ctrl-C while something goes on: what is in hand is finished, a second one ends us."""

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
