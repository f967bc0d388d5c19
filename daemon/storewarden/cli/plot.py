"""A picture of numbers over time in blocks of text: values in, lines out."""

from __future__ import annotations

from collections.abc import Sequence

EIGHTHS = " ▁▂▃▄▅▆▇█"
FAINT = "░"
FEWEST_COLUMNS = 10
_STEPS = len(EIGHTHS) - 1


def picture(
    values: Sequence[float],
    *,
    top: float,
    left: Sequence[str],
    below: Sequence[str],
    columns: int,
    otherwise: Sequence[float] = (),
) -> list[str]:
    """Return lines that show the values, from nothing up to ``top``, as filled columns.

    ``left`` labels the lines from the top downwards, one each, and so says how many there are;
    ``below`` is spread under them from the first value to the last. ``otherwise`` are values of
    the same times, of which faint blocks show by how much they are higher.
    """
    margin = max(map(len, left), default=0)
    room = max(FEWEST_COLUMNS, columns - margin - 2)
    tall = len(left)
    bars = [_height(value, top, tall) for value in spread(values, room)]
    faint = [_height(value, top, tall) for value in spread(otherwise, room)] or bars
    lines = []
    for number, label in enumerate(left):
        floor = (tall - 1 - number) * _STEPS
        cells = (_cell(bar - floor, shade - floor) for bar, shade in zip(bars, faint, strict=True))
        lines.append(f"{label:>{margin}} ┤{''.join(cells)}".rstrip())
    lines.append(f"{'':>{margin}} └{'─' * room}")
    lines.append(f"{'':>{margin}}  {_ruler(below, room)}".rstrip())
    return lines


def spread(values: Sequence[float], columns: int) -> list[float]:
    """Return one value for each column; the highest, where several share one."""
    count = len(values)
    if count == 0:
        return []
    found = []
    for column in range(columns):
        first = column * count // columns
        last = max(first + 1, (column + 1) * count // columns)
        found.append(max(values[first:last]))
    return found


def _height(value: float, top: float, tall: int) -> int:
    """Return how many eighths of a line a value is high; what is not nothing is seen."""
    if top <= 0 or value <= 0:
        return 0
    return max(1, round(min(1.0, value / top) * tall * _STEPS))


def _cell(bar: int, faint: int) -> str:
    if bar > 0:
        return EIGHTHS[min(bar, _STEPS)]
    return FAINT if faint >= _STEPS // 2 else " "


def _ruler(labels: Sequence[str], columns: int) -> str:
    """Return the labels at equal distances; those that find no room are left out."""
    if not labels:
        return ""
    *before, last = labels
    end = columns - len(last)
    line = ""
    for number, label in enumerate(before):
        middle = round(number * columns / len(before)) - len(label) // 2
        at = middle if number else 0
        if not number or len(line) < at < end - len(label):
            line = line.ljust(at) + label
    return line.ljust(end) + last if len(line) < end or not line else line
