"""Sums of files are kept: what changed is counted anew when there is time."""

from __future__ import annotations

from typing import Final

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import slices
from storewarden.clock import Clock

PATIENCE: Final = 600.0  # seconds: what a start has to do comes first; who asks before that counts
ANEW: Final = 86_400.0
_EVERY: Final = 10.0
_REST: Final = 200  # times as long as it took: half a percent of a core, however many files


class FileSums:
    """Counts one slice of files with each step, if one has changed. The tender's thread's."""

    def __init__(self, engine: Engine, clock: Clock, patience: float = PATIENCE) -> None:
        self._engine, self._clock = engine, clock
        self._next_at = clock.monotonic() + patience
        self._anew_at = clock.monotonic() + ANEW

    def step(self) -> None:
        """Count what is doubted, the newest files first; once a day, all."""
        began = self._clock.monotonic()
        if began < self._next_at:
            return
        self._next_at = began + _EVERY
        if began >= self._anew_at:
            self._anew_at = began + ANEW
            slices.doubt_all(self._engine)
        doubted = slices.doubted(self._engine)
        if doubted:
            slices.keep(self._engine, doubted[0])
            self._next_at += _REST * (self._clock.monotonic() - began)
