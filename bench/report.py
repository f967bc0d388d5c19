"""Figures, and the ways of showing them: a table, Markdown for a page, JSON for a program.

A figure is measured beside another one of the same run, and held against a target. Whether the
target is met is shown and has no other consequence: machines differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

_HEAD = ("benchmark", "what", "measured", "against", "ratio", "target", "met")


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should be: in words, and whether it is."""

    words: str
    met: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """A value with its unit: ``s``, ``ms``, ``MB``, ``%``, ``files`` or nothing."""

    value: float
    unit: str
    of: str = ""  # what was measured, where that is not the figure itself

    def __str__(self) -> str:
        """Show it with as many digits as mean something."""
        size = abs(self.value)
        digits = 0 if self.unit in {"files", ""} or size >= 100 else 1 if size >= 10 else 2  # noqa: PLR2004
        shown = f"{self.value:,.{digits}f}"
        if self.unit == "%" and self.value == 100:  # noqa: PLR2004  # of a hundred: all of it
            shown = "100"
        return f"{shown} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    what: str
    measured: Measured
    against: Measured | str = ""  # a text says why there is nothing to compare with
    target: Target | None = None
    benchmark: str = field(default="", kw_only=True)

    @property
    def ratio(self) -> float | None:
        """Return measured ÷ against, where both are of one kind."""
        other = self.against
        if isinstance(other, str) or other.unit != self.measured.unit or not other.value:
            return None
        return self.measured.value / other.value

    def cells(self) -> tuple[str, ...]:
        """Return the cells of its line."""
        other = self.against
        against = other if isinstance(other, str) else f"{other.of}: {other}"
        return (
            self.benchmark,
            self.what,
            str(self.measured),
            against or "–",
            f"{self.ratio:.2f} ×" if self.ratio is not None else "–",
            self.target.words if self.target else "–",
            ("yes" if self.target.met else "no") if self.target else "–",
        )

    def for_json(self) -> dict[str, object]:
        """Return it as a program reads it."""
        return asdict(self) | {"ratio": self.ratio}


def table(figures: Iterable[Figure]) -> str:
    """Return a table for a terminal."""
    rows = [_HEAD, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = []
    before = ""
    for number, row in enumerate(rows):
        name = row[0] if row[0] != before else ""
        before = row[0]
        cells = [cell.ljust(width) for cell, width in zip((name, *row[1:]), widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("─" * width for width in widths))
    return "\n".join(lines)


def markdown(figures: Iterable[Figure], circumstances: str) -> str:
    """Return the table for README.md, with the circumstances above it."""
    rows = [_HEAD, tuple("---" for _ in _HEAD), *(figure.cells() for figure in figures)]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([circumstances, "", *lines])


def as_json(figures: Sequence[Figure], machine: dict[str, object], failed: Sequence[str]) -> str:
    """Return all that was measured, and where, as JSON."""
    found = {
        "machine": machine,
        "figures": [figure.for_json() for figure in figures],
        "failed": list(failed),
    }
    return json.dumps(found, indent=2) + "\n"


def median(values: Sequence[float]) -> float:
    """Return the middle one; of an even number the lower, which was measured."""
    return sorted(values)[(len(values) - 1) // 2]
