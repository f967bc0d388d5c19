"""Rows are copied into an archive: a database of its own, that any SQLite opens.

Each table keeps its name and its columns, without types, so that every value stays what it is to
the last bit. Two columns of ours come first: the number of a row, and that of the row it hangs on.
The application's database is only read here, a few thousand rows at a time: nobody waits long.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.pieces import first, joined, listed, quoted
from storewarden.databases.rows.tables import Reference, Table, Tree
from storewarden.errors import DatabaseDamaged

if TYPE_CHECKING:
    import apsw

ROW: Final = "storewarden_row"
ROOT: Final = "storewarden_root"
TOLD: Final = "storewarden_archive"
FORM: Final = "sqlite 1"

_STEP: Final = 20_000  # rows that are read under one lock, to begin with
_LONGEST: Final = 0.05  # seconds that such a piece should take
_PAGE: Final = 16_384
_CACHE: Final = "cache_size = -65536"
_MOST: Final = 1 << 62
Passed = Callable[[int], None]


@dataclass(slots=True)
class Copied:
    """What lies in an archive."""

    rows: dict[str, int] = field(default_factory=dict)
    held: int = 0  # rows that are due and stay: others refer to them
    first_ns: int | None = None
    last_ns: int | None = None

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@contextmanager
def attached(connection: apsw.Connection, path: str) -> Iterator[None]:
    """Have an archive beside the application's database, under the name ``archive``."""
    connection.execute("ATTACH ? AS archive", (path,))
    for setting in (f"page_size = {_PAGE}", "journal_mode = OFF", "synchronous = OFF", _CACHE):
        connection.execute(f"PRAGMA archive.{setting}").fetchall()
    yield  # who fails closes the connection
    connection.execute("DETACH archive")


def copy(  # what is copied, and who hears of it
    connection: apsw.Connection,
    tree: Tree,
    picked: Picked,
    most: int,
    told: Mapping[str, Any],
    passed: Passed = lambda _rows: None,
) -> Copied:
    """Copy up to ``most`` rows of the declared table, with all that hangs on them."""
    for table in tree.tables:
        connection.execute(_created(table))
    _copy_roots(connection, tree, picked, most, passed)
    roots = _count(connection, tree.root)
    if roots:
        for _, table, parent in tree.below():
            if table.parent == 0 and table.indexed and roots * 4 < _rows_about(connection, tree):
                _copy_by_roots(connection, table, parent, passed)
            else:
                _copy_by_scan(connection, table, parent, passed)
    copied = Copied()
    copied.held = _drop_held(connection, tree)
    copied.rows = {table.name: _count(connection, table) for table in tree.tables}
    if picked.clock:
        times = f"SELECT {picked.time('a')} AS ns FROM archive.{quoted(tree.root.name)} a"
        of = f"SELECT min(ns), max(ns) FROM ({times})"
        copied.first_ns, copied.last_ns = first(connection, of)
    _tell(connection, tree, copied, told)
    return copied


def verify(connection: apsw.Connection, rows: Mapping[str, int]) -> None:
    """Have SQLite check an archive from end to end, and count it.

    Raises:
        DatabaseDamaged: it does not hold what was copied.
    """
    found = [str(row[0]) for row in connection.execute("PRAGMA archive.integrity_check(10)")]
    if found != ["ok"]:
        raise DatabaseDamaged("an archive of rows is damaged", why="; ".join(found))
    for name, count in rows.items():
        (there,) = first(connection, f"SELECT count(*) FROM archive.{quoted(name)}")
        if there != count:
            why = f"{name} has {there:,} rows, {count:,} were copied"
            raise DatabaseDamaged("an archive of rows is not whole", why=why)


def met(table: Table, main: str, archive: str) -> str:
    """Return that a row of the application's is the one that was copied, changed or not."""
    if table.has_rowid:
        return f"{archive}.{ROW} = {main}.{quoted(table.identity[0])}"
    return " AND ".join(
        f"{archive}.{quoted(name)} COLLATE BINARY = {main}.{quoted(name)}"
        for name in table.identity
    )


