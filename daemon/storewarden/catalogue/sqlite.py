"""The catalogue in a SQLite file, by apsw.

Only ever opened with apsw: the sqlite3 of the standard library is another copy of SQLite, and two
copies in one process drop each other's locks. Nothing is set for connections that are not ours.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import quote

import apsw

from storewarden.catalogue.dialect import Dialect
from storewarden.catalogue.engine import IN, OUTSIDE, Engine, Row
from storewarden.catalogue.readers import Readers
from storewarden.errors import (
    CatalogueBusy,
    CatalogueCorrupt,
    CatalogueFull,
    CatalogueRefused,
    CatalogueUnavailable,
    StorewardenError,
)
from storewarden.wildcard import matches

if TYPE_CHECKING:
    from peewee import Database

SIDECARS = ("-wal", "-shm", "-journal")
BUSY_SECONDS = 5
CACHE_KIB = 8192
WAL_PAGES = 4000  # 16 MiB of log before it is brought into the file
SHARED_MEMORY = 65_536  # what the file beside the log may want to grow by
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
IN_AT_ONCE = (
    4096  # far below SQLite's limit of marks; sizes are powers of two, so statements repeat
)


class SqliteEngine(Engine):
    """A catalogue in one file with its log beside it."""

    dialect: ClassVar[Dialect] = "sqlite"
    driver_errors = (apsw.Error, OverflowError)
    _lease_query = "SELECT epoch FROM leases WHERE host_id = ?"
    _index_query = "SELECT name FROM sqlite_schema WHERE type = 'index'"

    def __init__(self, path: Path, *, readonly: bool = False, create: bool = True) -> None:
        self.path = path
        self._inode = 0
        self._logged = 0  # pages in the log after the last commit
        self._create = create and not readonly
        self._renders: Database | None = None
        pool = Readers(self._open) if readonly else self._peewees()
        super().__init__(str(path), pool, readonly=readonly)
        with self._connected() as connection:
            self._inode = _inode(path)
            if not readonly:
                self._set_up(connection)
        self._create = False  # a file that goes away later is not silently begun anew

    @property
    def peewee(self) -> Database:
        """The database as peewee knows it: renders queries, looks at the schema."""
        if not self.readonly:
            return super().peewee
        if self._renders is None:
            self._renders = cast("Database", self._peewees())
        return self._renders

    def _peewees(self) -> Any:
        from storewarden.catalogue.pooled import Pool  # noqa: PLC0415  # peewee takes 10 ms

        return Pool(self.path, self._open, BUSY_SECONDS)

    # -- connections --------------------------------------------------------------------------

    def _open(self) -> apsw.Connection:
        """Open one connection the way all of ours are."""
        self._same_file()
        try:
            try:
                connection = _opened(str(self.path), self._flags())
            except (apsw.CantOpenError, apsw.ReadOnlyError):
                if not self._rests():
                    raise
                # Who may not write there cannot make the files that readers and writers share
                address = f"file:{quote(str(self.path))}?immutable=1"
                connection = _opened(address, self._flags() | apsw.SQLITE_OPEN_URI)
        except apsw.Error as error:
            raise self.translate(error) from error
        connection.set_wal_hook(self._note_log)
        return connection

    def _rests(self) -> bool:
        """Tell whether a catalogue to read is one that nobody has open, and all in one file."""
        log = Path(f"{self.path}-wal")
        try:
            return self.readonly and self.path.is_file() and not log.stat().st_size
        except FileNotFoundError:
            return True

    def _flags(self) -> int:
        if self.readonly:
            return apsw.SQLITE_OPEN_READONLY
        return apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if self._create else 0)

    def _set_up(self, connection: apsw.Connection) -> None:
        """Put the file into WAL mode, once; it stays so."""
        if connection.pragma("journal_mode") != "wal":
            connection.execute("PRAGMA query_only=0")
            connection.pragma("journal_mode", "wal")
            connection.execute("PRAGMA query_only=1")

    # -- statements ---------------------------------------------------------------------------

    def _begin(self, connection: apsw.Connection) -> None:
        self._same_file()
        connection.execute("PRAGMA query_only=0")
        if self._durable:
            connection.execute("PRAGMA synchronous=FULL")
        try:
            connection.execute("BEGIN IMMEDIATE")
        except apsw.Error:
            self._rest(connection)
            raise

    def _rest(self, connection: apsw.Connection) -> None:
        """Make a connection as it is outside of transactions."""
        connection.execute("PRAGMA query_only=1")
        if self._durable:
            connection.execute("PRAGMA synchronous=NORMAL")

    def _same_file(self) -> None:
        """Refuse to write into a file that was removed or replaced under us: it would be lost."""
        if self._inode not in (0, _inode(self.path)):
            self._discard()
            raise CatalogueUnavailable(
                "the catalogue's file was removed or replaced while it was open",
                where=self.where,
                remedy="put it back, or restart the daemon to begin a new one from a scan",
            )

    def _commit(self, connection: apsw.Connection) -> None:
        connection.execute("COMMIT")
        self._rest(connection)
        if self._logged >= WAL_PAGES:
            # Not SQLite's own automatic one: that happens inside COMMIT, whose error would then say
            # that nothing was committed
            self._logged = 0
            with contextlib.suppress(apsw.Error):
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _note_log(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._logged = pages
        return apsw.SQLITE_OK

    def _undo(self, connection: apsw.Connection) -> None:
        # On a full disk or an I/O error SQLite may have rolled back by itself
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        self._rest(connection)

    def _run(self, connection: apsw.Connection, sql: str, params: Sequence[Any]) -> list[Row]:
        return connection.execute(sql, params).fetchall()

    def _explain(self, connection: apsw.Connection, sql: str) -> list[str]:
        whole = sql.replace(IN, "IN (?)")
        marks = [None] * whole.count("?")
        steps = connection.execute(f"EXPLAIN QUERY PLAN {whole}", marks).fetchall()
        return [str(detail) for *_, detail in steps]

    def _run_native(
        self, connection: apsw.Connection, sql: str, params: Sequence[Any]
    ) -> list[Row]:
        return connection.execute(sql, params).fetchall()

    def _run_in(
        self, connection: apsw.Connection, sql: str, values: list[Any], params: Sequence[Any]
    ) -> list[Row]:
        found: list[Row] = []
        for start in range(0, len(values), IN_AT_ONCE):
            chunk = values[start : start + IN_AT_ONCE]
            width = 1 << (len(chunk) - 1).bit_length()
            chunk += chunk[-1:] * (width - len(chunk))
            marks = sql.replace(IN, f"IN ({','.join('?' * width)})")
            found += connection.execute(marks, (*params, *chunk)).fetchall()
        return found

    def _run_each(
        self, connection: apsw.Connection, sql: str, values: Sequence[Sequence[Any]]
    ) -> list[Row]:
        return connection.executemany(sql, values).fetchall()

    def _run_many(
        self, connection: apsw.Connection, sql: str, rows: Iterable[Sequence[Any]]
    ) -> None:
        connection.executemany(sql, rows)

    def _flow(
        self,
        connection: apsw.Connection,
        sql: str,
        params: Sequence[Any],
        size: int,  # noqa: ARG002  # rows come one by one
    ) -> Iterator[Row]:
        return connection.execute(sql, params)

    def _load(
        self,
        connection: apsw.Connection,
        table: str,
        columns: tuple[str, ...],
        rows: Iterable[Sequence[Any]],
    ) -> None:
        marks = ",".join("?" * len(columns))
        connection.executemany(
            f"INSERT INTO {table}({','.join(columns)}) VALUES({marks})",
            rows,
        )

    def _revise(
        self,
        connection: apsw.Connection,
        table: str,
        key: tuple[str, ...],
        columns: tuple[str, ...],
        rows: Iterable[Sequence[Any]],
    ) -> None:
        values = ",".join(f"{column}=?" for column in columns)
        where = " AND ".join(f"{column}=?" for column in key)
        connection.executemany(f"UPDATE {table} SET {values} WHERE {where}", rows)

    # -- care ---------------------------------------------------------------------------------

    def size(self) -> int:
        """Return the bytes of the file and of everything beside it."""
        total = 0
        for suffix in ("", *SIDECARS):
            try:
                total += os.stat(f"{self.path}{suffix}").st_size
            except FileNotFoundError:
                continue
        return total

    def log_size(self) -> int:
        """Return the bytes of the write-ahead log."""
        try:
            return os.stat(f"{self.path}-wal").st_size
        except FileNotFoundError:
            return 0

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all that this thread reads meanwhile be of one moment, however long it takes."""
        opened = self._connect()
        try:
            with self._connected() as connection:
                connection.execute("BEGIN")
                connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
            yield
        finally:
            if not self._pool.is_closed():
                with self._connected() as connection:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            self._give_back(opened=opened)

    def checkpoint(self) -> None:
        """Bring the log into the file and cut it to nothing, as far as readers allow."""
        with self._connected() as connection:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def release_memory(self) -> None:
        """Close idle connections and drop the cached pages of this thread's."""
        with self._connected() as connection:
            self._pool.close_idle()
            connection.cache_flush()
            connection.pragma("shrink_memory")

    # -- errors -------------------------------------------------------------------------------

    def translate(self, error: BaseException) -> StorewardenError:
        """Return our error for one of apsw's."""
        where, why = self.where, str(error)
        if isinstance(error, apsw.FullError) or self._out_of_space(error):
            return CatalogueFull(
                "no space for the catalogue",
                where=where,
                why=why,
                remedy=f"free some space on the file system of {self.path.parent}",
            )
        if isinstance(error, apsw.ConstraintError | apsw.MismatchError | OverflowError):
            from storewarden.catalogue.rules import explain_sqlite  # noqa: PLC0415  # 3 ms

            words = explain_sqlite(why)
            return CatalogueRefused("the catalogue refused a row", where=where, why=words)
        if isinstance(error, apsw.CorruptError | apsw.NotADBError):
            return CatalogueCorrupt(
                "the catalogue is damaged",
                where=where,
                why=why,
                remedy="the daemon sets it aside and rebuilds it when it starts",
            )
        if isinstance(error, apsw.BusyError | apsw.LockedError):
            return CatalogueBusy(
                "another program holds the catalogue",
                where=where,
                why=f"waited {BUSY_SECONDS} s: {why}",
                remedy=f"see who has it open: fuser -v {where}",
            )
        return self._unavailable_or_refused(error)

    def _unavailable_or_refused(self, error: BaseException) -> StorewardenError:
        outside = self.readonly or not self.inside_transaction()
        if isinstance(error, apsw.ReadOnlyError) and outside:
            return CatalogueRefused(OUTSIDE, where=self.where)
        for kind, what in _UNAVAILABLE.items():
            if isinstance(error, kind):
                return CatalogueUnavailable(
                    what,
                    where=self.where,
                    why=str(error),
                    remedy=f"see permissions, mounts, the kernel's log: ls -ld {self.path.parent}",
                )
        return CatalogueRefused(
            "the catalogue refused a statement", where=self.where, why=str(error)
        )

    def _out_of_space(self, error: BaseException) -> bool:
        """Tell whether an I/O error was the want of space: SQLite says so only of some."""
        if not isinstance(error, apsw.IOError):
            return False
        if not self._pool.is_closed() and self._pool.connection().system_errno in FULL:
            return True
        try:
            space = os.statvfs(self.path.parent)
        except OSError:
            return False
        return space.f_bavail * space.f_frsize < SHARED_MEMORY

    def _spoils(self, error: StorewardenError) -> bool:
        return isinstance(error, CatalogueUnavailable | CatalogueCorrupt)


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def _found_at(api: apsw.FTS5ExtensionApi, *values: apsw.SQLiteValue) -> bytes:
    """Count for a search; whoever searches for nothing need not know how."""
    from storewarden.catalogue.search_file import found_at  # noqa: PLC0415  # see above

    return found_at(api, *values)


