"""Every system call that acts on files below a root, in one place, so that a test can stand in it.

Nothing here decides. Names are single components below an open directory, never followed when
they are links; a rename never replaces.
"""

from __future__ import annotations

import copy
import ctypes
import errno
import fcntl
import os
import signal
from collections.abc import Callable
from typing import Final

from storewarden.below import open_below

READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PLACE: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_RENAME_NOREPLACE: Final = 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.renameat2.argtypes = (
    *(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p),
    ctypes.c_uint,
)


class Kernel:
    """The kernel as it is. Tests give their own to fail, to kill and to interfere at each call."""

    _question: Callable[[], None] = staticmethod(lambda: None)

    def asking(self, question: Callable[[], None]) -> Kernel:
        """Return this kernel with what `require_ours` asks, which may raise."""
        kernel = copy.copy(self)
        kernel._question = question  # noqa: SLF001  # it is one of us
        return kernel

    def require_ours(self) -> None:
        """Raise if another process acts now.

        Asked before anything is undone: whoever was stopped past his lease meets what the next one
        did in the meantime, and must not take that for something of his own that went wrong.
        """
        self._question()

    def open(self, name: bytes, flags: int, directory: int) -> int:
        return os.open(name, flags, dir_fd=directory)

    def open_below(self, root_fd: int, path: bytes, flags: int) -> int:
        return open_below(root_fd, path, flags)

    def create(self, name: bytes, directory: int) -> int:
        """Make a file that was not there, for us alone, and open it for writing."""
        return os.open(name, _CREATE, 0o600, dir_fd=directory)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def stat(self, name: bytes, directory: int) -> os.stat_result:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)

    def fstat(self, descriptor: int) -> os.stat_result:
        return os.fstat(descriptor)

    def names(self, directory: int) -> list[bytes]:
        return sorted(os.fsencode(name) for name in os.listdir(directory))

    def read(self, descriptor: int, size: int) -> bytes:
        return os.read(descriptor, size)

    def write(self, descriptor: int, data: bytes) -> int:
        return os.write(descriptor, data)

    def mkdir(self, name: bytes, mode: int, directory: int) -> None:
        os.mkdir(name, mode, dir_fd=directory)

    def chmod(self, descriptor: int, mode: int) -> None:
        os.fchmod(descriptor, mode)

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def rename(self, old_fd: int, old: bytes, new_fd: int, new: bytes) -> None:
        """Rename what is there, unless something bears the new name: FileExistsError."""
        error = errno.EINTR
        while error == errno.EINTR:
            done = _libc.renameat2(old_fd, old, new_fd, new, _RENAME_NOREPLACE)
            if done == 0:
                return
            error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), new)

    def unlink(self, name: bytes, directory: int) -> None:
        os.unlink(name, dir_fd=directory)

    def rmdir(self, name: bytes, directory: int) -> None:
        os.rmdir(name, dir_fd=directory)

    def lease(self, descriptor: int, kind: int) -> None:
        """Ask to be told before somebody opens a file; BlockingIOError if somebody has it open.

        The kernel tells by a signal, SIGIO by default, which ends a process that does not expect
        it. We ask the kernel ourselves when it matters, so it gets one that is ignored by default.
        """
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, kind)

    def leased(self, descriptor: int) -> int:
        """Return the kind of lease that is held; F_UNLCK once somebody wants the file."""
        return fcntl.fcntl(descriptor, fcntl.F_GETLEASE)


KERNEL: Final = Kernel()
