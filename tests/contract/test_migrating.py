"""Databases go to where the strategy wants them, without a daemon: real databases, a real store."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storewarden.catalogue.connect import open_catalogue
from storewarden.daemon.tending import migrating
from storewarden.daemon.tending.feeling import Feeler
from storewarden.daemon.tending.wish import Item, TendResult, Told
from storewarden.databases.effect import Figures
from tests.sqlites import holding, killed, make, rest
from tests.strategy import Strategy, outcomes


@pytest.fixture
def home(tmp_path: Path) -> Strategy:
    base = tmp_path / "home"
    base.mkdir()
    return Strategy(base)


def only(result: TendResult) -> Item:
    (item,) = result.items
    return item


def test_a_database_is_looked_over_moved_and_comes_back_as_it_was(home: Strategy) -> None:
    make(home.root / "runtime.db")
    path = make(home.root / "analytics.db", rows=300)
    before, size = home.here(), path.stat().st_size
    home.scan()

    local, moved = home.migrate().items

    assert local[:3] == ("r/runtime.db", "secure", "done")
    assert moved[:3] == ("r/analytics.db", "move", "done")
    assert (moved.facts["rows"], moved.facts["bytes"], moved.facts["store"]) == (300, size, "cloud")
    assert moved.facts["freed"] >= size
    assert list(home.here()) == ["runtime.db"]
    assert home.plan().saved == pytest.approx(size / sum(map(len, before.values())))
    assert home.migrate(phase=2).items == ()  # done twice, it does nothing

    assert home.act("restore", "analytics.db").done == 1
    assert home.here() == before


def test_what_is_open_is_put_off_and_goes_when_it_is_closed(home: Strategy) -> None:
    make(home.root / "analytics.db", journal="wal")
    make(home.root / "marketing.db")
    home.scan()

    with holding(home.root / "analytics.db"), holding(home.root / "marketing.db"):
        home.scan()
        result = home.migrate(idle_ns=0)
    assert set(outcomes(result).values()) == {"put_off"}
    assert {item.why for item in result.items} == {"somebody has it open"}
    assert home.stored() == 0

    home.scan()
    assert set(outcomes(home.migrate(idle_ns=0)).values()) == {"done"}
    assert home.here() == {}


def test_what_was_used_a_moment_ago_is_left_alone_for_a_while(home: Strategy) -> None:
    path = make(home.root / "analytics.db")
    os.utime(path)
    home.scan()

    item = only(home.migrate())

    assert item.outcome == "put_off"
    assert item.why.endswith("and goes after 10min without use")
    assert only(home.migrate(idle_ns=0)).outcome == "done"


def test_a_log_that_a_killed_program_left_goes_along_and_comes_back(home: Strategy) -> None:
    killed(home.root / "analytics.db", rows=20)
    before = home.here()
    home.scan()
    beside = [name for name in before if name != "analytics.db"]
    home.link("analytics.db", *beside)

    item = only(home.migrate())

    assert (item.outcome, item.facts["rows"]) == ("done", 21)
    assert home.here() == {}
    assert home.act("restore", "analytics.db").done == len(before)
    assert home.here() == before


def test_nothing_moves_while_one_that_stays_is_damaged(home: Strategy) -> None:
    damage(make(home.root / "runtime.db", rows=2_000))
    make(home.root / "analytics.db")
    before = home.here()
    home.scan()

    local, moved = home.migrate(phase=2).items

    assert (local.database, local.outcome, local.remedy) == (
        "r/runtime.db",
        "found",
        "storewarden db check runtime.db",
    )
    assert (moved.outcome, moved.why) == (
        "refused",
        "what stays here is not safe: r/runtime.db",
    )
    assert home.here() == before


def test_what_stays_is_backed_up_first_and_nothing_moves_when_that_fails(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    home = Strategy(tmp_path / "home", care=True)
    for name in ("runtime.db", "analytics.db"):
        make(home.root / name)
    home.scan()
    (home.base / "state" / "backups").write_bytes(b"no directory")

    local, moved = home.migrate().items
    assert (local.outcome, moved.outcome) == ("failed", "refused")
    assert local.why.startswith("it is not backed up: ")
    assert home.stored() == 0

    (home.base / "state" / "backups").unlink()
    assert set(outcomes(home.migrate()).values()) == {"done"}
    backed_up = "SELECT count(*) FROM backups WHERE state = 'good'"
    assert home.query(backed_up) == [(1,)]
    home.migrate()
    assert home.query(backed_up) == [(1,)]


def test_what_is_damaged_does_not_go_and_the_others_do(home: Strategy) -> None:
    damage(make(home.root / "analytics.db", rows=2_000))
    make(home.root / "test.db")
    home.scan()

    assert outcomes(home.migrate()) == {"r/analytics.db": "found", "r/test.db": "done"}


def test_what_changed_since_it_was_recorded_is_put_off(home: Strategy) -> None:
    path = make(home.root / "analytics.db")
    home.scan()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO notes (text) VALUES ('one more')")

    item = only(home.migrate())
    assert (item.outcome, item.why) == ("put_off", "it is not what is recorded")
    home.scan()
    assert only(home.migrate(idle_ns=0)).facts["rows"] == 11


def test_so_many_go_at_a_time_as_was_said_the_smallest_first(home: Strategy) -> None:
    for rows, name in ((900, "test.db"), (10, "analytics.db"), (5_000, "marketing.db")):
        make(home.root / name, rows=rows)
    home.scan()

    first = [item.database for item in home.migrate(limit=2).items]
    then = [item.database for item in home.migrate(limit=2).items]

    assert (first, then) == (["r/analytics.db", "r/test.db"], ["r/marketing.db"])


def test_one_that_is_named_goes_alone(home: Strategy) -> None:
    for name in ("a/test.db", "b/test.db", "analytics.db"):
        (home.root / name).parent.mkdir(exist_ok=True)
        make(home.root / name)
    home.scan()

    result = home.migrate("r/b/test.db", os.fsdecode(home.root / "analytics.db"))

    assert [item.database for item in result.items] == ["r/analytics.db", "r/b/test.db"]
    assert list(home.here()) == ["a/test.db"]


def test_pinned_and_held_ones_are_refused_by_name(home: Strategy) -> None:
    make(home.root / "analytics.db")
    home.scan()
    engine = open_catalogue(home.settings.catalogue, home.settings.state, role="test")
    with engine.transaction():
        engine.execute("INSERT INTO marks (file_id, pinned) SELECT id, 1 FROM files")
    engine.close()

    item = only(home.migrate())

    assert (item.outcome, item.why) == ("refused", "it is pinned")


def test_the_next_one_waits_while_what_stays_is_slower(
    home: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast, slow = Figures((10**6,), (10**6,), 0.0), Figures((10**9,), (10**6,), 0.0)
    felt = iter((fast, fast, slow, slow, fast))
    told: list[Told] = []
    monkeypatch.setattr(Feeler, "feel", lambda _self: next(felt))
    for name in ("runtime.db", "analytics.db", "test.db"):
        make(home.root / name)
    home.scan()
    monkeypatch.setattr(migrating, "sleeping", lambda _stopping: lambda _seconds: None)

    result = home.migrate(told=told.append, slower=2.0)

    assert set(outcomes(result).values()) == {"done"}
    assert next(felt, None) is None
    waits = [one.database for one in told if "waits" in one.database]
    assert waits == [
        "r/test.db waits: a read takes 1000.0 ms instead of 1.0 ms: looked at again in 2s",
        "r/test.db waits: a read takes 1000.0 ms instead of 1.0 ms: looked at again in 4s",
    ]
    assert result.items[2].facts["effect"]["now"]["read_ms"] == 1.0


def test_what_does_not_get_better_ends_the_migration(
    home: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast, slow = Figures((10**6,), (), None), Figures((10**9,), (), None)
    felt = iter((fast,))
    monkeypatch.setattr(Feeler, "feel", lambda _self: next(felt, slow))
    monkeypatch.setattr(migrating, "sleeping", lambda _stopping: lambda _seconds: None)
    for name in ("runtime.db", "analytics.db", "test.db"):
        make(home.root / name)
    before = home.here()
    home.scan()

    _, *moved = home.migrate(slower=2.0).items

    assert [item.outcome for item in moved] == ["put_off", "put_off"]
    assert moved[0].why == (
        "what stays is slower than before: a read takes 1000.0 ms instead of 1.0 ms"
    )
    assert home.here() == before


def test_what_is_told_of_the_effect_was_measured(home: Strategy) -> None:
    for name in ("runtime.db", "analytics.db"):
        make(home.root / name, rows=300)
    home.scan()

    effect = home.migrate().items[1].facts["effect"]

    assert effect["before"]["read_ms"] > 0
    assert effect["before"]["write_ms"] > 0
    assert effect["too_slow"] == ""


def damage(path: Path) -> None:
    """Break a page in the middle of a database."""
    content = bytearray(path.read_bytes())
    content[3 * 4096 : 3 * 4096 + 200] = b"\xff" * 200
    path.write_bytes(content)
    rest(path)