def _opened(name: str, flags: int) -> apsw.Connection:
    connection = apsw.Connection(name, flags=flags, statementcachesize=200)
    try:
        connection.set_busy_timeout(BUSY_SECONDS * 1000)
        connection.create_scalar_function("glob_bytes", _glob, 2, deterministic=True)
        for pragma, value in _PRAGMAS:
            connection.pragma(pragma, value)
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
        # after the first read: it would not say what is wrong with a damaged file
        connection.register_fts5_function("found_at", _found_at)
    except BaseException:
        connection.close()
        raise
    return connection


def _glob(*values: Any) -> int | None:
    """Answer SQLite whether a value (the second) matches a pattern (the first)."""
    return None if None in values else matches(values[0], values[1])


_UNAVAILABLE: dict[type[BaseException], str] = {
    apsw.ReadOnlyError: "the catalogue cannot be written",
    apsw.CantOpenError: "the catalogue cannot be opened",
    apsw.IOError: "the catalogue cannot be read or written",
    apsw.ProtocolError: "the catalogue cannot be locked",
}

_PRAGMAS: tuple[tuple[str, Any], ...] = (
    (
        "synchronous",
        "NORMAL",
    ),  # in WAL mode: a power cut may take the newest rows, a scan returns them
    ("foreign_keys", True),
    ("cache_size", -CACHE_KIB),
    ("mmap_size", 0),  # an I/O error in a mapping is a signal that kills; read() returns it
    ("temp_store", "MEMORY"),
    ("trusted_schema", False),
    ("cell_size_check", True),
    ("wal_autocheckpoint", 0),  # see _commit
    ("journal_size_limit", 2 * WAL_PAGES * 4096),
    ("query_only", True),  # lifted inside transaction(), where the lease is checked
)
