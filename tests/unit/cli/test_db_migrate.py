"""``db plan`` and ``db migrate`` on real databases, as people, pipes and programs see it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from storewarden import DatabaseStorageManager
from storewarden.daemon.tending.feeling import Feeler
from storewarden.databases.effect import Figures
from tests.conftest import Golden
from tests.sqlites import holding, make
from tests.unit.cli.conftest import Run, data_in

POLICIES = """
version: 1
policies:
  - id: critical
    match: {kind: database, name: [runtime.db]}
    place: {required: [local]}
    category: critical
    reason: Video creation waits for it
  - id: others
    match: {kind: database, name: [analytics.db, test.db, marketing.db]}
    place: {preferred: [nas]}
    category: others
    reason: Need no fast disk
  - id: by-use
    match: {kind: database, name: [agent.db]}
    place:
      evaluate: {window: 30d, local_if: opens_per_day >= 5, else: nas, min_stay: 7d}
    category: hybrids
    reason: Judged by its use
"""
SIZES = {"runtime.db": 40, "analytics.db": 400, "test.db": 20, "agent.db": 30, "mine.db": 10}


@pytest.fixture(autouse=True)
def _no_disk_is_felt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that does other things beside is no reason to wait."""
    monkeypatch.setattr(Feeler, "feel", lambda _self: Figures())


@pytest.fixture
def root(here: Path, run: Run) -> Path:
    """A folder with databases that is scanned, and a store."""
    root = data_in(here, POLICIES, store=True)
    for name, rows in SIZES.items():
        make(root / name, rows=rows)
    assert run("store", "prepare", "nas").code == 0
    assert run("scan").code == 0
    return root


def plain(text: str) -> str:
    """Return an answer without what is another each time."""
    text = re.sub(r"undo [a-z2-7]{8}", "undo <command>", text)
    return re.sub(r"in \d+(\.\d+)?(ms|s)\b", "in <while>", text)


@pytest.mark.usefixtures("root")
def test_a_plan_of_what_is_here(run: Run, golden: Golden) -> None:
    told = run("db", "plan", terminal=True).out

    golden("cli/db-plan-here.txt", told)


@pytest.mark.usefixtures("root")
def test_a_plan_for_pipes(run: Run, golden: Golden) -> None:
    golden("cli/db-plan-here-plain.txt", run("db", "plan").out)


@pytest.mark.usefixtures("root")
def test_a_plan_for_programs(run: Run) -> None:
    told = run("db", "plan", "--json").json

    move = told["steps"][1]["databases"][0]
    assert {**move, "bytes": 0} == {
        "name": "test.db",
        "root": "data",
        "path": "test.db",
        "bytes": 0,
        "what": "move",
        "store": "nas",
        "lies": "local",
        "policy": "others",
        "reason": "Need no fast disk",
        "later": None,
    }
    assert [one["path"] for one in told["unnamed"]] == ["mine.db"]
    totals = told["totals"]
    assert (totals["databases"], totals["recorded"], totals["moved_share"]) == (4, 5, 0.0)
    assert totals["saved_share"] == pytest.approx(totals["saved_bytes"] / totals["bytes"])


@pytest.mark.usefixtures("root")
def test_a_recommendation_of_what_is_here_has_its_place_and_its_figures(run: Run) -> None:
    told = run("db", "recommend", "agent.db", "--json").json

    assert told["recommendation"] == "evaluate"
    assert (told["root"], told["path"], told["lies"]) == ("data", "agent.db", "local")
    assert told["databases"][0]["bytes"] > 0


def test_what_would_be_moved_is_told_and_nothing_is_done(
    root: Path, run: Run, golden: Golden
) -> None:
    told = run("db", "migrate", "--phase", "2", "--limit", "1", "--dry-run", terminal=True)

    golden("cli/db-migrate-dry-run.txt", told.out)
    assert sorted(path.name for path in root.glob("*.db")) == sorted(SIZES)


def test_moving_them_for_people(root: Path, run: Run, golden: Golden) -> None:
    with holding(root / "test.db"):
        assert run("scan").code == 0
        ran = run("db", "migrate", "--yes", terminal=True)

    golden("cli/db-migrate.txt", plain(ran.out + ran.err))
    assert ran.code == 1  # one is open
    assert not (root / "analytics.db").exists()


def test_moving_them_for_pipes(root: Path, run: Run, golden: Golden) -> None:
    with holding(root / "test.db"):
        ran = run("db", "migrate", "--phase", "2")

    golden("cli/db-migrate-plain.txt", re.sub(r"\t\d{4,}\t", "\t<bytes>\t", ran.out))
    assert ran.code == 1


def test_moving_them_for_programs_and_taking_it_back(root: Path, run: Run) -> None:
    before = {path.name: path.read_bytes() for path in root.glob("*.db")}

    ran = run("db", "migrate", "--json")

    assert ran.code == 0
    items = {one["database"]: one for one in ran.json["items"]}
    assert set(items) == {"data/runtime.db", "data/test.db", "data/analytics.db"}
    assert items["data/analytics.db"]["rows"] == 400
    assert items["data/analytics.db"]["effect"]["too_slow"] == ""
    totals = ran.json["totals"]
    assert totals["moved_share"] == totals["saved_share"] > 0.6
    assert run("db", "migrate", "--json").json["items"][1:] == []

    assert run("undo", ran.json["undo"]).code == 0
    assert {path.name: path.read_bytes() for path in root.glob("*.db")} == before


def test_what_nobody_knows_is_said_to_be_unknown(root: Path, run: Run) -> None:
    assert root.exists()
    ran = run("db", "migrate", "nothing.db")

    assert ran.code == 1
    assert "storewarden db plan" in ran.err


def test_a_length_of_time_that_is_none_is_told(root: Path, run: Run) -> None:
    assert root.exists()
    ran = run("db", "migrate", "--idle", "soon")

    assert ran.code == 2
    assert "--idle" in ran.err


def test_programs_ask_for_what_is_recorded_here(root: Path, here: Path, run: Run) -> None:
    manager = DatabaseStorageManager.recorded(here / "storewarden.yaml")
    before = manager.generate_migration_plan()

    assert manager.get_storage_recommendation("test.db")["recommendation"] == "nas"
    assert [phase["count"] for phase in before["phases"]] == [1, 2, 1]
    assert before["moved_share"] == 0.0
    assert run("db", "migrate", "--json").code == 0
    after = DatabaseStorageManager.recorded(here / "storewarden.yaml").generate_migration_plan()
    assert after["moved_share"] == before["saved_share"]
    assert not (root / "test.db").exists()
