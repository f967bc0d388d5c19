"""An archive of rows in a store: packed, read back to its end, fetched again.

Only files of our own scratch directory are read and written here, never a database of anybody.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from blake3 import blake3

from storewarden.act.codec import PIECE, Encoder, decoder
from storewarden.errors import ObjectDamaged, ObjectMissing
from storewarden.store.contract import Store, Stored

Passed = Callable[[int], None]
_VERSION: Final = 1
# Of texts 1 makes a fifth more than 2 does, in two thirds of the time: rows wait for it, since none
# leaves before its archive was read back.
_LEVEL: Final = 1


def put(store: Store, key: str, path: bytes, about: Mapping[str, Any], passed: Passed) -> Stored:
    """Store an archive that lies in our scratch directory; durable when this returns."""
    with open(path, "rb", buffering=0) as file:
        packed = _Packed(file.read, os.fstat(file.fileno()).st_size, passed)
        written = json.dumps({"version": _VERSION, "what": "rows", **about}).encode("ascii")
        return store.put(key, packed, lambda: written)


def read_back(store: Store, stored: Stored, size: int, digest: bytes, passed: Passed) -> None:
    """Read an object to its end.

    Raises:
        ObjectDamaged: it is not what was put.
        StorewardenError: it cannot be read now.
    """
    _read(store, stored, size, digest, lambda piece: passed(len(piece)))


def fetch(store: Store, stored: Stored, size: int, digest: bytes, path: bytes) -> None:
    """Bring an archive into our scratch directory; raises as ``read_back``."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb", buffering=0) as file:

        def write(piece: bytes) -> None:
            left = memoryview(piece)
            while left:
                left = left[file.write(left) :]

        _read(store, stored, size, digest, write)


def find(store: Store, key: str, version: str) -> Stored:
    """Return the object of an archive.

    Raises:
        ObjectMissing: it is not there.
        ObjectDamaged: another one bears its key.
    """
    stored = store.find(key)
    where = f"{store.name}: {key}"
    if stored is None:
        raise ObjectMissing("an archive of rows is not there any more", where=where)
    if stored.version != version:
        raise ObjectDamaged("an archive of rows was replaced", where=where)
    return stored


def _read(
    store: Store, stored: Stored, size: int, digest: bytes, take: Callable[[bytes], None]
) -> None:
    where = f"{store.name}: {stored.key}"
    found = blake3()
    with store.look(stored) as opened:
        for piece in decoder("zstd", size, where)(opened):
            found.update(piece)
            take(piece)
    if found.digest() != digest:
        raise ObjectDamaged("an archive of rows is not what was stored", where=where)


class _Packed:
    """Packs a file as a store asks for it."""

    def __init__(self, read: Callable[[int], bytes | None], size: int, passed: Passed) -> None:
        self._read, self._passed = read, passed
        self._encoder = Encoder("zstd", size, _LEVEL)
        self._ended = False

    def read(self, _size: int, /) -> bytes:
        packed = b""
        while not packed and not self._ended:
            piece = self._read(PIECE) or b""
            self._passed(len(piece))
            self._ended = not piece
            packed = self._encoder.feed(piece) if piece else self._encoder.end()
        return packed
