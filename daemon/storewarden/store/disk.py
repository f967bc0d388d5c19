"""Every system call of the directory store in one place, so that a test can stand in it.

Nothing here decides. Names are single components below an open directory and are never followed
when they are links; nothing ever replaces what is there.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from typing import Final

from storewarden.below import open_below
from storewarden.errors import (
    StoreFull,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)

READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_RENAME_NOREPLACE: Final = 1
_NO_SUCH_RENAME: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
# A lock of an open file and not of a process: threads exclude each other as processes do.
_SET_LOCK: Final = 37  # F_OFD_SETLK; fcntl has it from Python 3.9 on, but not in its types
_LOCK: Final = "hhqqi0q"  # struct flock: type, whence, start, length, process

_libc = ctypes.CDLL(None, use_errno=True)


class Disk:
    """The kernel as it is. Tests give their own to fail and to kill at each call."""

    def open(self, name: bytes, flags: int, directory: int) -> int:
        return os.open(name, flags, dir_fd=directory)

    def open_root(self, path: str) -> int:
        """Open where a store is; its path is an administrator's, whose links are followed."""
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def open_below(self, root: int, path: bytes) -> int:
        return open_below(root, path, DIRECTORY & ~os.O_NOFOLLOW)

    def create(self, name: bytes, directory: int, *, alone: bool = True) -> int:
        """Make a file for us only and open it; ``alone``: that was not there."""
        flags = _CREATE | (os.O_EXCL if alone else 0)
        return os.open(name, flags, 0o600, dir_fd=directory)

    def close(self, descriptor: int) -> None:
        try:
            os.close(descriptor)
        except OSError as error:
            # The descriptor is gone even so; whether all was written, syncing has told before.
            if error.errno == errno.EBADF:
                raise

    def stat(self, name: bytes, directory: int) -> os.stat_result:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)

    def fstat(self, descriptor: int) -> os.stat_result:
        return os.fstat(descriptor)

    def scan(self, directory: int) -> Iterator[os.DirEntry[str]]:
        with os.scandir(directory) as entries:
            yield from entries

    def read(self, descriptor: int, size: int) -> bytes:
        return os.read(descriptor, size)

    def write(self, descriptor: int, data: memoryview) -> int:
        return os.write(descriptor, data)

    def mkdir(self, name: bytes, directory: int) -> None:
        os.mkdir(name, 0o700, dir_fd=directory)

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def sync_directory(self, descriptor: int) -> None:
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # some network file systems have no such thing
                raise

    def rename(self, old_fd: int, old: bytes, new_fd: int, new: bytes) -> None:
        """Rename what is there, unless something bears the new name: FileExistsError."""
        error = errno.EINTR
        while error == errno.EINTR:
            done = _libc.renameat2(
                ctypes.c_int(old_fd),
                ctypes.c_char_p(old),
                ctypes.c_int(new_fd),
                ctypes.c_char_p(new),
                ctypes.c_uint(_RENAME_NOREPLACE),
            )
            if done == 0:
                return
            error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), new)

    def link(self, old_fd: int, old: bytes, new_fd: int, new: bytes) -> None:
        os.link(old, new, src_dir_fd=old_fd, dst_dir_fd=new_fd, follow_symlinks=False)

    def unlink(self, name: bytes, directory: int) -> None:
        os.unlink(name, dir_fd=directory)

    def rmdir(self, name: bytes, directory: int) -> None:
        os.rmdir(name, dir_fd=directory)

    def lock(self, descriptor: int, byte: int) -> bool:
        """Take one byte of a file for an open file alone, until that is closed; do not wait."""
        try:
            wanted = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
            fcntl.fcntl(descriptor, _SET_LOCK, wanted)
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                return False
            raise
        return True

    def refuse_unwritable(self, directory: int) -> None:
        """Raise PermissionError for a directory in which we may not make anything."""
        if not os.access(".", os.W_OK | os.X_OK, dir_fd=directory, effective_ids=True):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def space(self, descriptor: int) -> os.statvfs_result:
        return os.statvfs(descriptor)


DISK: Final = Disk()


def publish(disk: Disk, old_fd: int, old: bytes, new_fd: int, new: bytes) -> None:
    """Give a file its name, unless something bears it: FileExistsError."""
    try:
        disk.rename(old_fd, old, new_fd, new)
    except OSError as error:
        if error.errno not in _NO_SUCH_RENAME:
            raise
    else:
        return
    # NFS, and others that are served by programs: a second name never replaces either.
    disk.link(old_fd, old, new_fd, new)
    disk.unlink(old, old_fd)


def write_all(disk: Disk, descriptor: int, data: bytes) -> None:
    """Write all of it, however little a call takes."""
    left = memoryview(data)
    while left:
        written = disk.write(descriptor, left)
        if written <= 0:
            raise OSError(errno.EIO, "nothing more is written")
        left = left[written:]


_REMEDIES: Final[dict[int, tuple[type[StorewardenError], str]]] = {
    errno.ENOSPC: (StoreFull, "make room in it, or free inodes; nothing was left there"),
    errno.EDQUOT: (StoreFull, "raise the quota of the service's user, or make room in it"),
    errno.EROFS: (
        StoreRefused,
        "it is mounted read-only, or was made so after errors of its disk: see dmesg",
    ),
    errno.EACCES: (StoreRefused, "give the service's user the right to read and write there"),
    errno.EPERM: (StoreRefused, "give the service's user the right to read and write there"),
    errno.EFBIG: (StoreRefused, "its file system takes no files that large"),
    errno.ENAMETOOLONG: (StoreRefused, "its file system takes no names that long"),
    errno.ELOOP: (StoreRefused, "a link lies on the way, and links in a store are not followed"),
    errno.ENOTDIR: (StoreRefused, "a file or a link lies where a directory should be"),
    errno.EXDEV: (StoreRefused, "something else is mounted inside it: mount that elsewhere"),
    errno.ENOLCK: (StoreRefused, "its file system has no locks: mount it with locks"),
    errno.EIO: (StoreUnavailable, "its disk fails: see dmesg and its SMART values"),
    errno.ESTALE: (StoreUnavailable, "its server was restarted: mount it again"),
    errno.ENOTCONN: (StoreUnavailable, "the program that serves it ended: mount it again"),
    errno.EMFILE: (StoreUnavailable, "raise LimitNOFILE of the service"),
    errno.ENFILE: (StoreUnavailable, "raise fs.file-max of the machine"),
}


@contextlib.contextmanager
def blamed(what: str, where: str) -> Iterator[None]:
    """Translate what the kernel says inside into what a store says."""
    try:
        yield
    except OSError as error:
        kind, remedy = _REMEDIES.get(error.errno or 0, (StoreUnavailable, "it is tried again"))
        raise kind(what, where=where, why=error.strerror or str(error), remedy=remedy) from error
