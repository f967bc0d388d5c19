"""How fast a database grows, how large it will be, and when its file system is full; pure.

Growth is what the days of the last month changed, together, by the time they took. What happened
once and outweighs everything else (an import, a VACUUM) says nothing about tomorrow: such steps are
left out, and told. What happens again and again is no step, however large it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from storewarden.catalogue.samples import Day
from storewarden.databases.sample import DAY_NS
from storewarden.units import format_size

WINDOW: Final = 30  # days
LEAST_CHANGES: Final = 3
STEP: Final = 4  # times all other changes in its direction together
MOST_STEPS: Final = 3
FAR: Final = 3650  # days; nobody can say what is then


class Change(NamedTuple):
    """What a database became larger, or smaller, from one day to another."""

    day: int  # the later one
    days: int
    bytes: int


class Growth(NamedTuple):
    """How fast a database grows; ``per_day`` is None where too little is known."""

    per_day: float | None
    bytes: int  # when it was last sampled
    days: int  # that the figure rests on
    steps: tuple[Change, ...]
    why: str

    def after(self, days: int) -> int | None:
        """Return how large it will be, at that rate."""
        return None if self.per_day is None else max(0, self.bytes + round(self.per_day * days))


class Full(NamedTuple):
    """When a file system is full; ``at_ns`` is None where it never is at that rate, or unknown."""

    at_ns: int | None
    days: float | None
    per_day: float | None
    why: str


def growth(days: Mapping[int, Day] | Iterable[Day], today: int, window: int = WINDOW) -> Growth:
    """Return how fast a database grew within the last ``window`` days before and with ``today``."""
    every = days.values() if isinstance(days, Mapping) else days
    known = sorted(one for one in every if today - window <= one.day <= today)
    size = known[-1].last_bytes if known else 0
    changes = [
        Change(then.day, then.day - first.day, then.last_bytes - first.last_bytes)
        for first, then in pairwise(known)
    ]
    if len(changes) < LEAST_CHANGES:
        why = f"known of {len(known)} day{'s' * (len(known) != 1)}, {LEAST_CHANGES + 1} are needed"
        return Growth(None, size, sum(one.days for one in changes), (), why)
    usual, steps = _without_steps(changes)
    span = sum(one.days for one in usual)
    changed = sum(one.bytes for one in usual)
    return Growth(changed / span, size, span, steps, _why(changed, span, steps, today))


def full(
    free: int, rates: Sequence[tuple[str, float | None]], now_ns: int, *, horizon: int = FAR
) -> Full:
    """Return when ``free`` bytes are used up by all that grows there, each told with its name."""
    known = [(name, rate) for name, rate in rates if rate is not None]
    unknown = len(rates) - len(known)
    left_out = f"; of {unknown} more it is not known" if unknown else ""
    if not known:
        return Full(None, None, None, "how fast it fills is not known yet")
    rate = sum(rate for _, rate in known)
    if rate <= 0:
        return Full(None, None, rate, f"it does not fill{left_out}")
    days = max(0, free) / rate
    most = max(known, key=lambda one: one[1])
    why = f"{format_size(free)} free, {format_size(round(rate))} a day, most by {most[0]}{left_out}"
    if days > horizon:
        return Full(None, days, rate, f"{why}; that lasts for more than {horizon // 365} years")
    return Full(now_ns + round(days * DAY_NS), days, rate, why)


def _without_steps(changes: Sequence[Change]) -> tuple[list[Change], tuple[Change, ...]]:
    """Part what happened once and outweighs all else from what is usual."""
    usual, steps = list(changes), list[Change]()
    while len(steps) < MOST_STEPS and len(usual) > 1:
        largest = max(usual, key=lambda one: abs(one.bytes))
        others = sum(
            abs(one.bytes)
            for one in usual
            if one is not largest and (one.bytes > 0) == (largest.bytes > 0)
        )
        if not largest.bytes or abs(largest.bytes) <= STEP * others:
            break
        usual.remove(largest)
        steps.append(largest)
    return usual, tuple(sorted(steps))


def _why(changed: int, span: int, steps: Sequence[Change], today: int) -> str:
    told = f"{_signed(changed)} in {span} day{'s' * (span != 1)}"
    for step in steps:
        ago = today - step.day
        when = "today" if not ago else f"{ago} day{'s' * (ago != 1)} ago"
        told += f", without {_signed(step.bytes)} at once {when}"
    return told


def _signed(size: int) -> str:
    return f"{'-' if size < 0 else '+'}{format_size(abs(size))}"
