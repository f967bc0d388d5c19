"""The only module that removes a user's file, takes it from its place, or puts it back.

Each function here looks once more, at the last instant, whether it has the file that is meant. A
file is removed only from a drawer of ours, where nobody finds it by its name any more, and only by
somebody who holds a `Proof` that a copy exists or an `Allowance` for what lay in the trash.
"""

from __future__ import annotations

import stat

from storewarden.act.allowance import Allowance
from storewarden.act.drawers import name_of
from storewarden.act.identity import Identity
from storewarden.act.kernel import Kernel
from storewarden.act.members import Held, difference
from storewarden.act.proof import Proof
from storewarden.act.refused import Reason, Stop


def aside(held: Held, drawer_fd: int, name: bytes, kernel: Kernel) -> Identity:
    """Move a file from its place into a drawer; return what it is there.

    Raises:
        Stop: another file lies in the drawer now, since it was replaced meanwhile.
        OSError: it was not moved.
    """
    kernel.rename(held.parent, held.name, drawer_fd, name)
    found = Identity.of(kernel.stat(name, drawer_fd))
    if not held.identity.unchanged_by_rename(found):
        why = difference(held.identity, found._replace(changed_ns=held.identity.changed_ns))
        raise Stop(Reason.CHANGED, held.path, f"meanwhile: {why}")
    return found


def back(drawer_fd: int, name: bytes, parent: int, place: bytes, kernel: Kernel) -> None:
    """Move what lies in a drawer to a place where nothing is.

    Raises:
        OSError: it was not moved; EEXIST: something is there.
    """
    kernel.rename(drawer_fd, name, parent, place)


def proven(
    drawer_fd: int, name: bytes, seen: Identity, held: Held, proof: Proof, kernel: Kernel
) -> None:
    """Remove a file from a drawer, since a copy of exactly this content was read to its end.

    ``seen`` is what was seen of it in the drawer after it was put there, ``held`` the same file,
    open; its name there must be its only one.

    Raises:
        Stop: it is not, or not only, what the proof is of.
        OSError: it was not removed, or it cannot be told.
    """
    if not proof.content.identity.unchanged_by_rename(seen):
        raise Stop(Reason.UNPROVEN, held.path, difference(proof.content.identity, seen))
    if kernel.fstat(held.descriptor).st_nlink != 1:
        raise Stop(Reason.LINKED, held.path, "it got another name meanwhile")
    _unlink(drawer_fd, name, seen, held, kernel)


def allowed(drawer_fd: int, number: int, held: Held, allowance: Allowance, kernel: Kernel) -> None:
    """Remove a file from the trash, since it is exactly what the allowance was given for.

    Raises:
        Stop: it is not.
        OSError: it was not removed, or it cannot be told.
    """
    seen = allowance.files.get(number)
    if seen is None:
        raise Stop(Reason.CHANGED, held.path, "it did not lie there when it was allowed")
    _unlink(drawer_fd, name_of(number), seen, held, kernel)


def _unlink(drawer_fd: int, name: bytes, seen: Identity, held: Held, kernel: Kernel) -> None:
    open_now = kernel.fstat(held.descriptor)
    there = kernel.stat(name, drawer_fd)
    for status in (open_now, there):
        if Identity.of(status) != seen or not stat.S_ISREG(status.st_mode):
            raise Stop(Reason.CHANGED, held.path, difference(seen, Identity.of(status)))
    kernel.unlink(name, drawer_fd)
