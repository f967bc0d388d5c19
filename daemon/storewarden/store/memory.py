"""A store that is gone with its process: what stands in for a store in the tests of others."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Iterator
from typing import NamedTuple

from storewarden.clock import Clock, SystemClock
from storewarden.errors import ObjectDamaged, ObjectExists, ObjectMissing, StoreFull
from storewarden.store.contract import Entry, Opened, Reader, Space, Store, Stored, Telling
from storewarden.store.key import refuse_improper, refuse_large

_PIECE = 1 << 20


class _Object(NamedTuple):
    content: bytes
    size: int  # that was put
    about: bytes | None  # None: it cannot be read any more
    version: str
    modified_ns: int


class MemoryStore(Store):
    """Keeps the contract in memory, for as long as it lives."""

    def __init__(
        self, name: str = "memory", *, capacity: int | None = None, clock: Clock | None = None
    ) -> None:
        self.name = name
        self._capacity = capacity
        self._clock = clock or SystemClock()
        self._objects: dict[str, _Object] = {}
        self._versions = itertools.count(1)
        self._lock = threading.Lock()

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        refuse_improper(key, self.name)
        self._refuse_taken(key)
        pieces = []
        while piece := source.read(_PIECE):
            pieces.append(bytes(piece))
        content, told = b"".join(pieces), about()
        refuse_large(told, key, self.name)
        with self._lock:
            self._refuse_taken(key)
            if self._capacity is not None and self._used() + len(content) > self._capacity:
                raise StoreFull("no room in a store", where=f"{self.name}: {key}")
            version = str(next(self._versions))
            self._objects[key] = _Object(
                content, len(content), told, version, self._clock.wall_ns()
            )
        return Stored(key, len(content), version)

    def find(self, key: str) -> Stored | None:
        refuse_improper(key, self.name)
        found = self._objects.get(key)
        return found and Stored(key, len(found.content), found.version)

    def about(self, key: str) -> bytes:
        told = self._object(key).about
        if told is None:
            raise ObjectDamaged("an object tells nothing of itself", where=self._where(key))
        return told

    def open(self, key: str, offset: int = 0) -> Opened:
        return _OpenedBytes(self._object(key), offset, f"{self.name}: {key}")

    def list(self, prefix: str = "") -> Iterator[Entry]:
        with self._lock:
            known = list(self._objects.items())
        for key, found in known:
            if key.startswith(prefix):
                yield Entry(key, len(found.content), found.modified_ns)

    def remove(self, stored: Stored) -> bool:
        refuse_improper(stored.key, self.name)
        with self._lock:
            found = self._objects.get(stored.key)
            if found is None:
                return False
            if (len(found.content), found.version) != (stored.bytes, stored.version):
                raise ObjectExists("another object has its key", where=self._where(stored.key))
            del self._objects[stored.key]
        return True

    def sweep(self, before_ns: int) -> int:  # noqa: ARG002  # the contract's shape
        """Return 0: what is not finished here is nowhere."""
        return 0

    def space(self) -> Space | None:
        if self._capacity is None:
            return None
        return Space(max(0, self._capacity - self._used()), self._capacity)

    def check(self) -> None:
        """Return: there is nothing that could be wrong."""

    def spoil_about(self, key: str) -> None:
        """Forget what an object tells of itself, as a failing disk does; for tests."""
        with self._lock:
            self._objects[key] = self._objects[key]._replace(about=None)

    def hurt(self, key: str, content: bytes) -> None:
        """Change what is stored under a key, as a failing disk does; for tests."""
        with self._lock:
            self._objects[key] = self._objects[key]._replace(
                content=content, version=str(next(self._versions))
            )

    def _object(self, key: str) -> _Object:
        refuse_improper(key, self.name)
        found = self._objects.get(key)
        if found is None:
            raise ObjectMissing("there is no such object", where=self._where(key))
        return found

    def _refuse_taken(self, key: str) -> None:
        if key in self._objects:
            raise ObjectExists("the key is taken", where=self._where(key))

    def _used(self) -> int:
        return sum(len(found.content) for found in self._objects.values())

    def _where(self, key: str) -> str:
        return f"{self.name}: {key}"


class _OpenedBytes(Opened):
    def __init__(self, found: _Object, offset: int, where: str) -> None:
        self._stream = io.BytesIO(found.content)
        self._stream.seek(offset)
        self._damaged = len(found.content) != found.size
        self._where = where

    def read(self, size: int, /) -> bytes:
        piece = self._stream.read(size)
        if not piece and size and self._damaged:
            raise ObjectDamaged("an object is not as long as it was", where=self._where)
        return piece

    def close(self) -> None:
        self._stream.close()
