"""What an adoption came to: counts of everything, and some of what went wrong, with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from storewarden.api.adopting.fitting import Plan
from storewarden.api.adopting.rows import At, Bad, Told, Unplaced
from storewarden.measure.shown import shown

MOST: Final = 1_000  # remarks that are remembered; all are heard
Remark = tuple[str, At, str, str, str]
"""What it is (``bad``, ``unmatched``), the row, what of it, the column or the path, and why."""

Hear = Callable[[Remark], None]


@dataclass(slots=True)
class Figures:
    """What rows of one table came to as one kind of thing."""

    new: int = 0
    known: int = 0
    bad: int = 0
    unmatched: int = 0
    told: int = 0  # where nothing was carried out: what would be


@dataclass(slots=True)
class Report:
    """Grows while rows are taken."""

    hear: Hear = lambda _remark: None
    rows: Counter[str] = field(default_factory=Counter)  # by table
    figures: dict[tuple[str, str], Figures] = field(default_factory=dict)
    files: Counter[str] = field(default_factory=Counter)
    remarks: list[Remark] = field(default_factory=list)
    noticed: int = 0  # remarks, also those that are not remembered
    tables_left: tuple[str, ...] = ()
    columns_left: dict[str, tuple[str, ...]] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)  # users that usage or chats name

    def expect(self, plan: Plan) -> None:
        """Have a line for everything that is read, in its order."""
        self.tables_left, self.columns_left = plan.tables_left, plan.columns_left
        for reading in plan.readings:
            self.rows[reading.table] += 0
            for one in reading.fitted:
                self.of(reading.table, one.kind)

    def of(self, table: str, kind: str) -> Figures:
        """Return the figures of a table and a kind."""
        return self.figures.setdefault((table, kind), Figures())

    def bad(self, one: Bad) -> None:
        """Count a row that is not taken."""
        self.of(one.at.table, one.kind).bad += 1
        self._remark(("bad", one.at, one.kind, one.column, one.why))

    def unplaced(self, one: Unplaced) -> None:
        """Count a row whose file is below no root."""
        self.of(one.at.table, one.kind).unmatched += 1
        if one.kind == "file":
            self.files["outside"] += 1
        path = shown(one.file.path)
        self._remark(("unmatched", one.at, one.kind, path, one.file.why))

    def met(self, one: Told) -> None:
        """Count what the path of a row came to; of files, where each is told."""
        placed = one.file
        if placed is None:
            return
        if one.kind == "file":
            self.files[placed.state] += 1
            if one.size is not None and placed.size not in {None, one.size}:
                self.files["other_size"] += 1
        if placed.state == "outside" or (placed.state == "absent" and one.kind == "file"):
            path = shown(placed.path)
            self._remark(("unmatched", one.at, one.kind, path, placed.why))

    def done(self, one: Told, *, created: bool) -> None:
        """Count what was told."""
        figures = self.of(one.at.table, one.kind)
        if created:
            figures.new += 1
        else:
            figures.known += 1

    def _remark(self, remark: Remark) -> None:
        self.hear(remark)
        self.noticed += 1
        if len(self.remarks) < MOST:
            self.remarks.append(remark)

    @property
    def wrong(self) -> int:
        """How many rows were not taken."""
        return sum(one.bad + one.unmatched for one in self.figures.values())
