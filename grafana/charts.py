"""The panel types that are used here, drawn: a figure, a graph, bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from grafana.asking import Window
from grafana.board import Panel
from grafana.canvas import (
    BORDER,
    GRID,
    MUTED,
    NAMED,
    PALETTE,
    PANEL,
    TEXT,
    Box,
    Canvas,
    Point,
    wide,
)
from grafana.units import shown, ticks

LINES: Final = 5  # of a legend
LINE: Final = 18
GAP: Final = 2.5  # times a step: a longer one is shown


@dataclass(frozen=True)
class Shown:
    """One series under the name it has in the panel."""

    name: str
    samples: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        return self.samples[-1][1]

    @property
    def most(self) -> float:
        return max(value for _, value in self.samples)


def draw(canvas: Canvas, box: Box, panel: Panel, series: Sequence[Shown], window: Window) -> None:
    """Draw a panel into a box."""
    left, top, right, bottom = box
    canvas.box(box, PANEL, BORDER)
    canvas.text((left + 10, top + 9), canvas.fitting(panel.title, right - left - 20, 13), 13)
    inside = left + 10, top + 32, right - 10, bottom - 8
    if not series:
        middle = (left + right) / 2, (top + bottom) / 2 + 8
        size = 20 if panel.kind == "stat" else 13
        canvas.text(middle, panel.none or "No data", size, MUTED, "mm")
    elif panel.kind == "stat":
        _stat(canvas, inside, panel, series[0], window)
    elif panel.kind == "bargauge":
        _bars(canvas, inside, panel, series)
    else:
        _graph(canvas, inside, panel, series, window)


def colour_of(panel: Panel, value: float) -> str:
    """Return the colour of a value by the panel's steps, or by its words."""
    for word in panel.words:
        if word[0] == value:
            return NAMED[word[2]]
    reached = [colour for start, colour in panel.steps if start is None or value >= start]
    return NAMED[reached[-1]]


def _stat(canvas: Canvas, box: Box, panel: Panel, one: Shown, window: Window) -> None:
    left, top, right, bottom = box
    colour = colour_of(panel, one.last)
    values = [value for _, value in one.samples]
    low, high = min(values), max(values)
    if high > low:
        line = [
            (
                left + (right - left) * (at - window.start) / (window.end - window.start),
                bottom - (value - low) / (high - low) * (bottom - top) * 0.35,
            )
            for at, value in one.samples
        ]
        canvas.area([(line[0][0], bottom), *line, (line[-1][0], bottom)], colour, 0.16)
        canvas.line(line, colour)
    words = [word for value, word, _ in panel.words if value == one.last]
    text = words[0] if words else shown(one.last, panel.unit, panel.decimals)
    size = 38.0
    while wide(text, size) > right - left and size > 14:  # noqa: PLR2004  # else not to be read
        size -= 2
    canvas.text(((left + right) / 2, (top + bottom) / 2 - 4), text, size, colour, "mm")


