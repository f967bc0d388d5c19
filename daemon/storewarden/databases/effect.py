"""Whether moving databases slows those that stay: measured before, asked between; pure.

What is measured is what an application of a local database waits for: small reads of its file, and
small writes that are synced on its file system. One slow read says nothing, so medians are
compared. Where the kernel tells for how much of the time something waits for a disk, that counts
as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, NamedTuple

from storewarden.clock import Clock
from storewarden.units import format_duration

_MILLISECOND: Final = 1_000_000


class Figures(NamedTuple):
    """What one look at the disks of local databases told; all times in nanoseconds."""

    reads_ns: tuple[int, ...] = ()
    writes_ns: tuple[int, ...] = ()
    waiting: float | None = None  # the share of the last ten seconds in which something waited

    @property
    def read_ns(self) -> float | None:
        """What a read takes, in the middle."""
        return median(self.reads_ns) if self.reads_ns else None

    @property
    def write_ns(self) -> float | None:
        """What a synced write takes, in the middle."""
        return median(self.writes_ns) if self.writes_ns else None

    def facts(self) -> dict[str, Any]:
        """Return it for JSON, in milliseconds and in percent."""
        return {
            "read_ms": None if self.read_ns is None else round(self.read_ns / _MILLISECOND, 3),
            "write_ms": None if self.write_ns is None else round(self.write_ns / _MILLISECOND, 3),
            "waiting_percent": None if self.waiting is None else round(100 * self.waiting, 1),
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """How much slower than before is too slow.

    What takes microseconds may take a few times as long without anybody noticing: what is within
    ``unnoticed_ns`` of before is never too slow.
    """

    times: float = 2.0
    unnoticed_ns: int = 5 * _MILLISECOND
    waiting: float = 0.2  # more than before, as a share of the time

    @classmethod
    def of(cls, times: float) -> Limits:
        """Return the limits of who bears it so many times as slow as before."""
        return cls(times=times, waiting=0.1 * times)


def worse(before: Figures, now: Figures, limits: Limits) -> str:
    """Return in which respect it is too slow now, in words, or nothing."""
    told = (
        _slower("a read", before.read_ns, now.read_ns, limits),
        _slower("a synced write", before.write_ns, now.write_ns, limits),
        _waits(before.waiting, now.waiting, limits),
    )
    return "; ".join(part for part in told if part)


def _slower(what: str, before: float | None, now: float | None, limits: Limits) -> str:
    if before is None or now is None:
        return ""
    if now <= max(limits.times * before, before + limits.unnoticed_ns):
        return ""
    return f"{what} takes {_shown(now)} instead of {_shown(before)}"


def _waits(before: float | None, now: float | None, limits: Limits) -> str:
    if before is None or now is None or now <= before + limits.waiting:
        return ""
    return f"something waits for a disk {100 * now:.0f}% of the time instead of {100 * before:.0f}%"


def _shown(length_ns: float) -> str:
    return f"{length_ns / _MILLISECOND:.1f} ms"


class Patience(NamedTuple):
    """How long is waited between two looks while it is too slow, and how long in all."""

    first: float = 2.0  # seconds
    factor: float = 2.0
    longest: float = 60.0
    enough: float = 900.0

    def pauses(self) -> Iterator[float]:
        """Yield what to wait before each next look, until it is enough."""
        spent, pause = 0.0, self.first
        while spent < self.enough:
            yield min(pause, self.enough - spent)
            spent += pause
            pause = min(pause * self.factor, self.longest)


class Waited(NamedTuple):
    """What came of watching before a step: how long it took, and what it is like now."""

    seconds: float
    before: Figures
    now: Figures
    too_slow: str = ""  # it did not get better in all that time

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        told = {"before": self.before.facts(), "now": self.now.facts()}
        return told | {"waited_seconds": round(self.seconds, 3), "too_slow": self.too_slow}


Probe = Callable[[], Figures]
"""Looks at the disks once."""


class Watch:
    """Lets the next step begin only while local databases are about as fast as before the first."""

    def __init__(
        self,
        probe: Probe,
        clock: Clock,
        sleep: Callable[[float], None],
        limits: Limits | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Look once, for what is to be compared with; ``sleep`` may raise to end all."""
        self._probe, self._clock, self._sleep = probe, clock, sleep
        self._limits, self._patience = limits or Limits(), patience or Patience()
        self.before = probe()

    def wait(self, told: Callable[[str], None] = lambda _why: None) -> Waited:
        """Wait as long as it is too slow; ``told`` hears why, each time it is looked at."""
        began = self._clock.monotonic()
        now = self._probe()
        why = worse(self.before, now, self._limits)
        for pause in self._patience.pauses() if why else ():
            told(f"{why}: looked at again in {format_duration(pause)}")
            self._sleep(pause)
            now = self._probe()
            why = worse(self.before, now, self._limits)
            if not why:
                break
        return Waited(self._clock.monotonic() - began, self.before, now, why)
