"""What a migration does with each database, in which order, and what keeps it from being done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from storewarden.databases.migrate import IDLE_NS, Database, Migration, migration
from storewarden.databases.recommend import read_strategy
from storewarden.policy.load import read
from storewarden.policy.rules import PolicySet
from storewarden.policy.subject import Day, Subject

DAY = 86_400 * 10**9
NOW = 20_000 * DAY + DAY // 2
MADE = NOW - 100 * DAY


@pytest.fixture(scope="module")
def strategy() -> PolicySet:
    return read_strategy("shipped:trae")


def database(
    name: str,
    size: int = 1000,
    opens: int = 0,
    *,
    written_ns: int = MADE,
    trouble: str = "",
    **more: Any,
) -> Database:
    """A database made a hundred days ago, opened so many times a day in the last ten."""
    days = tuple(Day(20_000 - each, opens, 0) for each in range(10)) if opens else ()
    path = b"data/" + name.encode()
    subject = Subject(1, "data", path, "database", size, MADE, MADE, usage_since_ns=MADE, days=days)
    return Database(replace(subject, **more), size, written_ns, trouble)


def moved(name: str, size: int = 1000, opens: int = 0, *, days_ago: int = 50) -> Database:
    """One that was moved to the cloud so many days ago."""
    since = NOW - days_ago * DAY
    return database(name, size, opens, state="archived", placed="cloud", placed_ns=since)


def told(plan: Migration) -> list[tuple[int, str, str]]:
    return [(task.phase, task.what, task.name) for task in plan.tasks]


def test_what_stays_is_secured_before_anything_moves_and_hybrids_come_last(
    strategy: PolicySet,
) -> None:
    plan = migration(
        strategy,
        [database("trae_ai.db"), database("analytics.db"), database("runtime.db")],
        NOW,
    )

    assert told(plan) == [
        (1, "secure", "runtime.db"),
        (2, "move", "analytics.db"),
        (3, "move", "trae_ai.db"),
    ]
    assert [task.later for task in plan.tasks] == ["", "", ""]


def test_the_smallest_and_least_used_go_first(strategy: PolicySet) -> None:
    plan = migration(
        strategy,
        [
            database("analytics.db", 1_000_000),
            database("marketing.db", 1_010, opens=50),
            database("channels.db", 1_020, opens=2),
            database("test.db", 100, opens=900),
        ],
        NOW,
    )

    assert [task.name for task in plan.phase(2)] == [
        *("test.db", "channels.db", "marketing.db", "analytics.db")
    ]


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (
            database("analytics.db", written_ns=NOW - 60 * 10**9),
            "it was used 1min ago, and goes after 10min without use",
        ),
        (
            database("analytics.db", last_opened_ns=NOW - 30 * 10**9),
            "it was used 30s ago, and goes after 10min without use",
        ),
        (database("analytics.db", pinned=True), "it is pinned"),
        (database("analytics.db", growing=True), "somebody is writing it"),
        (
            database("analytics.db", trouble="page 7 is never used"),
            "it is damaged: page 7 is never used",
        ),
        (
            moved("trae_ai.db", opens=100, days_ago=3),
            "it stays where it is until 2024-10-08: 4d from now",
        ),
    ],
    ids=["written", "opened", "pinned", "growing", "damaged", "stays"],
)
def test_what_must_not_go_now_says_why(strategy: PolicySet, one: Database, why: str) -> None:
    (task,) = migration(strategy, [one], NOW).tasks

    assert task.moves
    assert task.later == why
    assert task.kept == (why in {"it is pinned", "it is damaged: page 7 is never used"})


def test_what_a_policy_holds_stays_and_the_policy_is_named() -> None:
    policies = read(
        [
            (
                "mine.yaml",
                (
                    b"version: 1\npolicies:\n"
                    b"  - {id: court, match: {kind: database}, hold: true}\n"
                    b"  - {id: away, match: {kind: database}, place: {preferred: [cloud]}}\n"
                ),
            )
        ],
        stores=("cloud",),
    )

    (task,) = migration(policies, [database("analytics.db")], NOW).tasks

    assert task.later == "held by court"


def test_a_hybrid_goes_stays_comes_back_or_waits_by_its_use(strategy: PolicySet) -> None:
    uncounted = database("content_agent.db", usage_since_ns=None)
    plan = migration(
        strategy,
        [
            database("intelligence.db", opens=100),
            database("master_orchestrator.db", opens=1),
            moved("trae_ai.db", opens=100),
            uncounted,
        ],
        NOW,
    )

    assert {task.name: task.what for task in plan.tasks} == {
        "intelligence.db": "there",
        "master_orchestrator.db": "move",
        "trae_ai.db": "return",
        "content_agent.db": "judge",
    }
    assert all(task.phase == 3 for task in plan.tasks)


def test_one_that_has_to_be_here_comes_back_in_the_first_phase(strategy: PolicySet) -> None:
    (task,) = migration(strategy, [moved("runtime.db")], NOW).tasks

    assert (task.phase, task.what, task.belongs.recommendation) == (1, "return", "local")


def test_the_saved_share_is_told_before_and_after(strategy: PolicySet) -> None:
    local, mine = database("runtime.db", 150), database("mine.db", 50)
    before = migration(strategy, [local, mine, database("analytics.db", 800)], NOW)
    after = migration(strategy, [local, mine, moved("analytics.db", 800)], NOW)

    assert (before.here, before.away, before.leaving) == (1000, 0, 800)
    assert (before.saved, before.forecast) == (0.0, 0.8)
    assert (after.here, after.away, after.leaving) == (200, 800, 0)
    assert (after.saved, after.forecast) == (0.8, 0.8)
    assert [one.subject.name for one in before.unnamed] == [b"mine.db"]
    assert migration(strategy, [], NOW).saved is None


def test_what_is_moved_already_is_not_moved_again(strategy: PolicySet) -> None:
    (task,) = migration(strategy, [moved("analytics.db")], NOW).tasks

    assert (task.phase, task.what, task.moves) == (2, "there", False)


def test_who_says_so_does_not_wait_for_idleness(strategy: PolicySet) -> None:
    lately = database("analytics.db", written_ns=NOW)

    assert migration(strategy, [lately], NOW, IDLE_NS).tasks[0].later
    assert not migration(strategy, [lately], NOW, 0).tasks[0].later
