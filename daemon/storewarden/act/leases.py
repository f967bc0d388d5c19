"""Does somebody have a file open? Asked before it is taken away, and again before it is removed.

A lease is the kernel's own word: it is granted only while nobody has the file open for writing,
mapped memory included, and it is broken by whoever opens it later. Where we may not have one
(the file is another user's, the file system knows none) what can be seen of /proc has to do, and
the answer says so. Where /proc shows us no more than our own processes, as it does to a service
with ProtectProc=invisible, that would be no answer: nobody can tell, and nothing is taken away.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from storewarden.act.kernel import Kernel
from storewarden.act.refused import Reason, Stop

_WRITES: Final = os.O_WRONLY | os.O_RDWR
# EBADF: the file may not even be read, and is held by its place alone.
_NO_LEASES: Final = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EINVAL, errno.EBADF),
        *(errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP),
    }
)
_FIRST: Final = 1
HIDDEN: Final = (
    "no lease is granted on it, and /proc hides whether somebody has it open: as a service, "
    "`storewarden service install` gives what is missing (CAP_LEASE, or ProtectProc=default)"
)
_FLAGS: Final = re.compile(rb"^flags:\s*([0-7]+)$", re.MULTILINE)
_INODE: Final = re.compile(rb"^ino:\s*(\d+)$", re.MULTILINE)


class Quiet(NamedTuple):
    """How it is known that nobody has a file open: by a lease, or by looking through /proc."""

    by_lease: bool
    unseen: int = 0  # processes that could not be looked into

    def __str__(self) -> str:
        if self.by_lease:
            return "lease"
        return f"/proc, {self.unseen} processes unseen" if self.unseen else "/proc"


def quiet(
    descriptor: int, path: bytes, kernel: Kernel, *, unused: bool = False, proc: str = "/proc"
) -> Quiet:
    """Return how it is known that nobody has a file open for writing; ``unused``: at all.

    The lease lasts as long as the descriptor.

    Raises:
        Stop: somebody has it open, or nobody can tell.
    """
    try:
        kernel.lease(descriptor, fcntl.F_WRLCK if unused else fcntl.F_RDLCK)
    except BlockingIOError as error:
        raise _open(path, unused) from error
    except OSError as error:
        if error.errno not in _NO_LEASES:
            raise
        return _looked(descriptor, path, unused=unused, proc=proc)
    return Quiet(by_lease=True)


def still_quiet(
    descriptor: int,
    how: Quiet,
    path: bytes,
    kernel: Kernel,
    *,
    unused: bool = False,
    proc: str = "/proc",
) -> None:
    """Ask again, in the same way.

    Raises:
        Stop: somebody opened it, or waits for our lease to do so.
    """
    if not how.by_lease:
        _looked(descriptor, path, unused=unused, proc=proc)
    elif kernel.leased(descriptor) != (fcntl.F_WRLCK if unused else fcntl.F_RDLCK):
        raise _open(path, unused)


def _open(path: bytes, unused: bool) -> Stop:  # noqa: FBT001  # the same word as above
    if unused:
        return Stop(Reason.IN_USE, path, "somebody has it open")
    return Stop(Reason.OPEN_FOR_WRITING, path, "somebody has it open for writing")


def _looked(descriptor: int, path: bytes, *, unused: bool, proc: str) -> Quiet:
    status = os.fstat(descriptor)
    own = f"{proc}/{os.getpid()}/fd/{descriptor}"
    unseen = 0
    shown = processes(proc)
    if not shown.whole:
        raise Stop(Reason.NOT_ALLOWED, path, HIDDEN)
    for number in shown.numbers:
        process = f"{proc}/{number}"
        try:
            users = _users(process, status, own)
            if any(writes or unused for writes in users) or _maps(process, status, unused=unused):
                raise _open(path, unused)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        except OSError:
            unseen += 1
    return Quiet(by_lease=False, unseen=unseen)


class Processes(NamedTuple):
    """The processes that /proc shows; ``whole`` is false where it hides those of others."""

    numbers: tuple[int, ...]
    whole: bool


def processes(proc: str = "/proc") -> Processes:
    """Return what /proc shows of processes.

    There is always a first one, and it is another's (but in a container that is made of us alone).
    """
    numbers = tuple(int(name) for name in os.listdir(proc) if name.isdecimal())
    return Processes(numbers, _FIRST in numbers)


def _users(process: str, wanted: os.stat_result, own: str) -> Iterator[bool]:
    """Yield for each open file of a process that is the wanted one whether it may write."""
    for number in os.listdir(f"{process}/fd"):
        path = f"{process}/fd/{number}"
        if path == own:
            continue
        try:
            with open(f"{process}/fdinfo/{number}", "rb", buffering=0) as file:
                told = file.read()
            inode, flags = _INODE.search(told), _FLAGS.search(told)
            # A stat may wait for ever for a server that is away: the number is compared first.
            if inode and int(inode[1]) != wanted.st_ino:
                continue
            status = os.stat(path)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if (status.st_dev, status.st_ino) == (wanted.st_dev, wanted.st_ino):
            mode = int(flags[1], 8) if flags else _WRITES
            if not mode & os.O_PATH:
                yield bool(mode & _WRITES)


def _maps(process: str, wanted: os.stat_result, *, unused: bool) -> bool:
    """Tell whether a process has the file mapped so that its memory is written to the file."""
    place = b" %02x:%02x %d " % (os.major(wanted.st_dev), os.minor(wanted.st_dev), wanted.st_ino)
    with open(f"{process}/maps", "rb") as file:
        for line in file:
            if place in line:
                rights = line.split(b" ", 2)[1]
                if unused or (b"w" in rights and b"s" in rights):
                    return True
    return False