def _bars(canvas: Canvas, box: Box, panel: Panel, series: Sequence[Shown]) -> None:
    left, top, right, bottom = box
    rows = sorted(series, key=lambda one: -one.last)[: int((bottom - top) // 22)]
    most = max(1e-9, *(one.last for one in rows))
    names = min(max(wide(one.name) for one in rows), (right - left) * 0.4)
    texts = [shown(one.last, panel.unit, panel.decimals) for one in rows]
    begin, end = left + names + 10, right - max(map(wide, texts)) - 10
    height = min(30.0, (bottom - top) / len(rows))
    for number, one in enumerate(rows):
        y = top + number * height + 2
        colour = colour_of(panel, one.last)
        middle = y + (height - 6) / 2
        canvas.text((left, middle), canvas.fitting(one.name, names), 12, TEXT, "lm")
        canvas.box((begin, y, end, y + height - 6), GRID, radius=2)
        filled = begin + max(2.0, (end - begin) * max(0.0, one.last) / most)
        canvas.box((begin, y, filled, y + height - 6), colour, radius=2)
        canvas.text((right, middle), texts[number], 12, colour, "rm")


# -- graphs ---------------------------------------------------------------------------------------


def _graph(canvas: Canvas, box: Box, panel: Panel, series: Sequence[Shown], window: Window) -> None:
    left, top, right, bottom = box
    listed = min(len(series), LINES) + (len(series) > LINES)
    base = bottom - LINE * (listed + 1) - 24
    layers = _layers(panel, series)
    marks = _marks(panel, layers)
    axis = max(wide(word, 11) for _, word in marks) + 8
    frame = left + axis, top + 4, right - 4, base
    place = _Place(frame, window, marks[0][0], marks[-1][0])
    for value, word in marks:
        y = place.y(value)
        canvas.line([(frame[0], y), (frame[2], y)], GRID)
        canvas.text((frame[0] - 6, y), word, 11, MUTED, "rm")
    _times(canvas, place)
    for number, (lower, upper) in enumerate(layers):
        _layer(canvas, place, PALETTE[number % len(PALETTE)], lower, upper, stacked=panel.stacked)
    if panel.marked:
        for start, colour in panel.steps:
            if start is not None and marks[0][0] <= start <= marks[-1][0]:
                y = place.y(start)
                canvas.dashes((frame[0], y), (frame[2], y), NAMED[colour])
    _legend(canvas, (left, base + 26, right, bottom), panel, series)


Layer = tuple[dict[float, float], dict[float, float]]  # from what, to what, by time


def _layers(panel: Panel, series: Sequence[Shown]) -> list[Layer]:
    made: list[Layer] = []
    below: dict[float, float] = {}
    for one in series:
        own = {at: value for at, value in one.samples if math.isfinite(value)}
        if not panel.stacked:
            made.append(({}, own))
            continue
        upper = {at: below.get(at, 0) + value for at, value in own.items()}
        made.append(({at: below.get(at, 0) for at in own}, upper))
        below = below | upper
    return made


def _marks(panel: Panel, layers: Sequence[Layer]) -> Sequence[tuple[float, str]]:
    values = [value for _, upper in layers for value in upper.values()] or [0.0]
    low = min(values) if panel.least is None else panel.least
    high = max(values) if panel.most is None else panel.most
    if panel.least is None and low > 0:
        low = 0.0
    return ticks(low, high if high > low else low + 1, panel.unit, 4)


@dataclass(frozen=True)
class _Place:
    """Where values lie in a frame."""

    frame: Box
    window: Window
    low: float
    high: float

    def x(self, at: float) -> float:
        left, _, right, _ = self.frame
        return left + (right - left) * (at - self.window.start) / (
            self.window.end - self.window.start
        )

    def y(self, value: float) -> float:
        _, top, _, bottom = self.frame
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return bottom - share * (bottom - top)


def _times(canvas: Canvas, place: _Place) -> None:
    start, end = place.window.start, place.window.end
    room = place.frame[2] - place.frame[0]
    step = next(s for s in (60, 120, 300, 600, 900, 1800, 3600) if (end - start) / s * 46 < room)
    at = math.ceil(start / step) * step
    while at <= end:
        x = place.x(at)
        canvas.line([(x, place.frame[1]), (x, place.frame[3])], GRID)
        clock = datetime.fromtimestamp(at, UTC).strftime("%H:%M")
        if place.frame[0] + 14 <= x <= place.frame[2] - 14:
            canvas.text((x, place.frame[3] + 6), clock, 11, MUTED, "ma")
        at += step


def _layer(
    canvas: Canvas,
    place: _Place,
    colour: str,
    lower: dict[float, float],
    upper: dict[float, float],
    *,
    stacked: bool,
) -> None:
    for run in _runs(sorted(upper), place.window.step * GAP):
        line: list[Point] = [(place.x(at), place.y(upper[at])) for at in run]
        floor = max(place.low, 0.0)
        under = [(place.x(at), place.y(lower.get(at, floor))) for at in reversed(run)]
        canvas.area([*line, *under], colour, 0.45 if stacked else 0.1)
        canvas.line(line, colour, 1.3)


def _runs(times: Sequence[float], gap: float) -> list[list[float]]:
    runs: list[list[float]] = []
    for at in times:
        if runs and at - runs[-1][-1] <= gap:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _legend(canvas: Canvas, box: Box, panel: Panel, series: Sequence[Shown]) -> None:
    left, top, right, _ = box
    last, most = right - 84, right - 4
    canvas.text((left, top), "Name", 11, MUTED)
    canvas.text((last, top), "Last", 11, MUTED, "ra")
    canvas.text((most, top), "Max", 11, MUTED, "ra")
    listed = sorted(enumerate(series), key=lambda each: -each[1].last)
    for line, (number, one) in enumerate(listed[:LINES], 1):
        y = top + LINE * line
        colour = PALETTE[number % len(PALETTE)]
        canvas.box((left, y + 5, left + 12, y + 8), colour, radius=1)
        name = canvas.fitting(one.name, last - left - 90, 12)
        canvas.text((left + 18, y), name, 12)
        canvas.text((last, y), shown(one.last, panel.unit, panel.decimals), 12, TEXT, "ra")
        canvas.text((most, y), shown(one.most, panel.unit, panel.decimals), 12, TEXT, "ra")
    if len(series) > LINES:
        rest = f"and {len(series) - LINES} more"
        canvas.text((left + 18, top + LINE * (LINES + 1)), rest, 12, MUTED)
