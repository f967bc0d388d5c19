"""What we read once must not push out of the page cache what applications read often."""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import Final

_CACHESTAT: Final = 451  # Linux 6.5; the same number on every architecture
_libc = ctypes.CDLL(None, use_errno=True)


class _Range(ctypes.Structure):
    _fields_ = (("start", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _Counts(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in ("cached", "dirty", "written_back", "evicted", "evicted_lately")
    )


def is_cached(descriptor: int, size: int) -> bool:
    """Tell whether half of a file or more is in the page cache: then it is in use.

    Where the kernel does not tell (before Linux 6.5), it is taken for not in use.
    """
    whole, counts = _Range(0, 0), _Counts()
    asked = _libc.syscall(
        ctypes.c_long(_CACHESTAT),
        ctypes.c_int(descriptor),
        ctypes.byref(whole),
        ctypes.byref(counts),
        ctypes.c_uint(0),
    )
    return asked == 0 and 2 * int(counts.cached) * os.sysconf("SC_PAGE_SIZE") >= size


class Wake:
    """Takes out of the page cache what was read of a file, a stretch at a time.

    A file that was in the cache before we came is somebody's: it stays there.
    """

    STRETCH: Final = 8 << 20

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._theirs = is_cached(descriptor, size)
        self._dropped = 0

    def passed(self, position: int) -> None:
        """Take note that all before a position was read."""
        if position - self._dropped >= self.STRETCH:
            self._drop(position)

    def end(self) -> None:
        """Drop what is left, the kernel's reading ahead included."""
        self._drop(0)

    def _drop(self, position: int) -> None:
        if self._theirs:
            return
        length = position - self._dropped if position else 0
        with contextlib.suppress(OSError):  # advice, which a file system may not take
            os.posix_fadvise(self._descriptor, self._dropped, length, os.POSIX_FADV_DONTNEED)
        self._dropped = position
