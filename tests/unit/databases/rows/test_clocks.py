"""The clock of a row, however an application writes it: what is no time is never due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import apsw
import pytest

from storewarden.databases.rows.pieces import clock, deleted

AT = datetime(2024, 2, 29, 12, 34, 56, tzinfo=UTC)
NS = int(AT.timestamp()) * 10**9


def shown(value: Any, unit: str | None = None) -> Any:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (c)")
    connection.execute("INSERT INTO t VALUES (?)", (value,))
    return connection.execute(f"SELECT {clock('t.c', unit)} FROM t").fetchall()[0][0]


@pytest.mark.parametrize(
    "value",
    [
        NS // 10**9,
        NS // 10**6,
        NS // 10**3,
        NS,
        NS / 10**9,
        NS / 10**6,
        str(NS // 10**9),
        str(NS // 10**6),
        "2024-02-29 12:34:56",
        "2024-02-29T12:34:56",
        "2024-02-29T12:34:56Z",
        "2024-02-29T12:34:56.000",
        "2024-02-29 12:34:56.000000",
        "2024-02-29T13:34:56+01:00",
        "2024-02-29T07:04:56.000000-05:30",
    ],
    ids=repr,
)
def test_times_as_people_write_them(value: Any) -> None:
    assert shown(value) == NS


def test_a_date_alone_is_its_beginning_and_thousandths_count() -> None:
    day = int(datetime(2024, 2, 29, tzinfo=UTC).timestamp()) * 10**9
    assert shown("2024-02-29") == day
    assert shown("2024-02-29T12:34:56.789+00:00") == NS + 789 * 10**6


@pytest.mark.parametrize(
    "value",
    [
        None,
        0,
        1,
        -1,
        2_460_000,
        2_460_370.5,
        2**63 - 1,
        -(2**63),
        float("inf"),
        "",
        "never",
        "now",
        "12:34",
        "0000-00-00 00:00:00",
        "0001-01-01T00:00:00",
        "9999-12-31",
        "2024-13-01",
        "2024-02-29 or so",
        "2024-02-29\0",
        "29.02.2024",
        b"2024-02-29",
        "1" * 30,
    ],
    ids=repr,
)
def test_what_is_no_time_is_none(value: Any) -> None:
    assert shown(value) is None


@pytest.mark.parametrize(("unit", "zeros"), [("s", 9), ("ms", 6), ("us", 3), ("ns", 0)])
def test_a_unit_that_is_told_counts(unit: str, zeros: int) -> None:
    assert shown(NS // 10**zeros, unit) == NS
    assert shown(NS // 10**9, "ns") is None  # 1.7 seconds after 1970


def test_a_row_is_deleted_when_its_column_says_or_since_it_changed() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (gone, at)")
    for gone in ("2024-02-29 12:34:56", 1, "true", 0, None, "", "false"):
        connection.execute("INSERT INTO t VALUES (?, '2024-03-01')", (gone,))
    read = deleted("t.gone", None, clock("t.at", None))

    found = [row[0] for row in connection.execute(f"SELECT {read} FROM t")]

    changed = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp()) * 10**9
    assert found == [NS, changed, changed, None, None, None, None]
