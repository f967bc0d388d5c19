"""The drawers in a root's own folder: ``.storewarden/<room>/<mark>/`` with a note and files.

A drawer holds files under their numbers (two of them may bear the same name) and a note that tells
where each belongs, and which act put it there: one act, whose mark the drawer bears, or many that
were carried out together and share the drawer of the first of them. It is there, with its note,
before the first file is moved into it, and it goes only when it is empty and whoever keeps the
journal says so: so what an act has done can be read from the disk alone.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection
from contextlib import ExitStack, suppress
from enum import StrEnum
from functools import lru_cache
from itertools import count
from typing import Final, NamedTuple

from storewarden.act.identity import Identity
from storewarden.act.kernel import DIRECTORY, READ, Kernel
from storewarden.act.note import LARGEST, Note, Noted, decode, encode
from storewarden.act.refused import Reason, Stop
from storewarden.watch.exclude import OURS

NOTE: Final = b"note"
UNFINISHED: Final = b"note.part"
GOING: Final = b"going"  # from now on what is missing was removed, and not lost
# The same of some files only, by their numbers: in a drawer that acts share.
_SOME_GOING: Final = re.compile(rb"going\.[0-9]+")
_MARK: Final = re.compile(r"[a-z2-7]{16}")
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_CHUNK: Final = 1 << 16


class Room(StrEnum):
    """What a drawer is for."""

    TRASH = "trash"  # restorable until purged
    LEAVING = "leaving"  # a verified copy exists, the file is about to be removed


class Drawer(NamedTuple):
    """A drawer that is open; without a note nothing was begun in it."""

    room: Room
    mark: str
    above: int  # the directory of all drawers of this room
    descriptor: int
    note: Note | None
    all_going: bool
    some_going: frozenset[int] = frozenset()

    @property
    def shared(self) -> bool:
        """Whether many acts put their files here."""
        return self.note is not None and len(self.note.slips) > 1

    def numbers(self, mark: str) -> range:
        """Return the numbers of the files that an act put here, as far as the note tells."""
        found = self.note.of(mark) if self.note else None
        return range(found[0], found[0] + len(found[1].files)) if found else range(0)

    def going(self, mark: str) -> bool:
        """Tell whether removing of an act's files began."""
        return self.all_going or not self.some_going.isdisjoint(self.numbers(mark))


class Lying(NamedTuple):
    """A file of a drawer: what was noted of it, and what lies there now."""

    number: int
    noted: Noted | None  # None: the note is gone or broken
    here: Identity | None  # None: it does not lie here

    @property
    def intact(self) -> bool:
        """Whether what lies here is the content that was decided on."""
        return (
            self.here is not None
            and self.noted is not None
            and still_is(self.noted.identity, self.here)
        )


def still_is(noted: Identity, found: Identity) -> bool:
    """Tell whether a file in a drawer, or just out of it, is what was noted of it.

    The number of a device may be another one after a restart of the machine. That it is the root's
    file system was seen when the drawer was opened, and no rename leads from one to another.
    """
    return noted._replace(device=found.device).unchanged_by_rename(found)


def name_of(number: int) -> bytes:
    """Return what the file of a number is called in its drawer."""
    return b"%d" % number


def checked(mark: str) -> bytes:
    """Return a mark as a name.

    Raises:
        ValueError: it is no mark.
    """
    if not _MARK.fullmatch(mark):
        raise ValueError(f"no mark: {mark!r}")
    return mark.encode("ascii")


# -- our folder -------------------------------------------------------------------------------


def open_room(root_fd: int, room: Room, kernel: Kernel, stack: ExitStack, *, make: bool) -> int:
    """Open the directory of all drawers of a room.

    Raises:
        Stop: our folder is not ours alone to write.
        OSError: it is not there, or cannot be made.
    """
    ours = _own_directory(root_fd, OURS, root_fd, kernel, stack, make=make)
    return _own_directory(ours, room.value.encode("ascii"), root_fd, kernel, stack, make=make)


def _own_directory(
    above: int, name: bytes, root_fd: int, kernel: Kernel, stack: ExitStack, *, make: bool
) -> int:
    try:
        descriptor = kernel.open(name, DIRECTORY, above)
    except FileNotFoundError:
        if not make:
            raise
        with suppress(FileExistsError):
            kernel.mkdir(name, 0o700, above)
        kernel.sync(above)
        descriptor = kernel.open(name, DIRECTORY, above)
    stack.callback(kernel.close, descriptor)
    _require_ours(name, descriptor, root_fd, kernel)
    return descriptor


