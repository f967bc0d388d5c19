"""An object of an object store, read range by range: what breaks is taken up where it broke."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from storewarden.errors import (
    ObjectDamaged,
    ObjectExists,
    ObjectMissing,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.store.blame import Place
from storewarden.store.contract import Looked, Opened
from storewarden.store.limits import Limits

_READING: Final = "an object cannot be read"

Fetch = Callable[[int, int], tuple[memoryview, int]]
"""Return bytes from start to end of the very object that was opened, and its whole size."""


class Ranged(Opened):
    """Reads one object; holds one range in memory."""

    def __init__(
        self,
        fetch: Fetch,
        place: Place,
        span: range,
        limits: Limits,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Read ``span`` in its steps; it ends where the object does."""
        self._fetch, self._place = fetch, place
        self._at, self._size, self._step = span.start, span.stop, span.step
        self._limits, self._sleep = limits, sleep
        self._held = memoryview(b"")
        self._closed = False

    def read(self, size: int, /) -> bytes:
        if self._closed:
            raise ValueError("read of a closed object")
        if not self._held and self._at < self._size and size > 0:
            self._held = self._next()
        taken, self._held = bytes(self._held[:size]), self._held[size:]
        return taken

    def close(self) -> None:
        self._closed = True
        self._held = memoryview(b"")

    def _next(self) -> memoryview:
        """Return what comes next, at least a byte of it."""
        end = min(self._at + self._step, self._size)
        pause = self._limits.pause
        for left in reversed(range(self._limits.attempts)):
            try:
                piece, whole = self._fetch(self._at, end)
            except (ObjectMissing, ObjectExists):
                raise self._damaged("it was removed or replaced while it was read") from None
            except StorewardenError as error:
                if not error.transient or not left:
                    raise
            else:
                if whole != self._size:
                    raise self._damaged(f"{whole} bytes instead of {self._size}")
                if 0 < len(piece) <= end - self._at:
                    self._at += len(piece)
                    return piece
            self._sleep(pause)
            pause *= 2
        raise StoreUnavailable(
            _READING, where=str(self._place), why="it sends nothing", remedy="it is tried again"
        )

    def _damaged(self, why: str) -> ObjectDamaged:
        return ObjectDamaged(_READING, where=str(self._place), why=why)


class RangedLook(Ranged, Looked):
    """The same of an object of which the beginning, and what it tells of itself, came already."""

    def __init__(
        self,
        fetch: Fetch,
        place: Place,
        span: range,
        limits: Limits,
        *,
        held: memoryview,
        about: bytes,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Read ``held`` and then ``span``."""
        super().__init__(fetch, place, span, limits, sleep=sleep)
        self._held, self.about = held, about
