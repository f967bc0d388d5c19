"""Draw the dashboards of the recorded life: ``python -m grafana.picture``.

There is no Grafana in this: the queries are those of the dashboards, a real Prometheus answers
them, and a renderer of our own (grafana/charts.py) draws the few panel types that are used.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final

from grafana.asking import Window, answer, legend
from grafana.board import WIDTH, Board, Panel, laid_out
from grafana.boards import BOARDS
from grafana.canvas import MUTED, TEXT, Canvas
from grafana.charts import Shown, draw
from grafana.life import FILE, Life
from grafana.make import file_name
from tests.missing import program
from tests.servers.prometheus import Prometheus, scraping

PICTURES: Final = Path(__file__).resolve().parents[1] / "docs/pictures"
WIDE: Final = 1600
CELL: Final = 38  # pixels of a line of the grid, with the gap below it
GAP: Final = 8
HEAD: Final = 58
MARGIN: Final = 12


def picture(prometheus: Prometheus, board: Board, window: Window) -> Canvas:
    """Draw one dashboard."""
    sections = laid_out(board)
    last = sections[-1][1]
    lines = max(y + panel.height for panel, _, y in last)
    canvas = Canvas(WIDE, HEAD + lines * CELL + MARGIN)
    canvas.text((MARGIN + 2, 18), board.title, 20)
    canvas.text((WIDE - MARGIN, 24), board.description, 13, MUTED, "ra")
    column = (WIDE - 2 * MARGIN + GAP) / WIDTH
    for (heading, line), placed in sections:
        canvas.text((MARGIN + 2, HEAD + line * CELL + 10), heading, 15, TEXT)
        for panel, x, y in placed:
            left, top = MARGIN + x * column, HEAD + y * CELL
            right, bottom = left + panel.width * column - GAP, top + panel.height * CELL - GAP
            series = asked(prometheus, panel, window)
            draw(canvas, (left, top, right, bottom), panel, series, window)
    return canvas


def asked(prometheus: Prometheus, panel: Panel, window: Window) -> list[Shown]:
    """Return the series of a panel with their names."""
    return [
        Shown(legend(query, one), one.samples)
        for query in panel.queries
        for one in answer(prometheus, panel, query, window)
    ]


def main() -> None:
    """Draw all dashboards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--life", type=Path, default=FILE)
    parser.add_argument("--into", type=Path, default=PICTURES)
    given = parser.parse_args()
    life = Life.load(given.life)
    with tempfile.TemporaryDirectory(prefix="storewarden-pictures-") as name:
        base = Path(name)
        life.blocks(program("promtool", "prometheus"), base / "data")
        with Prometheus(base / "server", scraping(), data=base / "data") as prometheus:
            window = Window(life.began, life.end, life.every, 4 * life.every)
            for board in BOARDS:
                path = given.into / f"{file_name(board)}.png"
                picture(prometheus, board, window).save(path)
                print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
