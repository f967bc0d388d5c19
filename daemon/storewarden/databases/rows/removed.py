"""Rows that lie in an archive leave the application's table, in steps of milliseconds.

Each step is a transaction of its own. A row leaves with all that hangs on it, and only while every
one of them is, to the last bit, what was archived, and nothing that stays refers to any. What the
application wants at the same time comes first: its lock is waited for, and after each step it has
as long as the step took.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from storewarden.databases.rows.copied import ROOT, ROW, met, up
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.pieces import first as one_row
from storewarden.databases.rows.pieces import listed, quoted, same
from storewarden.databases.rows.tables import Reference, Table, Tree
from storewarden.errors import DatabaseBusy, PermanentError, WorkStopped

if TYPE_CHECKING:
    import apsw

_FIRST: Final = 200  # rows of the first step
_FEWEST, _MOST = 20, 20_000
_FEWEST_BLIND: Final = 5_000  # where each step reads a whole table: the fewer steps, the better
_LONGEST: Final = 0.025  # seconds that a step should take
_LONGEST_SYNCED: Final = 0.06  # where each of them waits for the disk
_WAIT: Final = 0.01  # for the application's lock, growing
_LONGEST_WAIT: Final = 1.0
_PATIENCE: Final = 60.0  # without a step


class Time(NamedTuple):
    """How time passes; a test says it."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    stopping: Callable[[], bool] = lambda: False


@dataclass(slots=True)
class Removed:
    """What left, and how long others were kept out at a time."""

    rows: int = 0  # of the declared table
    all_rows: int = 0  # with all that hung on them
    steps: int = 0
    waits: int = 0
    longest: float = 0.0
    left: int = 0  # rows that are archived and stayed: changed, or referred to

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def remove(
    connection: apsw.Connection,
    tree: Tree,
    picked: Picked,
    time: Time,
    passed: Callable[[int], None] = lambda _rows: None,
) -> Removed:
    """Delete what lies in the archive that is attached. Again after a kill, it goes on.

    Raises:
        DatabaseBusy: the application holds its database; what is left is for another time.
        WorkStopped: somebody wants it to end.
        PermanentError: a trigger would delete rows that are not archived; nothing left.
    """
    return _Remover(connection, tree, picked, time, passed).all()


