"""A map laid over the tables that there are: what is to be read of them, and what stays behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from storewarden.api.adopting.kinds import Map, TableMap, Telling, Through, Value, fields
from storewarden.config.problems import did_you_mean, printable
from storewarden.errors import MapError

_PROBLEMS: Final = 200
_LISTED: Final = 12  # names in a hint
Column = str | tuple[str, ...]
"""One of the table's own; or that and, of each table to which it leads, name, key, and column."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A table of the application's as it is."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    indexed: tuple[str, ...]

    def column(self, name: str) -> str | None:
        """Return a column as it is written there; SQLite knows no capitals."""
        return next((one for one in self.columns if one.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Source:
    """Where one field comes from, by the numbers of the columns that are read; none: a constant."""

    value: Value
    at: tuple[int, ...] = ()
    json_at: tuple[int, ...] = ()
    names: tuple[str, ...] = ()  # of the columns, for messages


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a row of a table becomes, ready to be made."""

    kind: str
    sources: dict[str, Source]
    only_if: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A table that is read, and what its rows become."""

    table: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    fitted: tuple[Fitted, ...]

    def asked(self) -> dict[str, Any]:
        """Return it for the process that reads."""
        columns = [one if isinstance(one, str) else list(one) for one in self.columns]
        return {"table": self.table, "key": list(self.key), "columns": columns}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is read, in the order of the map, and what is not."""

    readings: tuple[Reading, ...]
    tables_left: tuple[str, ...] = ()  # that the map does not name
    columns_left: dict[str, tuple[str, ...]] = field(default_factory=dict)


def shapes(told: Mapping[str, Any]) -> tuple[Shape, ...]:
    """Return the tables that the process that reads told of."""
    return tuple(
        Shape(name, tuple(one["columns"]), tuple(one["key"]), tuple(one["indexed"]))
        for name, one in told.items()
    )


def fits(one: Map, tables: Iterable[Shape]) -> bool:
    """Whether a database is one of the application that a map is of, by its tables."""
    there = {table.name.lower() for table in tables}
    return bool(one.marks) and all(name.lower() in there for name in one.marks)


def fit(one: Map, tables: Sequence[Shape]) -> Plan:
    """Return what is to be read.

    Raises:
        MapError: what the map names and the database does not have, each at its place.
    """
    fitting = _Fitting(one, {table.name.lower(): table for table in tables})
    readings = [
        reading for table in one.tables for reading in fitting.reading(table) if reading.fitted
    ]
    if not readings and not fitting.problems:
        there = some("there are", [table.name for table in tables]) or "it has none"
        fitting.problems.append(f"{one.name}: names none of its tables; {there}")
    if fitting.problems:
        raise MapError(tuple(dict.fromkeys(fitting.problems))[:_PROBLEMS])
    named = {table.name.lower() for table in one.tables}
    return Plan(
        tuple(readings),
        tuple(table.name for table in tables if table.name.lower() not in named),
        {
            reading.table: left
            for reading in readings
            if (left := _left(reading, fitting.tables[reading.table.lower()]))
        },
    )


def _left(reading: Reading, table: Shape) -> tuple[str, ...]:
    """Return the columns of which nothing is taken, but for the number by which rows are known."""
    taken = {one if isinstance(one, str) else one[0] for one in reading.columns} | set(table.key)
    return tuple(name for name in table.columns if name not in taken and name.lower() != "id")


@dataclass(slots=True)
class _Fitting:
    """Holds a map against the tables; what does not fit is a line in ``problems``."""

    map: Map
    tables: dict[str, Shape]
    problems: list[str] = field(default_factory=list)

    def say(self, place: str, what: str, hint: str) -> None:
        """Remember what is wrong, unless this map says that it may be."""
        if not self.map.lenient:
            self.problems.append(f"{place}: {what}; {hint}" if hint else f"{place}: {what}")

    def reading(self, one: TableMap) -> Iterable[Reading]:
        """Yield what is to be read of a table, if it is there."""
        table = self.tables.get(one.name.lower())
        if table is None:
            names = [each.name for each in self.tables.values()]
            hint = did_you_mean(one.name, names, some("there are", names))
            self.say(one.place, f"the database has no table {printable(one.name)}", hint)
            return
        columns: dict[Column, int] = {}
        fitted = [self.fitted(telling, table, columns) for telling in one.tellings]
        told = tuple(each for each in fitted if each is not None)
        yield Reading(table.name, table.key, tuple(columns), told)

    def fitted(self, telling: Telling, table: Shape, columns: dict[Column, int]) -> Fitted | None:
        """Return what becomes of a row, None where something is missing that has to be there."""
        condition = None
        if telling.only_if:
            name = self.first(telling.only_if, table, telling.place)
            if name is None:
                return None
            condition = columns.setdefault(name, len(columns))
        sources = {}
        for name, value in telling.values.items():
            source = self.source(value, table, columns)
            if source is not None:
                sources[name] = source
        missing = [n for n, f in fields(telling.kind).items() if f.required and n not in sources]
        return None if missing else Fitted(telling.kind, sources, condition)

    def source(self, value: Value, table: Shape, columns: dict[Column, int]) -> Source | None:
        """Return where a field comes from, None where there is no such column."""
        if value.constant is not None:
            return Source(value)
        if value.gathered or value.json:
            return self.gathered(value, table, columns)
        column = self.first(value.columns, table, value.place)
        if column is None:
            return None
        wanted: Column | None = column
        if value.through:
            wanted = self.looked_up(column, value.through, value.place)
        if wanted is None:
            return None
        return Source(value, (columns.setdefault(wanted, len(columns)),), names=(column,))

    def gathered(self, value: Value, table: Shape, columns: dict[Column, int]) -> Source | None:
        """Return the columns that are laid beside each other."""
        found: list[list[str]] = []
        for wanted in (value.gathered, value.json):
            names = [self.first((name,), table, value.place) for name in wanted]
            found.append([name for name in names if name is not None])
        plain, json = found
        if not plain and not json:
            return None
        at = tuple(columns.setdefault(name, len(columns)) for name in plain)
        json_at = tuple(columns.setdefault(name, len(columns)) for name in json)
        return Source(value, at, json_at, (*plain, *json))

    def first(self, names: Sequence[str], table: Shape, place: str) -> str | None:
        """Return the first of some columns that a table has."""
        for name in names:
            found = table.column(name)
            if found is not None:
                return found
        name = " or ".join(names)
        hint = did_you_mean(names[0], list(table.columns), some("it has", table.columns))
        self.say(place, f"{printable(table.name)} has no column {printable(name)}", hint)
        return None

    def looked_up(self, column: str, through: Sequence[Through], place: str) -> Column | None:
        """Return the way to a column of another table."""
        way = [column]
        for one in through:
            step = self.step(one, place)
            if step is None:
                return None
            way += step
        return tuple(way)

    def step(self, through: Through, place: str) -> tuple[str, str, str] | None:
        """Return a table, its key, which has to be found by an index, and what is taken."""
        table = self.tables.get(through.table.lower())
        if table is None:
            self.say(place, f"the database has no table {printable(through.table)}", "")
            return None
        key = self.first((through.key,), table, place)
        take = self.first(through.take, table, place)
        if key is None or take is None:
            return None
        if key.lower() not in (name.lower() for name in table.indexed):
            what = f"rows of {printable(table.name)} are not found by {printable(key)}: no index"
            self.problems.append(f"{place}: {what}; name a column with one, or leave it out")
            return None
        return table.name, key, take


def some(words: str, names: Sequence[str]) -> str:
    """Return what there is, as much as helps; nothing where there is nothing."""
    told = [printable(name) for name in names[:_LISTED]]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{words} {', '.join(told)}{more}" if told else ""
