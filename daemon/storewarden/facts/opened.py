"""Open a file of somebody else's for reading, and tell whether it stayed what it was meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from storewarden.model import entry_of

# Non-blocking: a fifo that took the place of a file must not hang us.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

CHANGED: Final = errno.EAGAIN  # the file changed while it was read: read it later


class Identity(NamedTuple):
    """What a file was while it was read, in the terms in which it was recorded."""

    inode: int
    size: int
    modified_ns: int


class Opened(NamedTuple):
    """An open regular file and what it was when it was opened."""

    descriptor: int
    status: os.stat_result

    @property
    def identity(self) -> Identity:
        """What it was, as it was recorded: anything else would be compared in vain."""
        entry = entry_of(b"", self.status)
        return Identity(entry[1], entry[6], entry[8])

    def changed(self) -> bool:
        """Tell whether it is another than when it was opened."""
        return _signs(self.status) != _signs(os.fstat(self.descriptor))


@contextmanager
def opened(open_file: Callable[[int], int]) -> Iterator[Opened]:
    """Open one regular file; ``open_file(flags)`` does it. Raises OSError for anything else."""
    descriptor = _open(open_file)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is no regular file")
        yield Opened(descriptor, status)
    finally:
        os.close(descriptor)


def _open(open_file: Callable[[int], int]) -> int:
    """Open past the access time where the file is ours or we may do so."""
    try:
        return open_file(_READ | os.O_NOATIME)
    except PermissionError:
        return open_file(_READ)


def _signs(status: os.stat_result) -> tuple[int, int, int, int, int]:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
