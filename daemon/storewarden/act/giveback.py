"""Put what lies in a drawer back to where it was: after a refusal, and after a kill."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Final, NamedTuple

from storewarden.act import remove
from storewarden.act.drawers import (
    Drawer,
    Lying,
    Room,
    clear,
    into_trash,
    lying,
    open_drawer_of,
    still_is,
)
from storewarden.act.drawers import name_of as number_name
from storewarden.act.entries import at_place
from storewarden.act.kernel import DIRECTORY, KERNEL, PLACE, Kernel
from storewarden.act.members import Held, split
from storewarden.act.refused import Stop

_MODE: Final = 0o1777  # what a hardened service may set; setgid comes from the directory above


class PutBack(NamedTuple):
    """What became of the files of a drawer, by path."""

    back: tuple[bytes, ...] = ()
    kept: tuple[bytes, ...] = ()  # they lie in the trash now, as their places are taken
    removed: tuple[bytes, ...] = ()  # they had been removed already
    unsure: bool = False  # not everything could be seen
    perhaps: bool = False  # a power cut may still find some of them in the drawer, which stays


def put_back(
    root_fd: int,
    room: Room,
    mark: str,
    parents: Mapping[int, Held] | None = None,
    kernel: Kernel = KERNEL,
    *,
    shared: str | None = None,
) -> PutBack:
    """Put back all files of an act whose places are free; nothing is replaced or removed.

    What has to stay is in the trash afterwards, whatever room it was in. An emptied drawer is gone,
    unless some of its files were removed, which it alone tells until it is forgotten, or other acts
    share it.

    Args:
        root_fd: the root.
        room: where the drawer is.
        mark: of the act.
        parents: directories that are held open: a file goes back to its directory even when that
            bears another name meanwhile.
        kernel: the system calls.
        shared: the drawer that the act was to share.
    """
    with ExitStack() as stack:
        try:
            drawer = open_drawer_of(root_fd, room, mark, shared, kernel, stack)
            if drawer is None:
                return PutBack()
        except (Stop, OSError):
            return PutBack(unsure=True)
        return put_back_from(root_fd, drawer, mark, parents or {}, kernel)


def put_back_from(
    root_fd: int, drawer: Drawer, mark: str, parents: Mapping[int, Held], kernel: Kernel
) -> PutBack:
    """Put back all files of an act that lie in an open drawer; see `put_back`."""
    try:
        files = lying(drawer, mark, kernel)
    except OSError:
        return PutBack(unsure=True)
    done = _give_all(root_fd, drawer, files, parents, kernel)
    try:
        if drawer.going(mark):
            done = done._replace(removed=tuple(_removed(root_fd, files, kernel)))
    except (Stop, OSError):
        done = done._replace(unsure=True)
    with suppress(Stop, OSError):  # what is not tidied now, `entries.recover` still finds
        kernel.sync(drawer.descriptor)
        if done.kept and drawer.room is not Room.TRASH:
            into_trash(root_fd, drawer, kernel)
        elif not (done.kept or done.removed or done.unsure or done.perhaps or drawer.shared):
            clear(drawer, kernel)
    return done


def _give_all(
    root_fd: int,
    drawer: Drawer,
    files: Sequence[Lying],
    parents: Mapping[int, Held],
    kernel: Kernel,
) -> PutBack:
    back, kept, perhaps = [], [], False
    # The first file gives the others their meaning: it comes last.
    for file in reversed([file for file in files if file.here is not None]):
        path = file.noted.path if file.noted else b""
        try:
            durable = _give(root_fd, drawer, file, parents.get(file.number), kernel)
        except (Stop, OSError):
            kept.append(path)
        else:
            back.append(path)
            perhaps |= not durable
    return PutBack(tuple(back), tuple(kept), perhaps=perhaps)


def parent_made(
    root_fd: int, path: bytes, modes: Sequence[int], kernel: Kernel, stack: ExitStack
) -> tuple[int, bytes]:
    """Open the directory of a path, made with these modes where it is not there.

    Raises:
        Stop: it is no path below the root.
        OSError: it cannot be made.
    """
    directory, name = split(path)
    try:
        parent = kernel.open_below(root_fd, directory, DIRECTORY)
    except FileNotFoundError:
        make_way(root_fd, path, modes, kernel)
        parent = kernel.open_below(root_fd, directory, DIRECTORY)
    stack.callback(kernel.close, parent)
    return parent, name


def make_way(root_fd: int, path: bytes, modes: Sequence[int], kernel: Kernel) -> None:
    """Make the directories of a path that are not there, with these modes.

    Raises:
        Stop: it is no path below the root.
        OSError: one cannot be made.
    """
    directory, _ = split(path)
    here = root_fd
    try:
        for depth, name in enumerate(directory.split(b"/")):
            above = here
            try:
                here = kernel.open(name, PLACE | os.O_DIRECTORY, above)
            except FileNotFoundError:
                here = _made(above, name, modes[depth] if depth < len(modes) else None, kernel)
            if above != root_fd:
                kernel.close(above)
    finally:
        if here != root_fd:
            kernel.close(here)


def _made(above: int, name: bytes, mode: int | None, kernel: Kernel) -> int:
    with suppress(FileExistsError):  # somebody was faster: then it is as they want it
        kernel.mkdir(name, 0o777 if mode is None else mode & _MODE, above)
        _sync_place(above, kernel)
    here = kernel.open(name, DIRECTORY, above)
    try:
        now = stat.S_IMODE(kernel.fstat(here).st_mode)
        if mode is not None and now & _MODE != mode & _MODE:
            with suppress(PermissionError):  # narrower than it was, and that is all
                kernel.chmod(here, mode & _MODE | now & ~_MODE)
    except BaseException:
        kernel.close(here)
        raise
    return here


def _sync_place(place: int, kernel: Kernel) -> None:
    directory = kernel.open(b".", DIRECTORY, place)  # what is held as a place cannot be synced
    try:
        kernel.sync(directory)
    finally:
        kernel.close(directory)


def _give(root_fd: int, drawer: Drawer, file: Lying, held: Held | None, kernel: Kernel) -> bool:
    """Put one file back; return whether it is durable there."""
    name = number_name(file.number)
    if held is not None:
        try:
            remove.back(drawer.descriptor, name, held.parent, held.name, kernel)
            return _synced(held.parent, kernel)
        except FileNotFoundError:
            pass  # its directory was deleted meanwhile
    if file.noted is None:
        raise FileNotFoundError
    with ExitStack() as stack:
        parent, place = parent_made(root_fd, file.noted.path, file.noted.above, kernel, stack)
        remove.back(drawer.descriptor, name, parent, place, kernel)
        return _synced(parent, kernel)


def _synced(directory: int, kernel: Kernel) -> bool:
    try:
        kernel.sync(directory)
    except OSError:
        return False
    return True


def _removed(root_fd: int, files: Sequence[Lying], kernel: Kernel) -> Sequence[bytes]:
    """Return the paths of files that were removed, and not put back by an earlier attempt."""
    missing = [file.noted for file in files if file.here is None and file.noted is not None]
    return [
        noted.path
        for noted in missing
        # The number of a file that was removed is given to the next one that is made.
        if (there := at_place(root_fd, noted.path, kernel)) is None
        or not still_is(noted.identity, there)
    ]
