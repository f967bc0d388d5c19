"""Server-sent events: what a listener over HTTP hears, from where it left off, until it goes.

Nothing is kept for a listener: its id of the last event says all. One that reads slowly is sent
slowly; what it did not read yet waits in the journal. The empty message in which nothing happened
carries an id as well, so that who hears little still knows how far it came.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from typing import Final

from storewarden.api.events.bell import Bell
from storewarden.api.events.heard import Told, Wanted, hear
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events import cursor as cursors
from storewarden.catalogue.events import feed
from storewarden.catalogue.events.cursor import Cursor
from storewarden.clock import Clock
from storewarden.errors import StorewardenError

START: Final = "start"
"""What stands for the place before everything that is kept."""

CONTENT_TYPE: Final = "text/event-stream; charset=utf-8"
HEARTBEAT: Final = 15.0
LOOK: Final = 1.0  # seconds; what another process wrote rings no bell
AT_ONCE: Final = 500
_RETRY: Final = b"retry: 2000\n"  # milliseconds until a browser comes again


def _always() -> bool:
    return True


class Streams:
    """Streams of one daemon; any number of threads ask for one."""

    def __init__(
        self,
        engine: Engine,
        bell: Bell,
        clock: Clock,
        reading: threading.BoundedSemaphore,
        *,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        """Stream from a catalogue; ``reading`` is held while it is read."""
        self._engine, self._bell, self._clock = engine, bell, clock
        self._reading, self._heartbeat = reading, heartbeat
        self._open = 0
        self._counting = threading.Lock()

    @property
    def open(self) -> int:
        """How many are listening."""
        return self._open

    def begin(self, last_id: str) -> Cursor:
        """Return where to begin: after an event, before everything (``start``), or now ("").

        Raises:
            UsageError: it is no id of an event.
        """
        if last_id == START:
            return Cursor()
        if last_id:
            return cursors.read(last_id)
        with self._reading:
            return feed.newest(self._engine)

    def stream(
        self, asked: Wanted, at: Cursor, may: Callable[[], bool] = _always
    ) -> Generator[bytes]:
        """Yield what happens after a cursor, for ever, in the form of server-sent events.

        It ends when the daemon does, and when ``may``, which is asked with each heartbeat, says
        that who listens may no longer.
        """
        with self._counting:
            self._open += 1
        try:
            yield from self._flow(asked, at, may)
        finally:
            with self._counting:
                self._open -= 1

    def _flow(self, asked: Wanted, at: Cursor, may: Callable[[], bool]) -> Iterator[bytes]:
        yield _RETRY + (f"id: {at}\n\n" if at.positions else "\n").encode("ascii")
        said = self._clock.monotonic()
        looked = -1
        while not self._bell.ended:
            rung = self._bell.rung
            told = self._told(asked, at, looked)
            if told is not None:
                at, looked = told.cursor, told.last
                if told.events:
                    yield b"".join(_message(*one) for one in told.events)
                    said = self._clock.monotonic()
                if told.more:
                    continue
            left = said + self._heartbeat - self._clock.monotonic()
            if left <= 0:
                if not may():
                    return
                yield f": nothing new\nid: {at}\n\n".encode("ascii")
                said = self._clock.monotonic()
                continue
            self._bell.wait(rung, min(left, LOOK))

    def _told(self, asked: Wanted, at: Cursor, looked: int) -> Told | None:
        """Return what there is to hear; None when nothing was written since, or it cannot be read.

        A catalogue that cannot be read now is read later: the cursor stands.
        """
        try:
            with self._reading:
                last = feed.last_round(self._engine)
                if last == looked:
                    return None
                told = hear(self._engine, asked, at, AT_ONCE, self._clock.wall_ns())
        except StorewardenError as error:
            if not error.transient:
                raise
            return None
        return told if told.more else told._replace(last=last)


def _message(id_: str, kind: str, text: str) -> bytes:
    return f"id: {id_}\nevent: {kind}\ndata: {text}\n\n".encode("ascii")
