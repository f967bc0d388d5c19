"""Panels and dashboards as plain data, and as the JSON that Grafana reads.

No library is needed for it: what is used of Grafana's model is small, and what a person imports is
the JSON, which is committed. Version 38 of its schema is the one of Grafana 10.0; later ones take
it and bring it up to theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

SCHEMA: Final = 38
TAG: Final = "storewarden"
WIDTH: Final = 24
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
SELECTOR: Final = 'job=~"$job",instance=~"$instance"'

Kind = Literal["stat", "timeseries", "bargauge"]
Colour = str
Step = tuple[float | None, Colour]  # from this value on; None is from the lowest

GREEN, AMBER, RED, BLUE = "green", "orange", "red", "blue"
NEUTRAL: Final[tuple[Step, ...]] = ((None, BLUE),)
"""Of figures that are neither good nor bad."""
NOUGHT_IS_GOOD: Final[tuple[Step, ...]] = ((None, GREEN), (1, RED))
NOUGHT_IS_BEST: Final[tuple[Step, ...]] = ((None, GREEN), (1, AMBER))
ONE_IS_GOOD: Final[tuple[Step, ...]] = ((None, RED), (1, GREEN))


def metric(name: str, *matchers: str, over: str = "") -> str:
    """Return the selector of a metric of ours, for the chosen daemons: ``metric("ready")``."""
    chosen = ",".join((SELECTOR, *matchers))
    return f"storewarden_{name}{{{chosen}}}" + (f"[{over}]" if over else "")


def rate(name: str, *matchers: str) -> str:
    """Return how fast a counter of ours rises."""
    return f"rate({metric(name, *matchers, over='$__rate_interval')})"


def since(name: str, *matchers: str, window: str = "1h") -> str:
    """Return by how much a total rose within a time, of which restarts take nothing away.

    Totals that are read from the catalogue after a start would be taken for new by `increase`.
    """
    now = metric(name, *matchers)
    return f"clamp_min({now} - ({now} offset {window} or 0 * {now}), 0)"


@dataclass(frozen=True)
class Query:
    """One expression of a panel, and what its series are called."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel: what it shows, in what unit, and what to do when it is not as it should be."""

    title: str
    kind: Kind
    queries: tuple[Query, ...]
    description: str
    unit: str = "short"
    width: int = 8
    height: int = 8
    steps: tuple[Step, ...] = NEUTRAL
    marked: bool = False  # draw the steps into the graph
    stacked: bool = False
    least: float | None = None
    most: float | None = None
    decimals: int | None = None
    none: str = ""  # said where there is no series
    words: tuple[tuple[float, str, Colour], ...] = ()  # said in place of figures

    @property
    def instant(self) -> bool:
        """Whether only the last value is asked for."""
        return self.kind == "bargauge"


@dataclass(frozen=True)
class Section:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    """What is chosen at the top of a dashboard: values of a label."""

    name: str
    title: str
    source: str  # label_values(…)


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    description: str
    sections: tuple[Section, ...]
    variables: tuple[Variable, ...] = ()
    window: str = "now-24h"

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for section in self.sections for panel in section.panels)


JOB: Final = Variable("job", "Job", "label_values(storewarden_build_info, job)")
INSTANCE: Final = Variable(
    "instance", "Instance", 'label_values(storewarden_build_info{job=~"$job"}, instance)'
)
ROOT: Final = Variable("root", "Root", f"label_values({metric('root_blind')}, root)")
DATABASE: Final = Variable(
    "database", "Database", f"label_values({metric('database_bytes')}, database)"
)
IN_ROOT: Final = 'root=~"$root"'
OF_DATABASE: Final = 'database=~"$database"'


def stat(title: str, expression: str, description: str, **more: Any) -> Panel:
    """Return a panel with one figure."""
    made = Panel(title, "stat", (Query(expression),), description, width=4, height=4)
    return replace(made, **more)


def graph(title: str, queries: Sequence[tuple[str, str]], description: str, **more: Any) -> Panel:
    """Return a panel of what became of figures: pairs of expression and legend."""
    asked = tuple(Query(*one) for one in queries)
    made = Panel(title, "timeseries", asked, description, least=0)
    return replace(made, **more)


def bars(title: str, expression: str, legend: str, description: str, **more: Any) -> Panel:
    """Return a panel of one bar a series, as it is now."""
    made = Panel(title, "bargauge", (Query(expression, legend),), description, least=0)
    return replace(made, **more)


# -- as Grafana reads it --------------------------------------------------------------------------