def _require_ours(name: bytes, descriptor: int, root_fd: int, kernel: Kernel) -> None:
    status, root, we = kernel.fstat(descriptor), kernel.fstat(root_fd), os.geteuid()
    if status.st_dev != root.st_dev:
        raise Stop(Reason.OTHER_FILE_SYSTEM, name, "our own folder is mounted")
    # An administrator may act in a root that the service keeps.
    if status.st_uid != we and (we != 0 or status.st_uid != root.st_uid):
        raise Stop(Reason.NOT_OURS, name, f"it belongs to user {status.st_uid}")
    if status.st_mode & _OTHERS_MAY_WRITE:
        raise Stop(Reason.NOT_OURS, name, "others may write into it: chmod go-w")


# -- one drawer -------------------------------------------------------------------------------


def open_drawer(
    root_fd: int, room: Room, mark: str, kernel: Kernel, stack: ExitStack
) -> Drawer | None:
    """Open the drawer of an act; None when there is none.

    Raises:
        Stop: it is not ours.
        OSError: it cannot be read.
    """
    opened = _opened(root_fd, room, mark, kernel, stack)
    if opened is None:
        return None
    above, descriptor = opened
    names = kernel.names(descriptor)
    note = _decoded(_read(descriptor, NOTE, kernel)) if NOTE in names else None
    some = (_numbers(descriptor, one, kernel) for one in names if _SOME_GOING.fullmatch(one))
    going = frozenset(number for numbers in some for number in numbers)
    return Drawer(room, mark, above, descriptor, note, GOING in names, going)


def holds_nothing(root_fd: int, room: Room, mark: str, kernel: Kernel, stack: ExitStack) -> bool:
    """Tell whether a drawer is there, and no file in it; its note is not read.

    Raises:
        Stop: it is not ours.
        OSError: it cannot be read.
    """
    opened = _opened(root_fd, room, mark, kernel, stack)
    return opened is not None and is_emptied(opened[1], kernel)


def _opened(
    root_fd: int, room: Room, mark: str, kernel: Kernel, stack: ExitStack
) -> tuple[int, int] | None:
    """Open the directory of all drawers, and a drawer."""
    name = checked(mark)
    try:
        above = open_room(root_fd, room, kernel, stack, make=False)
        descriptor = kernel.open(name, DIRECTORY, above)
    except FileNotFoundError:
        return None
    stack.callback(kernel.close, descriptor)
    _require_ours(name, descriptor, root_fd, kernel)
    return above, descriptor


def open_drawer_of(
    root_fd: int, room: Room, mark: str, shared: str | None, kernel: Kernel, stack: ExitStack
) -> Drawer | None:
    """Open the drawer that holds an act's files: a shared one that tells of it, else its own.

    Raises:
        Stop: it is not ours.
        OSError: it cannot be read.
    """
    if shared is not None and shared != mark:
        drawer = open_drawer(root_fd, room, shared, kernel, stack)
        if drawer is not None and drawer.note is not None and drawer.note.of(mark):
            return drawer
    return open_drawer(root_fd, room, mark, kernel, stack)


def make_drawer(root_fd: int, room: Room, note: Note, kernel: Kernel, stack: ExitStack) -> Drawer:
    """Make a drawer with its note, durable when this returns; one without a note is made use of.

    Raises:
        Stop: files lie there already that no note tells of.
        OSError: it cannot be made.
    """
    name = checked(note.mark)
    above = open_room(root_fd, room, kernel, stack, make=True)
    with suppress(FileExistsError):
        kernel.mkdir(name, 0o700, above)
    descriptor = kernel.open(name, DIRECTORY, above)
    stack.callback(kernel.close, descriptor)
    _require_ours(name, descriptor, root_fd, kernel)
    for left in kernel.names(descriptor):
        if left not in {UNFINISHED, GOING} and not _SOME_GOING.fullmatch(left):
            raise Stop(Reason.TAKEN, name, "the drawer of this act holds something already")
        kernel.unlink(left, descriptor)
    _write(descriptor, UNFINISHED, encode(note), kernel)
    kernel.rename(descriptor, UNFINISHED, descriptor, NOTE)
    kernel.sync(descriptor)
    kernel.sync(above)
    return Drawer(room, note.mark, above, descriptor, note, all_going=False)


