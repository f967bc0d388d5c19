"""Reading what lies in a directory store from its disk, and not from what was written lately."""

from __future__ import annotations

import contextlib
import os

from storewarden.errors import ObjectDamaged
from storewarden.store.contract import Opened
from storewarden.store.disk import READ, Disk, blamed


class OpenedFile(Opened):
    """An object that is read; it has to be as long as it was put."""

    def __init__(
        self, disk: Disk, descriptor: int, offset: int, size: int | None, where: str
    ) -> None:
        self._disk = disk
        self._descriptor = descriptor
        self._position = offset
        self._size = size
        self._where = where
        self._open = True

    def read(self, size: int, /) -> bytes:
        with blamed("an object cannot be read", self._where):
            piece = self._disk.read(self._descriptor, size)
        self._position += len(piece)
        if self._size is None:  # what lay beside it is lost, and that is told by `about`
            return piece
        short = not piece and size and self._position < self._size
        if short or (piece and self._position > self._size):
            raise ObjectDamaged(
                "an object is not as long as it was put",
                where=self._where,
                why=f"{self._size} bytes were, it is {'shorter' if short else 'longer'}",
            )
        return piece

    def close(self) -> None:
        if self._open:
            self._open = False
            forget(self._descriptor)
            self._disk.close(self._descriptor)


def forget(descriptor: int) -> None:
    """Ask the kernel to keep nothing of a file in memory, so that reading it asks the disk."""
    with contextlib.suppress(OSError):  # some file systems do not know how
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def open_from(disk: Disk, way: int, name: bytes, offset: int) -> int:
    """Open a file for reading from an offset on, from its disk."""
    descriptor = disk.open(name, READ, way)
    try:
        forget(descriptor)
        os.lseek(descriptor, offset, os.SEEK_SET)
    except BaseException:
        disk.close(descriptor)
        raise
    return descriptor


def content(disk: Disk, way: int, name: bytes, most: int) -> bytes:
    """Return what is in a small file, up to so many bytes."""
    descriptor = open_from(disk, way, name, 0)
    try:
        pieces = bytearray()
        while len(pieces) < most and (piece := disk.read(descriptor, most - len(pieces))):
            pieces += piece
        return bytes(pieces)
    finally:
        disk.close(descriptor)
