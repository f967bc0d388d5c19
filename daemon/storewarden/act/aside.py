"""Move all files of a bundle into a drawer, or none: the first half of trash and of leaving."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

from storewarden.act import remove
from storewarden.act.drawers import (
    Drawer,
    Room,
    identity_at,
    make_drawer,
    name_of,
    open_drawer_of,
    still_is,
)
from storewarden.act.entries import Entry, at_place, look
from storewarden.act.giveback import put_back
from storewarden.act.identity import Identity
from storewarden.act.kernel import Kernel
from storewarden.act.leases import Quiet, quiet
from storewarden.act.logs import require_together
from storewarden.act.members import Bundle, Held, Member, difference, hold, hold_in, modes_above
from storewarden.act.note import Note, Noted, Slip
from storewarden.act.refused import Reason, Refused, Stop, refused


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be moved where, and what must hold of it."""

    room: Room
    bundle: Bundle
    only_name: bool = False  # no file may have another name


class Moved(NamedTuple):
    """A file that lies in the drawer now, open, and what was seen of it there."""

    number: int
    held: Held
    quiet: Quiet
    seen: Identity


class Aside(NamedTuple):
    """The drawer with all files that were not removed by an earlier attempt."""

    drawer: Drawer
    files: tuple[Moved, ...]
    removed: tuple[bytes, ...]


class _Found(NamedTuple):
    number: int
    held: Held
    inside: bool  # it lies in the drawer already


def put_aside(root_fd: int, wish: Wish, kernel: Kernel, stack: ExitStack) -> Aside | Refused:
    """Move the files into a drawer, durably, or put back those that were moved and say why.

    After a kill at any instant it is called again with the same wish, and goes on.
    """
    mark, members = wish.bundle.mark, wish.bundle.members
    if not members or len({member.path for member in members}) < len(members):
        raise ValueError("a bundle has files, and each of them once")
    first = members[0].path
    try:
        drawer = open_drawer_of(root_fd, wish.room, mark, wish.bundle.shared, kernel, stack)
    except (Stop, OSError) as error:
        return refused(error, first)._replace(unsure=True)
    if drawer and drawer.note:
        found = drawer.note.of(mark)
        if found is None or found[1].members != members:
            return Refused(Reason.TAKEN, first, "another act bears this mark")
    parents: dict[int, Held] = {}
    try:
        return _move(root_fd, wish, drawer, parents, kernel, stack)
    except (Stop, OSError) as error:
        return undone(root_fd, wish, parents, refused(error, first), kernel)


def undone(
    root_fd: int, wish: Wish, parents: Mapping[int, Held], why: Refused, kernel: Kernel
) -> Refused:
    """Put back what was moved, if we may still act; return why, and what could not be put back."""
    kernel.require_ours()
    bundle = wish.bundle
    done = put_back(root_fd, wish.room, bundle.mark, parents, kernel, shared=bundle.shared)
    kept = done.kept
    if wish.room is Room.LEAVING and not kept:  # an earlier attempt may have put it there
        trashed = look(root_fd, Room.TRASH, wish.bundle.mark, kernel)
        if isinstance(trashed, Entry):
            kept = tuple(file.noted.path for file in trashed.here if file.noted)
    return why._replace(kept=kept, removed=done.removed, unsure=done.unsure)


def outside(aside: Aside) -> Mapping[int, Held]:
    """Return the files that were found at their places, and not in the drawer."""
    return {
        moved.number: moved.held
        for moved in aside.files
        if moved.held.parent != aside.drawer.descriptor
    }


