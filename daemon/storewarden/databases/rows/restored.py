"""Archived rows come back into the application's table, with all that hung on them, or none do.

What stands there stays: a row whose key, or any other unique value of it or below it, is taken
does not come back, and that is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from storewarden.databases.rows.copied import ROOT, ROW
from storewarden.databases.rows.declared import OURS
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.pieces import first, listed, quoted, same
from storewarden.databases.rows.tables import Table, Tree
from storewarden.errors import DatabaseBusy, PermanentError

if TYPE_CHECKING:
    import apsw

    from storewarden.databases.rows.removed import Time

_MOST_KEYS: Final = 500  # that are told one by one
_WAIT: Final = 0.05
_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Rows of an archive: by their keys as texts, by the time their clock shows, or all."""

    keys: tuple[tuple[str, ...], ...] = ()
    from_ns: int | None = None
    to_ns: int | None = None
    dangling: bool = False  # even where what they refer to is gone

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return told | {"keys": [list(key) for key in self.keys]}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Wanted:
        """Return what was told."""
        return cls(**{**facts, "keys": tuple(tuple(key) for key in facts["keys"])})


@dataclass(slots=True)
class Restored:
    """What came back."""

    rows: dict[str, int] = field(default_factory=dict)
    there: int = 0  # rows that were wanted, and whose place is taken
    met: int = 0  # rows that were wanted, all told
    first_ns: int | None = None
    last_ns: int | None = None
    keys: list[list[Any]] = field(
        default_factory=list
    )  # when there are not too many, and all are numbers

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def restore(
    connection: apsw.Connection, tree: Tree, picked: Picked, wanted: Wanted, time: Time
) -> Restored:
    """Bring rows back from the archive that is attached, in one transaction.

    Raises:
        DatabaseBusy: the application holds its database.
        PermanentError: they do not fit any more, and why; nothing came back.
    """
    import apsw  # noqa: PLC0415  # in the child alone

    columns = {table.name: _columns(connection, table) for table in tree.tables}
    connection.execute(f"PRAGMA foreign_keys = {'OFF' if wanted.dangling else 'ON'}")
    connection.execute("CREATE TEMP TABLE back (root INTEGER PRIMARY KEY)")
    _begin(connection, time, tree.root.name)
    try:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        restored = _restore(connection, tree, picked, wanted, columns)
        connection.execute("COMMIT")
    except apsw.ConstraintError as error:
        connection.execute("ROLLBACK")
        raise PermanentError(
            "archived rows do not fit any more",
            where=tree.root.name,
            why=str(error),
            remedy="nothing came back; rows that refer to what is gone: --dangling",
        ) from error
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return restored


def _restore(
    connection: apsw.Connection,
    tree: Tree,
    picked: Picked,
    wanted: Wanted,
    columns: Mapping[str, tuple[str, ...]],
) -> Restored:
    root = tree.root
    restored = Restored()
    where, values = _wanted(tree, picked, wanted)
    connection.execute(
        f"INSERT INTO temp.back SELECT {ROOT} FROM archive.{quoted(root.name)} a WHERE {where}",
        values,
    )
    restored.met = connection.changes()
    for table in tree.tables:
        for taken in table.apart:
            restored.there += _keep_out(connection, table, taken)
    _note(connection, tree, picked, restored)
    for table in tree.tables:
        restored.rows[table.name] = _insert(connection, table, columns[table.name])
    return restored


def _insert(connection: apsw.Connection, table: Table, columns: Sequence[str]) -> int:
    name = quoted(table.name)
    connection.execute(
        f"INSERT INTO main.{name} ({listed(columns)}) SELECT {listed(columns)}"
        f" FROM archive.{name} WHERE {ROOT} IN (SELECT root FROM temp.back) ORDER BY {ROW}"
    )
    rows = connection.changes()
    for apart in table.apart[:1]:
        key = " AND ".join(f"m.{quoted(one)} = a.{quoted(one)}" for one in apart)
        filled = " AND ".join(f"a.{quoted(one)} IS NOT NULL" for one in apart)
        (changed,) = first(
            connection,
            f"SELECT count(*) FROM archive.{name} a CROSS JOIN main.{name} m ON {key}"
            f" WHERE a.{ROOT} IN (SELECT root FROM temp.back) AND {filled}"
            f" AND NOT ({same('m', 'a', columns, table.loose)})",
        )
        if changed:
            raise PermanentError(
                "archived rows do not come back as they were",
                where=table.name,
                why=f"{changed:,} differ once they are in the table",
                remedy="a trigger of the application changes them; nothing came back",
            )
    return rows


