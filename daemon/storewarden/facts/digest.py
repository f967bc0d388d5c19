"""The BLAKE3 digest of a file that was the same before and after it was read."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
from collections.abc import Callable
from typing import Final, NamedTuple

from blake3 import blake3

from storewarden.facts.opened import CHANGED, Opened, opened

_CHUNK: Final = 1 << 20
_DROP: Final = 32 << 20  # what a file may take of the page cache while it is read

# ioprio_set has no wrapper in any C library; idle class, this process.
_IOPRIO_SET: Final = {"x86_64": 251, "aarch64": 30, "riscv64": 30, "ppc64le": 273, "s390x": 282}
_IDLE: Final = 3 << 13


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
        with opened(open_file) as file:
            return _digest(file)
    except OSError as error:
        return Taken(error.errno or errno.EIO)


def _digest(file: Opened) -> Taken:
    size = file.status.st_size
    digest = blake3()
    left, dropped = size, 0
    while left >= 0 and (chunk := os.read(file.descriptor, _CHUNK)):
        digest.update(chunk)
        left -= len(chunk)  # what grows as fast as it is read has no end
        read = size - left
        if read - dropped >= _DROP:
            _drop(file.descriptor, dropped, read - dropped)
            dropped = read
    if size > _CHUNK:
        _drop(file.descriptor, dropped, 0)
    if left != 0 or file.changed():
        return Taken(CHANGED)
    return Taken(0, *file.identity, digest.digest())


def _drop(descriptor: int, start: int, length: int) -> None:
    """Take out of the cache what was read once, by us: a large file must not fill it."""
    with contextlib.suppress(OSError):
        os.posix_fadvise(descriptor, start, length, os.POSIX_FADV_DONTNEED)


def lowest_priority() -> None:
    """Take only what nobody else wants of processor and disk."""
    with contextlib.suppress(PermissionError):  # a service may be kept from it: it is nice already
        os.nice(19)
    number = _IOPRIO_SET.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None).syscall(number, 1, 0, _IDLE)
