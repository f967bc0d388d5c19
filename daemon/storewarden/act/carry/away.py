"""The files of an act leave their root once their copies are proven: archive, and move to a store.

All files of a bundle are copied and proven before the first of them leaves. What became of a
bundle that was stopped half way is read from the disk, where the drawers tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from storewarden.act.carry.storing import copy_all, drop_objects, verify_all
from storewarden.act.carry.work import STEP_ERRORS, Halted, Work, drawer_of, drawer_place
from storewarden.act.drawers import Lying, Room, name_of, still_is
from storewarden.act.entries import Found, forget, recover
from storewarden.act.giveback import put_back
from storewarden.act.leaving import leave
from storewarden.act.proof import Proof
from storewarden.act.refused import Reason, Refused
from storewarden.catalogue.acts import Act, Identity, Member

End = Callable[[Act, int], Act]


class Lies(NamedTuple):
    """Where the files of an act are, by number, that are not at their places."""

    left: tuple[int, ...] = ()  # removed, each with a proof
    kept: tuple[Lying, ...] = ()  # in the trash, since their places are taken
    drawer: str = ""  # which one there


def carry_away(work: Work, end: End, proofs: Sequence[Proof] | None = None) -> Act:
    """Copy, prove, remove, and end the act; from whatever state it is in.

    ``proofs`` are those of one that is copied; without them its copies are read here.
    """
    if work.act.state == "planned":
        copy_all(work)
    if work.act.state == "copied":
        proofs = verify_all(work) if proofs is None else proofs
        note_proven(work)
    if work.act.state == "verified":
        leave_proven(work, proofs if proofs is not None else _proven_again(work))
        work.advance("switched")
    if work.act.place == drawer_place(Room.TRASH, work.act.mark):
        return _end_kept(work)  # it was given up, and killed before that was noted
    return _ended(work, end, work.act)


def note_proven(work: Work) -> None:
    """Note that the copies of an act are proven, and by which drawer its files leave."""
    work.advance("verified", place=drawer_place(Room.LEAVING, work.act.mark))


def settle_away(work: Work, end: End) -> Act | None:
    """End an act that cannot go on as what became of its files; its copies go if nothing did."""
    lies = settled(work)
    if lies.left:
        members = work.act.members
        work.reconsider([one for at, one in enumerate(members) if at not in lies.left])
        return _ended(work, end, work.act._replace(members=tuple(members[i] for i in lies.left)))
    if lies.kept:
        return end_kept(work, lies)
    drop_objects(work)
    return None


def settled(work: Work) -> Lies:
    """Put back what can be, and tell where the rest is.

    Raises:
        Halted: that cannot be seen now.
    """
    work.require_lease()
    root_fd, kernel = work.root.descriptor, work.tools.kernel
    for one in _found(work):
        if not one.empty:
            put_back(
                *(root_fd, one.entry.room, work.act.mark),
                kernel=kernel,
                shared=drawer_of(work.act),
            )
    found = _found(work)
    if any(one.entry.room is Room.LEAVING and not one.empty for one in found):
        raise Halted(
            Refused(Reason.BUSY, work.act.path, "it lies in a drawer of ours", unsure=True)
        )
    return Lies(
        tuple(sorted(number for one in found for number in _left(one))),
        tuple(file for one in found for file in one.entry.here),
        next((one.entry.drawer for one in found if one.entry.here), ""),
    )


def end_kept(work: Work, lies: Lies) -> Act:
    """End an act some of whose files had to stay in the trash: as such, whatever they are."""
    there = work.act.members
    members = tuple(_kept(file, there) for file in lies.kept)
    ids = {one.file_id for one in members}
    work.reconsider([one for one in there if one.file_id not in ids])
    place = drawer_place(Room.TRASH, lies.drawer)
    work.advance("switched", members=members, place=place)
    return _end_kept(work)


def _end_kept(work: Work) -> Act:
    return work.tools.acted.trashed(work.act, work.now_ns)


def _kept(file: Lying, there: Sequence[Member]) -> Member:
    """Return what lies in the trash as a member; what is not what was decided on has no row."""
    if file.noted is None or file.here is None:
        raise Halted(Refused(Reason.CHANGED, b"", "no note tells what lies there", unsure=True))
    lies = name_of(file.number)
    for member in there:
        if file.intact and member.path == file.noted.path:
            return member._replace(lies=lies)
    return Member(file.noted.path, Identity(*file.here), lies=lies)


def _ended(work: Work, end: End, act: Act) -> Act:
    ended = end(act, work.now_ns)
    forget_drawer(work)
    return ended


def forget_drawer(work: Work) -> None:
    """Remove the drawer through which the files of an act left, once the journal says that it did.

    Not before: until then the drawer alone tells what became of them.
    """
    forget(work.root.descriptor, Room.LEAVING, work.act.mark, work.tools.kernel)


def leave_proven(work: Work, proofs: Sequence[Proof]) -> None:
    """Remove the files of an act whose journal tells that they are proven.

    Raises:
        Halted: not all of them may go; those that were moved are back, or told.
    """
    work.require_lease()
    bundle = work.bundle(work.act.members)
    done = leave(work.root.descriptor, bundle, proofs, kernel=work.tools.kernel)
    if isinstance(done, Refused):
        raise Halted(done)
    work.tally.freed += done.freed
    work.tally.quiet = done.quiet


def _proven_again(work: Work) -> Sequence[Proof]:
    """Prove all copies after a restart; what lies in the drawer goes back if that fails."""
    try:
        return verify_all(work)
    except STEP_ERRORS:
        work.require_lease()
        put_back(work.root.descriptor, Room.LEAVING, work.act.mark, kernel=work.tools.kernel)
        raise


def _found(work: Work) -> tuple[Found, ...]:
    shared = drawer_of(work.act)
    found = recover(work.root.descriptor, work.act.mark, work.tools.kernel, shared=shared)
    if isinstance(found, Refused):
        raise Halted(found._replace(unsure=True))
    return found


def _left(found: Found) -> list[int]:
    """Return which files were removed: they lie nowhere, and the drawer tells that they would."""
    if not found.entry.going:
        return []
    return [
        file.number
        for file, place in zip(found.entry.files, found.places, strict=True)
        if file.here is None
        and file.noted is not None
        and (place is None or not still_is(file.noted.identity, place))
    ]
