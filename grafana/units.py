"""Figures in words, as Grafana writes them: 1.5 MiB, 20 ms, 3.2 days, 45 %."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple


class Scale(NamedTuple):
    """By how much figures are divided, and what stands behind them then."""

    by: float
    word: str


_BINARY: Final = [
    Scale(1024.0**n, f" {w}") for n, w in enumerate(("B", "KiB", "MiB", "GiB", "TiB"))
]
_RATES: Final = [Scale(1000.0**n, f" {w}/s") for n, w in enumerate(("B", "kB", "MB", "GB"))]
_SHORT: Final = [Scale(1, ""), Scale(1e3, " K"), Scale(1e6, " Mil"), Scale(1e9, " Bil")]
_TIMES: Final = [
    *(Scale(1e-6, " µs"), Scale(1e-3, " ms"), Scale(1, " s"), Scale(60, " mins")),
    *(Scale(3600, " hours"), Scale(86_400, " days"), Scale(604_800, " weeks")),
    Scale(31_557_600, " years"),
]
_DAYS: Final = [Scale(1, " days"), Scale(7, " weeks"), Scale(365.25, " years")]
_SCALES: Final = {
    "bytes": _BINARY,
    "Bps": _RATES,
    "short": _SHORT,
    "s": _TIMES,
    "d": _DAYS,
    "none": [Scale(1, "")],
    "percentunit": [Scale(0.01, "%")],
    "cps": [Scale(1, " c/s")],
    "eps": [Scale(1, " evt/s")],
}
_LEAST: Final = 1e-12


def scale(value: float, unit: str) -> Scale:
    """Return the largest scale of a unit that is not above a value, else the smallest."""
    scales = _SCALES[unit]
    if abs(value) < _LEAST:
        return next((one for one in scales if one.by == 1), scales[0])
    return next((one for one in reversed(scales) if abs(value) >= one.by), scales[0])


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """Return a figure with its unit: three digits, unless told otherwise."""
    if not math.isfinite(value):
        return f"{value:g}"
    found = scale(value, unit)
    return _number(value / found.by, decimals) + found.word


def _number(value: float, decimals: int | None) -> str:
    if decimals is None:
        whole = len(str(int(abs(value))))
        decimals = 0 if value == round(value) else max(0, 3 - whole)
    return f"{value:.{decimals}f}"


def ticks(low: float, high: float, unit: str, most: int = 5) -> Sequence[tuple[float, str]]:
    """Return some round figures from below ``low`` to above ``high``, and how each is written."""
    chosen = scale(max(abs(low), abs(high)), unit)
    bottom, top = low / chosen.by, high / chosen.by
    step = _round_step((top - bottom) / most)
    first, last = math.floor(bottom / step + _LEAST), math.ceil(top / step - _LEAST)
    decimals = max(0, -math.floor(math.log10(step) + _LEAST))
    if f"{step:.{decimals}f}" != f"{step:g}":
        decimals += 1
    values = [number * step for number in range(first, last + 1)]
    return [
        (value * chosen.by, (f"{value:.{decimals}f}" if value else "0") + chosen.word)
        for value in values
    ]


def _round_step(least: float) -> float:
    size: float = 10.0 ** math.floor(math.log10(least))
    return next(size * by for by in (1, 2, 2.5, 5, 10) if size * by >= least * (1 - _LEAST))
