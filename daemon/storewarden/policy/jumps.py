"""Whether the wall clock jumped, and when it can be trusted again; pure.

Due dates are wall-clock times, and a clock that jumps years ahead makes everything due. The
kernel's time since boot cannot be set: where the two run apart, nothing is freed until the kernel
says that the clock is kept by somebody, or a person accepts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storewarden.units import format_duration

SECOND = 1_000_000_000
LIMIT_NS = 300 * SECOND  # clocks drift and are slewed; nobody notices five minutes
APART_NS = 60 * SECOND  # between two looks at what the kernel says

STA_UNSYNC = 0x0040  # of linux/timex.h: nobody keeps the clock
TIME_ERROR = 5  # what adjtimex returns while it is not kept


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment: the wall's, and the time since the boot of this name."""

    wall_ns: int
    boot_ns: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class Jump:
    """How far the wall clock went by itself: ahead, or back where that is negative."""

    by_ns: int
    at_ns: int  # what the wall clock shows since

    def __str__(self) -> str:
        way = "ahead" if self.by_ns > 0 else "back"
        return f"the clock jumped {way} by {format_duration(abs(self.by_ns) / SECOND)}"


@dataclass(frozen=True, slots=True)
class Kept:
    """What the kernel said about its clock at a time since boot."""

    boot_ns: int
    synchronised: bool


def judge(before: Reading, after: Reading) -> Jump | None:
    """Return the jump between two readings, if there was one.

    Within a boot both clocks must have gone equally far. Across boots only a wall clock that shows
    less than before is known to be wrong, then or now.
    """
    gone = after.wall_ns - before.wall_ns
    if before.boot_id == after.boot_id:
        apart = gone - (after.boot_ns - before.boot_ns)
        return Jump(apart, after.wall_ns) if abs(apart) > LIMIT_NS else None
    return Jump(gone, after.wall_ns) if gone < 0 else None


def synchronised(returned: int, status: int) -> bool:
    """Tell whether adjtimex says that somebody keeps the clock."""
    return returned >= 0 and returned != TIME_ERROR and not status & STA_UNSYNC


def over(looks: Sequence[Kept]) -> bool:
    """Tell whether a jump is over: the kernel said so on two looks a minute apart, and all between.

    Only what was seen since the jump may be handed in.
    """
    since: int | None = None
    for look in looks:
        if not look.synchronised:
            since = None
        elif since is None:
            since = look.boot_ns
    return since is not None and looks[-1].boot_ns - since >= APART_NS
