"""Files that are not yet to be seen: written and synced under a name nobody guesses, then named."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from hashlib import blake2b
from typing import Final, NamedTuple, Self

from storewarden.store.contract import LARGEST_ABOUT
from storewarden.store.disk import Disk, publish, write_all
from storewarden.store.reading import forget

# Bytes that wait in memory at most: a film of 20 GB would push out what applications work with.
SYNC_EVERY: Final = 64 << 20

_HEADER: Final = 512  # bytes, more than ours has
LARGEST_TOLD: Final = LARGEST_ABOUT + _HEADER


class Half:
    """A file that is being written; gone at the end, unless it was published."""

    def __init__(self, disk: Disk, directory: int) -> None:
        self._disk = disk
        self._directory = directory
        self.name = os.urandom(16).hex().encode()
        self._descriptor = disk.create(self.name, directory)
        self._loose = 0
        self._published: tuple[int, bytes] | None = None
        self.bytes = 0

    def write(self, piece: bytes) -> None:
        """Add to it."""
        write_all(self._disk, self._descriptor, piece)
        self.bytes += len(piece)
        self._loose += len(piece)
        if self._loose >= SYNC_EVERY:
            self._sync()

    def finish(self) -> None:
        """Return when all of it is on the disk.

        An error here is final: what was written may be lost, and the kernel says so only once.
        """
        self._sync()
        size = self._disk.fstat(self._descriptor).st_size
        if size != self.bytes:
            raise OSError(errno.EIO, f"{size} bytes are there of {self.bytes} written")

    def _sync(self) -> None:
        """Write down what is in memory only, and leave that memory to others."""
        self._disk.sync(self._descriptor)
        forget(self._descriptor)
        self._loose = 0

    def publish(self, directory: int, name: bytes) -> None:
        """Give it its name, unless something bears it: FileExistsError."""
        self._published = directory, name
        publish(self._disk, self._directory, self.name, directory, name)

    def take_back(self) -> None:
        """Remove it from where it was published, if that is where it is."""
        if self._published is None:
            return
        directory, name = self._published
        with contextlib.suppress(FileNotFoundError):
            there, mine = self._disk.stat(name, directory), self._disk.fstat(self._descriptor)
            if (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
                self._disk.unlink(name, directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What cannot be removed now is swept later. A name that was published is another one.
        with contextlib.suppress(OSError):
            self._disk.unlink(self.name, self._directory)
        self._disk.close(self._descriptor)


class Told(NamedTuple):
    """What lies beside an object: what it tells of itself, and how long it is."""

    about: bytes
    size: int

    def written(self) -> bytes:
        """Return it as it is stored: a line of ours, then what was told, as it was."""
        header = {"storewarden": 1, "bytes": self.size, "about": _digest(self)}
        return json.dumps(header).encode() + b"\n" + self.about

    @classmethod
    def read(cls, written: bytes) -> Told | None:
        """Return what was stored, None when this is not all of it."""
        header, _, about = written.partition(b"\n")
        try:
            told = cls(about, int(json.loads(header)["bytes"]))
        except (ValueError, KeyError, TypeError):
            return None
        return told if written == told.written() else None


def _digest(told: Told) -> str:
    return blake2b(b"%d\n%s" % (told.size, told.about), digest_size=16).hexdigest()
