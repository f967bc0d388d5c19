"""docs/reference/dashboards.md: each panel, what it tells, what it asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from grafana.board import SELECTOR, Board, Panel

HEAD: Final = """\
# Dashboards

<!-- Written by `python -m grafana.make`; a test holds it in step with grafana/dashboards. -->

Five dashboards for Grafana 10 to 12 lie in `grafana/dashboards/`: import the JSON files, or let
Grafana read the folder (`grafana/provisioning/`). Data source, job and instance are chosen at the
top of each, as are roots or databases; a click on “Storewarden” at the top right leads from one to
the other, with the same choice and time.

The pictures are not screenshots of Grafana. They are drawn by `python -m grafana.picture`, a small
renderer of the panel types that are used here, from what a real Prometheus answers to the very
queries of the dashboards over `grafana/life.txt.gz`. Places, units, thresholds and legends are
those of the dashboards; Grafana's own look differs in detail: there was none to compare with.
That file holds what a real daemon said of itself every fifteen seconds of an hour, in real time,
while `python -m grafana.record` kept it busy: pictures of eleven tools, films that are archived,
drafts that are trashed and purged, databases that are backed up and restored on trial every
minute, an event queue that overflows, a root that is unplugged for a while. Only what cannot
happen in an hour was written into the catalogue before: over how many days the first files
came, and how one database grew in a month.

In the queries below, `…` stands for `{selector}`: the daemons that are chosen.
"""


def markdown(boards: Iterable[Board]) -> str:
    """Return the page."""
    lines = [HEAD.replace("{selector}", SELECTOR)]
    for board in boards:
        lines += _board(board)
    return "\n".join(lines) + "\n"


def _board(board: Board) -> Iterator[str]:
    name = board.uid.removeprefix("storewarden-")
    yield f"## {board.title.rpartition(' / ')[2]}\n"
    yield f"{board.description} `grafana/dashboards/{name}.json`\n"
    yield f"![{board.title}](../pictures/{name}.png)\n"
    for section in board.sections:
        yield f"### {section.title}\n"
        for panel in section.panels:
            yield from _panel(panel)


def _panel(panel: Panel) -> Iterator[str]:
    yield f"**{panel.title}.** {panel.description}\n"
    yield "```promql"
    for query in panel.queries:
        yield query.expression.replace(SELECTOR, "…")
    yield "```\n"
