"""Archived rows come back into a server's table, with all that hung on them, or none do.

What stands there stays: a row whose key, or any other unique value of it or below it, is taken
does not come back, and that is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw

from storewarden.databases.rows.copied import ROOT
from storewarden.databases.rows.declared import OURS
from storewarden.databases.rows.pieces import first, listed
from storewarden.databases.rows.pieces import quoted as quoted_there
from storewarden.databases.rows.restored import Restored, Wanted
from storewarden.databases.rows.server.asking import archived, quoted, same, written
from storewarden.databases.rows.server.copying import SHOWS, shown
from storewarden.databases.rows.server.removing import stage, staged
from storewarden.databases.rows.server.tables import Held, Tree
from storewarden.databases.rows.server.talking import Refused, Server
from storewarden.errors import PermanentError

_MOST_KEYS: Final = 500  # that are told one by one
_LOCK_SECONDS: Final = 10
_MISFITS: Final = "23"  # what constraints refuse


def restore(
    server: Server, archive: apsw.Connection, tree: Tree, wanted: Wanted, *, timed: bool
) -> Restored:
    """Bring rows back from the archive that is attached, in one transaction.

    Raises:
        DatabaseBusy: the application holds what they need.
        PermanentError: they do not fit any more, and why; nothing came back.
    """
    kept = [_kept(archive, table) for table in tree.tables]
    try:
        with server.transaction():
            server.do(f"SET LOCAL lock_timeout = {_LOCK_SECONDS * 1000}")
            server.do("SET CONSTRAINTS ALL DEFERRED")
            return _restore(server, archive, kept, wanted, timed=timed)
    except Refused as error:
        if not error.state.startswith(_MISFITS):
            raise
        raise PermanentError(
            "archived rows do not fit any more",
            where=shown(tree.root.name),
            why=error.why,
            remedy="nothing came back; what they refer to has to be there before them",
        ) from error


def _restore(  # as above
    server: Server,
    archive: apsw.Connection,
    kept: Sequence[Held],
    wanted: Wanted,
    *,
    timed: bool,
) -> Restored:
    restored = Restored()
    root = kept[0]
    archive.execute("CREATE TEMP TABLE back (root INTEGER PRIMARY KEY)")
    meant, values = _wanted(root, wanted)
    archive.execute(
        f"INSERT INTO temp.back SELECT {ROOT} FROM archive.{_there(root)} a WHERE {meant}", values
    )
    restored.met = archive.changes()
    staged(server, Tree(tuple(kept)), then="DROP")
    for at, table in enumerate(kept):
        stage(server, archive, table, at, f"a.{ROOT} IN (SELECT root FROM temp.back)", ())
    for at, table in enumerate(kept):
        for taken in table.apart:
            restored.there += _keep_out(server, table, at, taken)
    for at in range(1, len(kept)):
        server.do(
            f"DELETE FROM pg_temp.storewarden_row{at}"
            " WHERE root NOT IN (SELECT root FROM pg_temp.storewarden_row0)"
        )
    _note(server, archive, root, restored, timed=timed)
    for at, table in enumerate(kept):
        restored.rows[shown(table.name)] = _insert(server, table, at)
    return restored


def _there(table: Held) -> str:
    return quoted_there(shown(table.name))


def _kept(archive: apsw.Connection, table: Held) -> Held:
    """Return a table with its archived columns alone, all of which it must still have."""
    found = archive.execute("SELECT name FROM archive.pragma_table_info(?)", (shown(table.name),))
    names = [str(row[0]) for row in found if not str(row[0]).startswith(OURS)]
    known = {shown(name): (name, type_) for name, type_ in table.typed.items()}
    gone = [name for name in names if name not in known]
    if gone or not names:
        raise PermanentError(
            "archived rows do not fit any more",
            where=shown(table.name),
            why=f"the table has no {', '.join(gone)}" if gone else "the archive has no such table",
            remedy="the archive is an SQLite database: open a copy of it",
        )
    columns = tuple(known[name][0] for name in names)
    apart = tuple(each for each in table.apart if set(each) <= set(columns))
    types = tuple(known[name][1] for name in names)
    return Held(
        *(table.name, table.number, table.place, columns, types, table.key),
        *(table.identity if set(table.identity) <= set(columns) else (), apart),
        parent=table.parent,
    )


def _wanted(root: Held, wanted: Wanted) -> tuple[str, list[Any]]:
    told, values = ["1"], list[Any]()
    for sign, bound in ((">=", wanted.from_ns), ("<=", wanted.to_ns)):
        if bound is not None:
            told.append(f"{SHOWS} {sign} ?")
            values.append(bound)
    if wanted.keys:
        names = listed([shown(name) for name in root.key], "a")
        row = f"({', '.join('?' * len(root.key))})"
        told.append(f"({names}) IN (VALUES {', '.join([row] * len(wanted.keys))})")
        values += [value for key in wanted.keys for value in key]
    return " AND ".join(told), values


def _keep_out(server: Server, table: Held, at: int, apart: Sequence[str]) -> int:
    """Leave out trees of which a row's place is taken; return how many."""
    return server.do(
        "DELETE FROM pg_temp.storewarden_row0 WHERE root IN"
        f" (SELECT a.root FROM pg_temp.storewarden_row{at} a JOIN {table.place} m"
        f" ON {archived(table, apart, 'm', 'a')})"
    )


def _note(
    server: Server, archive: apsw.Connection, root: Held, restored: Restored, *, timed: bool
) -> None:
    """Tell which rows come back, so that they are not taken away again at once."""
    archive.execute("DELETE FROM temp.back")
    rows = server.rows("SELECT root FROM pg_temp.storewarden_row0")
    archive.executemany("INSERT INTO temp.back VALUES (?)", [(int(row[0] or 0),) for row in rows])
    back = f"FROM archive.{_there(root)} a WHERE a.{ROOT} IN (SELECT root FROM temp.back)"
    if timed:
        sql = f"SELECT min({SHOWS}), max({SHOWS}) {back}"
        restored.first_ns, restored.last_ns = first(archive, sql)
    names = listed([shown(name) for name in root.key], "a")
    keys = [list(row) for row in archive.execute(f"SELECT {names} {back} LIMIT {_MOST_KEYS + 1}")]
    texts = all(isinstance(part, str) for key in keys for part in key)
    restored.keys = keys if texts and len(keys) <= _MOST_KEYS else []


def _insert(server: Server, table: Held, at: int) -> int:
    columns = ", ".join(map(quoted, table.columns))
    values = ", ".join(written(table, name, "a") for name in table.columns)
    ours = f"pg_temp.storewarden_row{at}"
    wanted = server.number(f"SELECT count(*) FROM {ours}") or 0
    rows = server.do(
        f"INSERT INTO {table.place} ({columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT {values} FROM {ours} a ORDER BY a.number"
    )
    alike = wanted
    if table.identity:
        on = archived(table, table.identity, "m", "a")
        alike = (
            server.number(
                f"SELECT count(*) FROM {ours} a JOIN {table.place} m ON {on}"
                f" WHERE {same(table, 'm', 'a')}"
            )
            or 0
        )
    if rows != wanted or alike != wanted:
        raise PermanentError(
            "archived rows do not come back as they were",
            where=shown(table.name),
            why=f"{wanted - min(rows, alike):,} differ once they are in the table",
            remedy="a trigger or a rule of the application changes them; nothing came back",
        )
    return rows
