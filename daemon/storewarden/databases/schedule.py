"""What is due for a database by the care that its policy asks for, and when; pure.

Runs that were missed fold into one. What failed is tried again after a pause that doubles, and
never later than it is due anyway. Times that lie in the future are of a clock that was wrong then:
they count as now, so that nothing waits until the clock is there again, and nothing is done twice.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from storewarden.policy.rules import Care, Timer
from storewarden.policy.timing import next_run

LOOK, CHECK, BACKUP, DRILL = "look", "check", "backup", "drill"
ANALYZE, VACUUM = "analyze", "vacuum"
KINDS: Final = (LOOK, CHECK, BACKUP, DRILL, ANALYZE, VACUUM)

_SECOND: Final = 1_000_000_000
_MINUTE, _HOUR, _DAY = 60 * _SECOND, 3600 * _SECOND, 86_400 * _SECOND
HOURLY: Final = Timer(every_ns=_HOUR)
DAILY: Final = Timer(every_ns=_DAY)
FIRST_PAUSE_NS: Final = _MINUTE
LONGEST_PAUSE_NS: Final = 6 * _HOUR
_PUT_OFF_NS: Final = 15 * _MINUTE  # what waits for a database to be idle is no failure
_ASTRAY_NS: Final = _HOUR  # a clock is set back by less than that without having been wrong

_TRIED: Final = ("done", "found", "refused")


class Duty(NamedTuple):
    """One kind of care that is to be taken again and again, and whose wish it is."""

    what: str
    timer: Timer
    policy: str | None = None  # None: of every database that is known


class Stand(NamedTuple):
    """Where one kind of care stands: when it was done, went well, and may be tried again."""

    last_ns: int | None = None
    good_ns: int | None = None
    next_try_ns: int | None = None
    failures: int = 0


class Due(NamedTuple):
    """When something is due, and when it is tried: later than due after it failed."""

    due_ns: int
    try_ns: int


def duties(care: Care | None, policy: str | None, *, server: bool = False) -> tuple[Duty, ...]:
    """Return what is to be done for a database that is there, the gentlest first.

    A look every hour is for all. A server keeps its own house: it is only looked at.
    """
    look = Duty(LOOK, HOURLY)
    if care is None or server:
        return (look,)
    vacuum = care.vacuum or (DAILY if care.vacuum_when is not None else None)
    timers = {
        CHECK: care.integrity,
        BACKUP: care.backup.timer if care.backup is not None else None,
        DRILL: care.drill if care.backup is not None else None,
        ANALYZE: care.analyze,
        VACUUM: vacuum,
    }
    asked = (Duty(what, timer, policy) for what, timer in timers.items() if timer is not None)
    return (look, *asked)


def due(duty: Duty, stand: Stand, since_ns: int | None, zone: tzinfo = UTC) -> Due | None:
    """Return when something is due; None where it never is.

    Args:
        duty: what is to be done.
        stand: where it stands, as `righted` returns it.
        since_ns: since when it is asked for and can be done; None while it cannot.
        zone: in which calendars are meant.
    """
    if since_ns is None:
        return None
    if duty.timer.every_ns is not None:
        last_ns = since_ns if stand.last_ns is None else stand.last_ns + duty.timer.every_ns
        due_ns: int | None = max(last_ns, since_ns)
    else:
        due_ns = _next(duty.timer, max(stand.last_ns or since_ns, since_ns), zone)
    if due_ns is None:
        return None
    return Due(due_ns, max(due_ns, stand.next_try_ns or due_ns))


def righted(stand: Stand, duty: Duty, now_ns: int) -> Stand:
    """Return a stand whose times are not of a clock that was wrong."""
    astray = now_ns + min(_ASTRAY_NS, duty.timer.every_ns or _ASTRAY_NS)

    def right(at_ns: int | None) -> int | None:
        return now_ns if at_ns is not None and at_ns > astray else at_ns

    next_try_ns = stand.next_try_ns
    if next_try_ns is not None and next_try_ns > now_ns + LONGEST_PAUSE_NS:
        next_try_ns = now_ns
    return stand._replace(
        last_ns=right(stand.last_ns), good_ns=right(stand.good_ns), next_try_ns=next_try_ns
    )


def after(stand: Stand, timer: Timer | None, outcome: str, began_ns: int, ended_ns: int) -> Stand:
    """Return where it stands after a try that came to ``outcome``.

    ``timer`` is None where nobody asks for it again and again.
    """
    if outcome in _TRIED:
        good_ns = began_ns if outcome == "done" else stand.good_ns
        return Stand(began_ns, good_ns)
    if outcome == "put_off":
        pause_ns = _shorter(_PUT_OFF_NS, timer)
        return stand._replace(next_try_ns=ended_ns + pause_ns)
    pause_ns = _shorter(pause(stand.failures + 1), timer)
    return stand._replace(next_try_ns=ended_ns + pause_ns, failures=stand.failures + 1)


def pause(failures: int) -> int:
    """Return how long to wait after so many failures in a row."""
    return min(FIRST_PAUSE_NS << min(max(failures - 1, 0), 16), LONGEST_PAUSE_NS)


def period(timer: Timer, now_ns: int, zone: tzinfo = UTC) -> int | None:
    """Return how long it is from one time to the next; None where it comes once or never."""
    if timer.every_ns is not None:
        return timer.every_ns
    first = _next(timer, now_ns, zone)
    second = None if first is None else _next(timer, first, zone)
    return None if first is None or second is None else second - first


def _shorter(pause_ns: int, timer: Timer | None) -> int:
    """Return a pause that is no longer than the time after which it is due anyway."""
    every_ns = None if timer is None else timer.every_ns
    return pause_ns if every_ns is None else min(pause_ns, every_ns)


@lru_cache(maxsize=4096)
def _next(timer: Timer, after_ns: int, zone: tzinfo) -> int | None:
    """Return the first time of a calendar after another."""
    return next_run(timer, after_ns, zone)
