"""What lies in the drawers of a root, read from the disk alone: a lost catalogue can ask here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from storewarden.act.drawers import (
    Drawer,
    Lying,
    Room,
    clear,
    holds_nothing,
    identity_at,
    lying,
    open_drawer,
    open_drawer_of,
    open_room,
)
from storewarden.act.identity import Identity
from storewarden.act.kernel import KERNEL, Kernel
from storewarden.act.members import open_parent
from storewarden.act.refused import Refused, Stop, refused


class Entry(NamedTuple):
    """What one act put into a drawer, since when it is there, and what the act said of it."""

    room: Room
    drawer: str  # its mark; that of the act, unless it shares one
    mark: str  # of the act
    since_ns: int | None  # None: there is no note that could be read
    told: Mapping[str, str]
    files: tuple[Lying, ...]
    going: bool  # removing began: what does not lie here was removed

    @property
    def here(self) -> tuple[Lying, ...]:
        """The files that lie here."""
        return tuple(file for file in self.files if file.here is not None)


class Found(NamedTuple):
    """What a recovery met of an act; ``places`` tells what is at each file's old place now."""

    entry: Entry
    places: tuple[Identity | None, ...]

    @property
    def whole(self) -> bool:
        """Whether every file lies in the drawer, as it was decided on."""
        return bool(self.entry.files) and all(file.intact for file in self.entry.files)

    @property
    def empty(self) -> bool:
        """Whether no file lies in the drawer: it can be forgotten."""
        return not self.entry.here


def look(
    root_fd: int, room: Room, mark: str, kernel: Kernel = KERNEL, *, shared: str | None = None
) -> Entry | Refused | None:
    """Return what an act put into a drawer, its own or a shared one; None when it has none."""
    try:
        with ExitStack() as stack:
            drawer = open_drawer_of(root_fd, room, mark, shared, kernel, stack)
            return entry_of(drawer, mark, kernel) if drawer else None
    except (OSError, Stop) as error:
        return refused(error, mark.encode())


def entries(
    root_fd: int, room: Room = Room.TRASH, kernel: Kernel = KERNEL
) -> tuple[Entry | Refused, ...]:
    """Return what lies in the trash, by mark; a drawer that cannot be read is told as refused."""
    try:
        with ExitStack() as stack:
            above = open_room(root_fd, room, kernel, stack, make=False)
            names = kernel.names(above)
    except FileNotFoundError:
        return ()
    except (OSError, Stop) as error:
        return (refused(error),)
    marks = [name.decode("ascii", "replace") for name in names]
    found = [one for mark in marks for one in _looked(root_fd, room, mark, kernel)]
    return tuple(one for one in found if isinstance(one, Refused) or one.here)


def look_into(
    root_fd: int, room: Room, mark: str, kernel: Kernel = KERNEL
) -> tuple[Entry, ...] | Refused:
    """Return what lies in a drawer, by the acts that put it there; nothing when there is none."""
    try:
        with ExitStack() as stack:
            drawer = open_drawer(root_fd, room, mark, kernel, stack)
            return entries_of(drawer, kernel) if drawer else ()
    except (OSError, Stop) as error:
        return refused(error, mark.encode())


def marks_of(
    root_fd: int, room: Room, mark: str, kernel: Kernel = KERNEL
) -> Sequence[str] | Refused:
    """Return the acts that put something into a drawer, by its note; none when there is none."""
    try:
        with ExitStack() as stack:
            drawer = open_drawer(root_fd, room, mark, kernel, stack)
            return _marks(drawer) if drawer else ()
    except (OSError, Stop) as error:
        return refused(error, mark.encode())


def is_empty(root_fd: int, room: Room, mark: str, kernel: Kernel = KERNEL) -> bool:
    """Tell whether a drawer is there, and holds no file."""
    try:
        with ExitStack() as stack:
            return holds_nothing(root_fd, room, mark, kernel, stack)
    except (OSError, Stop):
        return False


def recover(
    root_fd: int, mark: str, kernel: Kernel = KERNEL, *, shared: str | None = None
) -> tuple[Found, ...] | Refused:
    """Return what an act left in any of our rooms; nothing is touched by looking."""
    found = []
    try:
        for room in Room:
            with ExitStack() as stack:
                drawer = open_drawer_of(root_fd, room, mark, shared, kernel, stack)
                if drawer is not None:
                    entry = entry_of(drawer, mark, kernel)
                    places = tuple(_at_place(root_fd, file, kernel) for file in entry.files)
                    found.append(Found(entry, places))
    except (OSError, Stop) as error:
        return refused(error, mark.encode())
    return tuple(found)


def forget(root_fd: int, room: Room, mark: str, kernel: Kernel = KERNEL) -> Refused | None:
    """Remove the drawer of acts that came to their end; None when it is gone.

    Whoever keeps the journal calls this after it was written there what became of the files:
    until then the drawer tells it.
    """
    try:
        with ExitStack() as stack:
            drawer = open_drawer(root_fd, room, mark, kernel, stack)
            if drawer is not None:
                clear(drawer, kernel)
    except (OSError, Stop) as error:
        return refused(error, mark.encode())
    return None


def entry_of(drawer: Drawer, mark: str, kernel: Kernel) -> Entry:
    """Return what an act put into an open drawer.

    Raises:
        OSError: it cannot be read.
    """
    found = drawer.note.of(mark) if drawer.note else None
    return Entry(
        room=drawer.room,
        drawer=drawer.mark,
        mark=mark,
        since_ns=found[1].since_ns if found else None,
        told=found[1].told if found else {},
        files=lying(drawer, mark, kernel),
        going=drawer.going(mark),
    )


def entries_of(drawer: Drawer, kernel: Kernel) -> tuple[Entry, ...]:
    """Return what lies in an open drawer, by the acts that put it there.

    Raises:
        OSError: it cannot be read.
    """
    return tuple(entry_of(drawer, mark, kernel) for mark in _marks(drawer))


def _marks(drawer: Drawer) -> Sequence[str]:
    return [slip.mark for slip in drawer.note.slips] if drawer.note else [drawer.mark]


def at_place(root_fd: int, path: bytes, kernel: Kernel) -> Identity | None:
    """Return what bears a path below the root; None for nothing, or nothing that can be reached.

    Raises:
        OSError: it cannot be told.
    """
    with ExitStack() as stack:
        try:
            parent, name = open_parent(root_fd, path, kernel, stack)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return identity_at(parent, name, kernel)


def _at_place(root_fd: int, file: Lying, kernel: Kernel) -> Identity | None:
    if file.noted is None:
        return None
    try:
        return at_place(root_fd, file.noted.path, kernel)
    except (OSError, Stop):
        return None  # a link lies on the way: what is behind it is not ours to tell of


def _looked(root_fd: int, room: Room, mark: str, kernel: Kernel) -> tuple[Entry | Refused, ...]:
    try:
        found = look_into(root_fd, room, mark, kernel)
    except ValueError:
        return ()  # no drawer of ours bears such a name
    return (found,) if isinstance(found, Refused) else found