class _Remover:
    def __init__(
        self,
        connection: apsw.Connection,
        tree: Tree,
        picked: Picked,
        time: Time,
        passed: Callable[[int], None],
    ) -> None:
        self._connection, self._tree, self._picked, self._time = connection, tree, picked, time
        self._passed = passed
        self._removed = Removed()
        self._synced = self._one("PRAGMA main.journal_mode") != "wal"
        self._blind = not all(table.indexed for table in tree.tables)
        # then children need not be noted one by one: whose parent goes, goes
        self._direct = not tree.references and all(table.alike for table in tree.tables)
        self._size = _FEWEST_BLIND if self._blind else _FIRST
        self._version = 0
        self._whole = True  # of what was noted, all goes
        self._strangers: set[str] = set()

    def all(self) -> Removed:
        """Remove what can be removed."""
        for table_number, table in enumerate(self._tree.tables):
            self._connection.execute(_temporary(table_number, table))
        self._watch_triggers()
        try:
            while self._pass() and self._tree.references:
                pass  # what referred to a row may have gone in the pass that kept it
        finally:
            self._connection.set_update_hook(None)
        root = self._tree.root
        self._removed.left = int(
            self._one(
                f"SELECT count(*) FROM archive.{quoted(root.name)} a"
                f" JOIN main.{quoted(root.name)} m ON {met(root, 'm', 'a')}"
            )
        )
        return self._removed

    def _pass(self) -> int:
        """Go through the archive once, the newest first: they refer to older ones."""
        removed = 0
        before = (1 << 63) - 1
        root = quoted(self._tree.root.name)
        while True:
            first = self._one(
                f"SELECT min({ROW}) FROM (SELECT {ROW} FROM archive.{root} WHERE {ROW} <= ?"
                f" ORDER BY {ROW} DESC LIMIT ?)",
                *(before, self._size),
            )
            if first is None:
                return removed
            removed += self._step(first, before)
            if first == -(1 << 63):
                return removed
            before = first - 1

    def _step(self, first: int, last: int) -> int:
        """Remove a range of rows; return how many left."""
        if self._time.stopping():
            raise WorkStopped("removing archived rows was given up", where=self._tree.root.name)
        self._begin()
        began = self._time.monotonic()
        try:
            self._collect(first, last)
            rows, all_rows = self._delete()
            self._refuse_strangers()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        took = self._time.monotonic() - began
        self._count(rows, all_rows, took)
        self._yield(took)
        return rows

    def _begin(self) -> None:
        """Take the application's write lock, in its time."""
        import apsw  # noqa: PLC0415  # in the child alone

        wait, until = _WAIT, self._time.monotonic() + _PATIENCE
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return
            except apsw.BusyError as error:
                if self._time.monotonic() >= until:
                    raise DatabaseBusy(
                        "an application holds its database",
                        where=self._tree.root.name,
                        why=f"for more than {_PATIENCE:.0f} s",
                        remedy="what is archived leaves later",
                    ) from error
            if self._time.stopping():
                raise WorkStopped("removing archived rows was given up")
            self._removed.waits += 1
            self._time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _collect(self, first: int, last: int) -> None:
        """Note which rows go: those that are as they were archived, with all that hangs on them."""
        root = self._tree.root
        where, values = "1", list[Any]()
        if self._picked.what == "orphans":  # its parent may have come
            where, values = self._picked.where(self._tree, "m")
        for number in range(len(self._tree.tables)):
            self._connection.execute(f"DELETE FROM temp.going{number}")
        self._connection.execute(
            f"INSERT INTO temp.going0 SELECT {listed(root.identity, 'm')}, a.{ROOT}"
            f" FROM archive.{quoted(root.name)} a"
            f" CROSS JOIN main.{quoted(root.name)} m ON {met(root, 'm', 'a')}"
            f" WHERE a.{ROW} BETWEEN ? AND ? AND {where}"
            f" AND {same('m', 'a', root.columns, root.loose)}",
            (first, last, *values),
        )
        self._whole = True
        for number, table, parent in self._tree.below():
            if self._direct:
                self._keep(self._changed(table, parent))
            else:
                self._collect_children(number, table, parent)
        for number, _, _ in () if self._direct else self._tree.below():
            self._keep(f"SELECT root FROM temp.going{number} WHERE NOT kept")
        while sum(self._keep_held(one) for one in self._tree.references):
            pass

    def _keep(self, roots: str) -> int:
        """Keep rows of which something stays; return how many."""
        self._connection.execute(f"DELETE FROM temp.going0 WHERE root IN ({roots})")
        kept = self._connection.changes()
        self._whole = self._whole and not kept
        return kept

    def _collect_children(self, number: int, table: Table, parent: Table) -> None:
        above = (
            f"SELECT p.*, g.root AS {ROOT} FROM temp.going{table.parent} g"
            f" CROSS JOIN main.{quoted(parent.name)} p ON {_met_going(parent, 'p', 'g')}"
        )
        self._connection.execute(
            f"INSERT OR IGNORE INTO temp.going{number}"
            f" SELECT {listed(table.identity, 'm')}, u.{ROOT}, x.{ROW} IS NOT NULL"
            f" FROM {_hanging(table, parent, above)} {_as_archived(table)}"
        )

    def _changed(self, table: Table, parent: Table) -> str:
        """Return the query for rows on which something hangs that is not as it was archived."""
        return (
            f"SELECT u.{ROOT} FROM {_hanging(table, parent, self._going(parent))}"
            f" {_as_archived(table)} WHERE x.{ROW} IS NULL"
        )

    def _going(self, table: Table) -> str:
        """Return the query for the rows of a table that hang on rows that go."""
        name = quoted(table.name)
        if table.parent is None:
            return (
                f"SELECT p.*, g.root AS {ROOT} FROM temp.going0 g"
                f" CROSS JOIN main.{name} p ON {_met_going(table, 'p', 'g')}"
            )
        parent = self._tree.tables[table.parent]
        return f"SELECT m.*, u.{ROOT} FROM {_hanging(table, parent, self._going(parent))}"

    def _keys(self, table: Table) -> str:
        """Return the query for the keys of the rows of a table that go, where children do, too."""
        if table.parent is None:
            return (
                f"SELECT {listed(table.key, 'p')} FROM temp.going0 g"
                f" CROSS JOIN main.{quoted(table.name)} p ON {_met_going(table, 'p', 'g')}"
            )
        keys = self._keys(self._tree.tables[table.parent])
        return (
            f"SELECT {listed(table.key)} FROM main.{quoted(table.name)}"
            f" WHERE ({listed(table.columns_up)}) IN ({keys})"
        )

    def _keep_held(self, one: Reference) -> int:
        """Keep rows that others refer to which stay."""
        number, source = self._tree.number(one.target), self._tree.number(one.source)
        assert number is not None  # noqa: S101  # references are those to tables of the tree
        table = self._tree.tables[number]
        going = "0"
        if source is not None:
            known = self._tree.tables[source]
            going = (
                f"EXISTS (SELECT 1 FROM temp.going{source} x WHERE {_met_going(known, 's', 'x')}"
                " AND x.root IN (SELECT root FROM temp.going0))"
            )
        return self._keep(
            f"SELECT g.root FROM temp.going{number} g"
            f" JOIN main.{quoted(table.name)} t ON {_met_going(table, 't', 'g')}"
            f" JOIN main.{quoted(one.source)} s ON {one.sql('s', 't')} WHERE NOT {going}"
        )

    def _delete(self) -> tuple[int, int]:
        """Delete what was noted, children first; return how many rows, and with all below them."""
        deleted = 0
        for number, table in reversed(list(enumerate(self._tree.tables))):
            columns = listed(table.identity)
            some = number and not self._whole
            still = " WHERE root IN (SELECT root FROM temp.going0)" if some else ""
            going = f"SELECT {_numbered(table)} FROM temp.going{number}{still}"
            if self._direct and table.parent is not None:
                columns = listed(table.columns_up)
                going = self._keys(self._tree.tables[table.parent])
            self._connection.execute(
                f"DELETE FROM main.{quoted(table.name)} WHERE ({columns}) IN ({going})"
            )
            deleted += self._connection.changes()
        return self._connection.changes(), deleted

    def _count(self, rows: int, all_rows: int, took: float) -> None:
        told = self._removed
        told.rows, told.all_rows = told.rows + rows, told.all_rows + all_rows
        told.steps, told.longest = told.steps + 1, max(told.longest, took)
        self._passed(all_rows)
        wanted = _LONGEST_SYNCED if self._synced else _LONGEST
        fewest = _FEWEST_BLIND if self._blind else _FEWEST
        size = self._size * min(2.0, max(0.25, wanted / max(took, 1e-6)))
        self._size = int(min(_MOST, max(fewest, size)))

    def _yield(self, took: float) -> None:
        """Give way to whoever wrote meanwhile."""
        version = int(self._one("PRAGMA main.data_version"))
        if version != self._version and self._version:
            self._time.sleep(max(took, 0.001))
        self._version = version

    # -- the application's triggers -----------------------------------------------------------

    def _watch_triggers(self) -> None:
        """Notice rows of other tables that the application's triggers delete."""
        import apsw  # noqa: PLC0415  # in the child alone

        if not self._tree.deleting:
            return
        ours = {table.name.lower() for table in self._tree.tables}
        shadows = {
            str(row[1]).lower()
            for row in self._connection.execute("PRAGMA main.table_list")
            if row[2] == "shadow"
        }

        def hook(what: int, database: str, table: str, _rowid: int) -> None:
            if what == apsw.SQLITE_DELETE and database == "main":
                name = table.lower()
                if name not in ours and name not in shadows:
                    self._strangers.add(table)

        self._connection.set_update_hook(hook)

    def _refuse_strangers(self) -> None:
        if self._strangers:
            names = ", ".join(sorted(self._strangers))
            raise PermanentError(
                "rows cannot be removed",
                where=self._tree.root.name,
                why=f"a trigger of the application deletes rows of {names}, which are not archived",
                remedy="declare them as children",
            )

    def _one(self, sql: str, *values: Any) -> Any:
        return one_row(self._connection, sql, values)[0]


