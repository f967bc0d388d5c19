"""How often a day a file is used: over the time that is counted, at most a month back.

The window begins thirty days ago, or when the root began to count, or when the file was first seen,
whatever is latest, and is never shorter than a day: one open in the first minute is one a day.
"""

from __future__ import annotations

from typing import Any

from storewarden.catalogue.dialect import Dialect
from storewarden.catalogue.fact_tables import UsageDay
from storewarden.catalogue.orm import Expression, Value, fn
from storewarden.catalogue.tables import File, Root

DAY = 86_400 * 1_000_000_000
WINDOW = 30 * DAY


def begins(since_ns: int, first_seen_ns: int, now_ns: int) -> int:
    """Return when the window of a file begins."""
    return max(now_ns - WINDOW, since_ns, first_seen_ns)


def per_day(times: int, began_ns: int, now_ns: int) -> float:
    """Return how often a day that is."""
    return times * DAY / max(DAY, now_ns - began_ns)


def rate(column: Any, dialect: Dialect, now_ns: int) -> Expression:
    """Return the same as SQL, for a row of files and roots; null where nobody counts."""
    latest = fn.MAX if dialect == "sqlite" else fn.GREATEST
    began = latest(Value(now_ns - WINDOW), Root.usage_since_ns, File.first_seen_ns)
    times: Any = UsageDay.select(fn.COALESCE(fn.SUM(column), 0)).where(
        UsageDay.file == File.id, UsageDay.day >= began / DAY
    )
    # GREATEST passes nulls over; where nobody counts, the result shall be null
    nobody = Root.usage_since_ns - Root.usage_since_ns
    span = latest(Value(DAY), Value(now_ns) - began) + nobody
    return Expression(Expression(times, "*", Value(float(DAY))), "/", span)
