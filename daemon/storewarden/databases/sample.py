"""Samples of how large a database was, folded to days; pure.

To fold some samples and later the rest comes to the same as to fold them all at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from storewarden.catalogue.samples import Day, Sample

DAY_NS: Final = 86_400 * 10**9


def day_of(at_ns: int) -> int:
    """Return the day of a time, counted from 1970, in UTC."""
    return at_ns // DAY_NS


def tells_more(last: Sample | None, sample: Sample) -> bool:
    """Tell whether a sample is worth keeping after the last: it is of another day, or differs."""
    if last is None or day_of(last.at_ns) != day_of(sample.at_ns):
        return True
    return last._replace(at_ns=sample.at_ns) != sample


def fold(samples: Iterable[Sample], known: Mapping[int, Day] | None = None) -> dict[int, Day]:
    """Return what samples come to by days, added to days ``known`` from samples before them."""
    found = dict(known or {})
    for sample in sorted(samples, key=lambda one: one.at_ns):
        one = Day(
            day_of(sample.at_ns),
            1,
            sample.bytes,
            sample.bytes,
            sample.bytes,
            sample.wal_bytes,
            sample.free_bytes,
            sample.rows,
            sample.connections,
        )
        before = found.get(one.day)
        found[one.day] = one if before is None else _together(before, one)
    return found


def _together(first: Day, then: Day) -> Day:
    """Return what two parts of a day come to."""
    return Day(
        first.day,
        first.samples + then.samples,
        first.first_bytes,
        then.last_bytes,
        max(first.most_bytes, then.most_bytes),
        _most(first.most_wal_bytes, then.most_wal_bytes),
        _last(first.last_free_bytes, then.last_free_bytes),
        _last(first.last_rows, then.last_rows),
        _most(first.most_connections, then.most_connections),
    )


def _most(first: int | None, then: int | None) -> int | None:
    known = [one for one in (first, then) if one is not None]
    return max(known) if known else None


def _last(first: int | None, then: int | None) -> int | None:
    return first if then is None else then
