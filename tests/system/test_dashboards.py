"""Every panel of every dashboard shows something of a real life, asked of a real Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from grafana.asking import Window, answer
from grafana.board import Board
from grafana.boards import BOARDS
from grafana.life import FILE
from grafana.life import Life as Recorded
from grafana.make import file_name
from tests.eventful import Life
from tests.missing import program
from tests.servers.prometheus import Prometheus, scraping

SECONDS = 35  # at most; policies act after 12, the rest is for a busy machine
# What may return nothing, for it is about what did not happen, and why it did not.
NEVER = {
    "Databases found whole: damaged": "no database is damaged",
    "Due for databases: {{what}} failing": "nothing fails",
    "Due for databases: {{what}} found wrong": "nothing is wrong",
    "Copies in stores: {{store}} unread": "each copy is read in time",
    "Copies in stores: {{store}} damaged": "no copy is damaged",
    "For how long it is due: {{policy}} late": "each policy acts in time",
    "Workers restarted or stuck: {{worker}} restarted": "none was",
    "Not all understood: {{tool}}": "all was understood",
}
# What the recorded life is too old for; a real one shows it.
YOUNGER = {
    "Requests of applications: {{about}} {{status}}",
    "Time of answers to applications: half",
    "Time of answers to applications: 9 in 10",
    "Time of answers to applications: 99 in 100",
    "Connections of applications: {{instance}}",
}
each_board = pytest.mark.parametrize("board", BOARDS, ids=file_name)


def silent(prometheus: Prometheus, board: Board, window: Window) -> set[str]:
    """Return the queries of a dashboard that return nothing."""
    return {
        f"{panel.title}: {query.legend}".removesuffix(": ")
        for panel in board.panels
        for query in panel.queries
        if not answer(prometheus, panel, query, window)
    }


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, Window]]:
    """A Prometheus that has the recorded life."""
    life, base = Recorded.load(), tmp_path_factory.mktemp("recorded")
    life.blocks(program("promtool", "prometheus"), base / "data")
    with Prometheus(base / "server", scraping(), data=base / "data") as prometheus:
        yield prometheus, Window(life.began, life.end, life.every, 4 * life.every)


@each_board
def test_every_query_returns_data_of_the_recorded_life(
    recorded: tuple[Prometheus, Window], board: Board
) -> None:
    assert silent(*recorded[:1], board, recorded[1]) <= NEVER.keys() | YOUNGER


def test_the_recording_is_small_and_long() -> None:
    life = Recorded.load()

    assert FILE.stat().st_size < 1_000_000
    assert life.end - life.began >= 3_500


@pytest.mark.timeout(150)
def test_every_query_returns_data_of_a_real_life(tmp_path: Path) -> None:
    life = Life(tmp_path)
    try:
        life.start()
        address = urlsplit(str(life.daemon.told("metrics are served")[-1]["url"])).netloc
        with Prometheus(tmp_path / "prometheus", scraping(address)) as prometheus:
            began = asked = time.time()
            empty = {"everything"}
            while not empty <= NEVER.keys() and asked < began + SECONDS:
                for _ in range(3):
                    life.step()
                    time.sleep(0.5)
                asked = time.time()
                window = Window(began, asked, 1, 5)
                empty = set().union(*(silent(prometheus, board, window) for board in BOARDS))
    finally:
        life.close()

    assert empty <= NEVER.keys()
