"""The only reader of wall and monotonic time; everything else is given a clock or a ``now``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final, Protocol

# struct timex of linux/timex.h, as longs: modes, offset, freq, maxerror, esterror, status, ...
_TIMEX_LONGS: Final = 64  # more than it has
_STATUS: Final = 5
_STATUS_BITS: Final = 0xFFFF_FFFF  # it is an int, and padding follows


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


def boot_ns() -> int:
    """Return nanoseconds since the machine was started, its sleep counted; nobody can set them."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return what is another one with every start of the machine; empty where none is told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def kernel_clock() -> tuple[int, int]:
    """Return what adjtimex(2) says of the wall clock: what it returned, and its status bits."""
    import ctypes  # noqa: PLC0415  # milliseconds, for what only a daemon asks

    told = (ctypes.c_long * _TIMEX_LONGS)()  # modes 0: it is only asked
    returned = ctypes.CDLL(None).adjtimex(ctypes.byref(told))
    return int(returned), int(told[_STATUS] & _STATUS_BITS)


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
