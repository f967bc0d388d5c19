"""A store that takes and gives so many bytes a second, whoever puts and reads together."""

from __future__ import annotations

import threading
from collections.abc import Callable

from storewarden.clock import Clock
from storewarden.store.contract import Looked, Opened, Reader, Store, Stored, Telling
from storewarden.store.wrapped import Wrapped

_STEPS = 8  # a second: what is handed over at once is never more than one of these
_LEAST = 4096


class Limited(Wrapped):
    """Paces all that goes through one store."""

    def __init__(
        self,
        store: Store,
        bytes_per_second: int,
        *,
        clock: Clock,
        sleep: Callable[[float], None],
    ) -> None:
        super().__init__(store)
        self._pace = _Pace(bytes_per_second, clock, sleep)

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        return self._store.put(key, _Paced(source, self._pace), about)

    def open(self, key: str, offset: int = 0) -> Opened:
        return _PacedOpened(self._store.open(key, offset), self._pace)

    def look(self, stored: Stored, offset: int = 0) -> Looked:
        looked = self._store.look(stored, offset)
        return _PacedLooked(looked, self._pace, looked.about)


class _Pace:
    """Who moved bytes waits until they are paid for; a pause nobody used is not saved up."""

    def __init__(self, bytes_per_second: int, clock: Clock, sleep: Callable[[float], None]) -> None:
        if bytes_per_second <= 0:
            raise ValueError("nothing would ever be moved")
        self.most = max(_LEAST, bytes_per_second // _STEPS)
        self._rate = bytes_per_second
        self._clock = clock
        self._sleep = sleep
        self._paid = clock.monotonic()
        self._lock = threading.Lock()

    def pay(self, moved: int) -> None:
        with self._lock:
            now = self._clock.monotonic()
            self._paid = max(now, self._paid) + moved / self._rate
            wait = self._paid - now
        if wait > 0:
            self._sleep(wait)


class _Paced:
    def __init__(self, source: Reader, pace: _Pace) -> None:
        self._source = source
        self._pace = pace

    def read(self, size: int, /) -> bytes:
        piece = self._source.read(min(size, self._pace.most))
        self._pace.pay(len(piece))
        return piece


class _PacedOpened(Opened):
    def __init__(self, opened: Opened, pace: _Pace) -> None:
        self._opened = opened
        self._reading = _Paced(opened, pace)

    def read(self, size: int, /) -> bytes:
        return self._reading.read(size)

    def close(self) -> None:
        self._opened.close()


class _PacedLooked(_PacedOpened, Looked):
    def __init__(self, opened: Opened, pace: _Pace, about: bytes) -> None:
        super().__init__(opened, pace)
        self.about = about
