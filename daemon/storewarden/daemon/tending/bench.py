"""A place of our own for one piece of work on a database, and how far that is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.wish import Told
from storewarden.errors import FileUnusable, WorkStopped

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SPARE: Final = 64 << 20  # bytes that are left to everybody else
_SHARE: Final = 0.02  # of the file system, the same


class Bench:
    """A directory below scratch, gone at the end with all that is in it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self.descriptor = descriptor

    def open(self, name: bytes) -> int:
        """Open a file that was made here; the caller closes it."""
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, dir_fd=self.descriptor)

    def new(self, name: bytes) -> int:
        """Make an empty file; the caller closes it."""
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, 0o600, dir_fd=self.descriptor)

    def clear(self) -> None:
        """Remove what was made here."""
        for name in os.listdir(self.descriptor):
            os.unlink(name, dir_fd=self.descriptor)

    def require(self, size: int, what: str) -> None:
        """Raise FileUnusable unless there is room for so many bytes, and some for others."""
        told = os.fstatvfs(self.descriptor)
        free = told.f_bavail * told.f_frsize
        spare = max(_SPARE, int(told.f_blocks * told.f_frsize * _SHARE))
        if free - size < spare:
            from storewarden.units import format_size  # noqa: PLC0415  # only when it is said

            raise FileUnusable(
                f"there is no room for {what}",
                where=str(self._path.parent),
                why=f"it takes {format_size(size)}, {format_size(free)} are free, and"
                f" {format_size(spare)} are left to others",
                remedy="make room: storewarden free",
            )


@contextmanager
def bench(hands: Hands) -> Iterator[Bench]:
    """Lend a directory of ours.

    Raises:
        FileUnusable: none can be made, or it has no room.
    """
    path = None
    descriptor = -1
    try:
        hands.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=hands.scratch))
        descriptor = os.open(path, _DIRECTORY)
        yield Bench(path, descriptor)
    except OSError as error:
        raise FileUnusable(
            "work on a database cannot be done", where=str(hands.scratch), why=error.strerror or ""
        ) from error
    finally:
        if descriptor >= 0:
            os.close(descriptor)
        if path is not None:
            shutil.rmtree(path, ignore_errors=True)


class Meter:
    """Tells how far the work on one database is, and ends it when somebody wants that."""

    def __init__(self, told: Tell, stopping: Stopping, at: Told) -> None:
        self._told, self._stopping, self._at = told, stopping, at

    def expect(self, size: int) -> Callable[[int], None]:
        """Return what is to be called with bytes as they pass, of so many."""
        self._at = self._at._replace(bytes=0, of_bytes=size)

        def passed(amount: int) -> None:
            if self._stopping():
                raise WorkStopped("work on a database was given up", where=self._at.database)
            done = min(self._at.bytes + amount, self._at.of_bytes)
            self._at = self._at._replace(bytes=done)
            self._told(self._at)

        return passed
