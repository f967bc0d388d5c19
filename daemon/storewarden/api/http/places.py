"""Room for so many connections at once: who is idle makes way for who comes, and all end together.

Each connection has a thread. As many as there are places may be open; when all are taken, the one
that has been idle for longest is closed, as every HTTP client expects of a connection it keeps.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Final

CONNECTIONS: Final = 128
_MAKE_WAY: Final = 0.05  # seconds that a connection may be idle undisturbed
_PATIENCE: Final = 1.0  # seconds that one who comes waits for a place


class Places:
    """Counts connections; any thread may call."""

    def __init__(self, most: int = CONNECTIONS) -> None:
        self._most = most
        self._open: set[Place] = set()
        self._changed = threading.Condition()
        self._closing = False
        self._waiting = 0  # who come and find no place

    def take(self, connection: socket.socket) -> Place | None:
        """Return a place for a connection, or None when there is none to be had."""
        with self._changed:
            if len(self._open) >= self._most and not self._wait():
                return None
            if self._closing:
                return None
            place = Place(self, connection)
            self._open.add(place)
            return place

    def _wait(self) -> bool:
        """Wait until there is room; an idle connection makes way for each who waits."""
        deadline = time.monotonic() + _PATIENCE
        self._waiting += 1
        try:
            while not self._closing and len(self._open) >= self._most:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._make_way()
                self._changed.wait(min(left, _MAKE_WAY))
        finally:
            self._waiting -= 1
        return True

    def count(self) -> int:
        """Return how many connections are open."""
        return len(self._open)

    def end(self, seconds: float) -> bool:
        """Take no more, end those that are idle at once; return whether all ended in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._closing = True
            for place in self._open:
                place.end()
            while self._open and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return not self._open

    def end_all(self) -> None:
        """Cut those that are still open."""
        with self._changed:
            for place in self._open:
                place.cut()

    @property
    def closing(self) -> bool:
        """Whether connections shall end with the request that they are at."""
        return self._closing

    def leave(self, place: Place) -> None:
        """Give a place back."""
        with self._changed:
            self._open.discard(place)
            self._changed.notify_all()

    def _make_way(self) -> None:
        if sum(place.ended for place in self._open) >= self._waiting:
            return  # they are on their way
        oldest = min(
            (place for place in self._open if place.waits()),
            key=lambda place: place.since,
            default=None,
        )
        if oldest is not None:
            oldest.end()


class Place:
    """The place of one connection."""

    def __init__(self, places: Places, connection: socket.socket) -> None:
        self._places, self._connection = places, connection
        self.since = time.monotonic()
        self._idle = True
        self.ended = False

    def busy(self) -> None:
        """Note that a request came."""
        self._idle = False

    def idle(self) -> bool:
        """Note that one was answered; return whether another may come."""
        self.since = time.monotonic()
        self._idle = True
        return not (self._places.closing or self.ended)

    def waits(self) -> bool:
        """Whether nothing happens on it, for a moment already."""
        return self._idle and not self.ended and time.monotonic() - self.since >= _MAKE_WAY

    def end(self) -> None:
        """End it, with the request that it is at if there is one."""
        self.ended = True
        if self._idle:
            self._shut(socket.SHUT_RD)

    def cut(self) -> None:
        """End it now."""
        self.ended = True
        self._shut(socket.SHUT_RDWR)

    def leave(self) -> None:
        """Give it back."""
        self._places.leave(self)

    def _shut(self, how: int) -> None:
        with contextlib.suppress(OSError):  # of the plain socket: TLS would be torn apart
            socket.socket.shutdown(self._connection, how)
