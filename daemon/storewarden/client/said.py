"""Values as Python has them, as deeds say them: times, spans, amounts of money."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from storewarden.errors import UsageError

When = str | datetime
Span = float | timedelta
Money = Decimal | float | str


def when(given: When | None) -> str | None:
    """Return a time as text with its zone.

    Raises:
        UsageError: a time of no zone, which means another moment on another machine.
    """
    if not isinstance(given, datetime):
        return given
    if given.tzinfo is None:
        raise UsageError(
            "a time is of no time zone",
            where=given.isoformat(),
            remedy="datetime.now(UTC), or .replace(tzinfo=…)",
        )
    return given.isoformat()


def now() -> str:
    """Return this moment."""
    return datetime.now(UTC).isoformat()


def span(given: Span | None) -> float | None:
    """Return seconds."""
    return given.total_seconds() if isinstance(given, timedelta) else given


def money(given: Money | None) -> Decimal | None:
    """Return an amount as a decimal number: of a float, the digits that it shows.

    Raises:
        UsageError: it is none.
    """
    if given is None or isinstance(given, Decimal):
        return given
    try:
        return Decimal(str(given))
    except InvalidOperation:
        raise UsageError(
            "this is no amount of money", where=repr(given), remedy='Decimal("0.0125"), or "0.0125"'
        ) from None


def fresh_key() -> str:
    """Return what tells a deed from all others, so that it counts once however often it is sent."""
    return os.urandom(16).hex()
