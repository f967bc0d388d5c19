"""The score is kept up to date, shown, told once, and noted when it changes and once a day."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import health_history
from storewarden.catalogue.health_history import Was
from storewarden.config.schema import HealthSettings, RootSettings, Settings
from storewarden.daemon.healthy import Healthy
from storewarden.errors import CatalogueUnavailable
from storewarden.health.reasons import REASONS
from storewarden.measure.metrics import Metrics
from tests.tending import House

DAY = 86_400.0


class Judged:
    """A house, and who says how healthy it is."""

    def __init__(self, house: House, state: Path) -> None:
        self.house, self.failing = house, False
        self.settings = Settings(state, "sqlite", (RootSettings("r", b"/srv/r"),))
        self.start()

    def start(self) -> None:
        self.metrics = Metrics("0")
        self.healthy = Healthy(
            replace(self.house.ground, clock=self.house.clock),
            self.settings,
            self.metrics,
            UTC,
            failing=lambda: self.failing,
            systems=lambda: (),
            tops=dict,
        )

    def step(self, seconds: float = 2.0) -> float:
        self.house.clock.advance(seconds)
        return self.healthy.step()

    @property
    def score(self) -> float:
        return self._value("health_score", {})

    def points(self, reason: str) -> float:
        return self._value("health_deduction_points", {"reason": reason})

    def _value(self, name: str, labels: dict[str, str]) -> float:
        found = self.metrics.registry.get_sample_value(f"storewarden_{name}", labels)
        assert found is not None
        return found

    @property
    def rows(self) -> list[Was]:
        return health_history.since(self.house.engine, self.house.host, 0)

    def blind(self, *, blind: bool) -> None:
        state = "blind" if blind else "watching"
        with self.house.engine.transaction():
            self.house.engine.execute("UPDATE roots SET state = ?", (state,))


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Judged]:
    house = House(tmp_path / "state", monkeypatch)
    monkeypatch.setattr("storewarden.daemon.healthy.disks", lambda *_: ())
    one = Judged(house, tmp_path / "state")
    one.blind(blind=False)
    yield one
    house.close()


def test_before_anybody_looked_the_score_is_unknown(judged: Judged) -> None:
    assert judged.score != judged.score  # not a number: nobody is woken up by a start
    assert judged.step() == 5.0
    assert judged.score == 100
    assert [judged.points(reason) for reason in REASONS] == [0] * len(REASONS)


def test_points_are_lost_with_the_next_look_and_come_back_a_little_later(
    judged: Judged, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "storewarden.daemon.healthy")
    judged.step()
    judged.blind(blind=True)
    judged.step()
    assert (judged.score, judged.points("blind")) == (70, 30)
    judged.blind(blind=False)
    judged.step()
    assert judged.score == 70
    judged.step(10.0)
    assert (judged.score, judged.points("blind")) == (100, 0)
    assert [(row.score, row.status) for row in judged.rows] == [
        (100, "healthy"),
        (70, "warning"),
        (100, "healthy"),
    ]
    (lost,) = json.loads(judged.rows[1].deductions)
    assert (lost["reason"], lost["object"], lost["points"]) == ("blind", "r", 30)
    worse, better = caplog.records
    facts: dict[str, Any] = worse.__dict__["facts"]
    assert (worse.levelname, worse.message) == ("WARNING", "health is worse")
    assert (facts["score"], facts["before"]) == (70, 100)
    assert (facts["reason"], facts["object"]) == ("blind", "r")
    assert (better.levelname, better.message) == ("INFO", "health is better")


def test_each_row_ends_where_the_next_begins(judged: Judged) -> None:
    for blind in (False, True):
        judged.blind(blind=blind)
        judged.step()
    first, second = judged.rows
    assert first.until_ns == second.at_ns


def test_nothing_is_written_while_nothing_changes_but_that_it_is_still_so(judged: Judged) -> None:
    judged.step()
    (first,) = judged.rows
    for _ in range(25):
        judged.step()
    assert judged.rows == [first]
    judged.step(20.0)
    (row,) = judged.rows
    assert row.at_ns == first.at_ns
    assert row.until_ns == judged.house.now_ns


def test_each_day_has_a_row(judged: Judged) -> None:
    for _ in range(3):
        judged.step(DAY)
    assert [row.score for row in judged.rows] == [100, 100, 100]


def test_a_start_is_a_new_row_and_what_was_between_is_not_known(judged: Judged) -> None:
    judged.step()
    judged.start()
    judged.step(600.0)
    first, second = judged.rows
    assert first.until_ns < second.at_ns


def test_a_catalogue_that_cannot_be_written_costs_points_after_a_minute(judged: Judged) -> None:
    judged.step()
    judged.failing = True
    judged.step()
    assert judged.score == 100
    judged.step(61.0)
    assert (judged.score, judged.points("behind")) == (90, 10)
    judged.failing = False
    judged.step()
    judged.step(10.0)
    assert judged.score == 100


def test_while_the_catalogue_is_away_what_was_stays_and_that_it_is_away_costs(
    judged: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged.blind(blind=True)
    judged.step()

    def away(*_: object, **__: object) -> None:
        raise CatalogueUnavailable("the catalogue cannot be reached")

    with monkeypatch.context() as broken:
        broken.setattr(judged.house.engine, "execute", away)
        judged.step()
        assert judged.score == 70
        judged.step(70.0)
        assert (judged.score, judged.points("behind")) == (60, 10)
    assert [row.score for row in judged.rows] == [70]
    judged.step()
    assert [row.score for row in judged.rows] == [70, 60]  # what could not be noted is noted now


def test_other_points_count_from_the_next_look_on(judged: Judged) -> None:
    judged.blind(blind=True)
    judged.step()
    settings = judged.settings
    health = HealthSettings("default", (("blind", 45),))
    judged.healthy.follow(
        Settings(settings.state, settings.catalogue, settings.roots, health=health)
    )
    judged.step()
    assert judged.score == 55
    assert [(row.score, row.profile) for row in judged.rows] == [
        (70, "default"),
        (55, "default+own"),
    ]


def test_a_machine_that_is_slow_for_a_moment_is_looked_at_soon_again(
    judged: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> tuple[()]:
        judged.house.clock.advance(3.0)
        return ()

    monkeypatch.setattr("storewarden.daemon.healthy.disks", slow)
    assert judged.step() == 10.0
