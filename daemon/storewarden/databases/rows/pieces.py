"""Pieces of SQL: names as they are, rows the same to the last bit, times however written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import apsw

FIRST_NS: Final = 315_532_800_000_000_000
"""1980: what says that it was before is a mistake, and no time."""

LAST_NS: Final = 9_200_000_000_000_000_000  # 2261

_UNITS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_DATE: Final = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"
_YES: Final = "1, '1', 'true', 'True', 'TRUE', 't', 'yes'"


def first(connection: apsw.Connection, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
    """Return the one row of a query; nothing of it stays open."""
    row: tuple[Any, ...] = connection.execute(sql, tuple(values)).fetchall()[0]
    return row


def quoted(name: str) -> str:
    """Return the name of a table or a column as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def listed(names: Sequence[str], of: str = "") -> str:
    """Return columns between commas, each of a table where one is given."""
    return ", ".join(f"{of}.{quoted(name)}" if of else quoted(name) for name in names)


def joined(
    child: str, columns: Sequence[str], parent: str, key: Sequence[str], *, alike: bool
) -> str:
    """Return that a row names another, as foreign keys have it: the parent's column says how.

    Where both columns are ``alike``, an index of the child's is of use.
    """
    pairs = zip(columns, key, strict=True)
    plus = "" if alike else "+"
    return " AND ".join(f"{parent}.{quoted(b)} = {plus}{child}.{quoted(a)}" for a, b in pairs)


def same(left: str, right: str, columns: Sequence[str], loose: Sequence[str]) -> str:
    """Return that two rows hold the same: no collation, no affinity.

    In ``loose`` columns 1 and 1.0 are two values; all others hold one of them only.
    """
    told = []
    for name in columns:
        a, b = f"{left}.{quoted(name)}", f"{right}.{quoted(name)}"
        told.append(f"(+{a} COLLATE BINARY) IS (+{b})")
        if name in loose:
            told.append(f"typeof({a}) = typeof({b})")
    return " AND ".join(told) or "1"


def clock(column: str, unit: str | None) -> str:
    """Return the time that a column shows in nanoseconds since 1970; NULL where it shows none."""
    date = f"length({column}) <= 40 AND instr({column}, char(0)) = 0 AND {column} GLOB {_DATE}"
    digits = f"length({column}) BETWEEN 9 AND 19 AND {column} NOT GLOB '*[^0-9]*'"
    read = (
        f"CASE typeof({column})"
        f" WHEN 'integer' THEN {_number(column, unit)}"
        f" WHEN 'real' THEN CAST({_number(column, unit)} AS INTEGER)"
        f" WHEN 'text' THEN CASE"
        f" WHEN {date} THEN CAST(round(unixepoch({_zoned(column)}, 'subsec') * 1000) AS INTEGER)"
        f" * 1000000"
        f" WHEN {digits} THEN {_number(f'CAST({column} AS INTEGER)', unit)} END END"
    )
    return f"(SELECT ns FROM (SELECT {read} AS ns) WHERE ns BETWEEN {FIRST_NS} AND {LAST_NS})"


def _zoned(column: str) -> str:
    """Return a date with the offset of its zone as SQLite reads it: with hours and minutes."""
    hours, minutes = (f"'*:[0-9][0-9]*[+-]{'[0-9]' * digits}'" for digits in (2, 4))
    return (
        f"CASE WHEN {column} GLOB {hours} THEN {column} || ':00'"
        f" WHEN {column} GLOB {minutes}"
        f" THEN substr({column}, 1, length({column}) - 2) || ':' || substr({column}, -2)"
        f" ELSE {column} END"
    )


def deleted(column: str, unit: str | None, since: str) -> str:
    """Return when a row was deleted: its column says when, or only that, and ``since`` when."""
    return f"coalesce({clock(column, unit)}, CASE WHEN {column} IN ({_YES}) THEN {since} END)"


def _number(value: str, unit: str | None) -> str:
    """Return a number as nanoseconds; how large it is tells what it counts, unless that is said.

    Between 1980 and 5138 no two units are ever mixed up.
    """
    if unit is not None:
        return f"{value} * {_UNITS[unit]}"
    return (
        f"CASE WHEN {value} < 100000000000 THEN {value} * 1000000000"
        f" WHEN {value} < 100000000000000 THEN {value} * 1000000"
        f" WHEN {value} < 100000000000000000 THEN {value} * 1000 ELSE {value} END"
    )