def as_json(board: Board) -> dict[str, Any]:
    """Return a dashboard as Grafana imports it."""
    return {
        "annotations": {"list": [_restarts()]},
        "description": board.description,
        "editable": True,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": [_links()],
        "panels": _panels(board),
        "refresh": "1m",
        "schemaVersion": SCHEMA,
        "tags": [TAG],
        "templating": {"list": [_datasource(), *map(_variable, (JOB, INSTANCE, *board.variables))]},
        "time": {"from": board.window, "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": board.title,
        "uid": board.uid,
        "version": 1,
        "weekStart": "",
    }


def _panels(board: Board) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for section, rows in laid_out(board):
        made.append(
            {
                "collapsed": False,
                "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": section[1]},
                "id": len(made) + 1,
                "panels": [],
                "title": section[0],
                "type": "row",
            }
        )
        made += [_panel(panel, len(made) + n + 1, x, y) for n, (panel, x, y) in enumerate(rows)]
    return made


def laid_out(
    board: Board,
) -> list[tuple[tuple[str, int], list[tuple[Panel, int, int]]]]:
    """Return each heading with its line, and its panels with the places they get, from the left."""
    found: list[tuple[tuple[str, int], list[tuple[Panel, int, int]]]] = []
    y = 0
    for section in board.sections:
        placed: list[tuple[Panel, int, int]] = []
        heading, x, height = (section.title, y), 0, 0
        y += 1
        for panel in section.panels:
            if x + panel.width > WIDTH:
                x, y, height = 0, y + height, 0
            placed.append((panel, x, y))
            x, height = x + panel.width, max(height, panel.height)
        y += height
        found.append((heading, placed))
    return found


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    return {
        "datasource": DATASOURCE,
        "description": panel.description,
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "gridPos": {"h": panel.height, "w": panel.width, "x": x, "y": y},
        "id": number,
        "maxDataPoints": 600,
        "options": _options(panel),
        "targets": [_target(panel, query, n) for n, query in enumerate(panel.queries)],
        "title": panel.title,
        "type": panel.kind,
    }


def _target(panel: Panel, query: Query, number: int) -> dict[str, Any]:
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query.expression,
        "format": "time_series",
        "instant": panel.instant,
        "legendFormat": query.legend or "__auto",
        "range": not panel.instant,
        "refId": chr(ord("A") + number),
    }


def _field(panel: Panel) -> dict[str, Any]:
    field: dict[str, Any] = {
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "mappings": _mappings(panel),
        "thresholds": {
            "mode": "absolute",
            "steps": [{"color": colour, "value": start} for start, colour in panel.steps],
        },
        "unit": panel.unit,
    }
    named = {"min": panel.least, "max": panel.most, "decimals": panel.decimals}
    field |= {key: value for key, value in named.items() if value is not None}
    if panel.none:
        field["noValue"] = panel.none
    if panel.kind == "timeseries":
        field["custom"] = {
            "drawStyle": "line",
            "fillOpacity": 40 if panel.stacked else 10,
            "lineInterpolation": "linear",
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if panel.stacked else "none"},
            "thresholdsStyle": {"mode": "dashed" if panel.marked else "off"},
        }
    return field


def _mappings(panel: Panel) -> list[dict[str, Any]]:
    if not panel.words:
        return []
    options = {
        f"{value:g}": {"color": colour, "index": n, "text": text}
        for n, (value, text, colour) in enumerate(panel.words)
    }
    return [{"options": options, "type": "value"}]


def _options(panel: Panel) -> dict[str, Any]:
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.kind == "timeseries":
        shown = {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom"}
        return {
            "legend": {**shown, "showLegend": True, "sortBy": "Last *", "sortDesc": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    if panel.kind == "bargauge":
        return {
            "displayMode": "basic",
            "orientation": "horizontal",
            "reduceOptions": last,
            "showUnfilled": True,
            "valueMode": "color",
        }
    return {
        "colorMode": "value",
        "graphMode": "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": last,
        "textMode": "auto",
    }


def _datasource() -> dict[str, Any]:
    return {
        "hide": 0,
        "includeAll": False,
        "label": "Data source",
        "multi": False,
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "type": "datasource",
    }


def _variable(variable: Variable) -> dict[str, Any]:
    every = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return {
        "allValue": ".+",
        "current": every,
        "datasource": DATASOURCE,
        "definition": variable.source,
        "hide": 0,
        "includeAll": True,
        "label": variable.title,
        "multi": True,
        "name": variable.name,
        "options": [],
        "query": {"query": variable.source, "refId": f"{variable.name}-values"},
        "refresh": 2,
        "regex": "",
        "sort": 1,
        "type": "query",
    }


def _links() -> dict[str, Any]:
    return {
        "asDropdown": False,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "tags": [TAG],
        "targetBlank": False,
        "title": "Storewarden",
        "tooltip": "",
        "type": "dashboards",
        "url": "",
    }


def _restarts() -> dict[str, Any]:
    return {
        "datasource": DATASOURCE,
        "enable": True,
        "expr": f"changes(process_start_time_seconds{{{SELECTOR}}}[$__rate_interval]) > 0",
        "iconColor": "blue",
        "name": "Restarts of the daemon",
        "titleFormat": "restarted: {{instance}}",
    }
