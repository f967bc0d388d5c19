"""What panels ask, as Grafana would ask it of Prometheus: with its variables filled in."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from grafana.board import Panel, Query
from tests.servers.prometheus import Prometheus, Series

EVERYTHING: Final = ".+"
_CHOSEN: Final = re.compile(r"\$(?:job|instance|root|database)\b")


class Window(NamedTuple):
    """From when to when, in steps of how many seconds; rates are taken over ``rate`` seconds."""

    start: float
    end: float
    step: float
    rate: int


def filled(expression: str, rate: int) -> str:
    """Return the expression with everything chosen."""
    return _CHOSEN.sub(EVERYTHING, expression).replace("$__rate_interval", f"{rate}s")


def answer(prometheus: Prometheus, panel: Panel, query: Query, window: Window) -> list[Series]:
    """Return the series that a panel shows for one of its queries."""
    expression = filled(query.expression, window.rate)
    if panel.instant:
        return prometheus.query(expression, window.end)
    return prometheus.query_range(expression, window.start, window.end, window.step)


def legend(query: Query, series: Series) -> str:
    """Return what a series is called."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: series.labels.get(match[1], ""), query.legend)
