"""Pieces of SQL for a PostgreSQL server: names, times, the same rows, and which are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from storewarden.databases.rows.picked import Picked, Spared
from storewarden.databases.rows.pieces import FIRST_NS, LAST_NS
from storewarden.databases.rows.server.tables import Held, Link

_FIRST_DAY, _LAST_DAY = "1979-12-31", "2261-12-31"
_TIMES: Final = ("timestamp with time zone", "timestamp without time zone", "date")
_WHOLE: Final = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_TEXTS: Final = ("text", "character varying", "character", "citext", "name")
_UNITS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_DATE: Final = (
    r"^\s*(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?\d*)?"
    r"\s*(?:[Zz]|([+-])(\d{2})(?::?(\d{2}))?)?)?\s*$"
)
_YES: Final = "'1', 'true', 't', 'yes'"


def quoted(name: str) -> str:
    """Return the name of a table or a column as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """Return a text as SQL takes it."""
    return "'" + str(value).replace("'", "''") + "'"


def listed(names: Sequence[str], of: str = "") -> str:
    """Return columns between commas, each of a table where one is given."""
    return ", ".join(f"{of}.{quoted(name)}" if of else quoted(name) for name in names)


def equal(left: str, names: Sequence[str], right: str, others: Sequence[str]) -> str:
    """Return that columns of two rows are equal as their types have it."""
    pairs = zip(names, others, strict=True)
    return " AND ".join(f"{left}.{quoted(a)} = {right}.{quoted(b)}" for a, b in pairs)


def linked(link: Link, source: str, target: str) -> str:
    """Return that one row refers to another."""
    return equal(target, link.names, source, link.columns)


def numbered(prefix: str, count: int, of: str = "") -> str:
    """Return columns of a table of ours, which bear numbers."""
    return ", ".join(f"{of}.{prefix}{at}" if of else f"{prefix}{at}" for at in range(count))


def met(table: Held, row: str, ours: str) -> str:
    """Return that a row is the one that is noted in a table of ours."""
    return " AND ".join(
        f"{row}.{quoted(name)} = {ours}.id{at}" for at, name in enumerate(table.identity)
    )


def written(table: Held, name: str, ours: str) -> str:
    """Return an archived value, as the column's type reads it."""
    at = table.columns.index(name)
    return f"CAST({ours}.c{at} AS {table.types[at]})"


def archived(table: Held, names: Sequence[str], row: str, ours: str) -> str:
    """Return that columns of a row are equal to those of an archived one."""
    return " AND ".join(f"{row}.{quoted(name)} = {written(table, name, ours)}" for name in names)


def same(table: Held, row: str, ours: str) -> str:
    """Return that a row is written as the archived one, to the last character."""
    told = []
    for at, name in enumerate(table.columns):
        value, kept = f"{row}.{quoted(name)}", f"{ours}.c{at}"
        told.append(
            f"CASE num_nulls({value}) WHEN 1 THEN {kept} IS NULL"
            f' ELSE {kept} IS NOT NULL AND concat({value}) COLLATE "C" = {kept} END'
        )
    return " AND ".join(told) or "true"


# -- times --------------------------------------------------------------------------------------


def clock(value: str, type_: str, unit: str | None) -> str:
    """Return the time that a column shows in nanoseconds since 1970; NULL where it shows none."""
    plain = type_.partition("(")[0]
    if type_.endswith(_TIMES[0]) and plain.startswith("timestamp"):
        return _instant(value)
    if plain.startswith("timestamp"):
        return _instant(f"({value} AT TIME ZONE 'UTC')")
    if plain == "date":
        return (
            f"CASE WHEN {value} BETWEEN '{_FIRST_DAY}' AND '{_LAST_DAY}'"
            f" THEN {_bounded(f'({value} - DATE {_EPOCH})::bigint * 86400000000000')} END"
        )
    if plain in _WHOLE:
        return _counted(value, unit)
    if plain in _TEXTS:
        digits = f"{value}::text ~ '^[0-9]{{9,19}}$'"
        number = f"(CASE WHEN {digits} THEN {value}::text::numeric END)"
        return f"coalesce({_dated(f'{value}::text')}, {_counted(number, unit)})"
    return "NULL::bigint"


_EPOCH: Final = "'1970-01-01'"


def deleted(value: str, type_: str, unit: str | None, since: str) -> str:
    """Return when a row was deleted: its column says when, or only that, and ``since`` when."""
    said = f"lower({value}::text) IN ({_YES})"
    return f"coalesce({clock(value, type_, unit)}, CASE WHEN {said} THEN {since} END)"


def _instant(value: str) -> str:
    microseconds = f"trunc(extract(epoch FROM {value})::numeric * 1000000)::bigint * 1000"
    return (
        f"CASE WHEN {value} BETWEEN '{_FIRST_DAY} 00:00:00Z'::timestamptz"
        f" AND '{_LAST_DAY} 00:00:00Z'::timestamptz THEN {_bounded(microseconds)} END"
    )


