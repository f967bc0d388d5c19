"""The kernel's inotify, as thin as it can be: a descriptor, watches, bytes that are events."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
import termios
from typing import Final

# Of linux/inotify.h. What records truth never asks for opening: our own looks would make events.
ATTRIB: Final = 0x00000004
CLOSE_WRITE: Final = 0x00000008
CLOSE_NOWRITE: Final = 0x00000010
OPEN: Final = 0x00000020
MOVED_FROM: Final = 0x00000040
MOVED_TO: Final = 0x00000080
CREATE: Final = 0x00000100
DELETE: Final = 0x00000200
DELETE_SELF: Final = 0x00000400
MOVE_SELF: Final = 0x00000800
UNMOUNT: Final = 0x00002000
Q_OVERFLOW: Final = 0x00004000
IGNORED: Final = 0x00008000
ONLYDIR: Final = 0x01000000
EXCL_UNLINK: Final = 0x04000000
MASK_ADD: Final = 0x20000000
ISDIR: Final = 0x40000000

# What every directory is watched for. Without EXCL_UNLINK a deleted temporary file would still
# be announced under its old name when its writer closes it; without MASK_ADD a second look at
# the root, through a bind mount inside it, would take its own part of the mask away.
DIRECTORY_MASK: Final = (CREATE | CLOSE_WRITE | ATTRIB | MOVED_FROM | MOVED_TO | DELETE) | (
    ONLYDIR | EXCL_UNLINK | MASK_ADD
)
# What is counted, by an instance of its own. OPEN stands between two ends of a read, else the
# kernel would make one event of them; names are followed, so that what was counted stays with its
# file.
USAGE_MASK: Final = (OPEN | CLOSE_WRITE | CLOSE_NOWRITE | MOVED_FROM | MOVED_TO | DELETE) | (
    ONLYDIR | EXCL_UNLINK
)
ROOT_MASK: Final = DIRECTORY_MASK | MOVE_SELF | DELETE_SELF

HEADER: Final = struct.Struct("iIII")  # watch, mask, cookie, length of the name with its padding
READ_BYTES: Final = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


class Inotify:
    """One inotify instance. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self.descriptor = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self.descriptor < 0:
            _raise("inotify_init1")

    def add(self, directory_fd: int, mask: int = DIRECTORY_MASK) -> int:
        """Watch an open directory, or find its watch; the watch is the inode's, not the path's.

        Raises:
            OSError: ENOSPC when the user's watches are used up.
        """
        path = b"/proc/self/fd/%d" % directory_fd
        watch = _libc.inotify_add_watch(
            self.descriptor, ctypes.c_char_p(path), ctypes.c_uint32(mask)
        )
        if watch < 0:
            _raise("inotify_add_watch")
        return int(watch)

    def remove(self, watch: int) -> None:
        """Give up a watch; one that is gone already is no error. The kernel queues an IGNORED."""
        _libc.inotify_rm_watch(self.descriptor, ctypes.c_int(watch))

    def read(self) -> bytes:
        """Return queued events as the kernel packs them; b"" when there are none."""
        try:
            return os.read(self.descriptor, READ_BYTES)
        except BlockingIOError:
            return b""

    def queued(self) -> int:
        """Return how many bytes of events wait in the kernel."""
        answer = fcntl.ioctl(self.descriptor, termios.FIONREAD, b"\0\0\0\0")
        return int.from_bytes(answer, "little")

    def close(self) -> None:
        """Give up the instance and with it all watches."""
        os.close(self.descriptor)


def _raise(call: str) -> None:
    error = ctypes.get_errno() or errno.EIO
    raise OSError(error, f"{call}: {os.strerror(error)}")
