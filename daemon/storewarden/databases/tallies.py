"""What the statements of an application came to, and how it is handed to the daemon: as a file.

A file holds what happened since the daemon took the one before. Whoever renames it has it: the
application to add to it, the daemon to keep it; so nothing is counted twice, and nothing is lost
while no daemon runs. Only the standard library is used here: it runs inside of applications.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from storewarden.databases.statements import without_values

SLOW: Final = 0.1
MOST_DATABASES: Final = 50
MOST_SLOW: Final = 50
LARGEST: Final = 1 << 20
ENDING: Final = ".queries.json"
_HALF: Final = ".half"
_TAKEN: Final = ".taken"
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Slow(NamedTuple):
    """A slow statement without its values."""

    times: int
    worst: float  # seconds
    total: float


class Counted(NamedTuple):
    """What a database was asked. ``foreign_keys`` is whether they are heeded, None if unknown."""

    statements: int = 0
    slow: int = 0
    seconds: float = 0.0
    foreign_keys: bool | None = None
    slowest: Mapping[str, Slow] = {}  # nobody changes it

    def plus(self, later: Counted) -> Counted:
        """Return what both came to; what is said of foreign keys later counts."""
        slowest = dict(self.slowest)
        for statement, one in later.slowest.items():
            before = slowest.get(statement, Slow(0, 0.0, 0.0))
            worst = max(before.worst, one.worst)
            slowest[statement] = Slow(before.times + one.times, worst, before.total + one.total)
        kept = sorted(slowest, key=lambda statement: -slowest[statement].total)[:MOST_SLOW]
        return Counted(
            self.statements + later.statements,
            self.slow + later.slow,
            self.seconds + later.seconds,
            self.foreign_keys if later.foreign_keys is None else later.foreign_keys,
            {statement: slowest[statement] for statement in kept},
        )


Report = Mapping[str, Counted]
"""By the place of each database: its path, or its address without a password."""


class Tally:
    """Counts the statements of one database; any thread may."""

    __slots__ = ("_lock", "_seconds", "_slow", "_slowest", "_statements", "foreign_keys")

    def __init__(self) -> None:
        self.foreign_keys: bool | None = None
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._statements = self._slow = 0
        self._seconds = 0.0
        self._slowest: dict[str, Slow] = {}

    def hear(self, statement: object, seconds: float) -> None:
        """Count one statement."""
        with self._lock:
            self._statements += 1
            self._seconds += seconds
        if seconds > SLOW:
            self._hear_slow(statement, seconds)

    def _hear_slow(self, statement: object, seconds: float) -> None:
        text = without_values(statement if isinstance(statement, str) else str(statement))
        with self._lock:
            self._slow += 1
            before = self._slowest.get(text)
            if before is None and len(self._slowest) >= MOST_SLOW:
                return
            times, worst, total = before or (0, 0.0, 0.0)
            self._slowest[text] = Slow(times + 1, max(worst, seconds), total + seconds)

    def forked(self) -> None:
        """Begin anew in a forked process, whoever held the lock."""
        self._lock = threading.Lock()
        self._begin()

    def take(self) -> Counted:
        """Return what was counted since it was last taken."""
        with self._lock:
            counts = (self._statements, self._slow, self._seconds)
            counted = Counted(*counts, self.foreign_keys, self._slowest)
            self._begin()
        return counted


def together(first: Report, later: Report) -> Report:
    """Return what two reports come to."""
    found = dict(first)
    for place, counted in later.items():
        if place in found or len(found) < MOST_DATABASES:
            found[place] = found.get(place, Counted()).plus(counted)
    return found


def reclaim(directory: Path, name: str) -> bool:
    """Take back what was handed over under a name; False when somebody took it, or never was any.

    Raises:
        OSError: it cannot be told.
    """
    try:
        (directory / f"{name}{ENDING}").rename(directory / f"{name}{_HALF}")
    except FileNotFoundError:
        return False
    return True


def publish(directory: Path, name: str, report: Report) -> None:
    """Hand a report over under a name of which none lies there.

    Raises:
        OSError: it cannot be written; nothing was handed over.
    """
    half = directory / f"{name}{_HALF}"
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump({"version": 1, "databases": _told(report)}, file)
    half.rename(directory / f"{name}{ENDING}")


def take(directory: Path) -> list[tuple[Path, Report]]:
    """Take what applications handed over; tell `done` of each when it is kept.

    What is no report is removed: whoever may write there may write anything.
    """
    found = []
    with contextlib.suppress(OSError):
        names = sorted(os.listdir(directory))
        for name in names:
            if name.endswith(ENDING):
                taken = directory / f"{name}{_TAKEN}"
                with contextlib.suppress(OSError):
                    (directory / name).rename(taken)
        for name in sorted(os.listdir(directory)):
            if name.endswith(_TAKEN):
                path = directory / name
                report = _read(path)
                if report is None:
                    done(path)
                else:
                    found.append((path, report))
    return found


def done(path: Path) -> None:
    """Forget a report that is kept."""
    with contextlib.suppress(OSError):
        path.unlink()


def _told(report: Report) -> dict[str, Any]:
    return {
        place: counted._asdict()
        | {"slowest": [[text, *one] for text, one in counted.slowest.items()]}
        for place, counted in report.items()
    }


def _read(path: Path) -> Report | None:
    """Return a report as far as it is one; None where it is none."""
    try:
        descriptor = os.open(path, _OPEN)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        return None
    try:
        told = json.loads(text)
        if told["version"] != 1:
            return None
        every = list(told["databases"].items())[:MOST_DATABASES]
        return {str(place): _counted(facts) for place, facts in every}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _counted(facts: Mapping[str, Any]) -> Counted:
    """Return what was counted; raises where a figure is none."""
    foreign_keys = facts["foreign_keys"]
    if foreign_keys not in {None, True, False}:
        raise ValueError(foreign_keys)
    slowest = {
        without_values(str(text)): Slow(_count(times), _seconds(worst), _seconds(total))
        for text, times, worst, total in facts["slowest"][:MOST_SLOW]
    }
    return Counted(
        _count(facts["statements"]),
        _count(facts["slow"]),
        _seconds(facts["seconds"]),
        foreign_keys,
        {text: one for text, one in slowest.items() if text},
    )


def _count(value: object) -> int:
    number = int(str(value))
    if not 0 <= number < 1 << 53:
        raise ValueError(value)
    return number


def _seconds(value: object) -> float:
    number = float(str(value))
    if not 0 <= number < 1e9:  # noqa: PLR2004  # thirty years
        raise ValueError(value)
    return number
