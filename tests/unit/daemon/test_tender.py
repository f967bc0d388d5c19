"""Databases are looked after when it is due, one thing at a time, in nobody's way."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storewarden.catalogue import clocks
from storewarden.catalogue.clocks import Clocks
from storewarden.config.schema import TableSettings
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.tending.wish import TendWish
from storewarden.errors import CatalogueFull, LeaseLost, StoreUnavailable
from tests.tending import House

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    house = House(tmp_path / "state", monkeypatch)
    yield house
    house.close()


def test_databases_are_searched_first_and_then_looked_at_every_hour(house: House) -> None:
    house.database("a")
    house.database("b")

    assert house.settle() == ["look"]
    assert house.advance(HOUR - 2) == []
    assert house.advance(5) == ["look"]  # which searches, and looks at all
    assert house.runs() == []  # an hourly look is no event


def test_what_a_policy_asks_for_is_done_when_it_is_due_and_not_before(house: House) -> None:
    number = house.database("a")
    house.policies("{integrity: {every: 1d}, analyze: {every: 7d}}")

    assert set(house.settle()) == {"look", "check a", "analyze a"}
    days = [house.advance(DAY) for _ in range(7)]

    assert [day.count("check a") for day in days] == [1] * 7
    assert [day.count("analyze a") for day in days] == [0] * 6 + [1]
    assert house.stand(number, "check").outcome == "done"


def test_a_month_of_missed_runs_is_one_run(house: House) -> None:
    house.database("a")
    house.policies('{integrity: {cron: "30 2 * * *"}}')
    house.settle()

    assert house.advance(30 * DAY).count("check a") == 1
    assert house.advance(MINUTE) == []


def test_a_drill_waits_for_a_backup_that_came_back_whole(house: House) -> None:
    house.database("a")
    house.policies("{backup: {every: 1d}, drill: {every: 7d}}")
    house.outcome = "failed"
    assert "drill a" not in house.settle()

    house.outcome = "done"
    house.clock.advance(2 * MINUTE)
    done = house.settle()
    assert done.index("backup a") < done.index("drill a")


def test_what_fails_rests_longer_each_time_and_keeps_nothing_else_from_its_turn(
    house: House,
) -> None:
    bad = house.database("bad")
    house.policies("{integrity: {every: 1d}}")
    house.outcome = "failed"
    house.settle()
    tries = sum(house.advance(MINUTE).count("check bad") for _ in range(120))

    assert tries == 6  # after 1, 2, 4, … minutes
    assert house.stand(bad, "check").failures == 7

    house.database("good")
    house.outcome = "done"
    house.tender.ask(1, TendWish("look", (), {}, "anna"))
    assert "check good" in house.advance(3)


def test_a_database_that_is_gone_asks_nothing_and_one_that_is_back_does(house: House) -> None:
    number = house.database("a", there=False)
    house.policies("{integrity: {every: 1d}}")
    assert house.settle() == ["look"]

    with house.engine.transaction():
        house.engine.execute("UPDATE databases SET there = 1")
    assert "check a" in house.advance(3)

    with house.engine.transaction():
        house.engine.execute("UPDATE databases SET there = 0")
    assert "check a" not in house.advance(2 * DAY)
    assert house.stand(number, "check").due_ns is None


def test_a_server_is_never_backed_up_by_copying_files(house: House) -> None:
    house.database("pg", engine="postgresql")
    house.policies("{integrity: {every: 1d}, backup: {every: 1d}}")

    assert house.settle() == ["look"]


def test_no_policies_that_can_be_read_means_that_databases_are_still_looked_at(
    house: House,
) -> None:
    house.database("a")

    assert house.settle() == ["look"]


def test_nothing_is_begun_in_a_burst_but_what_a_person_waits_for(house: House) -> None:
    house.database("a")
    house.policies("{integrity: {every: 1d}}")
    house.burst = True
    assert house.settle() == []

    house.tender.ask(7, TendWish("check", ("a",), {}, "anna"))
    assert house.settle() == ["check a"]
    assert [(job, failed) for job, _, failed in house.answers] == [(7, False)]

    house.burst = False
    assert house.settle() == ["look"]  # and what anna had done is not due again


def test_what_a_person_had_done_counts(house: House) -> None:
    number = house.database("a")
    house.policies("{integrity: {every: 1d}}")
    house.settle()
    house.advance(DAY / 2)
    house.tender.ask(1, TendWish("check", ("/srv/a",), {}, "anna"))
    house.settle()

    assert "check a" not in house.advance(DAY / 2 + HOUR)
    assert house.stand(number, "check").good_ns is not None
    assert house.runs() == [("check", "done")] * 2


def test_a_quick_check_is_none_unless_it_finds_something(house: House) -> None:
    number = house.database("a")
    house.policies("{integrity: {every: 1d}}")
    house.settle()
    house.advance(DAY / 2)
    quick = TendWish("check", ("a",), {"quick": True}, "anna")
    house.tender.ask(1, quick)
    house.settle()
    assert "check a" in house.advance(DAY / 2)

    house.outcome = "found"
    house.tender.ask(2, quick)
    house.settle()
    assert house.stand(number, "check").outcome == "found"


def test_a_deed_that_dies_is_a_failure_of_it_and_of_nothing_else(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    number = house.database("a")
    house.policies("{integrity: {every: 1d}}")
    house.settle()
    house.outcome = ZeroDivisionError("a mistake of ours")
    house.tender.ask(3, TendWish("check", ("a",), {}, "anna"))

    assert "look" in house.advance(DAY)
    assert house.stand(number, "check").failures >= 1
    assert [(job, failed) for job, _, failed in house.answers] == [(3, True)]
    assert "a mistake of ours" in house.answers[0][1]["error"]

    house.outcome = "done"
    assert "check a" in house.advance(DAY)
    assert house.stand(number, "check").failures == 0


def test_a_store_that_is_down_is_told_with_its_reason(house: House) -> None:
    number = house.database("a")
    house.policies("{backup: {every: 1d}}")
    house.outcome = StoreUnavailable("the store is away", where="nas", remedy="mount it")
    house.settle()
    row = house.stand(number, "backup")

    assert (row.outcome, row.failures) == ("failed", 1)
    assert "the store is away: nas" in row.detail
    assert house.runs() == [("backup", "failed")]


def test_while_the_catalogue_is_away_a_wish_waits_and_is_then_carried_out(house: House) -> None:
    house.database("a")
    house.settle()
    house.outcome = CatalogueFull("no room")
    house.tender.ask(1, TendWish("check", ("a",), {}, "anna"))
    assert house.tender.step() == 5.0
    assert house.answers == []

    house.outcome = "done"
    house.settle()
    assert [(job, failed) for job, _, failed in house.answers] == [(1, False)]


def test_a_lost_lease_ends_the_daemon(house: House) -> None:
    house.database("a")
    house.outcome = LeaseLost("another has it")

    with pytest.raises(LeaseLost):
        house.settle()


def test_being_stopped_is_nobodys_failure_and_it_is_done_after_the_next_start(
    house: House,
) -> None:
    number = house.database("a")
    house.policies("{integrity: {every: 1d}}")
    house.settle()
    house.clock.advance(DAY)
    house.only, house.outcome = "check", GivenUp()
    house.settle()
    assert house.began[-1] == ("check", ("a",))
    assert house.stand(number, "check").failures == 0

    house.outcome = "done"
    house.start()
    assert "check a" in house.settle()
    assert house.runs()[-1] == ("check", "done")
    assert all(outcome is not None for _, outcome in house.runs())


def test_what_killed_the_daemon_is_not_tried_again_at_once(house: House) -> None:
    number = house.database("a")
    house.policies("{integrity: {every: 1d}}")
    house.settle()
    house.clock.advance(DAY)
    house.only, house.outcome = "check", KeyboardInterrupt()  # nothing is noted any more
    with pytest.raises(KeyboardInterrupt):
        house.settle()
    assert house.began[-1] == ("check", ("a",))

    house.outcome = "done"
    house.start()
    assert "check a" not in house.settle()
    assert house.stand(number, "check").failures == 1
    assert "check a" in house.advance(2 * MINUTE)


def test_a_clock_that_jumps_there_and_back_freezes_nothing_and_doubles_nothing(
    house: House,
) -> None:
    house.database("a")
    house.policies("{integrity: {every: 1d}}")
    house.settle()
    house.clock.jump(400 * DAY)
    house.clock.advance(3)
    assert house.settle().count("check a") == 1
    house.clock.jump(-400 * DAY)

    assert "check a" not in house.advance(MINUTE)
    days = [house.advance(DAY).count("check a") for _ in range(3)]
    assert days == [1, 1, 1]


def test_other_policies_count_at_once_and_owe_nothing_for_the_time_before(house: House) -> None:
    house.database("a")
    house.settle()
    house.advance(30 * DAY)
    house.policies('{integrity: {cron: "0 4 * * 0"}}')

    assert house.advance(3) == []
    assert sum(house.advance(DAY).count("check a") for _ in range(7)) == 1


OLD_ROWS = """
version: 1
policies:
  - id: old
    match: {rows: app.chats}
    clock: updated_at
    phases: [{after: 365d, do: archive}]
    trigger: [{every: 1d}]
