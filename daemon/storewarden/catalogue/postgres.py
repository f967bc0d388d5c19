"""The catalogue in PostgreSQL, by psycopg 3.

Sessions are read-only outside ``transaction()``, and every wait in them has an end: connecting,
locks, statements, and transactions whose program stands still.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import psycopg
from playhouse.pool import _PooledPostgresqlDatabase
from playhouse.postgres_ext import Psycopg3Database
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from storewarden.catalogue.dialect import Dialect, percent_marks
from storewarden.catalogue.engine import IN, OUTSIDE, Engine, Row
from storewarden.catalogue.refusals import translate
from storewarden.config.secret import redacted
from storewarden.errors import CatalogueRefused, CatalogueUnavailable, StorewardenError

CONNECTIONS = 6  # threads of the daemon that may read or write in one moment
WAIT_SECONDS = 5  # for a free connection of ours
STALE_SECONDS = 1800  # a session is begun anew after this: servers' sessions grow
IN_AT_ONCE = 10_000
UPDATE_AT_ONCE = 10_000
PATIENCE = "10min"  # between two reads of a snapshot, for what is done with them

_CONNECT: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# No jit: what decides a few files is a long query that runs shortly, and half a second to compile.
_SESSION = """
    SET default_transaction_read_only = on;
    SET lock_timeout = '5s';
    SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '15s';
    SET client_min_messages = warning;
    SET bytea_output = hex;
    SET jit = off
"""

Connection = psycopg.Connection[Row]


class Opened(Psycopg3Database):
    """Peewee's face of psycopg, over connections that are opened by us."""

    _open: Callable[[], Connection]

    def _connect(self) -> Connection:
        return self._open()


