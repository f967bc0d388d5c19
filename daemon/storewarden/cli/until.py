"""Times to come, as people write them: ``+90d``, a date, a date with a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from storewarden.cli.when import SECOND_NS, moment
from storewarden.errors import UsageError
from storewarden.measure.shown import shown
from storewarden.units import UnitError, parse_duration

HOW = "write +90d, 2030-12-31 or 2030-12-31T18:00+02:00"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:?\d\d)?")


def until(text: str, now_ns: int) -> int:
    """Return the time that a text says, in nanoseconds since 1970; the past is refused.

    Without an offset it is UTC; a date alone is its last moment, so that all of the day counts.
    """
    word = text.strip()
    if word.startswith("+"):
        return now_ns + _ahead(word[1:], text)
    if word == "now":
        return now_ns
    at_ns = _absolute(word, text)
    if at_ns < now_ns:
        raise UsageError(
            "a plan is of the time to come",
            where=shown(text),
            why=f"that was before now, {moment(now_ns)}",
            remedy=HOW,
        )
    return at_ns


def _ahead(word: str, text: str) -> int:
    try:
        return round(parse_duration(word) * SECOND_NS)
    except UnitError as error:
        raise _refused(text, error.reason, error.hint) from error


def _absolute(word: str, text: str) -> int:
    alone = _DATE.fullmatch(word) is not None
    if not alone and _DATE_AND_TIME.fullmatch(word) is None:
        raise _refused(text, "it is neither a date nor a time ahead", _meant(word))
    try:
        at = datetime.fromisoformat(word + "T23:59:59" if alone else word)
    except ValueError as error:
        raise _refused(text, f"no calendar has it: {error}", HOW) from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) * SECOND_NS


def _meant(word: str) -> str:
    try:
        parse_duration(word)
    except UnitError:
        return HOW
    return f"did you mean +{word}?"


def _refused(text: str, why: str, hint: str) -> UsageError:
    return UsageError("no time can be read", where=shown(text), why=why, remedy=hint)