def _counted(value: str, unit: str | None) -> str:
    """Return a number as nanoseconds; how large it is tells what it counts, unless that is said."""
    number = f"{value}::numeric"
    if unit is not None:
        counted = f"{number} * {_UNITS[unit]}"
    else:
        counted = (
            f"CASE WHEN {number} < 100000000000 THEN {number} * 1000000000"
            f" WHEN {number} < 100000000000000 THEN {number} * 1000000"
            f" WHEN {number} < 100000000000000000 THEN {number} * 1000 ELSE {number} END"
        )
    return (
        f"CASE WHEN {value}::float8 BETWEEN 0 AND 1e19"
        f" THEN (SELECT trunc(ns)::bigint FROM (SELECT {counted} AS ns) told"
        f" WHERE ns BETWEEN {FIRST_NS} AND {LAST_NS}) END"
    )


def _dated(value: str) -> str:
    """Return the time of a date written as text; in UTC where it names no zone."""
    part = "(told.d)"
    day = (
        f"(make_date({part}[1]::int, {part}[2]::int, 1) - DATE {_EPOCH} + {part}[3]::int - 1)"
        "::bigint * 86400"
    )
    hours = f"coalesce({part}[4]::int, 0) * 3600 + coalesce({part}[5]::int, 0) * 60"
    zone = (
        f"(CASE {part}[8] WHEN '-' THEN 1 WHEN '+' THEN -1 ELSE 0 END)"
        f" * (coalesce({part}[9]::int, 0) * 3600 + coalesce({part}[10]::int, 0) * 60)"
    )
    seconds = f"{day} + {hours} + coalesce({part}[6]::int, 0) + {zone}"
    within = (
        f"{part}[1]::int BETWEEN 1970 AND 2270 AND {part}[2]::int BETWEEN 1 AND 12"
        f" AND {part}[3]::int BETWEEN 1 AND 31 AND coalesce({part}[4]::int, 0) < 24"
        f" AND coalesce({part}[5]::int, 0) < 60 AND coalesce({part}[6]::int, 0) < 60"
    )
    fine = f"round(coalesce('0' || {part}[7], '0')::numeric, 3) * 1000000000"
    whole = f"(({seconds})::numeric * 1000000000 + {fine})::bigint"
    return (
        f"(SELECT CASE WHEN {within} THEN {_bounded(whole)} END"
        f" FROM (SELECT regexp_match({value}, {literal(_DATE)}) AS d) told"
        f" WHERE told.d IS NOT NULL AND length({value}) <= 40)"
    )


def _bounded(nanoseconds: str) -> str:
    return (
        f"(SELECT ns FROM (SELECT {nanoseconds} AS ns) told"
        f" WHERE ns BETWEEN {FIRST_NS} AND {LAST_NS})"
    )


# -- which rows are meant -----------------------------------------------------------------------


def time(picked: Picked | Spared, types: Mapping[str, str], of: str) -> str:
    """Return the time that the clock of a row shows; ``types`` are those of its columns."""
    name = named(picked.clock, types)
    shown, type_ = f"{of}.{quoted(name)}", types[name]
    if not picked.since:
        return clock(shown, type_, picked.unit)
    name = named(picked.since, types)
    since = clock(f"{of}.{quoted(name)}", types[name], picked.unit)
    return deleted(shown, type_, picked.unit, since)


def named(name: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    """Return a name as the server writes it: letters of another case are meant as well."""
    if name in known:
        return name
    folded = [each for each in known if each.lower() == name.lower()]
    return folded[0] if len(folded) == 1 else name


def where(picked: Picked, table: Held, types: Mapping[str, str], parent: Held | None) -> str:
    """Return the condition for a row ``m`` of the declared table."""
    keyed = " AND ".join(f"num_nulls(m.{quoted(name)}) = 0" for name in table.key) or "true"
    if picked.what == "orphans":
        return _orphaned(picked, types, parent)
    if picked.what == "fileless":
        return f"{keyed} AND {_among(table, picked.keys)}"
    told = [keyed]
    shown = time(picked, types, "m")
    for sign, bound in ((">", picked.from_ns), ("<=", picked.to_ns)):
        if bound is not None:
            told.append(f"{shown} {sign} {bound}")
    for one in picked.spared:
        at = time(one, types, "m") if one.clock else shown
        ranged = f"{at} BETWEEN {one.from_ns} AND {one.to_ns}"
        if one.keys:
            ranged += f" AND {_among(table, one.keys)}"
        told.append(f"({ranged}) IS NOT TRUE")
    return " AND ".join(told)


def _orphaned(picked: Picked, types: Mapping[str, str], parent: Held | None) -> str:
    assert parent is not None  # noqa: S101  # it was looked for
    columns = [named(each, types) for each in picked.columns]
    key = [named(each, parent.columns) for each in picked.parent_key]
    filled = " AND ".join(f"num_nulls(m.{quoted(each)}) = 0" for each in columns)
    there = equal("p", key, "m", columns)
    return f"{filled} AND NOT EXISTS (SELECT 1 FROM {parent.place} p WHERE {there})"


def _among(table: Held, keys: Sequence[Sequence[Any]]) -> str:
    """Return the condition that a row has one of these keys, as they are written."""
    if not keys:
        return "false"
    shown = ", ".join(f'concat(m.{quoted(name)}) COLLATE "C"' for name in table.key)
    rows = ", ".join(f"({', '.join(map(literal, key))})" for key in keys)
    return f"({shown}) IN (VALUES {rows})"