def _columns(connection: apsw.Connection, table: Table) -> tuple[str, ...]:
    """Return the columns of an archived table, all of which the application's must still have."""
    found = connection.execute("SELECT name FROM archive.pragma_table_info(?)", (table.name,))
    archived = [str(row[0]) for row in found if not str(row[0]).startswith(OURS)]
    there = {name.lower() for name in table.columns}
    gone = [name for name in archived if name.lower() not in there]
    if gone or not archived:
        raise PermanentError(
            "archived rows do not fit any more",
            where=table.name,
            why=f"the table has no {', '.join(gone)}" if gone else "the archive has no such table",
            remedy="the archive is an SQLite database: open a copy of it",
        )
    return tuple(archived)


def _wanted(tree: Tree, picked: Picked, wanted: Wanted) -> tuple[str, list[Any]]:
    told, values = ["1"], list[Any]()
    if wanted.from_ns is not None or wanted.to_ns is not None:
        time = picked.time("a")
        for sign, bound in ((">=", wanted.from_ns), ("<=", wanted.to_ns)):
            if bound is not None:
                told.append(f"{time} {sign} ?")
                values.append(bound)
    if wanted.keys:
        shown = ", ".join(
            f"CASE typeof({name}) WHEN 'blob' THEN lower(hex({name})) ELSE CAST({name} AS TEXT) END"
            for name in (f"a.{quoted(name)}" for name in tree.root.key)
        )
        row = f"({', '.join('?' * len(tree.root.key))})"
        told.append(f"({shown}) IN (VALUES {', '.join([row] * len(wanted.keys))})")
        values += [value for key in wanted.keys for value in key]
    return " AND ".join(told), values


def _keep_out(connection: apsw.Connection, table: Table, apart: Sequence[str]) -> int:
    """Leave out rows whose place is taken, or the place of a row below them; return how many."""
    name = quoted(table.name)
    key = " AND ".join(f"m.{quoted(one)} = a.{quoted(one)}" for one in apart)
    connection.execute(
        f"DELETE FROM temp.back WHERE root IN (SELECT a.{ROOT} FROM archive.{name} a"
        f" CROSS JOIN main.{name} m ON {key})"
    )
    return connection.changes()


def _note(connection: apsw.Connection, tree: Tree, picked: Picked, restored: Restored) -> None:
    """Tell which rows come back, so that they are not taken away again at once."""
    root = quoted(tree.root.name)
    back = f"FROM archive.{root} a WHERE a.{ROOT} IN (SELECT root FROM temp.back)"
    if picked.clock:
        sql = f"SELECT min(ns), max(ns) FROM (SELECT {picked.time('a')} AS ns {back})"
        restored.first_ns, restored.last_ns = first(connection, sql)
    whole = " AND ".join(f"typeof(a.{quoted(name)}) = 'integer'" for name in tree.root.key)
    if whole and first(connection, f"SELECT count(*) {back} AND NOT ({whole})") == (0,):
        sql = f"SELECT {listed(tree.root.key, 'a')} {back} LIMIT {_MOST_KEYS + 1}"
        keys = [list(row) for row in connection.execute(sql)]
        restored.keys = keys if len(keys) <= _MOST_KEYS else []


def _begin(connection: apsw.Connection, time: Time, table: str) -> None:
    import apsw  # noqa: PLC0415  # in the child alone

    until = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except apsw.BusyError as error:
            if time.monotonic() >= until:
                raise DatabaseBusy(
                    "an application holds its database",
                    where=table,
                    why=f"for more than {_PATIENCE:.0f} s",
                    remedy="nothing came back; try again",
                ) from error
        time.sleep(_WAIT)
