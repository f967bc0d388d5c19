"""How healthy all of it is, from 100 down to 0, with a name for every point that is lost; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, cast

from storewarden.health.losses import Key, Loss, losses
from storewarden.health.probes import Probes
from storewarden.health.profiles import Profile

WHOLE: Final = 100
HEALTHY, WARNING = 80, 60
MOST_OBJECTS: Final = 10
"""Objects of one reason that are named; how many more there are is told with the last of them."""

Status = Literal["healthy", "warning", "critical"]


class Deduction(NamedTuple):
    """Points that are lost: why, for which object, what is wrong with it, what mends it.

    Where several objects are wrong for one reason that costs its points once, the first bears them
    and the others 0: the points come back when all of them are mended. ``more`` are not named.
    """

    reason: str
    points: int
    object: str
    detail: str
    remedy: str
    more: int = 0

    @property
    def key(self) -> Key:
        """What it is known by from one look to the next."""
        return (self.reason, self.object)


@dataclass(frozen=True, slots=True)
class Score:
    """The score, what it means, and what was lost."""

    score: int
    deductions: tuple[Deduction, ...]
    profile: str

    @property
    def status(self) -> Status:
        """The score in a word."""
        return status_of(self.score)

    def points(self) -> dict[str, int]:
        """Return the points that are lost, by reason; only those that cost any."""
        found: dict[str, int] = defaultdict(int)
        for one in self.deductions:
            found[one.reason] += one.points
        return {reason: points for reason, points in found.items() if points}

    def same(self, other: Score | None) -> bool:
        """Tell whether another one says the same, but for how it is told."""
        return other is not None and self.what == other.what

    @property
    def what(self) -> object:
        """What it says, but for how it is told."""
        lost = [(one.reason, one.points, one.object, one.more) for one in self.deductions]
        return self.score, self.profile, lost


def score(probes: Probes, profile: Profile, now_ns: int, before: Collection[Key] = ()) -> Score:
    """Return the score of what is; ``before`` is what was wrong just before, see `losses`."""
    return total(losses(probes, now_ns, before), profile)


def total(lost: Iterable[Loss], profile: Profile) -> Score:
    """Return what losses come to."""
    by_reason: dict[str, list[Loss]] = defaultdict(list)
    for loss in lost:
        if profile.heeds(loss.reason):
            by_reason[loss.reason].append(loss)
    deductions = [one for some in by_reason.values() for one in _deducted(some, profile)]
    points = sum(one.points for one in deductions)
    return Score(max(0, WHOLE - points), tuple(deductions), profile.name)


def _deducted(some: Sequence[Loss], profile: Profile) -> Iterable[Deduction]:
    named = some[:MOST_OBJECTS]
    for number, loss in enumerate(named):
        last = number == len(named) - 1
        more = len(some) - len(named) if last else 0
        yield Deduction(loss.reason, profile.of(loss.reason, number), *loss[1:], more)


def status_of(points: int) -> Status:
    """Return what a score means."""
    if points >= HEALTHY:
        return "healthy"
    return "warning" if points >= WARNING else "critical"


def as_facts(deductions: Iterable[Deduction]) -> list[dict[str, Any]]:
    """Return what was lost as JSON has it."""
    return [one._asdict() for one in deductions]


def from_facts(facts: Iterable[Any]) -> tuple[Deduction, ...]:
    """Return what `as_facts` was given."""
    return tuple(Deduction(**cast("dict[str, Any]", one)) for one in facts)
