"""What /metrics says of databases is what is so, of however many there are."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from storewarden.daemon.tending.figures import QUERIES
from storewarden.daemon.tending.wish import Item
from storewarden.measure.labels import MOST
from tests.tending import House

DAY_NS = 86_400 * 10**9


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    house = House(tmp_path / "state", monkeypatch)
    yield house
    house.close()


def told(house: House) -> dict[str, float]:
    """Show the figures as they are, and scrape them."""
    house.clock.advance(3600)
    house.tender._figures.show()
    text = house.metrics.expose()[1].decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = "|".join(value for _, value in sorted(sample.labels.items()))
            found[sample.name.removeprefix("storewarden_") + labels] = sample.value
    return found


def write(house: House, number: int, **columns: object) -> None:
    sets = ", ".join(f"{name} = ?" for name in columns)
    with house.engine.transaction():
        house.engine.execute(
            f"UPDATE databases SET {sets} WHERE id = ?", (*columns.values(), number)
        )


def test_sizes_and_growth_are_those_that_were_seen(house: House) -> None:
    number = house.database("app.db")
    write(house, number, bytes=40_960, pages=10, free_pages=4, wal_bytes=8_192)
    today = house.now_ns // DAY_NS
    columns = ("database_id", "day", "samples", "first_bytes", "last_bytes", "most_bytes")
    sizes = [(number, today - ago, 1, *[10_000 - 1_000 * ago] * 3) for ago in range(5)]
    with house.engine.transaction():
        house.engine.insert("database_days", columns, sizes)

    figures = told(house)

    assert figures["database_bytesapp.db"] == 40_960
    assert figures["database_free_ratioapp.db"] == 0.4
    assert figures["database_wal_bytesapp.db"] == 8_192
    assert figures["database_growth_bytes_per_dayapp.db"] == 1_000
    assert figures["databases_known"] == 1


def test_checks_backups_and_proofs_are_told_with_their_times(house: House) -> None:
    number = house.database("app.db")
    house.policies("{integrity: {every: 1d}}")
    house.settle()
    checked = house.now_ns / 1e9
    columns = "database_id, kind, store, key, state, asked_by, began_ns, taken_ns, proven_ns"
    with house.engine.transaction():
        for key, state, taken in (("a", "good", 5), ("b", "bad", 9), ("c", "good", 7)):
            house.engine.execute(
                f"INSERT INTO backups ({columns}) VALUES (?, 'full', 's', ?, ?, 'x', 1, ?, ?)",
                (number, key, state, taken * 10**9, 3 * 10**9),
            )

    figures = told(house)

    assert figures["database_integrity_okapp.db"] == 1
    assert figures["database_last_check_timestamp_secondsapp.db"] == pytest.approx(checked)
    assert figures["backup_last_success_timestamp_secondsapp.db"] == 7
    assert figures["restore_last_proven_timestamp_secondsapp.db"] == 3
    assert figures["care_runs_totaldone|check"] == 1


def test_damage_that_was_found_shows_until_a_check_finds_none(house: House) -> None:
    house.database("app.db")
    house.policies("{integrity: {every: 1d}}")
    house.outcome = "found"
    house.settle()
    assert told(house)["database_integrity_okapp.db"] == 0

    house.outcome = "failed"
    house.advance(86_400)
    assert told(house)["database_integrity_okapp.db"] == 0

    house.outcome = "done"
    house.advance(86_400)
    assert told(house)["database_integrity_okapp.db"] == 1


@pytest.mark.parametrize(("integrity", "well"), [("ok", 1), ("partly", 1), ("damaged", 0)])
def test_rows_without_a_parent_are_no_damage(house: House, integrity: str, well: int) -> None:
    house.database("app.db")
    house.policies("{integrity: {every: 1d}}")
    house.outcome, house.facts = "found", {"integrity": integrity}
    house.settle()

    assert told(house)["database_integrity_okapp.db"] == well


def test_what_is_due_and_what_fails_is_counted_by_what_it_is(house: House) -> None:
    house.database("a.db")
    house.database("b.db")
    house.policies("{backup: {every: 1d}}")
    house.outcome, house.only = "failed", "backup"
    house.settle()

    figures = told(house)

    assert figures["care_duebackup"] == figures["care_failuresbackup"] == 2
    assert figures["care_overdue_secondsbackup"] == pytest.approx(3600, abs=1)
    assert figures["care_duecheck"] == figures["care_overdue_secondscheck"] == 0


def test_a_database_that_is_gone_is_told_of_no_longer(house: House) -> None:
    number = house.database("a.db")
    write(house, number, bytes=10)
    assert "database_bytesa.db" in told(house)

    write(house, number, there=0)
    figures = told(house)
    assert "database_bytesa.db" not in figures
    assert figures["databases_known"] == 0


def test_however_many_there_are_only_so_many_are_told_by_name(house: House) -> None:
    for number in range(MOST + 50):
        write(house, house.database(f"{number}.db"), bytes=2)
    figures = told(house)

    shown = [name for name in figures if name.startswith("database_bytes")]
    assert len(shown) == MOST + 1
    assert figures["database_bytesother"] == 100


def test_rows_of_declared_tables_are_told_by_their_names(house: House) -> None:
    columns = ("host_id", "name", "figure", "value", "counted_ns")
    counted = {"due.old.archive": 5, "due.odd.trash": 2, "orphans.messages": 2, "timeless": 9}
    rows = [(house.host, "chat", figure, value, 1) for figure, value in counted.items()]
    with house.engine.transaction():
        house.engine.insert("row_figures", columns, rows)

    figures = told(house)
    assert (figures["due_rowschat"], figures["orphaned_rowschat"]) == (7, 2)


def test_when_a_file_system_is_full_is_told_by_root(house: House, tmp_path: Path) -> None:
    number = house.database("app.db")
    today = house.now_ns // DAY_NS
    columns = ("database_id", "day", "samples", "first_bytes", "last_bytes", "most_bytes")
    sizes = [(number, today - ago, 1, *[(10 - ago) << 40] * 3) for ago in range(5)]
    with house.engine.transaction():
        house.engine.execute("UPDATE roots SET path = ?", (bytes(tmp_path),))
        house.engine.execute("UPDATE databases SET place = ?", (bytes(tmp_path / "app.db"),))
        house.engine.insert("database_days", columns, sizes)

    full = told(house)["filesystem_full_timestamp_secondsr"]

    # a TiB a day is more than any machine of tests has room for
    assert house.now_ns / 1e9 <= full < house.now_ns / 1e9 + 30 * 86_400


def test_what_was_found_wrong_and_when_care_last_went_well(house: House) -> None:
    number = house.database("app.db")
    house.policies("{integrity: {every: 1d}}")
    house.settle()
    checked = house.now_ns / 1e9
    with house.engine.transaction():
        house.engine.execute(
            "UPDATE care SET outcome = 'found' WHERE database_id = ? AND what = 'check'", (number,)
        )

    figures = told(house)

    assert figures["care_foundcheck"] == 1
    assert figures["care_founddrill"] == 0
    assert figures["care_last_success_timestamp_secondscheck"] == pytest.approx(checked)
    assert "care_last_success_timestamp_secondsdrill" not in figures
    looked = figures["schedule_last_success_timestamp_secondsdatabases"]
    assert looked == pytest.approx(house.now_ns / 1e9)


def test_slow_statements_of_many_databases_are_told_together(house: House) -> None:
    for number in range(30):
        item = Item(f"{number}.db", QUERIES, "done", facts={"slow": 2})
        house.tender._figures.ended(item)

    figures = told(house)
    by_name = [name for name in figures if name.startswith("slow_queries_total")]
    assert len([name for name in by_name if ".db" in name]) == 20
    assert figures["slow_queries_totalother"] == 20
