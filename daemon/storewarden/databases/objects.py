"""What a backup is in a store: put there, read back, fetched out of it again, and removed.

Only files of our own scratch directory are read and written here, never a database of anybody.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

from blake3 import blake3

from storewarden.act.codec import PIECE, Encoder, decoder
from storewarden.databases.about import About, from_bytes, key_for, to_bytes
from storewarden.errors import ObjectDamaged, ObjectMissing, WorkStopped
from storewarden.store.contract import Store, Stored

Progress = Callable[[int], None]
"""Told of bytes of content as they pass; what it raises stops the work."""


def quiet(_bytes: int) -> None:
    """Tell nobody of progress."""


def put(
    store: Store, descriptor: int, about: About, progress: Progress = quiet
) -> tuple[About, Stored]:
    """Store what an open file of ours holds; return what its object tells of itself, too.

    Args:
        store: where to.
        descriptor: of the file, read from its beginning.
        about: without what only reading tells: packed bytes, content's bytes and digest.
        progress: see `Progress`.

    Raises:
        StorewardenError: what the store says, see `Store.put`.
    """
    pour = _Pour(descriptor, about, progress)
    stored = store.put(key_for(about), pour, pour.told)
    return pour.about, stored


def read_back(store: Store, stored: Stored, about: About, progress: Progress = quiet) -> None:
    """Read an object to its end.

    Raises:
        ObjectDamaged: it, or what it tells, is not what was put.
        ObjectMissing: it is not there.
        StorewardenError: it cannot be read now.
    """
    _read(store, stored, about, lambda _piece: None, progress)


def fetch(
    store: Store, stored: Stored, about: About, descriptor: int, progress: Progress = quiet
) -> None:
    """Write what is packed in an object into an empty file of ours; raises as `read_back`.

    Raises:
        OSError: there is no room for it.
    """
    at = 0

    def write(piece: bytes) -> None:
        nonlocal at
        left = memoryview(piece)
        while left:
            written = os.pwrite(descriptor, left, at)
            left, at = left[written:], at + written

    _read(store, stored, about, write, progress)


def met(store: Store, key: str) -> tuple[About, Stored]:
    """Return what is under a key, and what it tells of itself.

    Raises:
        ObjectMissing: nothing is.
        ObjectDamaged: it is no backup, or not as long as it says.
        StorewardenError: the store cannot be read now.
    """
    where = f"{store.name}: {key}"
    stored = store.find(key)
    if stored is None:
        raise ObjectMissing("a backup is not there any more", where=where)
    about = from_bytes(store.about(key), where)
    if about.packed_bytes != stored.bytes:
        why = f"it has {stored.bytes:,} bytes, and says that it has {about.packed_bytes:,}"
        raise ObjectDamaged("a backup is not what was stored", where=where, why=why)
    return about, stored


def remove(store: Store, key: str) -> bool:
    """Remove an object of ours; false when there was none.

    Raises:
        StorewardenError: it cannot be removed now.
    """
    stored = store.find(key)
    return stored is not None and store.remove(stored)


def stopping(stop: Callable[[], bool], progress: Progress = quiet) -> Progress:
    """Return a progress that raises WorkStopped as soon as somebody wants an end."""

    def told(amount: int) -> None:
        if stop():
            raise WorkStopped("work on a backup was given up")
        progress(amount)

    return told


class _Pour:
    """Reads, hashes and packs a file as a store asks for it."""

    def __init__(self, descriptor: int, about: About, progress: Progress) -> None:
        self.about = about
        self._descriptor, self._progress = descriptor, progress
        self._encoder = Encoder(about.codec, os.fstat(descriptor).st_size)
        self._hasher = blake3()
        self._at = self._packed = 0
        self._ended = False

    def read(self, size: int, /) -> bytes:
        """Return bytes of the object, ``b""`` at its end."""
        packed = b""
        while not packed and not self._ended:
            piece = os.pread(self._descriptor, min(size, PIECE), self._at)
            self._at += len(piece)
            self._hasher.update(piece)
            self._progress(len(piece))
            self._ended = not piece
            packed = self._encoder.feed(piece) if piece else self._encoder.end()
        self._packed += len(packed)
        return packed

    def told(self) -> bytes:
        self.about = replace(
            self.about,
            packed_bytes=self._packed,
            content_bytes=self._at,
            content_digest=self._hasher.digest(),
        )
        return to_bytes(self.about)


def _read(
    store: Store, stored: Stored, about: About, use: Callable[[bytes], None], progress: Progress
) -> None:
    where = f"{store.name}: {stored.key}"
    decode = decoder(about.codec, about.content_bytes, where)
    hasher = blake3()
    with store.look(stored) as looked:
        if looked.about != to_bytes(about):
            raise _another(where, "it tells of another backup than was stored there")
        with closing(decode(looked)) as pieces:
            for piece in pieces:
                hasher.update(piece)
                use(piece)
                progress(len(piece))
    if hasher.digest() != about.content_digest:
        raise _another(where, "its content has another digest")


def _another(where: str, why: str) -> ObjectDamaged:
    return ObjectDamaged(
        "a backup is not what was stored",
        where=where,
        why=why,
        remedy="storewarden db backups tells the others",
    )
