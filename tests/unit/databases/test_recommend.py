"""The TRAE strategy as its programs ask for it: every name of its list, and names of none."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from storewarden import DatabaseStorageManager
from storewarden.databases.recommend import by_name, migration, read_strategy, recommend
from storewarden.errors import PolicyError
from storewarden.policy.decide import decide
from storewarden.policy.rules import PolicySet
from storewarden.policy.subject import Day, Subject

DAY = 86_400 * 10**9
NOW = 20_000 * DAY + DAY // 2
LISTS = {
    "performance_critical": (
        "content_automation.db quality_metrics.db performance_metrics.db automation_performance.db"
        " runtime.db model_generator.db ollama_cache.db"
    ),
    "analytics": (
        "analytics_dashboard.db analytics.db performance_analytics.db engagement_tracking.sqlite"
        " youtube_engagement.sqlite"
    ),
    "business": (
        "marketing_monetization.sqlite marketing.db monetization.db revenue_streams.db"
        " cost_tracking.db promotion_campaigns.sqlite"
    ),
    "content_management": (
        "rss_watcher.db youtube_automation.sqlite channels.db collaboration_outreach.db"
    ),
    "system_admin": (
        "error_tracking.db example_error_tracking.db scan_results.sqlite api_integration.db"
        " routellm_usage.db"
    ),
    "development": (
        "test_comprehensive.db test_fraud.db test_fraud2.db test_fraud3.db test_results.db test.db"
    ),
    "backups": "right_perspective_backup_20250902_012246.db base44.sqlite trae_production.db",
    "evaluate_case_by_case": "intelligence.db master_orchestrator.db trae_ai.db content_agent.db",
}
WHERE = {"performance_critical": "local", "evaluate_case_by_case": "evaluate"}
EVERY = [(name, group) for group, names in LISTS.items() for name in names.split()]


@pytest.fixture(scope="module")
def manager() -> DatabaseStorageManager:
    return DatabaseStorageManager()


@pytest.fixture(scope="module")
def strategy() -> PolicySet:
    return read_strategy("shipped:trae")


def database(name: str, size: int, opens: int | None = None) -> Subject:
    """A database that is there, made a hundred days ago, with so many opens in the last ten."""
    days = () if not opens else tuple(Day(20_000 - each, opens // 10, 0) for each in range(10))
    made = NOW - 100 * DAY
    since = None if opens is None else made
    path = b"data/" + os.fsencode(name)
    return Subject(1, "data", path, "database", size, made, made, usage_since_ns=since, days=days)


def lying(store: str, subject: Subject) -> Subject:
    """The same database in a store."""
    return subject if store == "local" else replace(subject, state="archived", placed=store)


def test_the_answer_of_the_strategy_is_word_for_word_what_it_was(
    manager: DatabaseStorageManager,
) -> None:
    assert manager.get_storage_recommendation("content_automation.db") == {
        "recommendation": "local",
        "reason": "Performance-critical for video/avatar creation",
        "category": "performance_critical",
    }


@pytest.mark.parametrize(("name", "group"), EVERY, ids=[name for name, _ in EVERY])
def test_every_name_is_where_the_strategy_wants_it(
    manager: DatabaseStorageManager, name: str, group: str
) -> None:
    told = manager.get_storage_recommendation(name)
    wanted = WHERE.get(group, "cloud")

    assert (told["recommendation"], told["category"]) == (wanted, group)
    assert told["reason"]
    assert manager.is_performance_critical(name) == (wanted == "local")
    assert manager.can_move_to_cloud(name) == (wanted == "cloud")
    assert manager.requires_evaluation(name) == (wanted == "evaluate")


def test_a_name_of_no_list_is_told_to_be_one(manager: DatabaseStorageManager) -> None:
    told = manager.get_storage_recommendation("accounts.db")

    assert told == {
        "recommendation": "unknown",
        "reason": "no policy names it",
        "category": "unnamed",
    }
    assert not manager.can_move_to_cloud("accounts.db")


def test_the_plan_has_three_steps_with_all_forty(manager: DatabaseStorageManager) -> None:
    plan = manager.generate_migration_plan()

    steps = [(step["phase"], step["name"], step["count"]) for step in plan["phases"]]
    assert steps == [(1, "secure_local", 7), (2, "move_to_cloud", 29), (3, "evaluate", 4)]
    assert plan["total"] == 40


def test_the_plan_counts_the_bytes_of_what_is_there(strategy: PolicySet) -> None:
    there = [database("runtime.db", 10), database("analytics.db", 500), database("mine.db", 7)]

    steps = migration(strategy, there, NOW)

    assert [(len(step.databases), step.size) for step in steps] == [(1, 10), (1, 500), (0, 0)]
    manager = DatabaseStorageManager(strategy, there, now_ns=NOW)
    plan = manager.generate_migration_plan()
    assert [step["bytes"] for step in plan["phases"]] == [10, 500, 0]
    assert (plan["bytes"], plan["moved_share"]) == (517, 0.0)
    assert plan["saved_share"] == pytest.approx(500 / 517)


def test_over_databases_that_are_there_hybrids_are_judged_by_their_use(
    strategy: PolicySet,
) -> None:
    there = [database("trae_ai.db", 10, 3000), database("content_agent.db", 10, 30)]
    manager = DatabaseStorageManager(strategy, there, now_ns=NOW)

    assert manager.get_storage_recommendation("trae_ai.db")["recommendation"] == "local"
    assert manager.get_storage_recommendation("content_agent.db") == {
        "recommendation": "cloud",
        "reason": "1 opens a day in 30d, below 4 and 0 writes a day in 30d, below 0.8",
        "category": "evaluate_case_by_case",
    }
    assert manager.can_move_to_cloud("content_agent.db")
    assert not manager.can_move_to_cloud("trae_ai.db")
    assert manager.requires_evaluation("trae_ai.db")
    assert not manager.is_performance_critical("trae_ai.db")
    assert manager.get_storage_recommendation("master_orchestrator.db")["recommendation"] == (
        "evaluate"  # it is not there
    )


@pytest.mark.parametrize(
    ("opens", "wanted", "reason"),
    [
        (
            *(3000, "local"),
            "100 opens a day in 30d, at least 4 and 0 writes a day in 30d, below 0.8",
        ),
        (
            *(30, "cloud"),
            "1 opens a day in 30d, below 4 and 0 writes a day in 30d, below 0.8",
        ),
    ],
)
def test_a_hybrid_is_judged_by_what_was_measured(
    strategy: PolicySet, opens: int, wanted: str, reason: str
) -> None:
    told = recommend(strategy, database("trae_ai.db", 1, opens), NOW, measured=True)

    assert (told.recommendation, told.reason) == (wanted, reason)
    assert told.category == "evaluate_case_by_case"


@pytest.mark.parametrize(
    ("opens", "lies", "wanted"), [(135, "local", "local"), (135, "cloud", "cloud")]
)
def test_a_hybrid_near_its_limit_stays_where_it_is(
    strategy: PolicySet, opens: int, lies: str, wanted: str
) -> None:
    subject = lying(lies, database("trae_ai.db", 1, opens))

    assert recommend(strategy, subject, NOW, measured=True).recommendation == wanted


def test_a_hybrid_that_was_moved_lately_stays_so_long_as_was_said(strategy: PolicySet) -> None:
    subject = replace(
        database("trae_ai.db", 1, 3000), state="archived", placed="cloud", placed_ns=NOW - 2 * DAY
    )

    told = recommend(strategy, subject, NOW, measured=True)

    assert (told.recommendation, told.due_ns) == ("local", NOW + 5 * DAY)
    assert told.reason.endswith("; it stays 7d where it is, until 2024-10-09")


@pytest.mark.parametrize("opens", [0, 30, 120, 130, 150, 180, 200, 3000])
@pytest.mark.parametrize("lies", ["local", "cloud"])
def test_what_is_recommended_is_what_the_daemon_decides(
    strategy: PolicySet, opens: int, lies: str
) -> None:
    subject = lying(lies, database("trae_ai.db", 1, opens))

    told = recommend(strategy, subject, NOW, measured=True)

    moves = decide(subject, strategy, NOW)
    assert told.recommendation == (moves.store or lies)
    assert told.due_ns == moves.due_ns


def test_a_hybrid_whose_use_nobody_counts_stays_to_be_judged(strategy: PolicySet) -> None:
    told = recommend(strategy, database("trae_ai.db", 1), NOW, measured=True)

    assert told.recommendation == "evaluate"
    assert "not counted" in told.reason
    assert "usage: true" in told.reason


def test_a_changed_list_needs_no_code(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "version: 1\npolicies:\n"
        "  - {id: stay, match: {kind: database, name: [accounts.db]},"
        " place: {required: [local]}, category: money, reason: Read all day}\n"
    )
    file.chmod(0o644)

    told = DatabaseStorageManager(file).get_storage_recommendation("accounts.db")

    assert told == {"recommendation": "local", "reason": "Read all day", "category": "money"}


def test_a_wrong_list_is_told_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("version: 1\npolicys: []\n")
    file.chmod(0o644)

    with pytest.raises(PolicyError, match=r"mine\.yaml:2:1: policys: .*did you mean policies\?"):
        DatabaseStorageManager(file)


def test_a_name_that_is_no_utf8_has_an_answer_as_well(strategy: PolicySet) -> None:
    assert recommend(strategy, by_name("caf\udce9.db"), NOW).recommendation == "unknown"


def test_who_only_asks_for_the_version_pays_for_nothing_else() -> None:
    code = (
        "import sys, storewarden; storewarden.__version__;"
        "print([name for name in sys.modules if name.startswith('storewarden.')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"


def test_what_the_package_does_not_have_is_said_as_python_says_it() -> None:
    import storewarden

    with pytest.raises(AttributeError, match="has no attribute 'DatabaseManager'"):
        _ = storewarden.DatabaseManager
