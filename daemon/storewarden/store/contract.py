"""What every store promises; one suite of tests holds all of them to it.

An object is written once and never changed: what a key names is, as long as it is there, what was
put under it. All calls block, may be made by any thread, and end: a store that is away or too slow
raises ``StoreUnavailable`` after a time of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from storewarden.errors import ObjectDamaged, ObjectMissing

LARGEST_ABOUT = 64 << 10  # bytes that an object may tell of itself
LONGEST_KEY = 900  # bytes; object stores take 1024, of which a prefix may need some


class Reader(Protocol):
    """Bytes in their order; ``b""`` is the end."""

    def read(self, size: int, /) -> bytes: ...


Telling = Callable[[], bytes]
"""What an object tells of itself, asked for when all of it was read."""


class Opened(ABC):
    """An object that is read; closing it early costs nothing."""

    @abstractmethod
    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, at least one before the end.

        Raises:
            StoreUnavailable: the rest cannot be had now.
            ObjectDamaged: there is less than there was put.
        """

    @abstractmethod
    def close(self) -> None:
        """Give everything back; a second time does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Looked(Opened):
    """One object that is read, and what it tells of itself.

    All of it was there under its key when its last byte was read: reading its end raises
    ObjectDamaged if another content had come in its place by then.
    """

    about: bytes


class Stored(NamedTuple):
    """An object as it was met: ``version`` tells it from any other that ever bears its key."""

    key: str
    bytes: int
    version: str


class Entry(NamedTuple):
    """An object in a listing."""

    key: str
    bytes: int
    modified_ns: int


class Space(NamedTuple):
    """Room in a store, in bytes."""

    free: int
    total: int


class Store(ABC):
    """Somewhere objects can be. Keys are text as ``store.key`` makes it."""

    name: str

    @abstractmethod
    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        """Store all that a source has, and what it tells of itself; durable when this returns.

        Nothing can be seen under the key before all of it is there. ``about`` is asked once, after
        the source came to its end and before anything can be seen: it tells of digests that only
        reading finds, and a file is read once. What either of them raises goes through, and
        leaves nothing.

        Raises:
            ObjectExists: the key is taken; what is there is untouched.
            StoreFull: there is no room; nothing is left behind.
            StoreUnavailable: it cannot be written now; whether the object is there is told by
                ``find``. What is left half done, ``sweep`` removes.
            StoreRefused: it may not be written, or cannot ever be so.
        """

    @abstractmethod
    def find(self, key: str) -> Stored | None:
        """Return an object, None when there is none."""

    @abstractmethod
    def about(self, key: str) -> bytes:
        """Return what an object tells of itself.

        Raises:
            ObjectMissing: there is no such object.
            ObjectDamaged: it tells nothing, or not what it once did.
        """

    @abstractmethod
    def open(self, key: str, offset: int = 0) -> Opened:
        """Return an object for reading, read from where it lies and not from a cache of ours.

        Raises:
            ObjectMissing: there is no such object.
        """

    def look(self, stored: Stored, offset: int = 0) -> Looked:
        """Return exactly this object for reading, with what it tells, in as few steps as it takes.

        Raises:
            ObjectMissing: there is no such object.
            ObjectDamaged: another one bears its key, or it does not tell what it once did.
        """
        self._require(stored)
        about = self.about(stored.key)
        return _StillThere(self.open(stored.key, offset), about, lambda: self._require(stored))

    def receipt(self, stored: Stored) -> bytes | None:  # noqa: ARG002  # most stores give none
        """Return what an object tells of itself if the store named its checksum as it took it.

        That was the checksum of all that the store then had, and it was that of what was sent. It
        is said once, and by the one that put the object; None means that it has to be read.
        """
        return None

    def _require(self, stored: Stored) -> None:
        found = self.find(stored.key)
        where = f"{self.name}: {stored.key}"
        if found is None:
            raise ObjectMissing("a copy is not there any more", where=where)
        if found != stored:
            raise ObjectDamaged("a copy was replaced", where=where)

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Yield all objects whose keys begin so, in any order; what is half done is not among them.

        What is put or removed meanwhile may be met or not.
        """

    @abstractmethod
    def remove(self, stored: Stored) -> bool:
        """Remove an object that was met; false when it is not there any more.

        Raises:
            ObjectExists: another one bears its key now; it is untouched.
        """

    @abstractmethod
    def sweep(self, before_ns: int) -> int:
        """Remove what was begun before a time and never finished; return of how many objects."""

    @abstractmethod
    def space(self) -> Space | None:
        """Return what room there is; None where nobody can tell."""

    @abstractmethod
    def check(self) -> None:
        """Write, read and remove a small object: who returns from this can be used.

        Raises:
            StorewardenError: why it cannot, and what to do.
        """

    def close(self) -> None:  # noqa: B027  # not every store holds something
        """Give everything back; the store may be used again."""


class _StillThere(Looked):
    """Looks again when all was read: only then it is known what was read."""

    def __init__(self, opened: Opened, about: bytes, require: Callable[[], None]) -> None:
        self.about = about
        self._opened, self._require = opened, require

    def read(self, size: int, /) -> bytes:
        piece = self._opened.read(size)
        if size > 0 and not piece:
            try:
                self._require()
            except ObjectMissing as error:
                raise ObjectDamaged("a copy was replaced", where=error.where) from None
        return piece

    def close(self) -> None:
        self._opened.close()