def _move(
    root_fd: int,
    wish: Wish,
    drawer: Drawer | None,
    parents: dict[int, Held],
    kernel: Kernel,
    stack: ExitStack,
) -> Aside:
    found, removed = _find_all(root_fd, wish, drawer, kernel, stack)
    parents.update({one.number: one.held for one in found if not one.inside})
    quiets = [undisturbed(one.held, wish, kernel) for one in found]
    if drawer is None or drawer.note is None:
        slip = _slip(root_fd, wish, [one.held for one in found], kernel)
        drawer = make_drawer(root_fd, wish.room, Note(slip.mark, (slip,)), kernel, stack)
    moved = []
    for one, how in zip(found, quiets, strict=True):
        name = name_of(one.number)
        if one.inside:
            seen = Identity.of(kernel.stat(name, drawer.descriptor))
        else:
            seen = remove.aside(one.held, drawer.descriptor, name, kernel)
        moved.append(Moved(one.number, one.held, how, seen))
    for directory in sorted({held.parent for held in parents.values()}):
        kernel.sync(directory)
    kernel.sync(drawer.descriptor)
    return Aside(drawer, tuple(moved), removed)


def _find_all(
    root_fd: int, wish: Wish, drawer: Drawer | None, kernel: Kernel, stack: ExitStack
) -> tuple[list[_Found], tuple[bytes, ...]]:
    found: list[_Found] = []
    removed: list[bytes] = []
    mark, members = wish.bundle.mark, wish.bundle.members
    numbers = drawer.numbers(mark) if drawer and drawer.note else range(len(members))
    for number, member in zip(numbers, members, strict=True):
        if drawer and drawer.note and _lies_in(drawer, number, kernel):
            held = hold_in(drawer.descriptor, name_of(number), member.path, kernel, stack)
            if not member.identity.unchanged_by_rename(held.identity):
                why = difference(member.identity, held.identity)
                raise Stop(Reason.CHANGED, member.path, f"since it was moved: {why}")
            found.append(_Found(number, held, inside=True))
        elif drawer and drawer.going(mark) and not _is_back(root_fd, member, kernel):
            removed.append(member.path)
        else:
            found.append(_Found(number, hold(root_fd, member, kernel, stack), inside=False))
    return found, tuple(removed)


def _lies_in(drawer: Drawer, number: int, kernel: Kernel) -> bool:
    return identity_at(drawer.descriptor, name_of(number), kernel) is not None


def _is_back(root_fd: int, member: Member, kernel: Kernel) -> bool:
    """Tell whether an attempt that was refused, and then killed, had put this file back."""
    there = at_place(root_fd, member.path, kernel)
    return there is not None and still_is(member.identity, there)


def undisturbed(held: Held, wish: Wish, kernel: Kernel) -> Quiet:
    """Return how it is known that nobody changes a file, as long as it is held.

    Raises:
        Stop: somebody may, or did so meanwhile.
    """
    if wish.only_name and held.status.st_nlink != 1:
        raise Stop(Reason.LINKED, held.path, f"it has {held.status.st_nlink} names")
    how = quiet(held.descriptor, held.path, kernel, unused=wish.bundle.unused)
    # Only since now it cannot be rewritten: who did so before, and set its times back, is told by
    # the time that nobody can set, before the rename sets it.
    now = Identity.of(kernel.fstat(held.descriptor))
    if now != held.identity:
        raise Stop(Reason.CHANGED, held.path, difference(held.identity, now))
    require_together(held, {member.path for member in wish.bundle.members}, kernel)
    return how


def _slip(root_fd: int, wish: Wish, held: list[Held], kernel: Kernel) -> Slip:
    files = tuple(
        noted(one.path, one.status, modes_above(root_fd, one.path, kernel)) for one in held
    )
    return Slip(wish.bundle.mark, wish.bundle.now_ns, files, dict(wish.bundle.told))


def noted(path: bytes, status: os.stat_result, above: tuple[int, ...]) -> Noted:
    """Return what is noted of a file before it is moved."""
    return Noted(
        path=path,
        identity=Identity.of(status),
        mode=status.st_mode,
        uid=status.st_uid,
        gid=status.st_gid,
        accessed_ns=status.st_atime_ns,
        above=above,
    )
