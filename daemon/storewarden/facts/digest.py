"""The BLAKE3 digest of a file that was the same before and after it was read."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import stat
from collections.abc import Callable
from typing import Final, NamedTuple

from blake3 import blake3

from storewarden.model import entry_of

_CHUNK: Final = 1 << 20
_DROP: Final = 32 << 20  # what a file may take of the page cache while it is read
# Non-blocking: a fifo that took the place of a file must not hang us.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

# ioprio_set has no wrapper in any C library; idle class, this process.
_IOPRIO_SET: Final = {"x86_64": 251, "aarch64": 30, "riscv64": 30, "ppc64le": 273, "s390x": 282}
_IDLE: Final = 3 << 13

CHANGED: Final = errno.EAGAIN  # the file changed while it was read: take its digest later


class Taken(NamedTuple):
    """A digest and what the file was while it was read, or the ``error`` that prevented it."""

    error: int
    inode: int = 0
    size: int = 0
    modified_ns: int = 0
    digest: bytes = b""


def digest_of(open_file: Callable[[int], int]) -> Taken:
    """Read one file; ``open_file(flags)`` opens it. Nothing but a regular file is read."""
    try:
        descriptor = _open(open_file)
    except OSError as error:
        return Taken(error.errno or errno.EIO)
    try:
        return _digest(descriptor)
    except OSError as error:
        return Taken(error.errno or errno.EIO)
    finally:
        os.close(descriptor)


def _open(open_file: Callable[[int], int]) -> int:
    """Open past the access time where the file is ours or we may do so."""
    try:
        return open_file(_READ | os.O_NOATIME)
    except PermissionError:
        return open_file(_READ)


def _digest(descriptor: int) -> Taken:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        return Taken(errno.EINVAL)
    digest = blake3()
    left, dropped = before.st_size, 0
    while left >= 0 and (chunk := os.read(descriptor, _CHUNK)):
        digest.update(chunk)
        left -= len(chunk)  # what grows as fast as it is read has no end
        read = before.st_size - left
        if read - dropped >= _DROP:
            _drop(descriptor, dropped, read - dropped)
            dropped = read
    after = os.fstat(descriptor)
    if after.st_size > _CHUNK:
        _drop(descriptor, dropped, 0)
    if left != 0 or _identity(before) != _identity(after):
        return Taken(CHANGED)
    entry = entry_of(b"", after)  # as it was recorded, or it would be compared in vain
    return Taken(0, entry[1], entry[6], entry[8], digest.digest())


def _drop(descriptor: int, start: int, length: int) -> None:
    """Take out of the cache what was read once, by us: a large file must not fill it."""
    with contextlib.suppress(OSError):
        os.posix_fadvise(descriptor, start, length, os.POSIX_FADV_DONTNEED)


def _identity(status: os.stat_result) -> tuple[int, int, int, int, int]:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def lowest_priority() -> None:
    """Take only what nobody else wants of processor and disk."""
    os.nice(19)
    number = _IOPRIO_SET.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None).syscall(number, 1, 0, _IDLE)
