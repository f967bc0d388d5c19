"""What reads files behind the recording: digests and facts, and how they are told of."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Final

from storewarden.clock import Clock
from storewarden.config.schema import RootSettings
from storewarden.measure.metrics import Metrics
from storewarden.measure.shown import shown
from storewarden.pipeline.digester import Digester
from storewarden.pipeline.findings import Kept
from storewarden.pipeline.inspector import Inspector
from storewarden.pipeline.parts import Stages

log = logging.getLogger(__name__)

# So many files in one round are a burst. Between its rounds nothing waits, and still more comes:
# who began to read then would take a sixth of the rate at which it is recorded.
_BURST: Final = 100
_QUIET: Final = 0.5


class Background:
    """The digester and the inspector: both read what is recorded, and neither is in a hurry."""

    def __init__(
        self,
        stages: Stages,
        roots: Callable[[], Mapping[str, RootSettings]],
        metrics: Metrics,
        clock: Clock,
        *,
        busy: Callable[[], bool],
    ) -> None:
        """Read files of ``roots`` (those that are there); never while ``busy``."""
        self._metrics = metrics
        self._clock = clock
        self._recording = busy
        self._burst_until = 0.0
        self._failures: set[tuple[str, int]] = set()  # that were told
        self.wake: Callable[[], None] = lambda: None  # the inspector's worker
        self.digester = Digester(
            stages.digests,
            stages.inbox,
            lambda: {name: root.path for name, root in roots().items() if root.digest},
            clock,
            busy=self.busy,
            failed=lambda _root, _error: None,
            own=stages.own,
        )
        self.inspector = Inspector(
            stages.inspections, stages.inbox, roots, clock, self, busy=self.busy, own=stages.own
        )

    def busy(self) -> bool:
        """Tell whether so much is recorded now that everything else had better wait."""
        return self._clock.monotonic() < self._burst_until or self._recording()

    def news(self, files: int) -> None:
        """Hear that so many files were recorded (recorder thread)."""
        if files >= _BURST:
            self._burst_until = self._clock.monotonic() + _QUIET
        self.digester.news()
        self.inspector.news()
        if not self.busy():
            self.wake()

    def kept(self, done: Kept) -> None:
        """Hear that facts are in the catalogue, or are not wanted there (recorder thread)."""
        self.inspector.written(done.taken)
        if done.marked is not None:
            self.inspector.swept(done.marked)
        if done.stored is None:
            return
        for (inspector, outcome), files in done.stored.outcomes.items():
            self._metrics.inspected(inspector, outcome, files)
        for (tool, understood), files in done.stored.tools.items():
            self._metrics.provenance(tool, understood=understood, files=files)

    def give_up(self) -> None:
        """End what is being read now: a file may take hours."""
        self.digester.give_up()
        self.inspector.give_up()

    # -- what the inspector tells ----------------------------------------------------------

    def inspection_died(self, reason: str) -> None:
        """Count a process that a file cost."""
        self._metrics.child_died(reason)

    def inspection_failed(self, root: str, path: bytes, error: int) -> None:
        """Say it once for each root and reason: such files wait, and are seen waiting."""
        if (root, error) not in self._failures:
            self._failures.add((root, error))
            facts = {"root": root, "path": shown(path), "why": os.strerror(error)}
            log.warning("a file cannot be read to be inspected; it waits", extra={"facts": facts})

    def inspected(self, seconds: float) -> None:
        """Show how long one file took."""
        self._metrics.inspection_seconds.observe(seconds)
