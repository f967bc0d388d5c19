"""A database is rewritten without its empty pages. Runs in a child, on a connection that may write.

VACUUM itself gives rows other numbers where a table has no key and no index, and is not asked to:
VACUUM INTO keeps them. So a private copy is made, proven to hold the same, and its pages are put
into the database by SQLite's own backup, in one transaction of the database's own journal: whoever
is killed leaves either what was there or what is there now. The file keeps its inode.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import apsw

from storewarden.databases.check import Checked, check, quoted
from storewarden.errors import DatabaseBusy, DatabaseDamaged, DatabaseUnusable, WorkStopped

STEP: Final = 256  # pages between two looks whether somebody came
PATIENCE_MS: Final = 200  # for the lock
_KEPT: Final = ("page_size", "encoding", "user_version", "application_id", "auto_vacuum")
_SCHEMA: Final = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2, 3, 4"

Came = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of it: bytes before and after, rows by table, and how long it was locked."""

    before: int
    after: int
    rows: dict[str, int]
    locked_seconds: float

    def document(self) -> dict[str, Any]:
        """Return it as the child tells it."""
        return {
            "before": self.before,
            "after": self.after,
            "gained": self.before - self.after,
            "rows": self.rows,
            "locked_seconds": self.locked_seconds,
        }


def take(connection: apsw.Connection) -> None:
    """Lock a database for this connection alone, until it is given back.

    Raises:
        DatabaseBusy: somebody uses it.
    """
    connection.set_busy_timeout(PATIENCE_MS)
    connection.execute("PRAGMA synchronous = EXTRA")
    try:
        # before anything is read: a log is then read without the memory that others share
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        connection.execute("BEGIN EXCLUSIVE; COMMIT")
    except apsw.BusyError as error:
        raise busy(connection) from error


def give_back(connection: apsw.Connection) -> None:
    """Let go of the lock, and of the journal that lies there as long as it is held."""
    connection.execute("PRAGMA locking_mode = NORMAL").fetchall()
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()


def busy(connection: apsw.Connection) -> DatabaseBusy:
    """Return the error for a database that somebody uses."""
    return DatabaseBusy(
        "a database is in use",
        where=os.path.basename(connection.filename),
        why="somebody came to use it, or has it open",
        remedy="it is left to them, and tried again later",
    )


def rewrite(
    connection: apsw.Connection,
    copy: str,
    *,
    came: Came,
    tell: Callable[[str, int, int], None] = lambda _what, _done, _total: None,
) -> Rewritten:
    """Rewrite the database that was taken, by way of a ``copy`` that is made, and left there.

    Raises:
        DatabaseBusy: somebody came meanwhile; nothing was changed.
        DatabaseDamaged: it, or the copy, is not whole; nothing was changed.
        DatabaseUnusable: it cannot be rewritten here; nothing was changed.
    """
    began = time.monotonic()
    before = _size(connection)
    connection.set_progress_handler(came, 10_000)
    try:
        held = _proven(connection, "the database itself")
        tell("copy", 0, before)
        connection.execute("VACUUM INTO ?", (copy,))
        connection.set_progress_handler(None)
        _sync(copy)
        tell("prove", 0, before)
        private = apsw.Connection(copy, flags=apsw.SQLITE_OPEN_READONLY)
        try:
            private.set_progress_handler(came, 10_000)
            _same(held, _proven(private, "the copy that was made of it"), connection, private)
            _put_back(connection, private, came, tell)
            after = _size(private)
        finally:
            private.close()
    except apsw.InterruptError as error:
        raise busy(connection) from error
    except (apsw.SQLError, apsw.ConstraintError) as error:
        raise DatabaseUnusable(
            "a database cannot be rewritten here",
            where=os.path.basename(connection.filename),
            why=" ".join(str(error).split()),
            remedy="its application can: VACUUM",
        ) from error
    finally:
        connection.set_progress_handler(None)
    return Rewritten(before, after, held, time.monotonic() - began)


def _size(connection: apsw.Connection) -> int:
    return _number(connection, "PRAGMA page_count") * _number(connection, "PRAGMA page_size")


def _number(connection: apsw.Connection, statement: str) -> int:
    ((value,),) = connection.execute(statement).fetchall()
    if not isinstance(value, int):
        raise TypeError(statement)
    return value


