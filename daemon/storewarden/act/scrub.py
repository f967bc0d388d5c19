"""Stored objects are read again, and compared with what they should be: how much, and how.

An object is read from where it lies to its end, as it is stored and as it unpacks: a bit that
changes nothing in the content is found as well, since whoever unpacks it by other means may trip
over it. What an object tells of itself belongs to it, for without a catalogue nothing else tells
whose it is.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, NamedTuple

from blake3 import blake3

from storewarden.act.about import About, from_bytes
from storewarden.act.codec import decoder
from storewarden.errors import ObjectDamaged, ObjectMissing
from storewarden.store.contract import Opened, Store

DAY: Final = 86_400.0  # seconds
SLOWLY: Final = 20 << 20  # bytes a second, unless a day's share does not fit
_BY_DAY: Final = DAY / 2  # in which a day's share has to be read, faster if need be


class Expected(NamedTuple):
    """What an object should be."""

    key: str
    size: int  # of the content
    digest: bytes  # of the content
    codec: str  # empty: as "none"
    stored_bytes: int


def share_of_day(share: float, stored_bytes: int, read_bytes: int) -> int:
    """Return how many bytes more are to be read today.

    Args:
        share: of all that is stored, each day.
        stored_bytes: all that is stored; an object counts for a byte more than it has.
        read_bytes: what was read in the last 24 hours, counted alike.
    """
    return max(0, int(share * stored_bytes) - read_bytes)


def pace(share: float, stored_bytes: int) -> float:
    """Return how many bytes to read in a second at most."""
    return max(float(SLOWLY), share * stored_bytes / _BY_DAY)


class Reading:
    """One object that is read again, a stretch at a time; closing it early is no verdict."""

    def __init__(self, store: Store, expected: Expected) -> None:
        """Ask the store for nothing yet."""
        self.read = 0  # bytes of the object
        self.version = ""  # that the object has now; known when it was read
        self.is_over = False
        self._store, self._expected = store, expected
        self._where = f"{store.name}: {expected.key}"
        self._steps = self._run()

    def go_on(self, most: int) -> int:
        """Read about so many bytes more, one at least before the end; return how many.

        Raises:
            ObjectMissing: there is no such object.
            ObjectDamaged: it is not what it should be, and why.
            StorewardenError: it cannot be read now; that says nothing of it.
        """
        before = self.read
        for _ in self._steps:
            if self.read - before >= most:
                return self.read - before
        self.is_over = True
        return self.read - before

    def close(self) -> None:
        """Give the object back."""
        self._steps.close()

    def _run(self) -> Generator[None, None, None]:
        expected, where = self._expected, self._where
        stored = self._store.find(expected.key)
        if stored is None:
            raise ObjectMissing("a stored object is not there any more", where=where)
        about = from_bytes(self._store.about(expected.key), where)
        self._refuse_another(about)
        content = blake3()
        with self._store.open(expected.key) as opened:
            tapped = _Tapped(opened)
            try:
                for piece in decoder(about.codec, about.size, where)(tapped):
                    content.update(piece)
                    self.read = tapped.bytes
                    yield
            finally:
                self.read = tapped.bytes
        self._compare(about, content.digest(), tapped)
        if self._store.find(expected.key) != stored:
            raise ObjectDamaged("a stored object was replaced while it was read", where=where)
        self.version = stored.version

    def _refuse_another(self, about: About) -> None:
        expected = self._expected
        told = (about.size, about.digest, about.codec, about.stored_bytes)
        codec = expected.codec or "none"
        if told != (expected.size, expected.digest, codec, expected.stored_bytes):
            raise ObjectDamaged(
                "a stored object is not what it should be",
                where=self._where,
                why="it tells of another content than was stored",
            )

    def _compare(self, about: About, content: bytes, tapped: _Tapped) -> None:
        if content != self._expected.digest:
            why = "its content has another digest"
        elif (tapped.bytes, tapped.digest) != (about.stored_bytes, about.stored_digest):
            why = "its content is right, and the bytes that hold it are not those that were stored"
        else:
            return
        raise ObjectDamaged("a stored object is not what it should be", where=self._where, why=why)


class _Tapped(Opened):
    """Hashes an object as it is read."""

    def __init__(self, opened: Opened) -> None:
        self.bytes = 0
        self._opened, self._hash = opened, blake3()

    @property
    def digest(self) -> bytes:
        return self._hash.digest()

    def read(self, size: int, /) -> bytes:
        piece = self._opened.read(size)
        self._hash.update(piece)
        self.bytes += len(piece)
        return piece

    def close(self) -> None:
        self._opened.close()
