"""How much each user has: counted on as files change, written down, and shown in metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import holdings, users
from storewarden.catalogue.told.holdings import Holding
from storewarden.clock import Clock
from storewarden.measure.labels import OTHER, label
from storewarden.measure.metrics import Metrics

_SHOWN_EVERY: Final = 5.0  # seconds
_NAMED: Final = 10  # users; the others are shown together

Sizes = dict[tuple[str, ...], float]


class HoldingTally:
    """Counts what is noted and shows what came of it; steps of a worker that has other work, too.

    Where nobody has anything a step asks one question of the catalogue, and finds nothing.
    """

    def __init__(self, engine: Engine, metrics: Metrics, clock: Clock) -> None:
        self._engine, self._metrics, self._clock = engine, metrics, clock
        self._show_at = float("-inf")
        self.uses: Callable[[], object] = lambda: None
        """Writes when tokens were last used, once there is somebody who knows."""

    def step(self) -> None:
        """Count some of what is noted; now and then, write and show."""
        holdings.settle(self._engine)
        now = self._clock.monotonic()
        if now < self._show_at:
            return
        self._show_at = now + _SHOWN_EVERY
        self.uses()
        self._show()

    def _show(self) -> None:
        rows = users.every(self._engine)
        have = holdings.of_users(self._engine) if rows else {}
        # who has most is named, when not everybody can be
        rows.sort(key=lambda row: (-have.get(row.id, Holding()).bytes, row.name))
        named = {row.name: label(row.name) if at < _NAMED else OTHER for at, row in enumerate(rows)}
        shown: dict[str, Sizes] = {name: {} for name in _FIGURES}
        for row in rows:
            held, key = have.get(row.id, Holding()), (named[row.name],)
            limits = (held.bytes, held.files, row.quota_bytes, row.quota_files)
            for name, value in zip(_FIGURES, limits, strict=True):
                if value is not None:
                    shown[name][key] = shown[name].get(key, 0.0) + value
        for name, sizes in shown.items():
            self._metrics.show(name, sizes)


_FIGURES: Final = ("user_bytes", "user_files", "user_quota_bytes", "user_quota_files")
