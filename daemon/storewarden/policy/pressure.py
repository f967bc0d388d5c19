"""How full a file system is, and how much goes when that is too full, and not more; pure.

Pressure never makes anything due: it only chooses among what is due already. What could go comes in
its order, as ``ordering`` says, and is read no further than is needed. What an act frees is an
estimate: who carries it out tells what became of it, and measures the file system now and then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from storewarden.policy.rules import Force, Pressure

BLOCK = 512
"""What stat counts blocks in, whatever those of a file system are."""


@dataclass(frozen=True, slots=True)
class Space:
    """How full a file system is, in bytes."""

    total: int
    used: int

    def above(self, share: float) -> bool:
        """Whether more than a share of it is used."""
        return self.used > share * self.total


class Room(NamedTuple):
    """What an act frees at once, and what it frees when the trash is emptied; in bytes."""

    frees: int = 0
    rests: int = 0

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return self.frees + self.rests > 0


class Candidate(NamedTuple):
    """A file that could go."""

    file_id: int
    due_ns: int
    room: Room


def room(action: Force, blocks: int, links: int, *, here: bool = True) -> Room:
    """Return what an act on a file frees: what it takes on disk, and nothing if it has other names.

    A file with holes takes less than its size; what lies in the trash takes what it took.
    """
    size = blocks * BLOCK if here and links <= 1 else 0
    if action is Force.TRASH:
        return Room(rests=size)
    return Room(frees=size) if action.destructive else Room()


class Relief:
    """One run that makes room: ``choose`` what goes, ``note`` what became of it.

    ``resting`` are the bytes in the trash of that file system, which come free by themselves: what
    is on its way is not made room for twice, although the file system is still as full.
    """

    def __init__(
        self, pressure: Pressure, space: Space, resting: int = 0, *, going_on: bool = False
    ) -> None:
        """Begin where the file system is above ``high``, or go on to ``low`` where it was."""
        self._low = pressure.low
        begins = going_on or space.above(pressure.high)
        self._wanted = self._above_low(space, resting) if begins else 0

    @property
    def wanted(self) -> int:
        """Bytes that are still to be freed."""
        return max(0, self._wanted)

    def choose(self, candidates: Iterable[Candidate], now_ns: int) -> Iterator[Candidate]:
        """Yield what goes, until it is enough; what is not due or frees nothing is passed over."""
        rest = iter(candidates)
        while self._wanted > 0:
            one = next(rest, None)
            if one is None:
                return
            if one.due_ns <= now_ns and one.room:
                self._wanted -= one.room.frees + one.room.rests
                yield one

    def kept(self, candidate: Candidate) -> None:
        """Take note that nothing came of what was chosen: another one goes instead."""
        self._wanted += candidate.room.frees + candidate.room.rests

    def measured(self, space: Space, resting: int) -> None:
        """Take what is measured in place of what was reckoned; nothing may be under way."""
        self._wanted = self._above_low(space, resting)

    def _above_low(self, space: Space, resting: int) -> int:
        return space.used - resting - int(self._low * space.total)
