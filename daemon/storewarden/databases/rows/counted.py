"""How many rows are due, with what hangs on them, and about how many bytes that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.pieces import first, joined, listed, quoted
from storewarden.databases.rows.tables import Table, Tree

if TYPE_CHECKING:
    import apsw

_SAMPLE: Final = 500  # rows whose bytes are counted; the others are taken to be like them


@dataclass(slots=True)
class Count:
    """Rows of a declared table that are meant."""

    rows: int = 0
    children: dict[str, int] = field(default_factory=dict)
    bytes: int = 0  # about
    of_rows: int = 0  # rows that the table has
    of_bytes: int = 0  # about
    timeless: int = 0  # whose clock shows nothing that is a time: never due
    first_ns: int | None = None
    last_ns: int | None = None
    slow: list[str] = field(default_factory=list)  # children that no index finds
    paths: list[list[Any]] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def count(connection: apsw.Connection, tree: Tree, picks: Iterable[Picked]) -> Iterator[Count]:
    """Yield the figures of each choice of rows of the first table."""
    for picked in picks:
        yield _count(connection, tree, picked)


def _count(connection: apsw.Connection, tree: Tree, picked: Picked) -> Count:
    root = tree.root
    where, values = picked.where(tree, "t0")
    counted = Count(
        slow=[f"{t.name}.{', '.join(t.columns_up)}" for t in tree.tables if not t.indexed]
    )
    name = quoted(root.name)
    (counted.of_rows,) = first(connection, f"SELECT count(*) FROM main.{name}")
    if picked.clock:
        time = picked.time("t0")
        counted.rows, counted.first_ns, counted.last_ns = first(
            connection,
            f"SELECT count(*), min({time}), max({time}) FROM main.{name} t0 WHERE {where}",
            values,
        )
        if not picked.since:
            sql = f"SELECT count(*) FROM main.{name} t0 WHERE {time} IS NULL"
            (counted.timeless,) = first(connection, sql)
    else:
        sql = f"SELECT count(*) FROM main.{name} t0 WHERE {where}"
        (counted.rows,) = first(connection, sql, values)
    per_row = _bytes(connection, root)
    counted.bytes, counted.of_bytes = counted.rows * per_row, counted.of_rows * per_row
    for number, table, _ in tree.below():
        rows = 0
        if counted.rows:
            sql = f"SELECT count(*) FROM {_chain(tree, number)} WHERE {where}"
            (rows,) = first(connection, sql, values)
        counted.children[table.name] = rows
        (of_rows,) = first(connection, f"SELECT count(*) FROM main.{quoted(table.name)}")
        per_row = _bytes(connection, table)
        counted.bytes, counted.of_bytes = (
            counted.bytes + rows * per_row,
            counted.of_bytes + of_rows * per_row,
        )
    return counted


def _chain(tree: Tree, number: int) -> str:
    """Return the join from a table up to the first of its tree."""
    table = tree.tables[number]
    told = f"main.{quoted(table.name)} t{number}"
    while table.parent is not None:
        parent = tree.tables[table.parent]
        up = joined(
            *(f"t{number}", table.columns_up, f"t{table.parent}", parent.key), alike=table.alike
        )
        told += f" JOIN main.{quoted(parent.name)} t{table.parent} ON {up}"
        number, table = table.parent, parent
    return told


def _bytes(connection: apsw.Connection, table: Table) -> int:
    """Return about how many bytes a row has."""
    whole = " + ".join(
        f"CASE WHEN typeof({one}) IN ('text', 'blob') THEN length(CAST({one} AS BLOB)) ELSE 6 END"
        for one in map(quoted, table.columns)
    )
    name = quoted(table.name)
    sample = f"SELECT {listed(table.columns)} FROM main.{name} LIMIT {_SAMPLE}"
    sql = f"SELECT avg({whole}) FROM ({sample})"
    (average,) = first(connection, sql)
    return int(average or 0)
