"""How far a long verb has come: a bar or a line on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

from storewarden.units import format_duration

EVERY = 0.1  # seconds between two drawings


class Progress:
    """Draws on stderr while it is entered; every call is cheap.

    With a known total it is a bar, without one a count.
    """

    def __init__(self, label: str, *, terminal: bool | None = None) -> None:
        self._label = label
        self._on = sys.stderr.isatty() if terminal is None else terminal
        self._began = time.monotonic()
        self._next = 0.0
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if self._on:
            self._start_bar()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif self._on:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def update(self, done: int, total: int | None, detail: str = "") -> None:
        """Show how many of how many; ``detail`` is what it is about now."""
        now = time.monotonic()
        if not self._on or now < self._next:
            return
        self._next = now + EVERY
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, detail=detail)
            return
        sys.stderr.write(f"\r{self.line(done, total, now - self._began)}  {detail}\x1b[K")
        sys.stderr.flush()

    def line(self, done: int, total: int | None, seconds: float) -> str:
        """Return the state as one line of text."""
        share = f" of {total:,} ({min(100, done * 100 // total)}%)" if total else ""
        told = f"{self._label}: {done:,}{share}"
        if seconds < 1:
            return told
        return f"{told}, {done / seconds:,.0f}/s, {format_duration(int(seconds))}"

    def _start_bar(self) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        except ImportError:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.completed:,}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(self._label, total=None, detail="")
        self._bar.start()