def _names(connection: apsw.Connection, statement: str) -> list[str]:
    return [str(name) for (name,) in connection.execute(statement).fetchall()]


def _proven(connection: apsw.Connection, what: str) -> dict[str, int]:
    """Return the rows of each table of a database that is whole."""
    checked = check(connection, foreign_keys=False)
    if not checked.finished:
        raise apsw.InterruptError
    if checked.integrity != "ok":
        raise DatabaseDamaged(
            f"{what} is not whole: it is not rewritten",
            where=os.path.basename(connection.filename),
            why=_first(checked),
            remedy="storewarden db check tells more",
        )
    return counted(connection)


def _first(checked: Checked) -> str:
    if checked.problems:
        return checked.problems[0].text
    return "; ".join(f"{table}: {why}" for table, why in checked.unchecked.items())


def counted(connection: apsw.Connection) -> dict[str, int]:
    """Return how many rows each table has that has pages of its own."""
    find = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0"
    return {
        name: _number(connection, f"SELECT count(*) FROM main.{quoted(name)}")  # noqa: S608  # quoted
        for name in _names(connection, find)
    }


def _same(
    held: Mapping[str, int],
    copied: Mapping[str, int],
    connection: apsw.Connection,
    private: apsw.Connection,
) -> None:
    """Raise unless the copy has the same rows, schema and settings."""
    unlike = [
        f"{table}: {rows:,} rows, and {copied.get(table, 0):,} in the copy"
        for table, rows in held.items()
        if copied.get(table) != rows
    ]
    unlike += [
        "another schema" if what is _SCHEMA else f"another {what.split()[1]}"
        for what in (_SCHEMA, *(f"PRAGMA {name}" for name in _KEPT))
        if connection.execute(what).fetchall() != private.execute(what).fetchall()
    ]
    if unlike:
        raise DatabaseDamaged(
            "the copy of a database is not like it: it is not rewritten",
            where=os.path.basename(connection.filename),
            why="; ".join(unlike),
        )


def _put_back(
    connection: apsw.Connection,
    private: apsw.Connection,
    came: Came,
    tell: Callable[[str, int, int], None],
) -> None:
    """Write the copy's pages over the database's own; all, or none."""
    with connection.backup("main", private, "main") as pages:
        while not pages.done:
            if came():
                raise busy(connection)
            pages.step(STEP)
            tell("write", pages.page_count - pages.remaining, pages.page_count)


def _sync(path: str) -> None:
    """Have a copy on the disk before it is what keeps the rows."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- the planner's figures -----------------------------------------------------------------------

LOOKED_AT: Final = 1000  # rows of an index that are read; SQLite's own advice


@dataclass(frozen=True, slots=True)
class Analyzed:
    """Tables whose figures are renewed, and those that would have been locked for too long."""

    tables: tuple[str, ...]
    left: dict[str, str]


def analyze(
    connection: apsw.Connection,
    *,
    lock_seconds: float,
    stopping: Callable[[], bool] = lambda: False,
) -> Analyzed:
    """Renew the planner's figures table by table; none is locked for longer than it is allowed.

    Raises:
        DatabaseBusy: somebody writes all the time.
        WorkStopped: ``stopping`` said so.
    """
    connection.set_busy_timeout(PATIENCE_MS)
    connection.execute(f"PRAGMA analysis_limit = {LOOKED_AT}").fetchall()
    until = time.monotonic() + lock_seconds
    connection.set_progress_handler(lambda: time.monotonic() > until, 1000)
    done: list[str] = []
    left: dict[str, str] = {}
    try:
        for table in _analyzed(connection):
            if stopping():
                raise WorkStopped("work on a database was given up")
            until = time.monotonic() + lock_seconds
            try:
                connection.execute(f"ANALYZE main.{quoted(table)}")
                done.append(table)
            except apsw.InterruptError:
                left[table] = f"it takes longer than {lock_seconds:g} s"
            except apsw.SQLError as error:
                left[table] = " ".join(str(error).split())
    except apsw.BusyError as error:
        raise busy(connection) from error
    finally:
        connection.set_progress_handler(None)
    return Analyzed(tuple(done), left)


def _analyzed(connection: apsw.Connection) -> list[str]:
    find = (
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return _names(connection, find)
