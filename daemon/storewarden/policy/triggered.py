"""Whether a run of a policy starts now, and when to look again; pure.

A trigger never makes anything due: without due work there is no run, whatever the timers say.
Timers that were missed fold into one run. Times that lie in the future are of a clock that was
wrong then, and count for nothing: else nothing would run until the clock is there again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import Enum

from storewarden.policy.pressure import Space
from storewarden.policy.rules import Pressure, Timer, Triggers
from storewarden.policy.timing import next_run

SECOND = 1_000_000_000
WINDOW_NS = 86_400 * SECOND
"""What becomes due within a day of the first file is one run, as plans show it."""

LOOK_NS = 5 * SECOND
"""How often it is looked how full a file system is, while something could go."""

FIRST_PAUSE_NS, LONGEST_PAUSE_NS = 60 * SECOND, 3600 * SECOND


class Cause(Enum):
    """What starts a run."""

    EVENT = "event"
    TIMER = "timer"
    PRESSURE = "pressure"


@dataclass(frozen=True, slots=True)
class Last:
    """The last run of a policy."""

    cause: Cause
    began_ns: int  # since when its acts count together
    looked_ns: int  # when it last took up what was due
    pressed: frozenset[str] = frozenset()  # roots that it was to make room in, and did not yet
    fruitless: int = 0  # how often in a row it took something up and nothing could be done


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a policy's work."""

    due_ns: int | None  # when the earliest is due of what is neither blocked nor held back
    since_ns: int  # since when the policy is in force
    last: Last | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of now: a run for a cause, or nothing; and when to look again.

    Without ``again_ns`` nothing comes by time alone. ``began_ns`` is since when the acts of the run
    count together for its guard; ``pressed`` are the roots in which room is to be made.
    """

    cause: Cause | None = None
    began_ns: int | None = None
    again_ns: int | None = None
    pressed: frozenset[str] = frozenset()


def asked(
    triggers: Triggers,
    known: Known,
    now_ns: int,
    spaces: Mapping[str, Space] | None = None,
    zone: tzinfo = UTC,
) -> Asked:
    """Return whether a run starts now; ``spaces`` say how full the disk of each root is."""
    due_ns = known.due_ns
    if due_ns is None:
        return Asked()
    ready_ns = _ready_ns(due_ns, known.last, now_ns)
    times: list[int] = []
    if triggers.event:
        if ready_ns <= now_ns:
            return Asked(Cause.EVENT, _window_ns(known.last, now_ns), now_ns)
        times.append(ready_ns)
    tick_ns = _tick_ns(triggers.timers, known, due_ns, now_ns, zone)
    if tick_ns is not None:
        if tick_ns <= now_ns:
            return Asked(Cause.TIMER, now_ns, now_ns)
        times.append(tick_ns)
    if triggers.pressure is not None:
        pressed = _pressed(triggers.pressure, spaces or {}, known.last)
        if pressed and ready_ns <= now_ns:
            return Asked(Cause.PRESSURE, _relief_ns(known.last, now_ns), now_ns, pressed)
        times.append(max(ready_ns, now_ns + LOOK_NS))
    return Asked(again_ns=min(times, default=None))


def pause_ns(fruitless: int) -> int:
    """Return how long to wait after so many runs in a row in which nothing could be done."""
    if fruitless <= 0:
        return 0
    return min(FIRST_PAUSE_NS << min(fruitless - 1, 16), LONGEST_PAUSE_NS)


def _ready_ns(due_ns: int, last: Last | None, now_ns: int) -> int:
    """Return when due work is taken up: not again at once where nothing could be done of it."""
    if last is None or not last.fruitless or last.looked_ns > now_ns:
        return due_ns
    return max(due_ns, last.looked_ns + pause_ns(last.fruitless))


def _tick_ns(
    timers: tuple[Timer, ...], known: Known, due_ns: int, now_ns: int, zone: tzinfo
) -> int | None:
    """Return the first time of a timer at which there is due work that no run has taken up."""
    looks = (known.since_ns, known.last.looked_ns if known.last else 0)
    heeded_ns = max((at for at in looks if at <= now_ns), default=0)
    after_ns = max(heeded_ns, due_ns - 1)
    times = [next_run(timer, after_ns, zone) for timer in timers]
    return min((at for at in times if at is not None), default=None)


def _window_ns(last: Last | None, now_ns: int) -> int:
    """Return when the run began that what is due now belongs to."""
    if last is None or last.cause is not Cause.EVENT:
        return now_ns
    return last.began_ns if 0 <= now_ns - last.began_ns < WINDOW_NS else now_ns


def _pressed(pressure: Pressure, spaces: Mapping[str, Space], last: Last | None) -> frozenset[str]:
    """Return the roots that are fuller than ``high``, or on their way from there to ``low``."""
    going_on = last.pressed if last is not None else frozenset()
    return frozenset(
        root
        for root, space in spaces.items()
        if space.above(pressure.low if root in going_on else pressure.high)
    )


def _relief_ns(last: Last | None, now_ns: int) -> int:
    """Return when the run began that makes room: it is one until all of it was made."""
    if last is None or last.cause is not Cause.PRESSURE or not last.pressed:
        return now_ns
    return min(last.began_ns, now_ns)