def _hanging(table: Table, parent: Table, above: str) -> str:
    """Return the join of rows ``u`` with the rows ``m`` of a table that hang on them."""
    main, on = f"main.{quoted(table.name)} m", up(table, parent, above="u")
    return (
        f"({above}) u CROSS JOIN {main} ON {on}"
        if table.indexed
        else f"{main} JOIN ({above}) u ON {on}"
    )


def _as_archived(table: Table) -> str:
    """Return what finds the archived row ``x`` of a row ``m`` that is the same."""
    return (
        f"LEFT JOIN archive.{quoted(table.name)} x"
        f" ON {met(table, 'm', 'x')} AND {same('m', 'x', table.columns, table.loose)}"
    )


def _temporary(number: int, table: Table) -> str:
    """Return what makes the list of the rows of a table that go."""
    names = [f"id{at}" for at in range(len(table.identity))]
    kept = ", kept" if number else ""
    made = f"CREATE TEMP TABLE IF NOT EXISTS going{number}"
    if table.has_rowid:
        return f"{made} (id0 INTEGER PRIMARY KEY, root{kept})"
    together = ", ".join(names)
    return f"{made} ({together}, root{kept}, PRIMARY KEY ({together}))"


def _numbered(table: Table) -> str:
    return ", ".join(f"id{at}" for at in range(len(table.identity)))


def _met_going(table: Table, main: str, going: str) -> str:
    return " AND ".join(
        f"{main}.{quoted(name)} = {going}.id{at}" for at, name in enumerate(table.identity)
    )
