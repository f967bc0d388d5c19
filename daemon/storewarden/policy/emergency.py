"""What goes when room is needed at once, safest first, and why; pure.

First what can be made again, then what has a verified copy elsewhere, then what is in the trash,
then what policies would take from here, in the order in which it is due. Only what frees bytes at
once is worth anything: putting files into the trash is not. What is held, pinned, required here, in
use, or goes where another file goes is never touched, nor is what is not known to be free of that.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from enum import Enum, IntEnum
from typing import NamedTuple

from storewarden.policy.decision import Blocked
from storewarden.policy.pressure import room
from storewarden.policy.reasons import day
from storewarden.policy.rules import Force

_TAKEN = (Force.MOVE, Force.ARCHIVE)
"""What leaves a verified copy: a policy's may come before its time, others may not."""


class Safety(IntEnum):
    """Why a file may go, the safest reason first."""

    AGAIN = 1
    COPIED = 2
    TRASH = 3
    DUE = 4


class Kept(Enum):
    """Why a file stays whatever is needed; the first that applies is told."""

    HELD = "held"
    PINNED = "pinned"
    REQUIRED = "required here"
    SIDECAR = "goes where its owner goes"
    GROWING = "somebody is writing it"
    NO_ROOM = "frees nothing"
    NO_REASON = "nothing says that it may go"


class Spare(NamedTuple):
    """What is known of a file that takes room here."""

    file_id: int
    state: str  # present or trashed
    state_ns: int | None
    blocks: int
    links: int
    regenerable: bool | None
    copied: tuple[str, int] | None  # a store that has a verified copy, and since when
    held: bool  # a hold matches, or it is not known whether one does
    pinned: bool
    required: bool  # a place policy requires it here, or may
    sidecar: bool
    growing: bool
    action: Force | None  # what its policies ask for next, and which one, when and where to
    policy: str | None
    due_ns: int | None
    store: str | None
    blocked: Blocked


class Freed(NamedTuple):
    """A file that goes: by which act, for which reason."""

    file_id: int
    action: Force
    store: str | None
    bytes: int
    safety: Safety
    why: str


class Freeing(NamedTuple):
    """What goes, safest first, and what that frees; what stayed, by the reason."""

    files: tuple[Freed, ...]
    bytes: int
    missing: int  # bytes that are wanted and nothing frees
    kept: Counter[Kept]


def freeing(wanted: int, spares: Iterable[Spare], now_ns: int) -> Freeing:
    """Return what goes so that at least so many bytes are free, and no file more than that takes.

    Files may come in any order. Only what goes is remembered, however many there are.
    """
    kept: Counter[Kept] = Counter()
    chosen: list[tuple[int, int, int, Freed]] = []  # the least safe on top: their ranks negative
    total = 0
    for spare in spares:
        reason = keeps(spare)
        found = None if reason else _goes(spare, now_ns)
        if found is None:
            kept[reason or Kept.NO_REASON] += 1
            continue
        rank, freed = found
        heapq.heappush(chosen, (-freed.safety, -rank, -freed.file_id, freed))
        total += freed.bytes
        while chosen and total - chosen[0][3].bytes >= wanted:
            total -= heapq.heappop(chosen)[3].bytes
    files = tuple(each[3] for each in sorted(chosen, reverse=True))
    return Freeing(files, total, max(0, wanted - total), kept)


def keeps(spare: Spare) -> Kept | None:
    """Return why a file stays whatever is needed."""
    applies = {
        Kept.HELD: spare.held,
        Kept.PINNED: spare.pinned,
        Kept.REQUIRED: spare.required,
        Kept.SIDECAR: spare.sidecar,
        Kept.GROWING: spare.growing,
        Kept.NO_ROOM: not room(Force.PURGE, spare.blocks, spare.links),
    }
    return next((reason for reason, does in applies.items() if does), None)


def _goes(spare: Spare, now_ns: int) -> tuple[int, Freed] | None:
    """Return by which act a file goes, and its rank among those that are as safe."""
    size = room(Force.PURGE, spare.blocks, spare.links).frees
    here = spare.state == "present"
    # with a copy elsewhere nothing has to be made again
    gentle = Force.ARCHIVE if spare.copied else Force.PURGE
    store = spare.copied[0] if spare.copied else None
    if here and spare.regenerable:
        why = "it can be made again: its tool, model, prompt and seed are known"
        return -size, Freed(spare.file_id, gentle, store, size, Safety.AGAIN, why)
    if here and spare.copied:
        why = f"{store} has a copy of it, verified {day(spare.copied[1])}"
        return -size, Freed(spare.file_id, Force.ARCHIVE, store, size, Safety.COPIED, why)
    if spare.state == "trashed":
        since = spare.state_ns or 0
        why = f"it is in the trash since {day(since)}"
        return since, Freed(spare.file_id, Force.PURGE, None, size, Safety.TRASH, why)
    return _asked(spare, size, now_ns) if here else None


def _asked(spare: Spare, size: int, now_ns: int) -> tuple[int, Freed] | None:
    """Return what the policies of a file ask for, where that frees bytes at once."""
    action, due_ns = spare.action, spare.due_ns
    if action is None or due_ns is None or spare.blocked:
        return None
    due = due_ns <= now_ns
    if action not in _TAKEN and not (action is Force.PURGE and due):
        return None
    when = f"since {day(due_ns)}" if due else f"from {day(due_ns)} on"
    to = f" to {spare.store}" if spare.store else ""
    why = f"{spare.policy} asks for it, due {when}: {action.word}{to}"
    return due_ns, Freed(spare.file_id, action, spare.store, size, Safety.DUE, why)
