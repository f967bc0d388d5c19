"""Rows that lie in an archive leave a server's table, in short transactions.

Each step writes the archived rows of some trees into tables of ours, holds the rows that stand
there, and deletes those trees of which every row is still written as the archived one. What nobody
has a foreign key for is kept from coming by a lock on its table, for as long as the step takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import apsw

from storewarden.databases.rows.copied import ROOT, ROW
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.pieces import first
from storewarden.databases.rows.pieces import quoted as quoted_there
from storewarden.databases.rows.removed import Removed, Time
from storewarden.databases.rows.server.asking import archived, met, same, where
from storewarden.databases.rows.server.copying import (
    archived_columns,
    columns_of,
    going,
    hangs,
    keep_held,
    noted,
    shown,
)
from storewarden.databases.rows.server.counting import parent_of
from storewarden.databases.rows.server.tables import Held, Tree
from storewarden.databases.rows.server.talking import Server, text
from storewarden.errors import DatabaseBusy, PermanentError, WorkStopped

FIRST: Final = 200  # rows of the first step
FEWEST, MOST = 20, 20_000
_LONGEST: Final = 0.1  # seconds that a step should take: only who wants these very rows waits
_LOCK_MILLISECONDS: Final = (
    200  # that we stand in a queue: whoever comes after us stands there, too
)
_WAIT, _LONGEST_WAIT = 0.05, 2.0
_PATIENCE: Final = 60.0


def remove(  # where from, what, and who hears of it
    server: Server,
    archive: apsw.Connection,
    tree: Tree,
    picked: Picked,
    time: Time,
    passed: Callable[[int], None] = lambda _rows: None,
) -> Removed:
    """Delete what lies in the archive that is attached. Again after a kill, it goes on.

    Raises:
        DatabaseBusy: the application holds its rows; what is left is for another time.
        WorkStopped: somebody wants it to end.
        PermanentError: the server would not let them go as they were archived.
    """
    return _Remover(server, archive, tree, picked, time, passed).all()


def staged(server: Server, tree: Tree, *, then: str) -> None:
    """Make tables of ours for archived rows."""
    for at, table in enumerate(tree.tables):
        columns = ", ".join(f'c{n} text COLLATE "C"' for n in range(len(table.columns)))
        server.do(
            f"CREATE TEMP TABLE storewarden_row{at} (number bigint, root bigint, {columns})"
            f" ON COMMIT {then}"
        )


def stage(
    server: Server,
    archive: apsw.Connection,
    table: Held,
    at: int,
    meant: str,
    values: Sequence[int],
) -> int:
    """Write archived rows into a table of ours."""
    rows = archive.execute(
        f"SELECT CAST({ROW} AS BLOB), CAST({ROOT} AS BLOB), {archived_columns(table)}"
        f" FROM archive.{quoted_there(shown(table.name))} a WHERE {meant}",
        tuple(values),
    )
    return server.copy(f"pg_temp.storewarden_row{at}", rows)


class _Remover:
    def __init__(  # as above
        self,
        server: Server,
        archive: apsw.Connection,
        tree: Tree,
        picked: Picked,
        time: Time,
        passed: Callable[[int], None],
    ) -> None:
        self._server, self._archive, self._tree, self._time = server, archive, tree, time
        self._picked, self._passed = picked, passed
        self._parent = parent_of(server, picked)
        self._removed = Removed()
        self._size = FIRST
        self._counting = server.rows("SHOW track_counts") == [(b"on",)]

    def all(self) -> Removed:
        """Remove what can be removed."""
        staged(self._server, self._tree, then="DELETE ROWS")
        going(self._server, self._tree, dropped=False)
        while self._pass() and self._tree.links:
            pass  # what referred to a row may have gone in the pass that kept it
        self._removed.left = self._left()
        return self._removed

    def _pass(self) -> int:
        """Go through the archive once, the newest first: they refer to older ones."""
        removed = 0
        root = quoted_there(shown(self._tree.root.name))
        (before,) = first(self._archive, f"SELECT max({ROW}) FROM archive.{root}")
        while before is not None:
            (begin,) = first(
                self._archive,
                f"SELECT min({ROW}) FROM (SELECT {ROW} FROM archive.{root} WHERE {ROW} <= ?"
                f" ORDER BY {ROW} DESC LIMIT ?)",
                (before, self._size),
            )
            if begin is None:
                break
            removed += self._step(begin, before)
            before = begin - 1
        return removed

    def _step(self, begin: int, last: int) -> int:
        """Remove a range of rows, in the application's time; return how many left."""
        wait, until = _WAIT, self._time.monotonic() + _PATIENCE
        while True:
            if self._time.stopping():
                raise WorkStopped("removing archived rows was given up", where=self._name)
            began = self._time.monotonic()
            try:
                with self._server.transaction():
                    rows, whole = self._removed_of(begin, last)
            except DatabaseBusy as error:
                if self._time.monotonic() >= until:
                    remedy = "what is archived leaves later"
                    raise DatabaseBusy(
                        "an application holds its rows",
                        where=self._name,
                        why=error.why,
                        remedy=remedy,
                    ) from error
                self._removed.waits += 1
                self._time.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
                continue
            took = self._time.monotonic() - began
            self._count(rows, whole, took)
            self._time.sleep(took / 4 if self._removed.waits else 0.0)
            return rows

    @property
    def _name(self) -> str:
        return shown(self._tree.root.name)

    def _removed_of(self, begin: int, last: int) -> tuple[int, int]:
        server = self._server
        server.do(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
        column = ROW
        for at, table in enumerate(self._tree.tables):
            meant = f"a.{column} BETWEEN ? AND ?"
            stage(server, self._archive, table, at, meant, (begin, last))
            column = ROOT
        self._lock_tables()
        self._collect()
        keep_held(server, self._tree)
        rows, whole = self._delete()
        self._refuse_strangers()
        return rows, whole

    def _lock_tables(self) -> None:
        """Keep rows from coming that no foreign key keeps: parents of orphans, loose children."""
        loose = [table.place for table in self._tree.tables if not table.firm]
        loose += [self._parent.place] if self._parent is not None else []
        if loose:
            self._server.do(f"LOCK TABLE {', '.join(loose)} IN SHARE ROW EXCLUSIVE MODE")

    def _collect(self) -> None:
        """Note which rows go: those that are as they were archived, with all that hangs on them."""
        root, server = self._tree.root, self._server
        meant = "true"
        if self._picked.what == "orphans":  # its parent may have come
            meant = where(self._picked, root, root.typed, self._parent)
        stands = f"pg_temp.storewarden_row0 a JOIN {root.place} m"
        there = f"{stands} ON {archived(root, root.identity, 'm', 'a')}"
        self._hold(there)
        server.do(
            f"INSERT INTO pg_temp.storewarden_going0 (root, {columns_of(root)})"
            f" SELECT a.root, {noted(root, 'm')} FROM {there}"
            f" WHERE {meant} AND {same(root, 'm', 'a')}"
        )
        for at, table, above in self._tree.below():
            hanging = (
                f"pg_temp.storewarden_going{table.parent} g"
                f" JOIN {table.place} m ON {hangs(table, above)}"
            )
            self._hold(hanging)
            server.do(
                f"INSERT INTO pg_temp.storewarden_going{at} (root, kept, {columns_of(table)})"
                f" SELECT g.root, x.root IS NOT NULL, {noted(table, 'm')} FROM {hanging}"
                f" LEFT JOIN pg_temp.storewarden_row{at} x"
                f" ON {archived(table, table.identity, 'm', 'x')} AND {same(table, 'm', 'x')}"
            )
        for at, _, _ in self._tree.below():
            server.do(
                "DELETE FROM pg_temp.storewarden_going0 WHERE root IN"
                f" (SELECT root FROM pg_temp.storewarden_going{at} WHERE NOT kept)"
            )

    def _hold(self, rows: str) -> None:
        """Have rows for ourselves until this step ends; what they are then, is asked afterwards."""
        self._server.rows(f"SELECT count(*) FROM (SELECT 1 FROM {rows} FOR UPDATE OF m) held")

    def _delete(self) -> tuple[int, int]:
        """Delete what was noted, children first; return how many rows, and with all below them."""
        gone: list[int] = []
        for at, table in reversed(list(enumerate(self._tree.tables))):
            ours = f"pg_temp.storewarden_going{at}"
            wanted = self._server.number(f"SELECT count(*) FROM {ours}")
            deleted = self._server.do(
                f"DELETE FROM {table.place} m USING {ours} g WHERE {met(table, 'm', 'g')}"
            )
            if deleted != wanted:
                raise PermanentError(
                    "rows cannot be removed",
                    where=self._name,
                    why=f"{wanted:,} rows of {shown(table.name)} were to go and {deleted:,} went",
                    remedy="a trigger or a rule of the application keeps them; nothing left",
                )
            gone.append(deleted)
        return gone[-1], sum(gone)

    def _refuse_strangers(self) -> None:
        """Refuse what triggers deleted besides: it is not archived."""
        numbers = ", ".join(str(table.number) for table in self._tree.tables)
        rows = self._server.rows(
            "SELECT relid::regclass::text FROM pg_stat_xact_user_tables t WHERE n_tup_del > 0"
            f" AND relid NOT IN ({numbers}) AND schemaname NOT LIKE 'pg\\_temp%'"
            f" AND NOT EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhrelid = t.relid"
            f" AND i.inhparent IN ({numbers}))"
            if self._counting
            else "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
            f" AND tgtype & 8 = 8 AND tgrelid IN ({numbers})"  # those of DELETE
        )
        if rows:
            names = ", ".join(sorted(shown(text(name)) for (name,) in rows))
            raise PermanentError(
                "rows cannot be removed",
                where=self._name,
                why=f"a trigger of the application deletes rows of {names}, which are not archived"
                if self._counting
                else f"{names} has triggers, and the server does not count what they delete",
                remedy="declare them as children" if self._counting else "set track_counts = on",
            )

    def _count(self, rows: int, whole: int, took: float) -> None:
        told = self._removed
        told.rows, told.all_rows = told.rows + rows, told.all_rows + whole
        told.steps, told.longest = told.steps + 1, max(told.longest, took)
        self._passed(whole)
        size = self._size * min(2.0, max(0.25, _LONGEST / max(took, 1e-6)))
        self._size = int(min(MOST, max(FEWEST, size)))

    def _left(self) -> int:
        """Return how many archived rows stand there still."""
        root, left = self._tree.root, 0
        for begin, last in self._windows():
            with self._server.transaction():
                stage(
                    self._server, self._archive, root, 0, f"a.{ROW} BETWEEN ? AND ?", (begin, last)
                )
                on = archived(root, root.identity, "m", "a")
                sql = f"SELECT count(*) FROM pg_temp.storewarden_row0 a JOIN {root.place} m ON {on}"
                left += self._server.number(sql) or 0
        return left

    def _windows(self) -> Iterator[tuple[int, int]]:
        name = quoted_there(shown(self._tree.root.name))
        (last,) = first(self._archive, f"SELECT max({ROW}) FROM archive.{name}")
        for begin in range(1, int(last or 0) + 1, MOST):
            yield begin, begin + MOST - 1
