"""The one way to the catalogue's rows, whichever database holds them.

Everything that changes rows happens inside ``transaction()``: it is the only place where the epoch
of the lease is checked, so outside of it connections are read-only. SQL is written once, with ``?``
for values and the braces of ``dialect``. Every error of a driver becomes one of ``errors``.

An engine may be used by several threads at once: each gets a connection of the pool for as long as
it needs one, writers take turns.
"""

from __future__ import annotations

import itertools
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol

from storewarden.catalogue.dialect import Dialect
from storewarden.errors import (
    CatalogueBusy,
    CatalogueUnavailable,
    LeaseLost,
    PermanentError,
    StorewardenError,
)

if TYPE_CHECKING:  # 10 ms, for who builds no query with it
    from peewee import Database, Node

Row = tuple[Any, ...]
IN = "IN ({in})"
_MANY = 1000  # rows of a batch, of which the number is only known at its end
OUTSIDE = "rows are changed inside transaction() of a catalogue opened to write"


class Lease(Protocol):
    """What a holder proves inside each transaction: that its epoch is still the row's."""

    @property
    def host_id(self) -> int: ...

    @property
    def epoch(self) -> int: ...


class Timed(Protocol):
    """Hears how long statements took; called often, by any thread, and must not raise."""

    def __call__(self, sql: str, seconds: float, /, *, rows: int = 1) -> None:
        """Hear of one statement, without its values, that was run for so many rows of them."""
        ...


def _unheard(sql: str, seconds: float, /, *, rows: int = 1) -> None:
    """Hear nothing."""


class Follower(Protocol):
    """Follows what transactions add to tables, from inside of them; see ``events.rounds``."""

    def adding(self, table: str) -> None:
        """Hear that rows are about to be inserted into a table."""
        ...

    def ending(self) -> None:
        """Write what there is to write: the transaction is about to be committed."""
        ...

    def ended(self, *, committed: bool) -> None:
        """Hear that the transaction is over; must not raise."""
        ...


