"""Answers in three forms: tables for a terminal, lines of tabs for a pipe, JSON when asked for."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import click

from storewarden.measure.shown import shown

Style = Literal["", "good", "bad", "odd", "dim", "head", "found"]
COLOURS: dict[str, dict[str, Any]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "odd": {"fg": "yellow"},
    "dim": {"dim": True},
    "head": {"bold": True},
    "found": {"fg": "yellow", "bold": True},
}
WIDEST_COLUMN = 60  # of a table without rich; the last column is as wide as it wants


class Cell(NamedTuple):
    """One value in a table: how it is shown, and in which manner."""

    text: str
    style: Style = ""
    right: bool = False


def number(value: int) -> Cell:
    """Show a count: 1,234,567."""
    return Cell(f"{value:,}", right=True)


class Output:
    """Writes one verb's answer to stdout, in the form that suits who reads it."""

    def __init__(self, *, json: bool) -> None:
        self.json = json
        self.terminal = not json and sys.stdout.isatty()
        self.colours = self.terminal and "NO_COLOR" not in os.environ

    def document(self, value: Mapping[str, Any]) -> None:
        """Write one JSON object: on several lines for eyes, on one for programs."""
        click.echo(json.dumps(value, indent=2 if sys.stdout.isatty() else None))

    def record(self, value: Mapping[str, Any]) -> None:
        """Write one of many JSON objects on a line of its own."""
        sys.stdout.write(json.dumps(value) + "\n")

    def fields(self, *values: object) -> None:
        """Write one line for programs: values between tabs, each free of tabs and newlines."""
        sys.stdout.write("\t".join(map(shown, values)) + "\n")

    def text(self, line: str = "", style: Style = "") -> None:
        """Write one line for people; coloured on a terminal only."""
        click.echo(self.styled(Cell(line, style)))

    def styled(self, cell: Cell) -> str:
        """Return a cell's text with the codes that colour it, on a terminal."""
        if self.colours and cell.style and cell.text:
            return click.style(cell.text, **COLOURS[cell.style])
        return cell.text

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """Write a table for people: columns aligned, heads above them."""
        whole = list(rows)
        if self.terminal and _rich_table(heads, whole):
            return
        right = [cell.right for cell in whole[0]] if whole else [False] * len(heads)
        cells = [[Cell(h, "head", r) for h, r in zip(heads, right, strict=True)], *whole]
        widths = [
            min(WIDEST_COLUMN, max(width(row[column].text) for row in cells))
            for column in range(len(heads))
        ]
        for row in cells:
            padded = [self._padded(cell, size) for cell, size in zip(row, widths, strict=True)]
            click.echo("  ".join(padded).rstrip())

    def _padded(self, cell: Cell, size: int) -> str:
        space = " " * max(0, size - width(cell.text))
        return space + self.styled(cell) if cell.right else self.styled(cell) + space


def note(line: str) -> None:
    """Write a remark to stderr, so that stdout holds the answer and nothing else."""
    click.echo(line, err=True)


def named(key: str, path: bytes) -> dict[str, str]:
    """Return a path as JSON has it, and the name itself where text cannot hold it."""
    told = {key: shown(path)}
    if told[key].encode() != path:
        told[f"{key}_hex"] = path.hex()
    return told


def width(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _rich_table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bool:
    """Write the table with rich, which folds what is too wide; False when it is not installed."""
    import shutil

    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    styles = {"good": "green", "bad": "bold red", "odd": "yellow", "dim": "dim", "head": "bold"}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column, head in enumerate(heads):
        right = bool(rows) and rows[0][column].right
        justify: Literal["left", "right"] = "right" if right else "left"
        table.add_column(head, justify=justify, overflow="fold", no_wrap=not column)
    for row in rows:
        table.add_row(*(Text(cell.text, style=styles.get(cell.style, "")) for cell in row))
    Console(file=sys.stdout, width=shutil.get_terminal_size().columns).print(table)
    return True
