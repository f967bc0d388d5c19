"""Times as people say them."""

from __future__ import annotations

from datetime import UTC, datetime

from storewarden.units import format_duration

SECOND_NS = 1_000_000_000


def ago(then_ns: int | None, now_ns: int) -> str:
    """Return ``3min ago``, ``just now``, ``never``; a time to come is ``in 3min``."""
    if then_ns is None:
        return "never"
    seconds = (now_ns - then_ns) / SECOND_NS
    if abs(seconds) < 1:
        return "just now"
    told = format_duration(int(abs(seconds)))
    return f"{told} ago" if seconds > 0 else f"in {told}"


def moment(at_ns: int | None) -> str:
    """Return a time of a file to the second, in UTC; a time no calendar has as its number."""
    if at_ns is None:
        return "never"
    try:
        return datetime.fromtimestamp(at_ns // SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return f"{at_ns // SECOND_NS} s after 1970"