def _created(table: Table) -> str:
    columns = ", ".join([f"{ROW} INTEGER PRIMARY KEY", ROOT, *map(quoted, table.columns)])
    made = f"CREATE TABLE archive.{quoted(table.name)} ({columns})"
    if table.has_rowid:
        return made
    index = quoted(f"storewarden_{table.name}")
    return (
        f"{made}; CREATE INDEX archive.{index} ON {quoted(table.name)} ({listed(table.identity)})"
    )


def _into(table: Table) -> str:
    return f"INSERT INTO archive.{quoted(table.name)} ({ROW}, {ROOT}, {listed(table.columns)})"


def _number(table: Table, of: str) -> str:
    return f"{of}.{quoted(table.identity[0])}" if table.has_rowid else "NULL"


def _copy_roots(
    connection: apsw.Connection, tree: Tree, picked: Picked, most: int, passed: Passed
) -> None:
    root = tree.root
    where, values = picked.where(tree, "m")
    number = _number(root, "m")
    sql = (
        f"{_into(root)} SELECT {number}, {number}, {listed(root.columns, 'm')}"
        f" FROM main.{quoted(root.name)} m WHERE {where}"
    )
    for bounds, limits in _steps(connection, root):
        copied = _changed(connection, f"{sql}{bounds} LIMIT ?", [*values, *limits, most])
        passed(copied)
        most -= copied
        if most <= 0:
            break
    if not root.has_rowid:
        connection.execute(f"UPDATE archive.{quoted(root.name)} SET {ROOT} = {ROW}")


def _steps(connection: apsw.Connection, table: Table) -> Iterator[tuple[str, list[Any]]]:
    """Yield conditions that part a table into pieces that are read under a lock each.

    How many numbers a piece spans follows the time that the one before took.
    """
    if not table.has_rowid:
        yield "", []
        return
    rowid = quoted(table.identity[0])
    ends = f"(SELECT min({rowid}) FROM {{0}}), (SELECT max({rowid}) FROM {{0}})"
    at, last = first(connection, f"SELECT {ends.format(f'main.{quoted(table.name)}')}")
    if at is None:
        return
    span = _STEP
    while at <= last:
        began = monotonic()
        upto = min(at + span - 1, last)
        yield f" AND m.{rowid} BETWEEN ? AND ?", [at, upto]
        took = monotonic() - began
        span = int(span * min(4.0, max(0.25, _LONGEST / max(took, 1e-6)))) or 1
        at = upto + 1


def _copy_by_roots(
    connection: apsw.Connection, table: Table, parent: Table, passed: Passed
) -> None:
    """Copy the children of some rows of many, found by their index."""
    p, m = quoted(parent.name), quoted(table.name)
    sql = (
        f"{_selected(table)} FROM archive.{p} a"
        f" CROSS JOIN main.{p} p ON {met(parent, 'p', 'a')}"
        f" CROSS JOIN main.{m} m ON {up(table, parent)} WHERE a.{ROW} > ? AND a.{ROW} <= ?"
    )
    for after, last in windows(connection, parent, _STEP):
        passed(_changed(connection, sql, [after, last]))


def _copy_by_scan(connection: apsw.Connection, table: Table, parent: Table, passed: Passed) -> None:
    """Copy the children of many rows, or those that no index finds: the whole table is read."""
    p, m = quoted(parent.name), quoted(table.name)
    sql = (
        f"{_selected(table)} FROM main.{m} m"
        f" CROSS JOIN main.{p} p ON {up(table, parent)}"
        f" CROSS JOIN archive.{p} a ON {met(parent, 'p', 'a')} WHERE 1"
    )
    for bounds, limits in _steps(connection, table):
        passed(_changed(connection, sql + bounds, limits))


def _selected(table: Table) -> str:
    """Return what copies rows ``m`` that hang on rows ``a`` of an archive."""
    columns = f"{_number(table, 'm')}, a.{ROOT}, {listed(table.columns, 'm')}"
    return f"{_into(table)} SELECT {columns}"


