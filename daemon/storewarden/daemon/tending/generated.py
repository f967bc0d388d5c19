"""Which tools and models made what there is, as metrics: brought up to date now and then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.generated import SLICE, Generated, slices
from storewarden.clock import Clock
from storewarden.measure.metrics import Metrics

MOST: Final = 40
REMEMBERED: Final = 5_000  # pairs of tool and model that are told apart while they are counted
UNKNOWN: Final = "unknown"
OTHER: Final = "other"
_EVERY: Final = 5.0  # seconds
_REST: Final = 1000  # times as long as it took: a thousandth of a core, however many files
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+ -]{0,63}")

Key = tuple[str, str]


class GeneratedFigures:
    """Shows what was made by what, a slice of the files with each step. The tender's thread's."""

    def __init__(
        self, engine: Engine, host_id: int, metrics: Metrics, clock: Clock, size: int = SLICE
    ) -> None:
        self._engine, self._host_id, self._size = engine, host_id, size
        self._metrics, self._clock = metrics, clock
        self._begin_at = float("-inf")
        self._ahead: Iterator[list[Generated]] | None = None
        self._counted: dict[Key, tuple[int, int]] = {}
        self._took = 0.0

    def step(self) -> None:
        """Go on counting, and show what it came to: the more seldom the longer that takes."""
        began = self._clock.monotonic()
        if self._ahead is None:
            if began < self._begin_at:
                return
            self._ahead = slices(self._engine, self._host_id, self._size)
            self._counted, self._took = {}, 0.0
        try:
            some = next(self._ahead, None)
        except BaseException:
            self._ahead = None  # what was interrupted is begun anew
            raise
        for one in some or ():
            self._count(one)
        self._took += self._clock.monotonic() - began
        if some is None:
            self._ahead = None
            self._show()
            self._begin_at = self._clock.monotonic() + max(_EVERY, _REST * self._took)

    def _count(self, one: Generated) -> None:
        key = one.tool, model_label(one.model)
        if key not in self._counted and len(self._counted) >= REMEMBERED:
            key = one.tool, OTHER
        files, size = self._counted.get(key, (0, 0))
        self._counted[key] = files + one.files, size + one.bytes

    def _show(self) -> None:
        common = sorted(self._counted, key=lambda key: (-self._counted[key][0], key))
        shown: dict[tuple[str, ...], tuple[int, int]] = {}
        named = 0
        for key in common:
            told = key[1] not in {OTHER, UNKNOWN}
            named += told
            label = (key[0], OTHER) if told and named > MOST else key
            before = shown.get(label, (0, 0))
            files, size = self._counted[key]
            shown[label] = before[0] + files, before[1] + size
        for number, name in enumerate(("generated_files", "generated_bytes")):
            values = {label: float(both[number]) for label, both in shown.items()}
            self._metrics.show(name, values)


def model_label(name: str | None) -> str:
    """Return the label of a model, whose name a stranger's file told: its last part, if plain."""
    if name is None:
        return UNKNOWN
    last = name.replace("\\", "/").rpartition("/")[2]
    return last if _PLAIN.fullmatch(last) else OTHER
