"""Open directories below a root without ever following a link or leaving the root.

Every path we touch was named by somebody else: a directory can become a symbolic link between
being seen and being opened. ``openat2`` lets the kernel refuse that in one step; where it is
missing, each component is opened by itself with ``O_NOFOLLOW``.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
from collections.abc import Iterator

LONGEST = 4000  # bytes of path in one system call; PATH_MAX is 4096 with the final NUL

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_STEP = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_OPENAT2 = 437  # the same number on every architecture that has it
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_ATTEMPTS = 16  # EAGAIN: the kernel saw a rename beside its walk and asks to try again

_libc = ctypes.CDLL(None, use_errno=True)


class _How(ctypes.Structure):
    """``struct open_how`` of the kernel."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_directory(root_fd: int, relative: bytes) -> int:
    """Open a directory below a root for reading; the caller closes it.

    ``relative`` may be longer than the kernel's PATH_MAX and ``b""`` is the root itself.

    Raises:
        OSError: ELOOP or ENOTDIR for a link on the way, EXDEV for a path that leaves the root,
            and whatever ``open`` says.
    """
    return open_below(root_fd, relative, DIRECTORY)


def open_below(root_fd: int, relative: bytes, flags: int) -> int:
    """Open anything below a root with ``flags``, without following links; see `open_directory`."""
    if relative.startswith(b"/") or b".." in relative.split(b"/"):
        raise OSError(errno.EXDEV, "leaves the root", relative)
    step = _openat2 if has_openat2() else _by_component
    if len(relative) <= LONGEST:
        return step(root_fd, relative or b".", flags)
    *way, last = _pieces(relative)
    fd = root_fd
    try:
        for piece in way:
            above, fd = fd, step(fd, piece, _STEP)
            if above != root_fd:
                os.close(above)
        return step(fd, last, flags)
    finally:
        if fd != root_fd:
            os.close(fd)


@functools.cache
def has_openat2() -> bool:
    """Tell whether this kernel, and the sandbox around us, have ``openat2``."""
    try:
        os.close(_openat2(-100, b".", _STEP))  # AT_FDCWD
    except OSError as error:
        # Old container runtimes answer EPERM for a system call they do not know.
        return error.errno not in {errno.ENOSYS, errno.EPERM}
    return True


def _openat2(fd: int, path: bytes, flags: int) -> int:
    how = _How(flags, 0, _BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS)
    error = errno.EAGAIN
    for _ in range(_ATTEMPTS):
        opened = _libc.syscall(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(fd),
            ctypes.c_char_p(path),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if opened >= 0:
            return int(opened)
        error = ctypes.get_errno()
        if error not in {errno.EAGAIN, errno.EINTR}:
            break
    raise OSError(error, os.strerror(error), path)


def _by_component(fd: int, path: bytes, flags: int) -> int:
    *way, last = [name for name in path.split(b"/") if name not in {b"", b"."}] or [b"."]
    here = fd
    try:
        for name in way:
            above, here = here, os.open(name, _STEP | os.O_NOFOLLOW, dir_fd=here)
            if above != fd:
                os.close(above)
        return os.open(last, flags | os.O_NOFOLLOW, dir_fd=here)
    finally:
        if here != fd:
            os.close(here)


def _pieces(relative: bytes) -> Iterator[bytes]:
    """Cut a path at slashes into pieces that each fit into one system call."""
    while len(relative) > LONGEST:
        cut = relative.rindex(b"/", 0, LONGEST)
        yield relative[:cut]
        relative = relative[cut + 1 :]
    yield relative