def lying(drawer: Drawer, mark: str, kernel: Kernel) -> tuple[Lying, ...]:
    """Return what was noted of an act's files and what lies in the drawer of them, by number.

    In a drawer that no other act shares everything is the act's.

    Raises:
        OSError: it cannot be read.
    """
    note = drawer.note
    if drawer.shared:
        numbers: Collection[int] = drawer.numbers(mark)
    else:
        here = {int(name) for name in kernel.names(drawer.descriptor) if name.isdigit()}
        numbers = sorted(here.union(note.numbers if note else ()))
    return tuple(
        Lying(
            number,
            note.file(number) if note else None,
            identity_at(drawer.descriptor, name_of(number), kernel),
        )
        for number in numbers
    )


def is_emptied(drawer_fd: int, kernel: Kernel) -> bool:
    """Tell whether no file lies in a drawer.

    Raises:
        OSError: it cannot be read.
    """
    return not any(name.isdigit() for name in kernel.names(drawer_fd))


def identity_at(directory: int, name: bytes, kernel: Kernel) -> Identity | None:
    """Return what bears a name in a directory; None for nothing.

    Raises:
        OSError: it cannot be told.
    """
    try:
        return Identity.of(kernel.stat(name, directory))
    except FileNotFoundError:
        return None


def begin_removing(drawer: Drawer, numbers: Collection[int], kernel: Kernel) -> None:
    """Write down that these files are removed from now on; durable when this returns.

    Raises:
        OSError: it cannot be written: nothing may be removed.
    """
    if drawer.shared:
        if not numbers:
            return
        _write_going(drawer.descriptor, numbers, kernel)
    else:
        with suppress(FileExistsError):
            kernel.close(kernel.create(GOING, drawer.descriptor))
    kernel.sync(drawer.descriptor)


def _write_going(drawer_fd: int, numbers: Collection[int], kernel: Kernel) -> None:
    # Each line ends: half a number would be another one.
    told = b"".join(b"%d\n" % number for number in numbers)
    for attempt in count():
        try:
            _write(drawer_fd, b"%s.%d" % (GOING, attempt), told, kernel)
        except FileExistsError:  # what was removed before, or was to be
            continue
        return


def _numbers(drawer_fd: int, name: bytes, kernel: Kernel) -> list[int]:
    *lines, _torn = _read(drawer_fd, name, kernel).split(b"\n")
    return [int(line) for line in lines if line.isdigit()]


def clear(drawer: Drawer, kernel: Kernel) -> None:
    """Remove a drawer that holds no file.

    Raises:
        Stop: it holds one.
        OSError: it cannot be removed.
    """
    names = kernel.names(drawer.descriptor)
    going = [name for name in names if name == GOING or _SOME_GOING.fullmatch(name)]
    if strange := set(names) - {NOTE, UNFINISHED, *going}:
        raise Stop(Reason.TAKEN, checked(drawer.mark), f"it still holds {len(strange)} files")
    # The note first: without it nobody takes what is missing for lost.
    for name in (NOTE, UNFINISHED, *going):
        if name in names:
            kernel.unlink(name, drawer.descriptor)
    kernel.rmdir(checked(drawer.mark), drawer.above)
    kernel.sync(drawer.above)


def into_trash(root_fd: int, drawer: Drawer, kernel: Kernel) -> None:
    """Move a drawer, with what lies in it and its note, into the trash.

    Raises:
        Stop: our folder is not ours.
        OSError: it was not moved.
    """
    with ExitStack() as stack:
        above = open_room(root_fd, Room.TRASH, kernel, stack, make=True)
        name = checked(drawer.mark)
        kernel.rename(drawer.above, name, above, name)
        kernel.sync(above)
        kernel.sync(drawer.above)


@lru_cache(maxsize=1)
def _decoded(text: bytes) -> Note | None:
    """Decode a note once for all acts that share the drawer, when each is recovered by itself."""
    return decode(text)


def _read(drawer_fd: int, name: bytes, kernel: Kernel) -> bytes:
    descriptor = kernel.open(name, READ, drawer_fd)
    try:
        text = bytearray()
        while len(text) <= LARGEST and (piece := kernel.read(descriptor, _CHUNK)):
            text += piece
    finally:
        kernel.close(descriptor)
    return bytes(text)


def _write(drawer_fd: int, name: bytes, data: bytes, kernel: Kernel) -> None:
    descriptor = kernel.create(name, drawer_fd)
    try:
        left = data
        while left:
            left = left[kernel.write(descriptor, left) :]
        kernel.sync(descriptor)
    finally:
        kernel.close(descriptor)
