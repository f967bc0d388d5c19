"""The score on a screen, in a pipe, as JSON; with a daemon and without; and how it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import health_history
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.health_history import Was
from storewarden.cli import health, scored
from storewarden.cli.output import Output
from storewarden.clock import SystemClock
from storewarden.config.schema import HealthSettings
from storewarden.health.losses import losses
from storewarden.health.profiles import profile_of
from storewarden.health.score import Score, as_facts, total
from tests.conftest import Golden
from tests.unit.cli.conftest import NOW, Run
from tests.unit.health.test_losses import EVERYTHING

HOUR = 3600 * 10**9
DAY = 24 * HOUR


def judged(*wanted: str) -> Score:
    """A score that lost points for these reasons."""
    lost = [loss for loss in losses(EVERYTHING, NOW) if loss.reason in wanted]
    return total(lost, profile_of(HealthSettings()))


def was(at_ns: int, until_ns: int, *wanted: str) -> Was:
    one = judged(*wanted)
    told = json.dumps(as_facts(one.deductions))
    return Was(at_ns, until_ns, one.score, one.status, one.profile, told)


def noted(engine: Engine, *wanted: str) -> None:
    """Note it as a daemon does just now."""
    now_ns = SystemClock().wall_ns()
    health_history.begin(engine, 1, was(now_ns - HOUR, now_ns, *wanted))


@pytest.fixture
def roots(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that has room, whichever the tests run on."""
    (here / "storewarden.yaml").write_text(
        "roots: {save_outputs: ./save_outputs, uploads: ./uploads}\npolicies: []\n"
    )
    (here / "storewarden.yaml").chmod(0o644)
    monkeypatch.setattr("storewarden.databases.disks.disks", lambda *_: ())


@pytest.mark.usefixtures("roots", "daemon")
def test_the_screen(catalogue: Engine, run: Run, golden: Golden) -> None:
    noted(catalogue, "orphans", "blind", "disk_full", "drill")
    told = run("health", terminal=True)
    golden("cli/health-people.txt", told.out)
    assert told.code == 1


@pytest.mark.usefixtures("roots", "daemon")
def test_a_pipe(catalogue: Engine, run: Run, golden: Golden) -> None:
    noted(catalogue, "slow_queries", "jobs")
    told = run("health")
    golden("cli/health-programs.txt", told.out)
    assert told.code == 0  # 80 is healthy


@pytest.mark.usefixtures("roots", "daemon")
def test_json(catalogue: Engine, run: Run) -> None:
    noted(catalogue, "blind")
    told: dict[str, Any] = run("health", "--json").json
    assert (told["score"], told["status"], told["profile"]) == (70, "warning", "default")
    assert told["daemon"] is True
    first, _ = told["deductions"]
    assert set(first) == {"reason", "points", "object", "detail", "remedy", "more"}
    assert (first["reason"], first["points"], first["object"]) == ("blind", 30, "up")
    assert first["remedy"] == "sudo sysctl x=1"
    assert "history" not in told
    past = run("health", "--json", "--since", "2h").json
    assert [row["score"] for row in past["history"]] == [70]
    assert past["history"][0]["deductions"] == told["deductions"]


@pytest.mark.usefixtures("roots", "daemon")
def test_status_tells_the_score_and_what_it_lost(catalogue: Engine, run: Run) -> None:
    noted(catalogue, "drill")
    assert run("status", "--json").json["health"] == {"score": 85, "status": "healthy"}
    shown = run("status").out.splitlines()
    assert "health\t85\thealthy" in shown
    screen = run("status", terminal=True).out
    assert "health     85 of 100, healthy" in screen
    assert "−15 drill: app.db, no backup was ever restored on trial" in screen
    assert "→ storewarden health" in screen


@pytest.mark.usefixtures("roots")
def test_without_a_daemon_it_is_judged_by_what_is_recorded(catalogue: Engine, run: Run) -> None:
    noted(catalogue, "drill")  # by a daemon that runs no more
    with catalogue.transaction():
        catalogue.execute(
            "INSERT INTO databases (host_id, name, place, engine, first_seen_ns, foreign_keys)"
            " VALUES (1, 'app.db', ?, 'sqlite', 1, 'off')",
            (b"/srv/app.db",),
        )
    told = run("health", "--json").json
    assert (told["score"], told["daemon"]) == (90, False)
    assert [one["reason"] for one in told["deductions"]] == ["foreign_keys"]
    assert "No daemon runs here" in run("health", terminal=True).out


@pytest.mark.usefixtures("roots", "daemon")
def test_a_daemon_that_has_noted_nothing_for_long_is_not_believed(
    catalogue: Engine, run: Run
) -> None:
    long_ago = SystemClock().wall_ns() - HOUR
    health_history.begin(catalogue, 1, was(long_ago, long_ago))
    told = run("health", "--json").json
    assert told["score"] == 60  # one root is frozen, and a file has waited since last year
    assert {one["reason"] for one in told["deductions"]} == {"blind", "behind"}


@pytest.mark.usefixtures("roots")
def test_points_of_ones_own_are_told(catalogue: Engine, here: Path, run: Run) -> None:
    with (here / "storewarden.yaml").open("a") as config:
        config.write("health: {profile: task45, integrity: 20}\n")
    assert run("health", "--json").json["profile"] == "task45+own"
    assert "healthy (profile task45+own)" in run("health", terminal=True).out


@pytest.mark.usefixtures("roots")
def test_before_anything_is_known_nothing_is_wrong(catalogue: Engine, run: Run) -> None:
    with catalogue.transaction():
        catalogue.execute("DELETE FROM hosts")
    told = run("health", "--json", "--since", "7d").json
    assert (told["score"], told["deductions"], told["history"]) == (100, [], [])
    assert "nothing was noted" in run("health", "--since", "7d", terminal=True).out


@pytest.mark.usefixtures("roots", "catalogue")
def test_a_time_that_is_none_is_refused(run: Run) -> None:
    told = run("health", "--since", "yesteryear")
    assert told.code == 2
    assert "no time can be read" in told.err


WEEK = [
    was(NOW - 7 * DAY, NOW - 5 * DAY),
    was(NOW - 5 * DAY, NOW - 5 * DAY + 6 * HOUR, "blind", "behind"),
    was(NOW - 5 * DAY + 6 * HOUR, NOW - 3 * DAY, "behind"),
    # a day on which no daemon ran
    was(NOW - 2 * DAY, NOW - DAY, "integrity"),
    was(NOW - DAY, NOW, "integrity", "drill"),
]


def test_a_week(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    golden: Golden,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    output = Output(json=False)
    output.terminal = True
    now = judged("integrity", "drill")
    one = scored.Scored(now.score, now.status, now.profile, now.deductions, True, NOW)
    health.tell(output, one, WEEK, NOW - 7 * DAY, NOW)
    golden("cli/health-week.txt", capsys.readouterr().out)


def test_each_column_shows_the_lowest_score_of_its_time() -> None:
    values = health.lowest(WEEK, NOW - 7 * DAY, NOW, 7)
    assert values == [100, 100, 60, 90, 90, 50, 35]
    assert health.lowest(WEEK, NOW - 14 * DAY, NOW, 14)[:7] == [None] * 7


def test_what_changed_is_told_once() -> None:
    same = was(NOW, NOW + HOUR, "integrity", "drill")  # the row of another day
    told = health.changes([*WEEK, same])
    assert [(text.split("  ")[0], better) for _, text, better in told] == [
        ("100 → 60", False),
        ("60 → 90", True),
        ("90 → 50", False),
        ("50 → 35", False),
    ]
