"""Why something may be removed from the trash: a value that only looking and asking makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from storewarden.act.drawers import Lying, Room
from storewarden.act.entries import Entry
from storewarden.act.identity import Identity
from storewarden.act.proof import Proof
from storewarden.act.refused import Reason, Refused

_MADE_HERE: Final = object()


class Allowance:
    """That exactly these files may be removed from the trash, who asked, and since when they lie.

    It does not outlive the process, and is asked for anew after a restart.
    """

    __slots__ = ("asked_by", "drawer", "files", "mark", "proofs", "since_ns")

    def __init__(
        self,
        made_here: object,
        entry: Entry,
        asked_by: str,
        since_ns: int,
        proofs: tuple[Proof, ...],
    ) -> None:
        if made_here is not _MADE_HERE:
            raise TypeError("an allowance is given by allow_purge, not by saying so")
        self.mark, self.drawer = entry.mark, entry.drawer
        self.asked_by = asked_by  # a policy or a person
        self.since_ns = since_ns
        self.proofs = proofs
        self.files: Mapping[int, Identity] = MappingProxyType(
            {file.number: file.here for file in entry.files if file.here is not None}
        )


def allow_purge(
    entry: Entry,
    *,
    asked_by: str,
    at_least_ns: int,
    now_ns: int,
    proofs: Sequence[Proof] | None = None,
) -> Allowance | Refused:
    """Allow the purge of what was seen in the trash, as it was seen, or say why not.

    Args:
        entry: as `entries.look` returned it.
        asked_by: the policy or the person that wants it gone; one of both must.
        at_least_ns: how long it must have lain there; 0 for a person who asks for it by name.
        now_ns: the wall clock.
        proofs: of copies, where the policy wants one to stay; None where none is wanted.
    """
    if not asked_by:
        raise ValueError("somebody must have asked")
    if entry.room is not Room.TRASH:
        return Refused(Reason.NOT_ALLOWED, _path(entry), "it does not lie in the trash")
    if entry.since_ns is None:
        return Refused(Reason.CHANGED, _path(entry), "no note tells what it is, and since when")
    for file in entry.here:
        if not file.intact:
            return Refused(Reason.CHANGED, _path_of(file), "it is not what was put into the trash")
    # By a clock that was set back nothing has lain long enough, but a person may not wait for it.
    if at_least_ns > 0 and now_ns - entry.since_ns < at_least_ns:
        return Refused(Reason.TOO_EARLY, _path(entry), "it has not lain there long enough")
    if proofs is not None:
        for file in entry.here:
            if not any(_proves(proof, file) for proof in proofs):
                return Refused(Reason.UNPROVEN, _path_of(file), "no copy of it is proven")
    return Allowance(_MADE_HERE, entry, asked_by, entry.since_ns, tuple(proofs or ()))


def _proves(proof: Proof, file: Lying) -> bool:
    # By what was noted: the proof tells the device as it was then, too.
    return file.noted is not None and proof.content.identity.unchanged_by_rename(
        file.noted.identity
    )


def _path(entry: Entry) -> bytes:
    return _path_of(entry.files[0]) if entry.files else b""


def _path_of(file: Lying) -> bytes:
    return file.noted.path if file.noted else b""
