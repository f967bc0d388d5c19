"""`watch_queries`: an application has its own statements counted and timed; it notices nothing.

What is counted is handed over every few seconds by a thread of its own, see `tallies`. Whatever
goes wrong here costs figures and never a statement.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import uuid
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TypeVar, cast

from storewarden.databases.tallies import Report, Tally, publish, reclaim, together

log = logging.getLogger(__name__)

VARIABLE: Final = "STOREWARDEN_QUERIES"
DIRECTORY: Final = "queries"  # below the state directory
_EVERY: Final = 5.0

_Connection = TypeVar("_Connection")


def watch_queries(connection: _Connection) -> _Connection:
    """Count and time the statements of a connection; use what is returned in its place.

    Args:
        connection: of sqlite3, apsw or psycopg, or a database of peewee. Anything else is returned
            as it is.

    apsw, psycopg and peewee give back the very object. A connection of sqlite3 comes back in a
    wrapper that behaves like it; statements are timed to their last row. Nothing is ever raised.
    """
    try:
        return cast("_Connection", _watched(connection))
    except Exception:  # an application must not suffer from being watched
        log.warning("the statements of a connection cannot be watched", exc_info=True)
        return connection


def _watched(connection: Any) -> Any:
    rooms = {kind.__module__.partition(".")[0] for kind in type(connection).__mro__}
    if isinstance(connection, WatchedConnection):
        return connection
    for room, watch in (
        ("peewee", _watch_peewee),
        ("apsw", _watch_apsw),
        ("psycopg", _watch_psycopg),
        ("sqlite3", WatchedConnection),
    ):
        if room in rooms:
            return watch(connection)
    log.warning("these statements cannot be watched", extra={"facts": {"of": str(rooms)}})
    return connection


# -- sqlite3 ----------------------------------------------------------------------------------


class _Wrapper:
    """Is what it wraps, but for what it does itself."""

    _own: Final = frozenset({"_inner", "_tally", "_statement", "_spent"})

    def __init__(self, inner: Any) -> None:
        object.__setattr__(self, "_inner", inner)

    @property  # type: ignore[misc]  # who asks for its class wants to know how it behaves
    def __class__(self) -> Any:
        return type(object.__getattribute__(self, "_inner"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _Wrapper._own:
            object.__setattr__(self, name, value)
        else:
            setattr(self._inner, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._inner, name)


class WatchedConnection(_Wrapper):
    """A connection of sqlite3 whose statements are counted."""

    def __init__(self, inner: Any, tally: Tally | None = None) -> None:
        super().__init__(inner)
        self._tally = tally or _watcher.tally(_sqlite_place(inner))
        self._tally.foreign_keys = _sqlite_keys(inner)

    def cursor(self, *args: Any, **named: Any) -> Any:
        return WatchedCursor(self._inner.cursor(*args, **named), self._tally)

    def execute(self, *args: Any) -> Any:
        return self.cursor().execute(*args)

    def executemany(self, *args: Any) -> Any:
        return self.cursor().executemany(*args)

    def executescript(self, *args: Any) -> Any:
        return self.cursor().executescript(*args)

    def __call__(self, *args: Any) -> Any:
        return self._inner(*args)

    def __enter__(self) -> Any:
        self._inner.__enter__()
        return self

    def __exit__(self, *args: object) -> Any:
        return self._inner.__exit__(*args)


class WatchedCursor(_Wrapper):
    """A cursor whose statements are counted when the next one begins, or their last row came."""

    _statement: Any  # None: nothing is to be counted
    _spent: float

    def __init__(self, inner: Any, tally: Tally) -> None:
        super().__init__(inner)
        self._tally, self._statement, self._spent = tally, None, 0.0

    def execute(self, *args: Any) -> Any:
        return self._run(self._inner.execute, args)

    def executemany(self, *args: Any) -> Any:
        return self._run(self._inner.executemany, args)

    def executescript(self, *args: Any) -> Any:
        return self._run(self._inner.executescript, args)

    def fetchone(self) -> Any:
        began = perf_counter()
        row = self._inner.fetchone()
        self._spent += perf_counter() - began
        if row is None:
            self._over()
        return row

    def fetchmany(self, *args: Any, **named: Any) -> Any:
        began = perf_counter()
        rows = self._inner.fetchmany(*args, **named)
        self._spent += perf_counter() - began
        return rows

    def fetchall(self) -> Any:
        began = perf_counter()
        rows = self._inner.fetchall()
        self._spent += perf_counter() - began
        self._over()
        return rows

    def close(self) -> None:
        self._over()
        self._inner.close()

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        began = perf_counter()
        try:
            return next(self._inner)
        except BaseException:
            self._spent += perf_counter() - began
            began = perf_counter()
            self._over()
            raise
        finally:
            self._spent += perf_counter() - began

    def __del__(self) -> None:
        with contextlib.suppress(BaseException):
            self._over()

    def _run(self, function: Any, args: tuple[Any, ...]) -> Any:
        self._over()
        began = perf_counter()
        try:
            function(*args)
        finally:
            self._spent = perf_counter() - began
            self._statement = args[0] if args else ""
            if self._inner.description is None:  # it yields no rows
                self._over()
        return self

    def _over(self) -> None:
        statement = self._statement
        if statement is not None:
            self._statement = None
            self._tally.hear(statement, self._spent)
            if _about_keys(statement):
                self._tally.foreign_keys = _sqlite_keys(self._inner.connection)


def _sqlite_place(connection: Any) -> str:
    cursor = connection.cursor()
    cursor.row_factory = None
    rows = cursor.execute("PRAGMA database_list").fetchall()
    file = next((row[2] for row in rows if row[1] == "main"), "")
    return os.path.realpath(file) if file else ""


def _sqlite_keys(connection: Any) -> bool | None:
    """Return whether a connection heeds foreign keys."""
    try:
        cursor = connection.cursor()
        cursor.row_factory = None
        return bool(cursor.execute("PRAGMA foreign_keys").fetchone()[0])
    except Exception:  # noqa: BLE001  # closed, or of another thread
        return None


def _about_keys(statement: object) -> bool:
    return (
        isinstance(statement, str)
        and statement.lstrip()[:6].upper() == "PRAGMA"
        and "foreign_keys" in statement
    )


# -- the others -------------------------------------------------------------------------------


def _watch_apsw(connection: Any) -> Any:
    """Have SQLite itself tell when statements begin and end."""
    apsw = sys.modules["apsw"]
    file = connection.filename
    tally = _watcher.tally(os.path.realpath(file) if file else "")
    keys = apsw.SQLITE_DBCONFIG_ENABLE_FKEY
    tally.foreign_keys = bool(connection.config(keys, -1))
    begun: dict[int, float] = {}
    profile = apsw.SQLITE_TRACE_PROFILE

    def told(event: Any) -> None:
        with contextlib.suppress(Exception):
            if event["code"] != profile:
                if not event["trigger"]:
                    begun[event["id"]] = perf_counter()
                return
            began = begun.pop(event["id"], None)
            if began is not None:
                tally.hear(event["sql"], perf_counter() - began)
                if _about_keys(event["sql"]):
                    tally.foreign_keys = bool(event["connection"].config(keys, -1))

    connection.trace_v2(apsw.SQLITE_TRACE_STMT | profile, told, id=told)
    return connection


def _watch_psycopg(connection: Any) -> Any:
    """Let the connection make cursors that count."""
    info = connection.info
    tally = _watcher.tally(f"postgresql://{info.host}:{info.port}/{info.dbname}")
    connection.cursor_factory = _counting(connection.cursor_factory, tally)
    connection.server_cursor_factory = _counting(connection.server_cursor_factory, tally)
    return connection


def _counting(kind: Any, tally: Tally) -> Any:
    """Return a kind of cursor that counts and times what it runs."""

    class Counting(kind):  # type: ignore[misc]  # of whichever kind the application uses
        def execute(self, query: Any, *args: Any, **named: Any) -> Any:
            began = perf_counter()
            try:
                return super().execute(query, *args, **named)
            finally:
                tally.hear(query, perf_counter() - began)

        def executemany(self, query: Any, *args: Any, **named: Any) -> Any:
            began = perf_counter()
            try:
                return super().executemany(query, *args, **named)
            finally:
                tally.hear(query, perf_counter() - began)

    Counting.__name__ = Counting.__qualname__ = kind.__name__
    return Counting


def _watch_peewee(database: Any) -> Any:
    """Let the database lend cursors that count, whichever driver it has."""
    made, name = database.cursor, str(getattr(database, "database", "") or "")
    sqlite = "sqlite" in type(database).__name__.lower() or name.startswith(("/", "."))
    place = os.path.realpath(name) if sqlite and not name.startswith(":") else name
    tally = _watcher.tally("" if name.startswith(":") else place)

    def cursor(*args: Any, **named: Any) -> Any:
        return WatchedCursor(made(*args, **named), tally)

    database.cursor = cursor
    return database


# -- handing over -----------------------------------------------------------------------------


class Watcher:
    """All tallies of this process, and the thread that hands them over."""

    def __init__(self, every: float = _EVERY) -> None:
        self._every = every
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        """Begin with nothing, as a process does, and one that was forked."""
        self._name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._number, self._file = 0, ""
        self._tallies: dict[str, Tally] = {}
        self._unread: Report = {}
        self._kept: Report = {}  # that could not be handed over
        self._directory: Path | None = None
        self._thread: threading.Thread | None = None

    def after_fork(self) -> None:
        """Count anew in the child: what the parent counted it hands over itself."""
        self._lock = threading.Lock()
        tallies = self._tallies
        self._begin()
        self._tallies = tallies
        for tally in tallies.values():
            tally.forked()
        if tallies:
            self._start()

    def tally(self, place: str) -> Tally:
        """Return what counts for a database; of one in memory only for itself."""
        if not place:
            return Tally()
        with self._lock:
            tally = self._tallies.setdefault(place, Tally())
            if self._thread is None:
                self._start()
        return tally

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._go_on, name="storewarden", daemon=True)
        self._thread.start()

    def _go_on(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._every)
            self.hand_over()

    def hand_over(self) -> None:
        """Hand over what was counted; what cannot be written now is kept for the next time."""
        with self._lock:
            counted = {place: tally.take() for place, tally in self._tallies.items()}
            news = {place: one for place, one in counted.items() if one.statements}
            self._kept = together(self._kept, news)
            if self._kept:
                try:
                    self._write()
                except Exception:  # noqa: BLE001  # a full disk, no daemon here, no configuration
                    self._directory = None

    def _write(self) -> None:
        """Add what is kept to what lies there untaken; it is one or the other at any time."""
        where = self._where()
        if self._unread and reclaim(where, self._file):
            self._kept = together(self._unread, self._kept)
        self._unread = {}
        self._number += 1  # under the one before may lie what nobody took yet
        self._file = f"{self._name}-{self._number}"
        publish(where, self._file, self._kept)
        self._unread, self._kept = self._kept, {}

    def _where(self) -> Path:
        if self._directory is None:
            self._directory = directory()
        return self._directory


def directory() -> Path:
    """Return where counts are handed over: as the environment says, or by the configuration."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    from storewarden.config.load import load  # noqa: PLC0415  # yaml, for who names no directory

    return load(None, os.environ, Path.cwd()).state / DIRECTORY


_watcher = Watcher()
atexit.register(_watcher.hand_over)
os.register_at_fork(after_in_child=_watcher.after_fork)
