"""Times gone by, as people write them: ``2h``, a date, a date with a time."""

from __future__ import annotations

from datetime import UTC, datetime

from storewarden.cli.when import SECOND_NS, moment
from storewarden.errors import UsageError
from storewarden.measure.shown import shown
from storewarden.units import UnitError, parse_duration

HOW = "write 2h (ago), 2026-11-20 or 2026-11-20T18:00+02:00"


def past(text: str, now_ns: int) -> int:
    """Return the time that a text says, in nanoseconds since 1970; what is to come is refused.

    Without an offset it is UTC; a date alone is its last moment.
    """
    word = text.strip().removeprefix("-").removesuffix("ago").strip()
    try:
        return now_ns - round(parse_duration(word) * SECOND_NS)
    except UnitError:
        at_ns = _absolute(word, text)
    if at_ns > now_ns and len(word) > len("2026-11-20"):
        raise UsageError(
            "nothing is known of a time to come",
            where=shown(text),
            why=f"now it is {moment(now_ns)}",
            remedy=HOW,
        )
    return at_ns


def _absolute(word: str, text: str) -> int:
    try:
        at = datetime.fromisoformat(word + "T23:59:59" if len(word) == len("2026-11-20") else word)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) * SECOND_NS
    except (ValueError, OverflowError) as error:
        raise UsageError("no time can be read", where=shown(text), remedy=HOW) from error
