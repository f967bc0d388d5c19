"""Remove local files after they were archived: only ever with a proof, and never while in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from storewarden.act import remove
from storewarden.act.aside import Aside, Moved, Wish, outside, put_aside, undone
from storewarden.act.drawers import Room, begin_removing, name_of
from storewarden.act.identity import Identity
from storewarden.act.kernel import KERNEL, Kernel
from storewarden.act.leases import Quiet, still_quiet
from storewarden.act.members import Bundle, difference
from storewarden.act.proof import Proof
from storewarden.act.refused import Reason, Refused, Stop, refused
from storewarden.act.trash import BLOCK


class Left(NamedTuple):
    """All files of a bundle are removed, durably; the drawer waits for `entries.forget`."""

    mark: str
    freed: int  # bytes on the disk
    quiet: tuple[Quiet, ...]  # how it is known that nobody was writing, file by file


def leave(
    root_fd: int, bundle: Bundle, proofs: Sequence[Proof], *, kernel: Kernel = KERNEL
) -> Left | Refused:
    """Remove the files of a bundle, each with a proof of its copy; called again, it finishes.

    Each is taken out of its place first, where nobody can open it by its name any more; then it is
    looked once more whether it is what was proven, and only then removed. Whatever is not is put
    back, or stays in the trash when its place is taken meanwhile.

    Args:
        root_fd: the root, open.
        bundle: its files must have no other names.
        proofs: one of each file, of exactly the identity that was decided on.
        kernel: the system calls.
    """
    by_identity = {proof.content.identity: proof for proof in proofs}
    for member in bundle.members:
        if member.identity not in by_identity:
            return Refused(Reason.UNPROVEN, member.path, "no proof is of this content")
    wish = Wish(Room.LEAVING, bundle, only_name=True)
    with ExitStack() as stack:
        aside = put_aside(root_fd, wish, kernel, stack)
        if isinstance(aside, Refused):
            return aside
        try:
            freed = _remove(aside, wish, by_identity, kernel)
        except (Stop, OSError) as error:
            why = refused(error, wish.bundle.members[0].path)
            return undone(root_fd, wish, outside(aside), why, kernel)
        return Left(bundle.mark, freed, tuple(moved.quiet for moved in aside.files))


def _remove(aside: Aside, wish: Wish, proofs: Mapping[Identity, Proof], kernel: Kernel) -> int:
    # All before any: what can still be seen to be wrong shall be seen while nothing is removed.
    for moved in aside.files:
        _check(moved, wish, kernel)
    begin_removing(aside.drawer, [moved.number for moved in aside.files], kernel)
    freed = 0
    for moved in aside.files:
        _check(moved, wish, kernel)
        proof = proofs[wish.bundle.members[moved.number].identity]
        name = name_of(moved.number)
        remove.proven(aside.drawer.descriptor, name, moved.seen, moved.held, proof, kernel)
        freed += moved.held.status.st_blocks * BLOCK
    kernel.sync(aside.drawer.descriptor)
    return freed


def _check(moved: Moved, wish: Wish, kernel: Kernel) -> None:
    held = moved.held
    status = kernel.fstat(held.descriptor)
    if status.st_nlink != 1:
        raise Stop(Reason.LINKED, held.path, "it got another name meanwhile")
    if Identity.of(status) != moved.seen:
        raise Stop(Reason.CHANGED, held.path, difference(moved.seen, Identity.of(status)))
    still_quiet(held.descriptor, moved.quiet, held.path, kernel, unused=wish.bundle.unused)
