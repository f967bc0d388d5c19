"""Times as answers have them: texts with their zone, which deeds take as well; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload

SECOND_NS = 1_000_000_000


@overload
def moment(at_ns: int) -> str: ...
@overload
def moment(at_ns: int | None) -> str | None: ...
def moment(at_ns: int | None) -> str | None:
    """Return a time in UTC, with as many digits of its second as are not zero."""
    if at_ns is None:
        return None
    seconds, rest = divmod(at_ns, SECOND_NS)
    try:
        whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s after 1970"
    digits = f".{rest:09d}".rstrip("0").rstrip(".")
    return f"{whole}{digits}Z"


def seconds(span_ns: int | None) -> float | None:
    """Return a span of time in seconds."""
    return None if span_ns is None else span_ns / SECOND_NS
