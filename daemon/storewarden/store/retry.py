"""A store that is asked again when it was away for a moment.

Only `StoreUnavailable` is tried again. A full store will not have room in seconds, and what was
refused stays refused.

A source can be read once. So a put is tried again only if nothing was read of the source yet, or
if the source can begin anew (`Repeatable`); and only after the store said that the object is not
there. The answer to a put can be lost on its way: what is there with the right length and tells
the right thing is what was put, and is not put twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from storewarden.errors import ObjectExists, StoreUnavailable
from storewarden.store.contract import Entry, Looked, Opened, Reader, Space, Store, Stored, Telling
from storewarden.store.wrapped import Wrapped

_Result = TypeVar("_Result")
_Open = TypeVar("_Open", bound=Opened)


@runtime_checkable
class Repeatable(Protocol):
    """A source that can be read again."""

    def read(self, size: int, /) -> bytes: ...

    def again(self) -> None:
        """Go back to the first byte; what is told of it afterwards is of this reading only.

        Raises:
            StorewardenError: it is not what it was, and so the put is given up.
        """


class Patience(NamedTuple):
    """How often something is tried, and how long is waited in between."""

    attempts: int = 5
    first_pause: float = 0.5  # seconds; each is twice the last
    longest_pause: float = 30.0

    def pause(self, failures: int, chance: float) -> float:
        """Return how long to wait, from half of the pause to all of it as chance (0 … 1) has it.

        Those that failed together do not come back together.
        """
        full = min(self.longest_pause, self.first_pause * 2.0 ** (failures - 1))
        return full * (1 + chance) / 2


class Retrying(Wrapped):
    """Asks again."""

    def __init__(
        self,
        store: Store,
        patience: Patience = Patience(),  # noqa: B008  # a tuple
        *,
        sleep: Callable[[float], None],
        chance: Callable[[], float],
    ) -> None:
        """Touch nothing.

        Args:
            store: that is asked.
            patience: with it.
            sleep: waits so many seconds.
            chance: from 0 to 1, as ``random.random``.
        """
        super().__init__(store)
        self._patience = patience
        self._sleep = sleep
        self._chance = chance

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        """Store all that a source has; ``about`` is asked once for each time it is read."""
        putting, trying = _Putting(source, about), self._trying()
        while True:
            try:
                return self._store.put(key, putting, putting.tell)
            except ObjectExists:
                # Of an answer that was lost, when the object came into sight late.
                found = putting.find_in(self, key) if trying.failures else None
                if found is None:
                    raise
                return found
            except StoreUnavailable as error:
                if error is putting.raised:  # the source has a store of its own
                    raise
                trying.wait()
                if found := putting.find_in(self, key):
                    return found
                if trying.is_over or not putting.begin_again():
                    raise

    def find(self, key: str) -> Stored | None:
        return self._ask(lambda: self._store.find(key))

    def about(self, key: str) -> bytes:
        return self._ask(lambda: self._store.about(key))

    def open(self, key: str, offset: int = 0) -> Opened:
        return _Resuming(lambda at: self._store.open(key, at), offset, self._trying())

    def look(self, stored: Stored, offset: int = 0) -> Looked:
        return _Looking(lambda at: self._store.look(stored, at), offset, self._trying())

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Yield entries; what fails after the first is not tried again, or some came twice."""
        entries, first = self._ask(lambda: _begun(self._store.list(prefix)))
        if first is not None:
            yield first
            yield from entries

    def remove(self, stored: Stored) -> bool:
        return self._ask(lambda: self._store.remove(stored))

    def sweep(self, before_ns: int) -> int:
        return self._ask(lambda: self._store.sweep(before_ns))

    def space(self) -> Space | None:
        return self._ask(self._store.space)

    def check(self) -> None:
        self._ask(self._store.check)

    def _ask(self, call: Callable[[], _Result]) -> _Result:
        trying = self._trying()
        while True:
            try:
                return call()
            except StoreUnavailable as error:
                trying.failed(error)

    def _trying(self) -> _Trying:
        return _Trying(self._patience, self._sleep, self._chance)


class _Trying:
    """Counts the failures of one thing, and waits after each."""

    def __init__(
        self, patience: Patience, sleep: Callable[[float], None], chance: Callable[[], float]
    ) -> None:
        self.failures = 0
        self._patience = patience
        self._sleep = sleep
        self._chance = chance

    @property
    def is_over(self) -> bool:
        return self.failures >= self._patience.attempts

    def wait(self) -> None:
        self.failures += 1
        self._sleep(self._patience.pause(self.failures, self._chance()))

    def failed(self, error: StoreUnavailable) -> None:
        """Wait before it is tried again; raise the error when this was the last time."""
        if self.failures + 1 >= self._patience.attempts:
            raise error
        self.wait()

    def worked(self) -> None:
        """Count from the beginning: what goes on for hours may fail now and then."""
        self.failures = 0


class _Putting:
    """A put from its first attempt to its last: what was read, and what was told."""

    def __init__(self, source: Reader, about: Telling) -> None:
        self.raised: BaseException | None = None  # by the source, or by who tells of it
        self._source = source
        self._about = about
        self._begun = False
        self._bytes = 0
        self._complete: set[tuple[int, bytes]] = set()  # what readings to the end came to

    def read(self, size: int, /) -> bytes:
        self._begun = True
        try:
            piece = self._source.read(size)
        except BaseException as error:
            self.raised = error
            raise
        self._bytes += len(piece)
        return piece

    def tell(self) -> bytes:
        try:
            telling = self._about()
        except BaseException as error:
            self.raised = error
            raise
        self._complete.add((self._bytes, telling))
        return telling

    def find_in(self, store: Store, key: str) -> Stored | None:
        """Return the object if it is there; ObjectExists if another has its key."""
        found = store.find(key)
        if found is None:
            return None
        if (found.bytes, store.about(key)) not in self._complete:
            raise ObjectExists("another object has the key", where=f"{store.name}: {key}")
        return found

    def begin_again(self) -> bool:
        """Tell whether the source can be read from its first byte on."""
        if not self._begun:
            return True
        if not isinstance(self._source, Repeatable):
            return False
        self._source.again()
        self._bytes = 0
        return True


class _Resuming(Opened, Generic[_Open]):
    """An object that is opened again where reading it ended: it is the same for ever."""

    def __init__(self, open_at: Callable[[int], _Open], offset: int, trying: _Trying) -> None:
        self._open_at = open_at
        self._position = offset
        self._trying = trying
        self._opened: _Open | None = None
        self._closed = False
        self._first = self._until_it_works(self._at)

    def read(self, size: int, /) -> bytes:
        piece = self._until_it_works(lambda: self._at().read(size))
        self._position += len(piece)
        self._trying.worked()
        return piece

    def close(self) -> None:
        self._closed = True
        self._let_go()

    def _at(self) -> _Open:
        if self._closed:
            raise ValueError("it is closed")
        if self._opened is None:
            self._opened = self._open_at(self._position)
        return self._opened

    def _until_it_works(self, call: Callable[[], _Result]) -> _Result:
        while True:
            try:
                return call()
            except StoreUnavailable as error:
                self._let_go()
                self._trying.failed(error)

    def _let_go(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


class _Looking(_Resuming[Looked], Looked):
    """The same of an object that also tells of itself."""

    def __init__(self, look_at: Callable[[int], Looked], offset: int, trying: _Trying) -> None:
        super().__init__(look_at, offset, trying)
        self.about = self._first.about


def _begun(entries: Iterator[Entry]) -> tuple[Iterator[Entry], Entry | None]:
    return entries, next(entries, None)
