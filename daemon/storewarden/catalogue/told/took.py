"""How long things took, in few numbers: counts by steps of six hundredths, and percentiles of them.

A step is a whole number: 0 to 15 are as many microseconds, then each doubling of the time has
sixteen steps of equal width. So a percentile is known to within a thirtieth, whatever the span,
from a few dozen counts; counts of days, models or users add up to those of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

MICROSECOND: Final = 1_000  # nanoseconds
_BITS: Final = 4
_FINE: Final = 1 << _BITS


def step(duration_ns: int) -> int:
    """Return the step that a time belongs to."""
    whole = max(0, duration_ns) // MICROSECOND
    if whole < _FINE:
        return whole
    doublings = whole.bit_length() - _BITS - 1
    return doublings * _FINE + (whole >> doublings)


def middle(number: int) -> int:
    """Return the nanoseconds in the middle of a step."""
    if number < _FINE:
        return number * MICROSECOND + MICROSECOND // 2
    doublings = number // _FINE - 1
    lowest = (number - doublings * _FINE) << doublings
    return (2 * lowest + (1 << doublings)) * MICROSECOND // 2


def of_steps(counts: Mapping[int, int], percents: Sequence[int], longest_ns: int) -> list[int]:
    """Return percentiles by nearest rank, none above the longest; [] when nothing was counted."""
    total = sum(counts.values())
    if total == 0:
        return []
    found: list[int] = []
    passed, ordered = 0, iter(sorted(counts.items()))
    at = 0
    for percent in sorted(percents):
        rank = max(1, -(-total * percent // 100))
        while passed < rank:
            at, some = next(ordered)
            passed += some
        found.append(longest_ns if rank == total else min(middle(at), longest_ns))
    return found


def of_values(values: Sequence[int], percents: Sequence[int]) -> list[int]:
    """Return the exact percentiles of values by nearest rank, [] where there is none."""
    ordered = sorted(values)
    count = len(ordered)
    if count == 0:
        return []
    return [ordered[max(1, -(-count * percent // 100)) - 1] for percent in sorted(percents)]
