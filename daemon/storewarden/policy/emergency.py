"""What goes when room is needed at once, safest first, and why; pure.

First what has a verified copy elsewhere, for of that nothing is lost; then what can be made again;
then what is in the trash, from which somebody may still want something back; then what policies
would take from here, in the order in which it is due. Only what frees bytes at once is worth
anything: putting files into the trash is not. What is held, pinned, required here, in use, or goes
where another file goes is never touched, nor is what is not known to be free of that.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from enum import Enum, IntEnum
from typing import NamedTuple

from storewarden.policy.decision import Blocked
from storewarden.policy.pressure import BLOCK, room
from storewarden.policy.reasons import day
from storewarden.policy.rules import Force

_TAKEN = (Force.MOVE, Force.ARCHIVE)
"""What leaves a verified copy: a policy's may come before its time, others may not."""


class Safety(IntEnum):
    """Why a file may go, the safest reason first."""

    COPIED = 1
    AGAIN = 2
    TRASH = 3
    DUE = 4


class Kept(Enum):
    """Why a file stays whatever is needed; the first that applies is told."""

    NO_ROOM = "frees nothing"
    HELD = "held"
    PINNED = "pinned"
    REQUIRED = "required here"
    SIDECAR = "goes where its owner goes"
    GROWING = "somebody is writing it"
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


class _How(NamedTuple):
    """How files go, and why."""

    action: Force
    store: str | None
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
    chosen: list[tuple[int, int, int, int, _How]] = []  # the least safe on top
    hows: dict[_How, _How] = {}  # each once, however many files go so
    total = 0
    for spare in spares:
        reason = keeps(spare)
        safety = None if reason else _safety(spare, now_ns)
        if safety is None:
            kept[reason or Kept.NO_REASON] += 1
            continue
        size = spare.blocks * BLOCK
        place = -safety, -_rank(safety, spare, size), -spare.file_id
        if total >= wanted and (not chosen or place < chosen[0][:3]):
            continue  # it would be the first to stay
        how = _how(safety, spare, now_ns)
        heapq.heappush(chosen, (*place, size, hows.setdefault(how, how)))
        total += size
        while chosen and total - chosen[0][3] >= wanted:
            total -= heapq.heappop(chosen)[3]
    chosen.sort(reverse=True)
    files = (
        Freed(-file_id, how.action, how.store, size, how.safety, how.why)
        for _, _, file_id, size, how in chosen
    )
    return Freeing(tuple(files), total, max(0, wanted - total), kept)


def keeps(spare: Spare) -> Kept | None:
    """Return why a file stays whatever is needed."""
    if not room(Force.PURGE, spare.blocks, spare.links):
        return Kept.NO_ROOM
    if not (spare.held or spare.pinned or spare.required or spare.sidecar or spare.growing):
        return None
    applies = {
        Kept.HELD: spare.held,
        Kept.PINNED: spare.pinned,
        Kept.REQUIRED: spare.required,
        Kept.SIDECAR: spare.sidecar,
        Kept.GROWING: spare.growing,
    }
    return next(reason for reason, does in applies.items() if does)


def _safety(spare: Spare, now_ns: int) -> Safety | None:
    """Return why a file may go, if it may."""
    if spare.state == "trashed":
        return Safety.TRASH
    if spare.state != "present":
        return None
    if spare.copied:
        return Safety.COPIED
    if spare.regenerable:
        return Safety.AGAIN
    if spare.due_ns is None or spare.blocked:
        return None
    purged = spare.action is Force.PURGE and spare.due_ns <= now_ns
    return Safety.DUE if purged or spare.action in _TAKEN else None


def _rank(safety: Safety, spare: Spare, size: int) -> int:
    """Return what goes first of what is equally safe: the largest, or the oldest there."""
    if safety is Safety.TRASH:
        return spare.state_ns or 0
    return (spare.due_ns or 0) if safety is Safety.DUE else -size


def _how(safety: Safety, spare: Spare, now_ns: int) -> _How:
    """Return how a file goes, and why in words."""
    action, store = Force.PURGE, None
    if safety is Safety.COPIED and spare.copied:
        action, store = Force.ARCHIVE, spare.copied[0]
    elif safety is Safety.DUE and spare.action is not None:
        action, store = spare.action, spare.store
    return _How(action, store, safety, _why(safety, spare, now_ns))


def _why(safety: Safety, spare: Spare, now_ns: int) -> str:
    match safety:
        case Safety.AGAIN:
            return "it can be made again: its tool, model, prompt and seed are known"
        case Safety.COPIED if spare.copied:
            return f"{spare.copied[0]} has a copy of it, verified {day(spare.copied[1])}"
        case Safety.TRASH:
            return f"it is in the trash since {day(spare.state_ns or 0)}"
        case _:
            due_ns = spare.due_ns or 0
            when = f"since {day(due_ns)}" if due_ns <= now_ns else f"from {day(due_ns)} on"
            to = f" to {spare.store}" if spare.store else ""
            action = spare.action.word if spare.action else ""
            return f"{spare.policy} asks for it, due {when}: {action}{to}"
