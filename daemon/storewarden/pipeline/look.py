"""Look at names below a root, safely: never through a link, never at another root than meant."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from storewarden.errors import TransientError
from storewarden.model import Entry, accessed_of, entry_of
from storewarden.watch.below import open_directory
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


def holds(root_fd: int, directory: bytes, name: bytes, inode: int) -> bool:
    """Tell whether a name still is that inode; true also when nobody can tell."""
    looked = look(root_fd, directory, [name])
    if looked.error:
        return True
    return any(entry[1] == inode for entry, _ in looked.found)
