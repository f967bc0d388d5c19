"""Watches the wall clock: what it shows is not believed after a jump until it is confirmed.

Noted in the catalogue, so that a jump while no daemon ran, or one before a restart, is known too,
and that whoever frees bytes can ask. It ends when the kernel says that somebody keeps the clock,
when a person accepts it, or when the clock jumps back to where it belongs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from storewarden import clock as clocks_of
from storewarden.catalogue import clocks
from storewarden.catalogue.clocks import Clocks
from storewarden.catalogue.engine import Engine
from storewarden.clock import Clock
from storewarden.policy.jumps import LIMIT_NS, Jump, Kept, Reading, judge, over, synchronised

log = logging.getLogger(__name__)

# What was noted last is compared with after a restart of the machine: the clock that went back by
# less than this meanwhile is not noticed. A row each minute is not worth it.
_NOTE_EVERY: Final = 600.0
REMEDY: Final = "set the clock right, or say that it is: storewarden policy accept-clock"


def reading(clock: Clock) -> Reading:
    """Return both clocks of this machine now."""
    return Reading(clock.wall_ns(), clocks_of.boot_ns(), clocks_of.boot_id())


class ClockWatch:
    """Looks at the clocks now and then; ``step`` is called every few seconds, by one thread."""

    def __init__(
        self,
        engine: Engine,
        host_id: int,
        clock: Clock,
        changed: Callable[[], None],
        *,
        read: Callable[[Clock], Reading] = reading,
        kernel: Callable[[], tuple[int, int]] = clocks_of.kernel_clock,
    ) -> None:
        """``changed`` hears that times are others than they were: all is decided anew."""
        self._engine = engine
        self._host_id = host_id
        self._clock = clock
        self._changed = changed
        self._read = read
        self._kernel = kernel
        self._last: Reading | None = None
        self._noted_at = float("-inf")
        self._looks: list[Kept] = []  # since the jump
        self.jumped_ns = 0  # while nobody confirmed it

    def step(self) -> None:
        """Compare the clocks with what they were, and judge a jump that there was."""
        now = self._read(self._clock)
        noted = self._noted()
        if self._last is None and noted is not None:
            self._last = Reading(noted.wall_ns, noted.boot_ns, noted.boot_id)
        self._learn(noted)
        jump = judge(self._last, now) if self._last is not None else None
        self._last = now
        if jump is not None:
            self._jumped(jump, now)
        elif self.jumped_ns and self._confirmed(now):
            self._end("the kernel says that it is kept", now)
        elif self._clock.monotonic() - self._noted_at >= _NOTE_EVERY:
            self._note(now, noted.since_ns if noted is not None else None)

    def _noted(self) -> Clocks | None:
        """Return the row, where it may have changed since it was read."""
        if self._last is not None and not self.jumped_ns and not self._due():
            return None
        return clocks.read(self._engine, self._host_id)

    def _due(self) -> bool:
        return self._clock.monotonic() - self._noted_at >= _NOTE_EVERY

    def _learn(self, noted: Clocks | None) -> None:
        """Take over a jump from before the start, or that a person accepted it."""
        if noted is None:
            return
        if noted.jumped_ns and not self.jumped_ns:
            self.jumped_ns = noted.jumped_ns
        elif self.jumped_ns and noted.jumped_ns is None:
            self.jumped_ns = 0
            log.warning("the clock is accepted as it is")
            self._changed()

    def _jumped(self, jump: Jump, now: Reading) -> None:
        self._looks.clear()
        self.jumped_ns += jump.by_ns
        if abs(self.jumped_ns) <= LIMIT_NS:
            self._end("it jumped back to where it was", now)
            return
        log.error(
            "the clock jumped: nothing is removed until it is confirmed",
            extra={"facts": {"how": str(jump), "remedy": REMEDY}},
        )
        self._note(now, now.wall_ns)
        self._changed()

    def _confirmed(self, now: Reading) -> bool:
        self._looks.append(Kept(now.boot_ns, synchronised(*self._kernel())))
        del self._looks[1:-20]  # the first and the last count
        return over(self._looks)

    def _end(self, why: str, now: Reading) -> None:
        self.jumped_ns = 0
        self._looks.clear()
        log.warning("the clock is believed again", extra={"facts": {"why": why}})
        self._note(now, None)
        self._changed()

    def _note(self, now: Reading, since_ns: int | None) -> None:
        jumped = self.jumped_ns or None
        since = since_ns if jumped else None
        told = Clocks(now.wall_ns, now.boot_ns, now.boot_id, jumped, since)
        clocks.note(self._engine, self._host_id, told)
        self._noted_at = self._clock.monotonic()
