"""Look at names below a root, safely: never through a link, never at another root than meant."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from storewarden.below import open_directory
from storewarden.errors import TransientError
from storewarden.model import Entry, accessed_of, entry_of
from storewarden.watch.own import OwnReads
from storewarden.watch.walk import VANISHED

Place = tuple[int, int]  # device, inode


class RootElsewhere(TransientError):
    """What lies at the root's path is not the directory that is watched."""


@dataclass(slots=True)
class Looked:
    """What a look at some names of one directory showed."""

    place: Place = (0, 0)
    found: list[tuple[Entry, int]] = field(default_factory=list)
    absent: list[bytes] = field(default_factory=list)  # or no regular file (any more)
    error: int = 0  # errno when the directory could not be looked into: nothing is known then


@contextmanager
def opened(path: bytes, place: Place) -> Iterator[int]:
    """Lend a descriptor of the root, for no longer than one round: it would hold up an unmount."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise RootElsewhere(
            "the root cannot be opened", where=os.fsdecode(path), why=error.strerror or str(error)
        ) from error
    try:
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != place:
            raise RootElsewhere("another directory is in the root's place", where=os.fsdecode(path))
        yield descriptor
    finally:
        os.close(descriptor)


def look(root_fd: int, directory: bytes, names: Sequence[bytes]) -> Looked:
    """Look at ``names`` of one directory without opening any of them."""
    looked = Looked()
    try:
        descriptor = open_directory(root_fd, directory)
    except OSError as error:
        if error.errno in VANISHED:
            looked.absent = list(names)
        else:
            looked.error = error.errno or -1
        return looked
    try:
        status = os.fstat(descriptor)
        looked.place = (status.st_dev, status.st_ino)
        _look_each(descriptor, names, looked)
    finally:
        os.close(descriptor)
    return looked


def _look_each(descriptor: int, names: Sequence[bytes], looked: Looked) -> None:
    found, absent = looked.found.append, looked.absent.append
    for name in names:
        try:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except OSError as error:
            if error.errno not in VANISHED:
                looked.error = error.errno or -1
                return
            absent(name)
            continue
        if stat.S_ISREG(status.st_mode):
            found((entry_of(name, status), accessed_of(status)))
        else:
            absent(name)


def unwritten(
    root_fd: int, directory: bytes, names: Sequence[bytes], root: str, own: OwnReads
) -> set[bytes]:
    """Return those of ``names`` that nobody has open for writing, as far as can be proved.

    The kernel grants a read lease only on a file that no descriptor and no mapping may write to,
    and only to the file's owner or a privileged process: where it refuses, nothing is proved.
    """
    proved: set[bytes] = set()
    try:
        descriptor = open_directory(root_fd, directory)
    except OSError:
        return proved
    try:
        for name in names:
            own.expect(root, directory, name)
            leased = _leased(descriptor, name)
            own.over(root, directory, name, opened=leased is not None)
            if leased:
                proved.add(name)
    finally:
        os.close(descriptor)
    return proved


def _leased(directory_fd: int, name: bytes) -> bool | None:
    """Tell whether a lease was granted; None: the file could not even be opened."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=directory_fd)
    except OSError:
        return None
    try:
        # A program that opens the file to write meanwhile waits until the next line, and we are
        # sent SIGIO, which the daemon ignores.
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def holds(root_fd: int, directory: bytes, name: bytes, inode: int) -> bool:
    """Tell whether a name still is that inode; true also when nobody can tell."""
    looked = look(root_fd, directory, [name])
    if looked.error:
        return True
    return any(entry[1] == inode for entry, _ in looked.found)
