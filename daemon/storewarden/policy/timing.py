"""When timers run next: every so often, or by the calendar of a time zone; pure but for one reader.

What runs by the calendar follows Debian's cron where clocks are changed. A time that is left out
comes at the first minute that exists, a time that comes twice is taken once; what runs every hour
or minute goes on as time itself does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from storewarden.config.problems import shown
from storewarden.policy.rules import Timer, Triggers

WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_SECOND = 1_000_000_000
_FIELDS = 5
_LATEST_NS = 9_000 * 365 * 86_400 * _SECOND  # datetime knows no year after 9999
_A_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_STUMBLES = (AssertionError, ValueError, TypeError)  # over steps of a last or second Friday
_EXAMPLE = 'write five fields, as in "0 3 * * *" for three every night'


class CronError(ValueError):
    """A text that says no time of the calendar; ``str()`` is ``reason; hint``."""

    def __init__(self, reason: str, hint: str = _EXAMPLE) -> None:
        super().__init__(f"{reason}; {hint}")
        self.reason, self.hint = reason, hint


def read_cron(text: str) -> str:
    """Return what a calendar entry says as five fields; raises CronError."""
    entry = WORDS.get(text.strip().lower(), text.strip())
    if entry.startswith("@"):
        raise CronError(f"{shown(text)} is no word for a time", f"there are {', '.join(WORDS)}")
    count = len(entry.split())
    if count != _FIELDS:
        raise CronError(f"{shown(text)} has {count} fields and not five")
    if not entry.isascii():
        raise CronError(f"{shown(text)} is not written in plain digits")
    try:
        next(CronSim(entry, _A_DAY))
    except CronSimError as error:
        what = str(error).removeprefix("Bad ").replace("-", " ")
        raise CronError(f"{shown(text)} has a wrong {what}") from error
    except StopIteration:
        raise CronError(f"{shown(text)} never comes", "name a day that there is") from None
    except _STUMBLES as error:
        raise CronError(f"{shown(text)} is no time of the calendar") from error
    return entry


def next_run(timer: Timer, after_ns: int, zone: tzinfo = UTC) -> int | None:
    """Return the first time after ``after_ns`` at which a timer runs; nothing if it never does.

    What runs every so often does so at whole multiples since 1970, so that a restart moves nothing.
    """
    times: list[int | None] = []
    if timer.every_ns:
        times.append((after_ns // timer.every_ns + 1) * timer.every_ns)
    if timer.cron:
        times.append(_next_cron(timer.cron, after_ns, zone))
    return min((at for at in times if at is not None), default=None)


def carried_out(triggers: Triggers, due_ns: int, zone: tzinfo = UTC) -> int | None:
    """Return when work that is due at a time is done; nothing where it waits for want of space."""
    if triggers.event:
        return due_ns
    times = [next_run(timer, due_ns - 1, zone) for timer in triggers.timers]
    return min((at for at in times if at is not None), default=None)


def machine_zone(environ: Mapping[str, str] = os.environ, file: str = "/etc/localtime") -> tzinfo:
    """Return the time zone of this machine, with its changes of the clock; UTC if it has none."""
    named = environ.get("TZ", "").removeprefix(":")
    if named:
        with suppress(OSError, ValueError, KeyError):
            return ZoneInfo(named)
    with suppress(OSError, ValueError), open(file, "rb") as opened:
        return ZoneInfo.from_file(opened, key=named or "local")
    return UTC


def _next_cron(entry: str, after_ns: int, zone: tzinfo) -> int | None:
    """Return the next time of a calendar entry.

    Where an hour comes twice the library may name a time that has been: those are passed over.
    """
    if after_ns > _LATEST_NS:
        return None
    times = CronSim(_fields(entry), datetime.fromtimestamp(after_ns // _SECOND, zone))
    for at in times:
        at_ns = int(at.timestamp()) * _SECOND
        if at_ns > after_ns:
            return at_ns
    return None


@lru_cache(maxsize=256)
def _fields(entry: str) -> str:
    """Read an entry once."""
    return read_cron(entry)
