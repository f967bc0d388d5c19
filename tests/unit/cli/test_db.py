"""Where databases belong, as people, pipes and programs see it."""

from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from tests.conftest import Golden
from tests.unit.cli.conftest import Run

STRATEGY = ("--strategy", "shipped:trae")


def make_databases(engine: Engine) -> None:
    """Turn the files of the catalogue into databases, one of them with a name of the list."""
    with engine.transaction():
        ids = [row[0] for row in engine.execute("SELECT id FROM files WHERE state = 'present'")]
        names = (b"runtime.db", b"analytics.db", b"trae_ai.db", b"mine\xff\n.db")
        for file_id, name in zip(ids, names, strict=False):
            engine.execute(
                "UPDATE files SET kind = 'database', name = ? WHERE id = ?", (name, file_id)
            )


def test_one_of_the_list_is_told_before_anything_is_recorded(run: Run) -> None:
    ran = run("db", "recommend", "content_automation.db", *STRATEGY, "--json")

    assert ran.code == 0
    assert ran.json == {
        "recommendation": "local",
        "reason": "Performance-critical for video/avatar creation",
        "category": "performance_critical",
    }


def test_one_of_no_list_is_found_to_be_one(run: Run) -> None:
    ran = run("db", "recommend", "accounts.db", *STRATEGY)

    assert (ran.code, ran.out) == (1, "accounts.db\tunknown\tunnamed\tno policy names it\n")


def test_a_recommendation_for_people(rich: Engine, run: Run, golden: Golden) -> None:
    make_databases(rich)
    told = [
        run("db", "recommend", name, *STRATEGY, terminal=True).out
        for name in ("runtime.db", "base44.sqlite", "trae_ai.db")
    ]

    golden("cli/db-recommend.txt", "\n".join(told))


def test_a_plan_for_people(rich: Engine, run: Run, golden: Golden) -> None:
    make_databases(rich)
    ran = run("db", "plan", *STRATEGY, terminal=True)

    golden("cli/db-plan.txt", ran.out)
    assert ran.code == 0


def test_a_plan_where_nothing_is_recorded_is_of_the_names(run: Run, golden: Golden) -> None:
    golden("cli/db-plan-names.txt", run("db", "plan", *STRATEGY, terminal=True).out)


def test_a_plan_for_programs(rich: Engine, run: Run) -> None:
    make_databases(rich)
    told = run("db", "plan", *STRATEGY, "--json").json

    assert [(step["name"], step["count"]) for step in told["steps"]] == [
        ("secure_local", 1),
        ("move_to_cloud", 1),
        ("evaluate", 1),
    ]
    saved = told["steps"][1]["bytes"]
    assert told["totals"]["saved_bytes"] == saved
    assert told["totals"]["saved_share"] == pytest.approx(saved / told["totals"]["bytes"])


def test_the_policies_of_the_configuration_are_asked_where_none_are_named(
    run: Run, here: Path
) -> None:
    ran = run("db", "recommend", "runtime.db", "--json")

    assert ran.code == 1
    assert ran.json["reason"] == "no policy names it"


def test_a_strategy_that_is_not_shipped_is_said_to_be_none(run: Run) -> None:
    ran = run("db", "plan", "--strategy", "shipped:tray")

    assert ran.code == 2
    assert "did you mean" in ran.err