def up(table: Table, parent: Table, child: str = "m", above: str = "p") -> str:
    """Return that a row hangs on another."""
    return joined(child, table.columns_up, above, parent.key, alike=table.alike)


def windows(
    connection: apsw.Connection, table: Table, size: int, *, of: str = "archive"
) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows of an archive, so many at a time."""
    after = -_MOST * 2
    sql = (
        f"SELECT max({ROW}) FROM (SELECT {ROW} FROM {of}.{quoted(table.name)}"
        f" WHERE {ROW} > ? ORDER BY {ROW} LIMIT ?)"
    )
    while True:
        (last,) = first(connection, sql, (after, size))
        if last is None:
            return
        yield after, last
        after = last


def _rows_about(connection: apsw.Connection, tree: Tree) -> int:
    """Return how many rows the declared table has, nearly enough to choose a way."""
    root = tree.root
    if not root.has_rowid:
        return 0
    rowid, name = quoted(root.identity[0]), quoted(root.name)
    sql = f"SELECT (SELECT max({rowid}) FROM main.{name}) - (SELECT min({rowid}) FROM main.{name})"
    (rows,) = first(connection, sql)
    return int(rows or 0)


def _count(connection: apsw.Connection, table: Table) -> int:
    (rows,) = first(connection, f"SELECT count(*) FROM archive.{quoted(table.name)}")
    return int(rows)


def _changed(connection: apsw.Connection, sql: str, values: list[Any]) -> int:
    connection.execute(sql, values)
    return connection.changes()


# -- what others refer to stays -----------------------------------------------------------------


def _drop_held(connection: apsw.Connection, tree: Tree) -> int:
    """Leave out what rows refer to that stay, with what hangs on it; return how many rows."""
    dropped = 0
    root = quoted(tree.root.name)
    while tree.references:
        found = " UNION ".join(_held(tree, one) for one in tree.references)
        now = _changed(connection, f"DELETE FROM archive.{root} WHERE {ROOT} IN ({found})", [])
        if not now:
            break
        dropped += now
        for _, table, _ in tree.below():
            connection.execute(
                f"DELETE FROM archive.{quoted(table.name)}"
                f" WHERE {ROOT} NOT IN (SELECT {ROOT} FROM archive.{root})"
            )
    return dropped


def _held(tree: Tree, one: Reference) -> str:
    """Return the query for the rows on which others hang that do not go."""
    number, source = tree.number(one.target), tree.number(one.source)
    assert number is not None  # noqa: S101  # references are those to tables of the tree
    table = tree.tables[number]
    going = "0"
    if source is not None:
        known = tree.tables[source]
        going = (
            f"EXISTS (SELECT 1 FROM archive.{quoted(known.name)} x WHERE {met(known, 's', 'x')})"
        )
    return (
        f"SELECT a.{ROOT} FROM main.{quoted(one.source)} s"
        f" JOIN main.{quoted(table.name)} t ON {one.sql('s', 't')}"
        f" JOIN archive.{quoted(table.name)} a ON {met(table, 't', 'a')} WHERE NOT {going}"
    )


def _tell(connection: apsw.Connection, tree: Tree, copied: Copied, told: Mapping[str, Any]) -> None:
    """Write into the archive what it is, for whoever opens it without us."""
    names = [table.name for table in tree.tables]
    marks = ", ".join("?" * len(names))
    sql = f"SELECT sql FROM main.sqlite_schema WHERE tbl_name IN ({marks}) AND sql IS NOT NULL"
    schema = [str(row[0]) for row in connection.execute(sql, names)]
    whole = {"form": FORM, **told, "tables": names, "schema": schema, **copied.facts()}
    connection.execute(f"CREATE TABLE archive.{TOLD} (told)")
    connection.execute(f"INSERT INTO archive.{TOLD} VALUES (?)", (json.dumps(whole),))
