"""A store that is opened when it is first used, and left alone for a while after it failed.

What is away answers late, if at all: each of a thousand files would wait for that. So after a
failure everything is refused at once, with its reason, until some seconds passed; then the next
call is the trial, and if it fails the pause doubles. What a store refuses is asked of it anew with
what is configured then: a corrected key counts without a restart.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeVar

from storewarden.clock import Clock
from storewarden.errors import StoreRefused, StoreUnavailable, StorewardenError
from storewarden.store.contract import Entry, Looked, Opened, Reader, Space, Store, Stored, Telling
from storewarden.units import format_duration

FIRST_PAUSE: Final = 5.0  # seconds
LONGEST_PAUSE: Final = 60.0

_Result = TypeVar("_Result")


class StoreState(NamedTuple):
    """What the last call to a store came to."""

    up: bool | None = None  # None: nobody has asked it anything
    why: str = ""  # it is not
    since_ns: int = 0  # when that began
    asked: float = 0.0  # when it was last asked, by the monotonic clock


class Configured(Store):
    """One store of the configuration."""

    def __init__(self, name: str, make: Callable[[], Store], clock: Clock) -> None:
        """Touch nothing.

        Args:
            name: of the store.
            make: opens it as it is configured; may raise what any call may.
            clock: for pauses.
        """
        self.name = name
        self.state = StoreState()
        self._make = make
        self._clock = clock
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._pause = 0.0
        self._rests_until = 0.0

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        reading = _Reading(source, about)
        return self._use(
            lambda store: store.put(key, reading, reading.tell), lambda: reading.raised
        )

    def find(self, key: str) -> Stored | None:
        return self._use(lambda store: store.find(key))

    def about(self, key: str) -> bytes:
        return self._use(lambda store: store.about(key))

    def open(self, key: str, offset: int = 0) -> Opened:
        return _Watched(self._use(lambda store: store.open(key, offset)), self._judged)

    def look(self, stored: Stored, offset: int = 0) -> Looked:
        looked = self._use(lambda store: store.look(stored, offset))
        return _WatchedLook(looked, self._judged, looked.about)

    def receipt(self, stored: Stored) -> bytes | None:
        with self._lock:
            store = self._store
        return None if store is None else store.receipt(stored)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        entries = self._use(lambda store: store.list(prefix))
        while (entry := self._judged(lambda: next(entries, None))) is not None:
            yield entry

    def remove(self, stored: Stored) -> bool:
        return self._use(lambda store: store.remove(stored))

    def sweep(self, before_ns: int) -> int:
        return self._use(lambda store: store.sweep(before_ns))

    def space(self) -> Space | None:
        return self._use(lambda store: store.space())

    def check(self) -> None:
        self._use(lambda store: store.check())

    def close(self) -> None:
        with self._lock:
            store, self._store = self._store, None
        if store is not None:
            store.close()

    def _use(
        self,
        call: Callable[[Store], _Result],
        others: Callable[[], BaseException | None] = lambda: None,
    ) -> _Result:
        self._refuse_resting()
        return self._judged(lambda: call(self._opened()), others)

    def _judged(
        self,
        call: Callable[[], _Result],
        others: Callable[[], BaseException | None] = lambda: None,
    ) -> _Result:
        """Call, and note what it says of the store; ``others`` tells what somebody else raised."""
        try:
            result = call()
        except (StoreUnavailable, StoreRefused) as error:
            if error is not others():
                self._failed(error)
            raise
        except StorewardenError:  # it answered, though not as one would like
            self._answered()
            raise
        self._answered()
        return result

    def _opened(self) -> Store:
        with self._lock:
            if self._store is None:
                self._store = self._make()
            return self._store

    def _refuse_resting(self) -> None:
        left = self._rests_until - self._clock.monotonic()
        if left > 0:
            raise StoreUnavailable(
                "a store is left alone for a while",
                where=self.name,
                why=self.state.why,
                remedy=f"it is asked again in {format_duration(max(1.0, round(left)))}",
            )

    def _answered(self) -> None:
        now = self._clock.monotonic()
        if self.state.up:
            self.state = self.state._replace(asked=now)
            return
        self._pause = self._rests_until = 0.0
        self.state = StoreState(up=True, since_ns=self._clock.wall_ns(), asked=now)

    def _failed(self, error: StorewardenError) -> None:
        now = self._clock.monotonic()
        since = self.state.since_ns if self.state.up is False else self._clock.wall_ns()
        self.state = StoreState(up=False, why=str(error), since_ns=since, asked=now)
        if isinstance(error, StoreRefused):
            with self._lock:
                self._store = None
            return
        self._pause = min(LONGEST_PAUSE, self._pause * 2) or FIRST_PAUSE
        self._rests_until = now + self._pause


class _Reading:
    """A source whose own failures are not blamed on the store that reads it."""

    def __init__(self, source: Reader, about: Telling) -> None:
        self.raised: BaseException | None = None
        self._source, self._about = source, about

    def read(self, size: int, /) -> bytes:
        try:
            return self._source.read(size)
        except BaseException as error:
            self.raised = error
            raise

    def tell(self) -> bytes:
        try:
            return self._about()
        except BaseException as error:
            self.raised = error
            raise


class _Watched(Opened):
    """An object whose reading tells as well whether its store is there."""

    def __init__(self, opened: Opened, judged: Callable[[Callable[[], bytes]], bytes]) -> None:
        self._opened, self._judged = opened, judged

    def read(self, size: int, /) -> bytes:
        return self._judged(lambda: self._opened.read(size))

    def close(self) -> None:
        self._opened.close()


class _WatchedLook(_Watched, Looked):
    def __init__(
        self, opened: Opened, judged: Callable[[Callable[[], bytes]], bytes], about: bytes
    ) -> None:
        super().__init__(opened, judged)
        self.about = about
