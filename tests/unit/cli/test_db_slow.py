"""Which statements are slow, as people, pipes and programs see it."""

from __future__ import annotations

import pytest

from storewarden.catalogue import query_times
from storewarden.catalogue.databases import Named, align
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.query_times import CATALOGUE, Heard, Slow
from tests.conftest import Golden
from tests.unit.cli.conftest import MINUTE, NOW, Run

DAY = 86_400 * 10**9
PLAN = "SCAN messages\nUSE TEMP B-TREE FOR ORDER BY"


@pytest.fixture
def counted(catalogue: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Statements of our own, of a database that is known, and of one that is not."""
    monkeypatch.setattr("storewarden.clock.SystemClock.wall_ns", lambda _clock: NOW)
    with catalogue.transaction():
        align(catalogue, 1, [Named("chat", b"/srv/chat.db", "sqlite")], NOW)
    statement = "SELECT * FROM messages WHERE text LIKE ? ORDER BY at"
    ours = Slow("SELECT f.id FROM files f WHERE\n f.kind = ?", 1, 0.35, 0.35, "SCAN f")
    theirs = Slow(statement, 12, 1.4, 5.2, PLAN)
    odd = Slow("DELETE FROM \x1b[31mt WHERE a = ?", 1, 0.11, 0.11)
    for source, ago_ns, heard in (
        (CATALOGUE, 3 * MINUTE, Heard(20_000, 1, 4.25, (ours,))),
        ("/srv/chat.db", 5 * MINUTE, Heard(1_234, 12, 9.5, (theirs,))),
        ("/srv/chat.db", 40 * DAY, Heard(10, 0, 0.1)),
        ("/srv/other\\x1b.db", 2 * DAY, Heard(1, 1, 0.11, (odd,))),
    ):
        query_times.keep(catalogue, 1, source, heard, NOW - ago_ns)
    return catalogue


def test_what_is_slow_is_told_with_how_it_is_gone_about(
    counted: Engine, run: Run, golden: Golden
) -> None:
    people, programs = run("db", "slow", terminal=True), run("db", "slow")

    assert (people.code, programs.code) == (0, 0)
    golden("cli/db-slow.txt", people.out)


def test_programs_get_all_of_it(counted: Engine, run: Run, golden: Golden) -> None:
    golden("cli/db-slow-plain.txt", run("db", "slow").out)
    golden("cli/db-slow-json.txt", run("db", "slow", "--json").out)


def test_one_database_is_named_by_its_name_or_its_path(counted: Engine, run: Run) -> None:
    for name in ("chat", "/srv/chat.db"):
        told = run("db", "slow", name, "--json").json
        assert [one["database"] for one in told["databases"]] == ["chat"]
        assert told["slowest"][0]["reads_all_of"] == ["messages"]
    told = run("db", "slow", "catalogue", "--json").json
    assert [one["database"] for one in told["slowest"]] == ["catalogue"]


def test_so_many_days_and_statements_are_told(counted: Engine, run: Run) -> None:
    long = run("db", "slow", "chat", "--days", "60", "--json").json
    short = run("db", "slow", "--days", "1", "--most", "1", "--json").json

    assert long["databases"][0]["statements"] == 1_244
    assert {one["database"] for one in short["databases"]} == {"chat", "catalogue"}
    assert len(short["slowest"]) == 1


def test_a_name_that_nothing_has_is_refused(counted: Engine, run: Run) -> None:
    ran = run("db", "slow", "chta")

    assert ran.code == 2
    assert "no database is called so: chta" in ran.err


def test_where_nothing_was_counted_it_is_said_how_to_begin(catalogue: Engine, run: Run) -> None:
    ran = run("db", "slow", terminal=True)

    assert ran.code == 0
    assert "from storewarden import watch_queries" in ran.out
