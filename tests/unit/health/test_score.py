"""Points are lost by reason, and each has a name."""

from __future__ import annotations

import pytest

from storewarden.config.schema import HEALTH_PROFILES, HealthSettings
from storewarden.health import probes
from storewarden.health.losses import Loss
from storewarden.health.probes import Probes
from storewarden.health.profiles import profile_of
from storewarden.health.score import as_facts, from_facts, score, status_of, total
from tests.unit.health.test_losses import EVERYTHING, NOW

DEFAULT = profile_of(HealthSettings())


def lost(reason: str, count: int) -> list[Loss]:
    return [Loss(reason, f"{reason} {number}", "it is wrong", "mend") for number in range(count)]


@pytest.mark.parametrize(
    ("reason", "points"),
    [
        ("integrity", 50),
        ("foreign_keys", 10),
        ("orphans", 5),
        ("slow_queries", 10),
        ("blind", 30),
        ("disk_full", 20),
        ("drill", 15),
        ("backup", 10),
        ("jobs", 10),
        ("behind", 10),
    ],
)
def test_what_each_reason_costs(reason: str, points: int) -> None:
    assert total(lost(reason, 1), DEFAULT).score == 100 - points
    several = 2 * points if reason == "orphans" else points
    assert total(lost(reason, 3), DEFAULT).score == 100 - several


def test_every_object_is_named_and_the_first_bears_the_points() -> None:
    judged = total(lost("blind", 3), DEFAULT)
    assert [(one.object, one.points) for one in judged.deductions] == [
        ("blind 0", 30),
        ("blind 1", 0),
        ("blind 2", 0),
    ]


def test_of_very_many_objects_ten_are_named_and_the_others_counted() -> None:
    judged = total(lost("drill", 100), DEFAULT)
    assert len(judged.deductions) == 10
    assert [one.more for one in judged.deductions] == [*[0] * 9, 90]


def test_it_is_never_below_nothing() -> None:
    judged = score(EVERYTHING, DEFAULT, NOW)
    assert judged.score == 0
    assert judged.status == "critical"
    assert sum(judged.points().values()) == 175


@pytest.mark.parametrize(
    ("points", "status"),
    [(100, "healthy"), (80, "healthy"), (79, "warning"), (60, "warning"), (59, "critical")],
)
def test_what_a_score_means(points: int, status: str) -> None:
    assert status_of(points) == status


def test_points_of_ones_own_go_before_those_of_the_profile() -> None:
    own = profile_of(HealthSettings("default", (("blind", 0), ("drill", 40))))
    assert own.name == "default+own"
    judged = total([*lost("blind", 1), *lost("drill", 1)], own)
    assert [(one.reason, one.points) for one in judged.deductions] == [("drill", 40)]


def test_points_that_say_what_the_profile_says_are_the_profile() -> None:
    assert profile_of(HealthSettings("task45", (("integrity", 50),))).name == "task45"
    assert {profile_of(HealthSettings(name)).name for name in HEALTH_PROFILES} == {
        "default",
        "task45",
    }


def test_task45_knows_only_of_databases() -> None:
    judged = score(EVERYTHING, profile_of(HealthSettings("task45")), NOW)
    assert judged.points() == {
        "integrity": 50,
        "foreign_keys": 10,
        "orphans": 10,
        "slow_queries": 10,
    }
    assert judged.score == 20


def test_what_is_told_comes_back_as_it_was() -> None:
    judged = score(EVERYTHING, DEFAULT, NOW)
    assert from_facts(as_facts(judged.deductions)) == judged.deductions


def test_it_says_the_same_while_only_the_words_change() -> None:
    first = score(Probes(late=(probes.Late("up", 70.0, "slow"),)), DEFAULT, NOW)
    then = score(Probes(late=(probes.Late("up", 90.0, "slower"),)), DEFAULT, NOW)
    assert first.deductions != then.deductions
    assert first.same(then)
    assert not first.same(score(Probes(), DEFAULT, NOW))
    assert not first.same(None)
