"""A file of ours into which an image is written, past the page cache where its place allows that.

Data that waits in the page cache for blocks of its own is written by the next commit of the file
system's journal, whoever asked for that: an application that commits a row would wait for our
mebibytes. Written straight into blocks that were set aside before, it concerns nobody else, takes
a tenth of the processor's time, and drives nothing of an application out of memory.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from typing import Final

_ALIGNED: Final = 4096  # what every disk can write by itself
_BEGIN_EVERY: Final = 8 << 20
_START_WRITING: Final = 2  # SYNC_FILE_RANGE_WRITE
_WRITE_AND_WAIT: Final = 7  # and wait, before and after
_CANNOT: Final = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EINVAL})

_libc = ctypes.CDLL(None, use_errno=True)


class Output:
    """An open file of ours; what is written straight comes from page-aligned memory."""

    def __init__(self, descriptor: int, size: int) -> None:
        """Set so many bytes aside in an empty file.

        Raises:
            OSError: there is no room for them.
        """
        self.descriptor = descriptor
        self._straight = bool(size) and _set_aside(descriptor, size) and straight(descriptor)
        self._tail: tuple[int, bytes] | None = None
        self._begun = 0

    def write(self, data: memoryview, at: int) -> None:
        """Write all of some bytes; the end of a file that is no whole block waits for `cached`."""
        if self._straight and at % _ALIGNED == 0:
            whole = len(data) // _ALIGNED * _ALIGNED
            if len(data) > whole:
                self._tail = (at + whole, bytes(data[whole:]))
            try:
                write_all(self.descriptor, data[:whole], at)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                self.cached()
            else:
                return
        write_all(self.descriptor, data, at)
        self._begin(at + len(data))

    def cached(self) -> None:
        """Write through the page cache from now on, as pieces of any size have to be."""
        if self._straight:
            self._straight = False
            straight(self.descriptor, wanted=False)
        if self._tail is not None:
            (at, data), self._tail = self._tail, None
            write_all(self.descriptor, memoryview(data), at)

    def settle(self) -> None:
        """Wait until what was written is with the disk."""
        if not self._straight:
            _sync_range(self.descriptor, 0, 0, _WRITE_AND_WAIT)

    def _begin(self, end: int) -> None:
        """Let the disk begin with what is there: syncing waits for less of it at the end."""
        if end - self._begun >= _BEGIN_EVERY:
            _sync_range(self.descriptor, self._begun, end - self._begun, _START_WRITING)
            self._begun = end


def straight(descriptor: int, *, wanted: bool = True) -> bool:
    """Have an open file written past the page cache, or not; tell whether it is now.

    All who were handed the descriptor share that.
    """
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    now = flags | os.O_DIRECT if wanted else flags & ~os.O_DIRECT
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, now)
    except OSError:  # its file system knows no such writing
        return False
    return wanted


def write_all(descriptor: int, data: memoryview, at: int) -> None:
    """Write all of some bytes to a place of a file."""
    while data:
        written = os.pwrite(descriptor, data, at)
        data, at = data[written:], at + written


def _set_aside(descriptor: int, size: int) -> bool:
    """Give a file its blocks; false where its file system cannot."""
    if _libc.fallocate(descriptor, 0, ctypes.c_int64(0), ctypes.c_int64(size)) == 0:
        return True
    error = ctypes.get_errno()
    if error in _CANNOT:
        return False
    raise OSError(error, os.strerror(error))


def _sync_range(descriptor: int, start: int, length: int, how: int) -> None:
    _libc.sync_file_range(
        descriptor, ctypes.c_int64(start), ctypes.c_int64(length), ctypes.c_uint(how)
    )
