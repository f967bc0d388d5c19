"""The only reader of wall and monotonic time; everything else is given a clock or a ``now``."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time for what is stored, monotonic time for how long to wait."""

    def wall_ns(self) -> int:
        """Nanoseconds since 1970, as files' times count them; may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def wall_ns(self) -> int:
        """Return the wall clock in nanoseconds since 1970."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told to; for tests and for what-if questions."""

    def __init__(self, wall_ns: int = 1_700_000_000_000_000_000, monotonic: float = 1000.0) -> None:
        self._wall_ns = wall_ns
        self._monotonic = monotonic

    def wall_ns(self) -> int:
        """Return the wall clock as last set."""
        return self._wall_ns

    def monotonic(self) -> float:
        """Return the monotonic clock as last advanced."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        self._monotonic += seconds
        self._wall_ns += int(seconds * 1_000_000_000)

    def jump(self, seconds: float) -> None:
        """Move only the wall clock, as an administrator or NTP would."""
        self._wall_ns += int(seconds * 1_000_000_000)