class Engine(ABC):
    """An open catalogue. Made by ``connect.open_catalogue`` only."""

    dialect: ClassVar[Dialect]
    driver_errors: ClassVar[tuple[type[BaseException], ...]]

    def __init__(self, where: str, database: Any, *, readonly: bool) -> None:
        self.where = where
        self.readonly = readonly
        self._pool = database  # a pooled peewee database; its stubs know no pools
        self._turn = threading.Lock()
        self._writer = 0  # the thread inside a transaction
        self._durable = False  # whether that transaction must survive a power cut
        self._lease: Lease | None = None
        self.timed: Timed = _unheard
        self.follower: Follower | None = None

    @property
    def peewee(self) -> Database:
        """The database as peewee knows it: renders queries, looks at the schema."""
        database: Database = self._pool
        return database

    # -- reading ------------------------------------------------------------------------------

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Run one statement and return all its rows, ``[]`` when it has none."""
        began = time.perf_counter()
        with self._connected() as connection:
            rows = self._run(connection, sql, params)
        self.timed(sql, time.perf_counter() - began)
        return rows

    def stream(self, sql: str, params: Sequence[Any] = (), size: int = 2000) -> Iterator[Row]:
        """Yield the rows of one statement; memory holds ``size`` of them. Exhaust or close it."""
        with self._connected() as connection:
            yield from self._flow(connection, sql, params, size)

    def pages(self, sql: str, params: Sequence[Any] = (), size: int = 4000) -> Iterator[list[Row]]:
        """Yield the same ``size`` rows at a time: for so many that each of them counts."""
        with self._connected() as connection:
            rows = self._flow(connection, sql, params, size)
            while page := list(itertools.islice(rows, size)):
                yield page

    def fetch_in(self, sql: str, values: Iterable[Any], params: Sequence[Any] = ()) -> list[Row]:
        """Return the rows for any number of values; ``sql`` holds ``IN ({in})`` once, as its last.

        ``params`` are the values of the other marks, all of which stand before ``IN ({in})``.
        """
        wanted = list(values)
        if sql.count(IN) != 1 or "?" in sql.split(IN)[1]:
            raise ValueError(f"no single, last {IN}: {sql}")
        if not wanted:
            return []
        began = time.perf_counter()
        with self._connected() as connection:
            rows = self._run_in(connection, sql, wanted, params)
        self.timed(sql, time.perf_counter() - began)
        return rows

    def fetch_each(self, sql: str, values: Sequence[Sequence[Any]]) -> list[Row]:
        """Return the rows of one statement for each row of values, without a wait between them."""
        if not values:
            return []
        began = time.perf_counter()
        with self._connected() as connection:
            rows = self._run_each(connection, sql, values)
        self.timed(sql, time.perf_counter() - began, rows=len(values))
        return rows

    def rows(self, query: Node) -> list[Row]:
        """Run a query built with peewee, inside the transaction if one is open here."""
        sql, params = self.render(query)
        began = time.perf_counter()
        with self._connected() as connection:
            rows = self._run_native(connection, sql, params)
        self.timed(sql, time.perf_counter() - began)
        return rows

    def render(self, query: Node) -> tuple[str, list[Any]]:
        """Return the SQL that peewee makes of a query for this database, and its values."""
        sql, params = self.peewee.get_sql_context().sql(query).query()
        return sql, list(params or ())

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """Let all that this thread reads meanwhile be of one moment, however long it takes."""

    # -- writing ------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """Make all statements of this thread one: committed at the end, or none of them happened.

        ``durable``: once this returns, not even a power cut takes it back; else the newest
        transactions may be lost then, which a scan makes good.

        Raises LeaseLost before anything is written when the lease held is no longer ours. When the
        commit itself ends in CatalogueUnavailable (a server that went away), nobody can know
        whether it happened: what is tried again must bear having happened.
        """
        self._refuse_if_wrong()
        with self._turn:
            self._writer = threading.get_ident()
            self._durable = durable
            try:
                opened = self._begin_or_reconnect()
                try:
                    yield from self._committed()
                finally:
                    self._give_back(opened=opened)
            finally:
                self._writer = 0

    def _refuse_if_wrong(self) -> None:
        if self.readonly:
            raise RuntimeError("this catalogue was opened to read only")
        if self.inside_transaction():
            raise RuntimeError("transactions are not nested")

    def _committed(self) -> Iterator[None]:
        follower = self.follower
        try:
            self._check_lease()
            yield
            if follower is not None:
                follower.ending()
            with self._connected() as connection:
                self._commit(connection)
        except BaseException:
            self._roll_back()
            if follower is not None:
                follower.ended(committed=False)
            raise
        if follower is not None:
            follower.ended(committed=True)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Make a part of the open transaction one: when it fails, it alone did not happen.

        Raises CatalogueUnavailable where a part that was refused could not be undone: its
        transaction must not be committed.
        """
        self._must_be_inside()
        self.execute("SAVEPOINT part")
        try:
            yield
        except PermanentError as refused:
            try:
                self._undo_part()
            except StorewardenError as error:
                raise CatalogueUnavailable(
                    "what was refused cannot be undone", where=self.where, why=str(error)
                ) from refused
            raise
        except BaseException:
            with suppress(StorewardenError):  # the transaction itself may be gone
                self._undo_part()
            raise
        self.execute("RELEASE SAVEPOINT part")

    def _undo_part(self) -> None:
        self.execute("ROLLBACK TO SAVEPOINT part")
        self.execute("RELEASE SAVEPOINT part")

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Join the open transaction of this thread, or make one of its own."""
        if self.inside_transaction():
            yield
        else:
            with self.transaction():
                yield

    def inside_transaction(self) -> bool:
        """Tell whether this thread is inside ``transaction()``."""
        return self._writer == threading.get_ident()

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values."""
        self._must_be_inside()
        began = time.perf_counter()
        with self._connected() as connection:
            self._run_many(connection, sql, rows)
        self.timed(sql, time.perf_counter() - began, rows=_MANY)

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows the fastest way there is; a conflict is an error."""
        self._must_be_inside()
        if self.follower is not None:
            self.follower.adding(table)
        with self._connected() as connection:
            began = time.perf_counter()
            self._load(connection, table, tuple(columns), rows)
        self.timed(f"INSERT INTO {table}", time.perf_counter() - began, rows=_MANY)

    def update(
        self,
        table: str,
        key: Sequence[str],
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
    ) -> None:
        """Set ``columns`` where ``key`` matches; a row holds the columns' values, then the key's.

        No two rows may bear the same key: which of them would win is left open.
        """
        self._must_be_inside()
        with self._connected() as connection:
            began = time.perf_counter()
            self._revise(connection, table, tuple(key), tuple(columns), rows)
        self.timed(f"UPDATE {table}", time.perf_counter() - began, rows=_MANY)

    @contextmanager
    def bulk(self) -> Iterator[None]:
        """Load a catalogue that holds no files yet: indexes that nothing needs are made at the end.

        A catalogue with files is left as it is. Should the program be killed meanwhile, the next
        ``migrate.migrate`` makes the indexes.
        """
        from storewarden.catalogue.declared import SECONDARY  # noqa: PLC0415  # no reader needs it

        if not self.execute("SELECT 1 FROM files LIMIT 1"):
            with self.transaction():
                for name in SECONDARY:
                    self.execute(f"DROP INDEX IF EXISTS {name}")
        try:
            yield
        finally:
            self.mend_indexes()
        self.learn()

    def mend_indexes(self) -> None:
        """Make the indexes that a bulk load which was killed left unmade."""
        from storewarden.catalogue.declared import INDEXES, SECONDARY  # noqa: PLC0415  # as above

        there = {name for (name,) in self.execute(self._index_query)}
        for name in SECONDARY:
            if name not in there:
                with self.transaction():
                    self.no_time_limit()
                    self.execute(INDEXES[name])

    def _must_be_inside(self) -> None:
        if not self.inside_transaction():
            raise RuntimeError("rows are changed inside transaction() only")

    # -- the lease ----------------------------------------------------------------------------

    def hold(self, lease: Lease | None) -> None:
        """Check this lease in every transaction from now on; None checks nothing any more."""
        self._lease = lease

    def _check_lease(self) -> None:
        lease = self._lease
        if lease is None:
            return
        rows = self.execute(self._lease_query, (lease.host_id,))
        if rows != [(lease.epoch,)]:
            raise LeaseLost(
                "the lease was taken over",
                where=self.where,
                why=f"its epoch is {rows[0][0] if rows else 'gone'}, ours was {lease.epoch}",
                remedy="this process stops writing; the other one goes on",
            )

    # -- care ---------------------------------------------------------------------------------

    @abstractmethod
    def size(self) -> int:
        """Return the bytes that the catalogue takes, with everything beside it."""

    def incarnation(self) -> str:
        """Return what changes when what holds the rows is started anew; a file never is."""
        return ""

    def log_size(self) -> int:
        """Return the bytes of the log beside the file, where there is one."""
        return 0

    @abstractmethod
    def checkpoint(self) -> None:
        """Bring what is in the log into the file and cut the log, where there is one."""

    def explain(self, sql: str) -> str:
        """Return how the database goes about a statement, a line for each step; no values needed.

        Empty where it cannot be told: the statement is none that is planned, or a server is too
        old.
        """
        try:
            with self._connected() as connection:
                return "\n".join(self._explain(connection, sql))
        except StorewardenError:
            return ""

    def learn(self) -> None:  # noqa: B027  # not every database plans by that
        """Let the database count what its tables hold."""

    def no_time_limit(self) -> None:
        """Let the statements of the open transaction take as long as they take."""
        self._must_be_inside()

    @abstractmethod
    def release_memory(self) -> None:
        """Give cached pages back to the system; for after a scan."""

    def close(self) -> None:
        """Close every connection. The engine may be used again: it connects anew."""
        self._discard()

    # -- connections --------------------------------------------------------------------------

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """Lend the connection of this thread, or one of the pool, and translate errors."""
        opened = False
        try:
            opened = self._connect()
            yield self._pool.connection()
        except self.driver_errors as error:
            self._fail(error)
        finally:
            if opened:
                self._give_back(opened=True)

    def _connect(self) -> bool:
        """Make sure that this thread has a connection; True when it had none."""
        try:
            opened: bool = self._pool.connect(reuse_if_open=True)
        except ValueError as error:  # peewee's MaxConnectionsExceeded
            raise CatalogueBusy(
                "the catalogue's connections are all in use", where=self.where, why=str(error)
            ) from error
        return opened

    def _give_back(self, *, opened: bool) -> None:
        if opened and not self._pool.is_closed():
            self._pool.close()

    def _begin_or_reconnect(self) -> bool:
        """Begin, once more on a new connection when the pooled one turns out to be dead."""
        try:
            return self._begin_once()
        except StorewardenError as error:
            if not error.transient or isinstance(error, CatalogueBusy):
                raise
            return self._begin_once()

    def _begin_once(self) -> bool:
        opened = self._connect()
        try:
            with self._connected() as connection:
                self._begin(connection)
        except BaseException:
            self._give_back(opened=opened)
            raise
        return opened

    def _roll_back(self) -> None:
        """Undo the open transaction; a connection that cannot even do that is thrown away."""
        if self._pool.is_closed():
            return
        try:
            self._undo(self._pool.connection())
        except self.driver_errors:
            self._discard()

    def _fail(self, error: BaseException) -> NoReturn:
        """Raise the error as one of ours; connections that it may have spoilt are closed."""
        translated = self.translate(error)
        if self._spoils(translated):
            self._discard()
        raise translated from error

    def _discard(self) -> None:
        """Close this thread's connection and all idle ones, so that the next use connects anew."""
        if not self._pool.is_closed():
            self._pool.manual_close()
        self._pool.close_idle()

    # -- what a database does its own way -----------------------------------------------------

    _lease_query: ClassVar[str]
    _index_query: ClassVar[str]

    @abstractmethod
    def translate(self, error: BaseException) -> StorewardenError:
        """Return our error for a driver's error."""

    @abstractmethod
    def _spoils(self, error: StorewardenError) -> bool:
        """Tell whether connections should be opened anew after this error."""

    @abstractmethod
    def _begin(self, connection: Any) -> None: ...

    @abstractmethod
    def _commit(self, connection: Any) -> None: ...

    @abstractmethod
    def _undo(self, connection: Any) -> None: ...

    @abstractmethod
    def _run(self, connection: Any, sql: str, params: Sequence[Any]) -> list[Row]: ...

    @abstractmethod
    def _explain(self, connection: Any, sql: str) -> list[str]: ...

    @abstractmethod
    def _run_native(self, connection: Any, sql: str, params: Sequence[Any]) -> list[Row]: ...

    @abstractmethod
    def _run_in(
        self,
        connection: Any,
        sql: str,
        values: list[Any],
        params: Sequence[Any],
    ) -> list[Row]: ...

    @abstractmethod
    def _run_each(
        self, connection: Any, sql: str, values: Sequence[Sequence[Any]]
    ) -> list[Row]: ...

    @abstractmethod
    def _run_many(self, connection: Any, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...

    @abstractmethod
    def _flow(
        self,
        connection: Any,
        sql: str,
        params: Sequence[Any],
        size: int,
    ) -> Iterator[Row]: ...

    @abstractmethod
    def _load(
        self,
        connection: Any,
        table: str,
        columns: tuple[str, ...],
        rows: Iterable[Sequence[Any]],
    ) -> None: ...

    @abstractmethod
    def _revise(
        self,
        connection: Any,
        table: str,
        key: tuple[str, ...],
        columns: tuple[str, ...],
        rows: Iterable[Sequence[Any]],
    ) -> None: ...
