"""The pictures of dashboards: figures as Grafana writes them, and every panel drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from grafana.asking import Window
from grafana.board import GREEN, RED, Panel, Query
from grafana.boards import BOARDS
from grafana.canvas import NAMED, Canvas
from grafana.charts import Shown, draw
from grafana.life import Life
from grafana.make import file_name
from grafana.picture import HEAD, PICTURES, WIDE
from grafana.units import shown, ticks

WINDOW = Window(0, 600, 10, 40)
TIMES = [float(at) for at in range(0, 601, 10)]


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0, "bytes", "0 B"),
        (1536, "bytes", "1.50 KiB"),
        (3 * 2**30, "bytes", "3 GiB"),
        (2_500_000, "Bps", "2.50 MB/s"),
        (0.0213, "s", "21.3 ms"),
        (90, "s", "1.50 mins"),
        (3 * 86_400, "s", "3 days"),
        (0.5, "percentunit", "50%"),
        (8_713, "short", "8.71 K"),
        (59.9, "d", "8.56 weeks"),
        (12.25, "cps", "12.2 c/s"),
        (-1536, "bytes", "-1.50 KiB"),
        (float("nan"), "none", "nan"),
    ],
)
def test_figures_are_written_with_their_unit(value: float, unit: str, words: str) -> None:
    assert shown(value, unit) == words


@pytest.mark.parametrize(
    ("low", "high", "unit", "words"),
    [
        (0, 100, "none", ["0", "25", "50", "75", "100"]),
        (0, 1, "percentunit", ["0%", "25%", "50%", "75%", "100%"]),
        (0, 35 * 2**20, "bytes", ["0 MiB", "10 MiB", "20 MiB", "30 MiB", "40 MiB"]),
        (0, 0.002, "s", ["0 ms", "0.5 ms", "1.0 ms", "1.5 ms", "2.0 ms"]),
        (-50, 50, "none", ["-50", "-25", "0", "25", "50"]),
    ],
)
def test_an_axis_has_round_figures(low: float, high: float, unit: str, words: list[str]) -> None:
    made = ticks(low, high, unit, 4)

    assert [word for _, word in made] == words
    assert made[0][0] <= low
    assert made[-1][0] >= high


def drawn(panel: Panel, *series: Shown) -> Image.Image:
    canvas = Canvas(400, 300)
    draw(canvas, (0, 0, 399, 299), panel, series, WINDOW)
    return canvas._image


def colours(image: Image.Image) -> set[tuple[int, ...]]:
    found = image.getcolors(1_000_000)
    assert found is not None
    return {colour for _, colour in found if isinstance(colour, tuple)}


def rgb(name: str) -> tuple[int, int, int]:
    return int(NAMED[name][1:3], 16), int(NAMED[name][3:5], 16), int(NAMED[name][5:7], 16)


@pytest.mark.parametrize(("value", "colour"), [(0.0, GREEN), (3.0, RED)])
def test_a_figure_has_the_colour_of_its_step(value: float, colour: str) -> None:
    panel = Panel("p", "stat", (Query("x"),), "", steps=((None, GREEN), (1, RED)))

    assert rgb(colour) in colours(drawn(panel, Shown("", tuple((at, value) for at in TIMES))))


def test_graphs_bars_and_what_has_no_data_can_be_drawn() -> None:
    up = Shown("up", tuple((at, at) for at in TIMES))
    hole = Shown("with a hole", tuple((at, 5.0) for at in TIMES if not 200 < at < 400))
    odd = Shown("one", ((300.0, float("inf")), (310.0, 4.0)))
    for kind in ("timeseries", "bargauge"):
        for stacked in (False, True):
            panel = Panel("p" * 200, kind, (), "", "bytes", stacked=stacked, least=0)
            assert len(colours(drawn(panel, up, hole, odd))) > len(colours(drawn(panel)))


def test_a_life_is_the_same_when_it_was_written_down(tmp_path: Path) -> None:
    life = Life(1_800_000_000, 15)
    life.take('a{b="c d"} 1.0\n# HELP x y\nplain 2.5\n')
    life.take("")
    life.take('a{b="c d"} 1.0\nlater 1e+09\n')
    life.save(tmp_path / "life")

    assert Life.load(tmp_path / "life") == life
    assert list(life.openmetrics()) == [
        'up{instance="media:9747",job="storewarden"} 1 1800000000\n',
        'up{instance="media:9747",job="storewarden"} 0 1800000015\n',
        'up{instance="media:9747",job="storewarden"} 1 1800000030\n',
        'a{instance="media:9747",job="storewarden",b="c d"} 1 1800000000\n',
        'a{instance="media:9747",job="storewarden",b="c d"} 1 1800000030\n',
        'plain{instance="media:9747",job="storewarden"} 2.5 1800000000\n',
        'later{instance="media:9747",job="storewarden"} 1e+09 1800000030\n',
        "# EOF\n",
    ]


def test_each_dashboard_has_its_picture() -> None:
    for board in BOARDS:
        with Image.open(PICTURES / f"{file_name(board)}.png") as image:
            assert image.size[0] == WIDE
            assert image.size[1] > HEAD