"""


def test_rows_are_gone_through_when_their_policy_says_and_what_hangs_on_nothing_is_counted(
    house: House,
) -> None:
    table = TableSettings("app.chats", b"/srv/a.db", "chats", ("id",), "updated_at")
    house.hands.settings = replace(house.hands.settings, tables=(table,))
    house.in_force(OLD_ROWS, tables=("app.chats",))

    assert house.settle() == ["look", "rows_apply app.chats", "rows_orphans"]
    assert house.advance(DAY / 2) == ["look"]
    house.start()
    assert sorted(house.advance(DAY / 2)) == ["look", "rows_apply app.chats", "rows_orphans"]
    assert house.advance(30 * DAY).count("rows_apply app.chats") == 1


def test_while_the_clock_is_in_doubt_rows_are_left_alone(house: House) -> None:
    table = TableSettings("app.chats", b"/srv/a.db", "chats", ("id",), "updated_at")
    house.hands.settings = replace(house.hands.settings, tables=(table,))
    house.in_force(OLD_ROWS, tables=("app.chats",))
    noted = Clocks(house.now_ns, 1, "boot", 8 * 365 * 86_400 * 10**9, house.now_ns)
    clocks.note(house.engine, house.host, noted)
    assert house.settle() == ["look"]

    clocks.note(house.engine, house.host, noted._replace(jumped_ns=None))
    assert "rows_apply app.chats" in house.advance(3)


def test_rows_of_a_table_that_is_not_declared_any_more_are_left_alone(house: House) -> None:
    house.in_force(OLD_ROWS, tables=("app.chats",))

    assert house.settle() == ["look"]
