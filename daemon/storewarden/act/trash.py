"""Soft delete: out of sight at once, restorable until purged, listed without any catalogue.

The act's drawer holds the files of one bundle. Nothing is copied: the inode that was decided on is
moved, with its times, its mode and all that belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from storewarden.act import remove
from storewarden.act.allowance import Allowance
from storewarden.act.aside import Aside, Wish, put_aside
from storewarden.act.drawers import (
    Drawer,
    Lying,
    Room,
    begin_removing,
    identity_at,
    lying,
    name_of,
    open_drawer,
    open_drawer_of,
    still_is,
)
from storewarden.act.entries import at_place
from storewarden.act.giveback import parent_made
from storewarden.act.identity import Identity
from storewarden.act.kernel import KERNEL, Kernel
from storewarden.act.leases import Quiet, quiet, still_quiet
from storewarden.act.members import Bundle, Held, hold_in, open_parent
from storewarden.act.refused import Reason, Refused, Stop, refused, translated

BLOCK = 512  # bytes, as stat counts them


class Trashed(NamedTuple):
    """All files of a bundle lie in the trash, durably."""

    mark: str
    quiet: tuple[Quiet, ...]  # how it is known that nobody was writing, file by file
    drawer: str  # its mark
    names: tuple[bytes, ...]  # what each file is called in the drawer


class Restored(NamedTuple):
    """All files of a bundle are back, durably; the emptied drawer waits for `entries.forget`."""

    mark: str
    paths: tuple[bytes, ...]
    changed: tuple[bytes, ...]  # somebody changed these after they were trashed


class Purged(NamedTuple):
    """All files of a bundle are removed, durably; the drawer waits for `entries.forget`."""

    mark: str
    freed: int  # bytes on the disk; what has other names frees nothing


def trash(root_fd: int, bundle: Bundle, *, kernel: Kernel = KERNEL) -> Trashed | Refused:
    """Move the files of a bundle into the trash, all or none; called again, it finishes."""
    with ExitStack() as stack:
        aside = put_aside(root_fd, Wish(Room.TRASH, bundle), kernel, stack)
        if isinstance(aside, Refused):
            return aside
        return trashed(aside, bundle.mark)


def trashed(aside: Aside, mark: str) -> Trashed:
    """Tell of files that lie in the trash."""
    return Trashed(
        mark,
        tuple(moved.quiet for moved in aside.files),
        aside.drawer.mark,
        tuple(name_of(moved.number) for moved in aside.files),
    )


# -- restore ----------------------------------------------------------------------------------


def restore(
    root_fd: int,
    mark: str,
    to: Sequence[bytes] | None = None,
    *,
    kernel: Kernel = KERNEL,
    shared: str | None = None,
) -> Restored | Refused:
    """Put the files of a bundle back, all or none, never over anything; called again, it finishes.

    Args:
        root_fd: the root, open.
        mark: of the act that trashed them.
        to: other paths in the same root, one for each file in their order.
        kernel: the system calls.
        shared: the drawer that the act was to share.
    """
    with ExitStack() as stack:
        try:
            drawer = open_drawer_of(root_fd, Room.TRASH, mark, shared, kernel, stack)
            if drawer is None:
                return Refused(Reason.GONE, mark.encode(), "the trash has no such entry")
            pairs = _pairs(lying(drawer, mark, kernel), to)
        except (Stop, OSError) as error:
            return refused(error, mark.encode())
        try:
            going = drawer.going(mark)
            waiting = [pair for pair in pairs if _waits(root_fd, *pair, kernel, going=going)]
            # The first file gives the others their meaning: it comes last.
            for file, place in reversed(waiting):
                _bring(root_fd, drawer, file, place, kernel)
            kernel.sync(drawer.descriptor)
        except (Stop, OSError) as error:
            return taken_back(root_fd, drawer, pairs, refused(error, pairs[0][1]), kernel)
        changed = tuple(place for file, place in waiting if not file.intact)
        return Restored(mark, tuple(place for _, place in pairs), changed)


def _pairs(files: Sequence[Lying], to: Sequence[bytes] | None) -> list[tuple[Lying, bytes]]:
    if to is not None:
        if len(to) != len(files) or len(set(to)) < len(to):
            raise ValueError(f"{len(files)} files need as many places, each another")
        return list(zip(files, to, strict=True))
    pairs = []
    for file in files:
        if file.noted is None:
            raise Stop(Reason.CHANGED, b"", "no note tells where it was: say where it shall go")
        pairs.append((file, file.noted.path))
    return pairs


def _waits(root_fd: int, file: Lying, place: bytes, kernel: Kernel, *, going: bool) -> bool:
    """Tell whether a file is still to be brought to its place, which is free."""
    there = at_place(root_fd, place, kernel)
    if file.here is not None:
        if there is not None:
            raise Stop(Reason.TAKEN, place, "something is there; nothing is replaced")
        return True
    decided = file.noted.identity if file.noted else None
    if there is None or decided is None or not _may_be(root_fd, decided, there, kernel):
        raise Stop(Reason.GONE, place, "it was purged" if going else "")
    if going and not still_is(decided, there):  # the number of a removed file is given out again
        raise Stop(Reason.GONE, place, "it was purged")
    return False


def _may_be(root_fd: int, brought: Identity, there: Identity, kernel: Kernel) -> bool:
    """Tell whether what is at a place now may be a file that came out of a drawer.

    Its content may have been changed since. The number of the file system is that of the root, and
    not that which was noted: it may be another one after a restart of the machine.
    """
    return there.inode == brought.inode and there.device == kernel.fstat(root_fd).st_dev


def _bring(root_fd: int, drawer: Drawer, file: Lying, place: bytes, kernel: Kernel) -> None:
    modes = file.noted.above if file.noted and file.noted.path == place else ()
    try:
        with ExitStack() as stack:
            parent, name = parent_made(root_fd, place, modes, kernel, stack)
            remove.back(drawer.descriptor, name_of(file.number), parent, name, kernel)
            kernel.sync(parent)
    except OSError as error:
        raise translated(error, place) from error


def taken_back(
    root_fd: int,
    drawer: Drawer,
    pairs: Sequence[tuple[Lying, bytes]],
    why: Refused,
    kernel: Kernel,
) -> Refused:
    """Put into the trash again what this attempt, or one that was killed, had brought back.

    Returns ``why``, and whether not all of it could be told.
    """
    kernel.require_ours()
    unsure = False
    for file, place in pairs:
        try:
            if identity_at(drawer.descriptor, name_of(file.number), kernel) is None:
                _take_back(root_fd, drawer, file, place, kernel)
        except (Stop, OSError):
            unsure = True
    return why._replace(unsure=unsure)


def _take_back(root_fd: int, drawer: Drawer, file: Lying, place: bytes, kernel: Kernel) -> None:
    brought = file.here or (file.noted.identity if file.noted else None)
    there = at_place(root_fd, place, kernel)
    if brought is None or there is None or not _may_be(root_fd, brought, there, kernel):
        return  # it was purged, or somebody has it elsewhere: nothing of it is ours to take
    with ExitStack() as stack:
        parent, name = open_parent(root_fd, place, kernel, stack)
        held = hold_in(parent, name, place, kernel, stack)
        if not still_is(brought, held.identity):
            raise Stop(Reason.CHANGED, place, "somebody changed it since it was brought back")
        number = name_of(file.number)
        try:
            remove.aside(held, drawer.descriptor, number, kernel)
        except Stop:
            remove.back(drawer.descriptor, number, parent, name, kernel)
            raise
        finally:
            kernel.sync(parent)
            kernel.sync(drawer.descriptor)


# -- purge ------------------------------------------------------------------------------------


def purge(root_fd: int, allowance: Allowance, *, kernel: Kernel = KERNEL) -> Purged | Refused:
    """Remove from the trash what was allowed, if it is exactly that; called again, it finishes."""
    mark = allowance.mark
    with ExitStack() as stack:
        try:
            drawer = open_drawer(root_fd, Room.TRASH, allowance.drawer, kernel, stack)
            if drawer is None:
                return Refused(Reason.GONE, mark.encode(), "the trash has no such entry")
            files = _allowed(drawer, allowance, kernel, stack)
        except (Stop, OSError) as error:
            return refused(error, mark.encode())
        try:
            begin_removing(drawer, [number for number, _, _ in files], kernel)
            freed = _remove(drawer, files, allowance, kernel)
            kernel.sync(drawer.descriptor)
        except (Stop, OSError) as error:
            return purged_in_part(drawer, allowance, refused(error, mark.encode()), kernel)
        return Purged(mark, freed)


def _remove(
    drawer: Drawer,
    files: Sequence[tuple[int, Held, Quiet]],
    allowance: Allowance,
    kernel: Kernel,
) -> int:
    freed = 0
    for number, held, how in files:
        still_quiet(held.descriptor, how, held.path, kernel)
        remove.allowed(drawer.descriptor, number, held, allowance, kernel)
        freed += held.status.st_blocks * BLOCK if held.status.st_nlink == 1 else 0
    return freed


def purged_in_part(drawer: Drawer, allowance: Allowance, why: Refused, kernel: Kernel) -> Refused:
    """Return why not all that was allowed was removed, and what was."""
    try:
        files = lying(drawer, allowance.mark, kernel)
    except OSError:
        return why._replace(unsure=True)
    gone = [one.noted for one in files if one.here is None and one.number in allowance.files]
    return why._replace(removed=tuple(noted.path for noted in gone if noted is not None))


def _allowed(
    drawer: Drawer, allowance: Allowance, kernel: Kernel, stack: ExitStack
) -> list[tuple[int, Held, Quiet]]:
    """Hold all files of an act, each of which must be as the allowance was given for it."""
    found = []
    going = drawer.going(allowance.mark)
    for file in lying(drawer, allowance.mark, kernel):
        path = file.noted.path if file.noted else b""
        if file.here is None:
            if file.number in allowance.files and not going:
                raise Stop(Reason.GONE, path)
            continue
        if file.here != allowance.files.get(file.number):
            raise Stop(Reason.CHANGED, path, "it is not what the purge was allowed for")
        held = hold_in(drawer.descriptor, name_of(file.number), path, kernel, stack)
        found.append((file.number, held, quiet(held.descriptor, path, kernel)))
    return found