class Pool(_PooledPostgresqlDatabase, Opened):
    """Peewee's pool of them; it asks each whether it is alive before lending it."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._open = connect
        super().__init__(
            "postgresql://",
            max_connections=CONNECTIONS,
            timeout=WAIT_SECONDS,
            stale_timeout=STALE_SECONDS,
        )


class PostgresEngine(Engine):
    """A catalogue on a server, shared by any number of hosts."""

    dialect: ClassVar[Dialect] = "postgresql"
    driver_errors = (psycopg.Error, OverflowError)
    # KEY SHARE: a takeover waits for this transaction to end, a beat of our own does not
    _lease_query = "SELECT epoch FROM leases WHERE host_id = ? FOR KEY SHARE"
    _index_query = "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"

    def __init__(self, url: str, *, readonly: bool = False, role: str = "storewarden") -> None:
        given = _address(url)
        self._conninfo = make_conninfo(
            **{**_CONNECT, "application_name": f"storewarden {role}", **given}
        )
        self._types: dict[str, dict[str, str]] = {}
        super().__init__(redacted(url), Pool(self._open), readonly=readonly)
        with self._connected():
            pass

    # -- connections --------------------------------------------------------------------------

    def _open(self) -> Connection:
        """Open one session the way all of ours are."""
        try:
            connection: Connection = psycopg.connect(self._conninfo, autocommit=True)
            connection.execute(_SESSION)
        except psycopg.Error as error:
            raise self.translate(error) from error
        return connection

    # -- statements ---------------------------------------------------------------------------

    def _begin(self, connection: Connection) -> None:
        connection.execute("BEGIN READ WRITE")
        if self._durable:  # whatever the server, the database or the role was set to
            connection.execute("SET LOCAL synchronous_commit = on")

    def _commit(self, connection: Connection) -> None:
        # After an error that somebody swallowed, COMMIT would roll back and report success
        if connection.info.transaction_status != pq.TransactionStatus.INTRANS:
            raise CatalogueRefused(
                "a transaction that failed cannot be committed", where=self.where
            )
        connection.execute("COMMIT")

    def _undo(self, connection: Connection) -> None:
        if connection.info.transaction_status != pq.TransactionStatus.IDLE:
            connection.execute("ROLLBACK")

    def no_time_limit(self) -> None:
        """Let the statements of the open transaction take as long as they take."""
        super().no_time_limit()
        self.execute("SET LOCAL statement_timeout = 0")

    def _run(self, connection: Connection, sql: str, params: Sequence[Any]) -> list[Row]:
        return self._run_native(connection, percent_marks(sql) if params else sql, params)

    def _run_native(self, connection: Connection, sql: str, params: Sequence[Any]) -> list[Row]:
        cursor = connection.execute(sql.encode(), params or None)
        return cursor.fetchall() if cursor.description else []

    def _explain(self, connection: Connection, sql: str) -> list[str]:
        """Return the plan for any values: one for given values would tell them."""
        numbers = itertools.count(1)
        marks = percent_marks(sql.replace(IN, "= ANY(?)"))
        whole = re.sub(r"%s", lambda _mark: f"${next(numbers)}", marks).replace("%%", "%")
        text = f"EXPLAIN (GENERIC_PLAN, COSTS OFF) {whole}"
        return [str(line) for (line,) in connection.execute(text.encode()).fetchall()]

    def _run_in(
        self, connection: Connection, sql: str, values: list[Any], params: Sequence[Any]
    ) -> list[Row]:
        marks = percent_marks(sql.replace(IN, "= ANY(?)"))
        found: list[Row] = []
        for start in range(0, len(values), IN_AT_ONCE):
            chunk = values[start : start + IN_AT_ONCE]
            found += self._run_native(connection, marks, (*params, chunk))
        return found

    def _run_each(
        self, connection: Connection, sql: str, values: Sequence[Sequence[Any]]
    ) -> list[Row]:
        found: list[Row] = []
        with connection.cursor() as cursor:
            cursor.executemany(percent_marks(sql).encode(), values, returning=True)
            more: bool | None = True
            while more:
                found += cursor.fetchall()
                more = cursor.nextset()
        return found

    def _run_many(self, connection: Connection, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(percent_marks(sql).encode(), rows)

    def _flow(
        self, connection: Connection, sql: str, params: Sequence[Any], size: int
    ) -> Iterator[Row]:
        outside = connection.info.transaction_status == pq.TransactionStatus.IDLE
        with connection.cursor(name="stream", withhold=outside) as cursor:
            cursor.itersize = size
            cursor.execute((percent_marks(sql) if params else sql).encode(), params or None)
            yield from cursor

    def _load(
        self,
        connection: Connection,
        table: str,
        columns: tuple[str, ...],
        rows: Iterable[Sequence[Any]],
    ) -> None:
        types = self._types_of(connection, table)
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
        with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.set_types([types[column] for column in columns])
            for row in rows:
                copy.write_row(row)

    def _revise(
        self,
        connection: Connection,
        table: str,
        key: tuple[str, ...],
        columns: tuple[str, ...],
        rows: Iterable[Sequence[Any]],
    ) -> None:
        """Update thousands of rows by one statement: their values go as one array a column."""
        types = self._types_of(connection, table)
        wide = (*columns, *key)
        arrays = ", ".join(f"%s::{types[column]}[]" for column in wide)
        aliases = ", ".join(f"v{index}" for index in range(len(wide)))
        values = ", ".join(f"{column} = v.v{index}" for index, column in enumerate(columns))
        where = " AND ".join(
            f"t.{column} = v.v{index}" for index, column in enumerate(key, len(columns))
        )
        statement = (
            f"UPDATE {table} t SET {values} FROM unnest({arrays}) AS v({aliases}) WHERE {where}"
        )
        gathered = list(rows)
        for start in range(0, len(gathered), UPDATE_AT_ONCE):
            chunk = gathered[start : start + UPDATE_AT_ONCE]
            connection.execute(
                statement.encode(), [list(each) for each in zip(*chunk, strict=True)]
            )

    def _types_of(self, connection: Connection, table: str) -> dict[str, str]:
        """Return the type of each column, as the server calls it."""
        if table not in self._types:
            rows = connection.execute(
                "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                (table,),
            ).fetchall()
            self._types[table] = {str(column): str(type_) for column, type_ in rows}
        return self._types[table]

    # -- care ---------------------------------------------------------------------------------

    def incarnation(self) -> str:
        """Return since when the server runs."""
        return str(self.execute("SELECT pg_postmaster_start_time()")[0][0])

    def size(self) -> int:
        """Return the bytes of all tables and their indexes."""
        rows = self.execute(
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        )
        return int(rows[0][0])

    def checkpoint(self) -> None:
        """Do nothing: the server has its own time for that."""

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all that this thread reads meanwhile be of one moment, however long it takes."""
        opened = self._connect()
        try:
            self._settle("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._settle("SET LOCAL statement_timeout = 0")
            self._settle(f"SET LOCAL idle_in_transaction_session_timeout = '{PATIENCE}'")
            yield
        finally:
            if not self._pool.is_closed():
                self._settle("ROLLBACK")
            self._give_back(opened=opened)

    def _settle(self, statement: str) -> None:
        with self._connected() as connection:
            connection.execute(statement.encode())

    def copy_out(self, table: str, columns: Sequence[str]) -> Iterator[bytes]:
        """Yield a table as COPY writes it."""
        statement = f"COPY {table} ({', '.join(columns)}) TO STDOUT"
        with (
            self._connected() as connection,
            connection.cursor() as cursor,
            cursor.copy(statement.encode()) as copy,
        ):
            for block in copy:
                yield bytes(block)

    def copy_in(self, table: str, columns: Sequence[str], blocks: Iterable[bytes]) -> None:
        """Load a table with what ``copy_out`` yielded."""
        self._must_be_inside()
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with (
            self._connected() as connection,
            connection.cursor() as cursor,
            cursor.copy(statement.encode()) as copy,
        ):
            for block in blocks:
                copy.write(block)

    def learn(self) -> None:
        """Count what the tables hold, so that the server plans by it."""
        with self.transaction():
            self.no_time_limit()
            self.execute("ANALYZE")

    def release_memory(self) -> None:
        """Close idle sessions."""
        self._pool.close_idle()

    # -- errors -------------------------------------------------------------------------------

    def translate(self, error: BaseException) -> StorewardenError:
        """Return our error for one of psycopg's."""
        code = getattr(error, "sqlstate", None)
        if code == "25006" and (self.readonly or not self.inside_transaction()):
            return CatalogueRefused(OUTSIDE, where=self.where)
        return translate(error, self.where)

    def _spoils(self, error: StorewardenError) -> bool:
        return isinstance(error, CatalogueUnavailable)


def _address(url: str) -> dict[str, Any]:
    """Return what the address says, or raise without repeating its password."""
    try:
        return dict(conninfo_to_dict(url))
    except psycopg.Error as error:
        raise CatalogueUnavailable(
            "the catalogue's address cannot be read",
            where=redacted(url),
            why=redacted(str(error)).strip(),
            remedy="write postgresql://USER@HOST/DATABASE",
        ) from None
