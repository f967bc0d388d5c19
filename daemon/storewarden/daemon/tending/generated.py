"""Which tools and models made what there is, as metrics: brought up to date now and then."""

from __future__ import annotations

import re
from typing import Final

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.generated import OTHER, most_common
from storewarden.clock import Clock
from storewarden.measure.metrics import Metrics

MOST: Final = 50
_EVERY: Final = 5.0  # seconds
_REST: Final = 200  # times as long as it took: half a percent of a core, however many files
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+ -]{0,63}")


class GeneratedFigures:
    """Shows what was made by what. Used by the tender's thread alone."""

    def __init__(self, engine: Engine, host_id: int, metrics: Metrics, clock: Clock) -> None:
        self._engine, self._host_id = engine, host_id
        self._metrics, self._clock = metrics, clock
        self._show_at = float("-inf")

    def step(self) -> None:
        """Bring the figures up to what is, the more seldom the longer that takes."""
        began = self._clock.monotonic()
        if began < self._show_at:
            return
        files: dict[tuple[str, ...], float] = {}
        sizes: dict[tuple[str, ...], float] = {}
        for one in most_common(self._engine, self._host_id, MOST):
            key = one.tool, model_label(one.model)
            files[key] = files.get(key, 0) + one.files
            sizes[key] = sizes.get(key, 0) + one.bytes
        self._metrics.show("generated_files", files)
        self._metrics.show("generated_bytes", sizes)
        now = self._clock.monotonic()
        self._show_at = now + max(_EVERY, _REST * (now - began))


def model_label(name: str) -> str:
    """Return the label of a model, whose name a stranger's file told: its last part, if plain."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return last if _PLAIN.fullmatch(last) else OTHER
