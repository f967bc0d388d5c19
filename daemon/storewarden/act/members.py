"""The files of one bundle, held open while something is done to them.

A bundle is moved whole or not at all. Its first file gives the others their meaning (a database
before its log): it is the first to go and the last to come back, so that nobody ever meets the
others' old content under a new first file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final, NamedTuple

from storewarden.act.identity import Identity
from storewarden.act.kernel import DIRECTORY, PLACE, READ, Kernel
from storewarden.act.refused import Reason, Stop, translated
from storewarden.watch.exclude import OURS

_LONGEST_NAME: Final = 255
_SPECIAL: Final = frozenset({b".", b"..", OURS})


class Member(NamedTuple):
    """A file of a bundle: its path relative to the root, and what was decided on."""

    path: bytes
    identity: Identity


class Bundle(NamedTuple):
    """Files that are one thing, and the act on them."""

    members: tuple[Member, ...]  # the one that gives the others their meaning first
    mark: str  # of the act
    now_ns: int  # the wall clock when it was begun
    told: Mapping[str, str] = {}  # what a person who finds them may want to know
    unused: bool = False  # refuse if anybody has a file open at all; so for databases
    shared: str | None = None  # the drawer that it was to share with others


class Held(NamedTuple):
    """A file that is open, and the directory that it was found in."""

    path: bytes
    parent: int  # the directory, open
    name: bytes  # its name there
    descriptor: int
    status: os.stat_result
    identity: Identity


def split(path: bytes) -> tuple[bytes, bytes]:
    """Return directory and name of a path that lies below a root and outside our folder.

    Raises:
        Stop: it is none.
    """
    parts = path.split(b"/")
    if any(part in {b"", b".", b".."} or b"\0" in part for part in parts):
        raise Stop(Reason.BEHIND_A_LINK, path, "no path below a root")
    if parts[0] == OURS:
        raise Stop(Reason.OURS, path)
    directory, _, name = path.rpartition(b"/")
    if len(name) > _LONGEST_NAME:
        raise Stop(Reason.TOO_LONG, path, os.strerror(errno.ENAMETOOLONG))
    return directory, name


def is_plain(name: bytes) -> bool:
    """Tell whether a name is one that `split` lets pass wherever it is."""
    return 0 < len(name) <= _LONGEST_NAME and name not in _SPECIAL and b"\0" not in name


def hold(root_fd: int, member: Member, kernel: Kernel, stack: ExitStack) -> Held:
    """Open a file where it was decided on, and hold it until the stack ends.

    Raises:
        Stop: it is not the content that was decided on, or not there, or not to be reached.
    """
    try:
        parent, name = open_parent(root_fd, member.path, kernel, stack)
        device = kernel.fstat(root_fd).st_dev
    except OSError as error:
        raise translated(error, member.path) from error
    return hold_decided(parent, name, member, device, kernel, stack)


def hold_decided(
    parent: int, name: bytes, member: Member, device: int, kernel: Kernel, stack: ExitStack
) -> Held:
    """Open a file in its directory; see `hold`. ``device`` is that of the root."""
    try:
        held = hold_in(parent, name, member.path, kernel, stack)
    except OSError as error:
        raise translated(error, member.path) from error
    if held.status.st_dev != device:
        raise Stop(Reason.OTHER_FILE_SYSTEM, member.path, "it is mounted there")
    if held.identity != member.identity:
        raise Stop(Reason.CHANGED, member.path, difference(member.identity, held.identity))
    return held


def open_parent(root_fd: int, path: bytes, kernel: Kernel, stack: ExitStack) -> tuple[int, bytes]:
    """Open the directory of a path below the root; return it with the name in it.

    Raises:
        OSError: it cannot be opened.
    """
    directory, name = split(path)
    parent = kernel.open_below(root_fd, directory, DIRECTORY)
    stack.callback(kernel.close, parent)
    return parent, name


def hold_in(parent: int, name: bytes, path: bytes, kernel: Kernel, stack: ExitStack) -> Held:
    """Open a regular file in a directory, whatever its content is.

    Raises:
        Stop: it is no regular file.
        OSError: it cannot be opened.
    """
    if not stat.S_ISREG(kernel.stat(name, parent).st_mode):
        raise Stop(Reason.NOT_REGULAR, path)
    try:
        descriptor = kernel.open(name, READ, parent)
    except PermissionError:  # who may not read a file may still move it
        descriptor = kernel.open(name, PLACE, parent)
    stack.callback(kernel.close, descriptor)
    status = kernel.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise Stop(Reason.NOT_REGULAR, path)
    return Held(path, parent, name, descriptor, status, Identity.of(status))


def difference(decided: Identity, found: Identity) -> str:
    """Return in which respects a file is another than was decided on, in words for people."""
    told = []
    if (decided.device, decided.inode) != (found.device, found.inode):
        told.append("it is another file of that name")
    if decided.size != found.size:
        told.append(f"it had {decided.size:,} bytes and has {found.size:,}")
    if decided.modified_ns != found.modified_ns:
        told.append("it was written to")
    if not told and decided != found:
        told.append("its names, owner, mode or attributes were changed")
    return ", ".join(told)


def modes_above(root_fd: int, path: bytes, kernel: Kernel) -> tuple[int, ...]:
    """Return the modes of the directories of a path, the outermost first.

    Raises:
        OSError: one cannot be opened.
    """
    *way, _ = path.split(b"/")
    modes: list[int] = []
    here = root_fd
    try:
        for name in way:
            above, here = here, kernel.open(name, PLACE | os.O_DIRECTORY, here)
            if above != root_fd:
                kernel.close(above)
            modes.append(stat.S_IMODE(kernel.fstat(here).st_mode))
    finally:
        if here != root_fd:
            kernel.close(here)
    return tuple(modes)
