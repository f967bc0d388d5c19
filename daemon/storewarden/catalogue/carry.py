"""A whole catalogue carried over into an empty one, of the same database or the other, and proven.

What is copied is what the models declare, so that no table can be forgotten. The source is read as
it was at one moment and never written; the target is a catalogue only when each of its tables was
read back and found to hold the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import chain
from typing import Any

from storewarden.catalogue import begun, lease
from storewarden.catalogue.begun import VERSION_COLUMNS, VERSIONS
from storewarden.catalogue.declared import MODELS
from storewarden.catalogue.engine import Engine, Row
from storewarden.catalogue.orm import BigAutoField
from storewarden.catalogue.tally import Tally, without_nul
from storewarden.catalogue.version import require_current
from storewarden.catalogue.words import Words
from storewarden.clock import Clock
from storewarden.errors import HeldByAnother, UsageError

WORDS = "words"
LEASES = "leases"
AT_ONCE = 5000  # rows of a transaction,
BYTES_AT_ONCE = 8 << 20  # and bytes: a transcript is long
WORDS_AT_ONCE = 256
_FETCHED = 100  # rows that a server sends at once, for the same reason
_KEY_OF_WORDS = {"sqlite": "rowid", "postgresql": "file_id"}

Heard = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Table:
    """What there is to know of one table in order to copy it."""

    name: str
    columns: tuple[str, ...]
    numbered: bool  # whether the database gives its numbers
    of_itself: bool  # whether rows refer to others of the same table

    @property
    def selection(self) -> str:
        """The query of all its rows."""
        return f"SELECT {', '.join(self.columns)} FROM {self.name}"


@dataclass(frozen=True, slots=True)
class Carried:
    """One table as it was read from the source, and as it was read back from the target."""

    table: str
    source: Tally
    target: Tally

    @property
    def same(self) -> bool:
        """Whether both hold the same rows."""
        return self.source.is_like(self.target)


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy came to; only one that is ``same`` was finished."""

    tables: tuple[Carried, ...]
    mended: int  # rows with a text in which U+FFFD now stands for NUL

    @property
    def same(self) -> bool:
        """Whether every table holds the same rows in both."""
        return all(each.same for each in self.tables)


def tables() -> tuple[Table, ...]:
    """Return every declared table, those that others refer to before them."""
    there: dict[str, type[Any]] = {model._meta.table_name: model for model in MODELS}  # noqa: SLF001
    sorter = TopologicalSorter[str]()
    for name, model in there.items():
        parents = {parent._meta.table_name for parent in model._meta.refs.values()}  # noqa: SLF001
        sorter.add(name, *sorted(parents - {name}))
    return tuple(_table(there[name]) for name in sorter.static_order())


def copy(
    source: Engine,
    target: Engine,
    clock: Clock,
    sleep: Callable[[float], None] = time.sleep,
    heard: Heard = lambda _rows, _what: None,
    at_once: int = AT_ONCE,
) -> Copied:
    """Copy all that a catalogue holds into an empty one, and compare them.

    Numbers of rows stay. Nobody holds the lease of the copy, and its index of words is made anew.
    A copy that was interrupted, or that is not the same, leaves a target that every program
    refuses, until a copy into it is begun anew.

    Raises:
        HeldByAnother: somebody writes the source, or did so meanwhile.
        UsageError: the source has nothing, or the target has something.
    """
    require_current(source)
    epochs = lease.epochs(source)
    lease.refuse_if_held(source, clock, sleep)
    if not source.execute("SELECT 1 FROM hosts LIMIT 1"):
        raise UsageError("the catalogue is empty: there is nothing to copy", where=source.where)
    copying = _Copying(source, target, begun.begin(target, source, clock), heard, at_once)
    with source.snapshot():
        told = {table.name: copying.rows(table) for table in tables() if table.name != VERSIONS}
        copying.number()
        target.learn()
        told[WORDS] = copying.words()
        versions = source.execute(f"SELECT {', '.join(VERSION_COLUMNS)} FROM {VERSIONS}")
    if lease.epochs(source) != epochs:
        raise HeldByAnother(
            "the catalogue was written while it was copied",
            where=source.where,
            why="another process took its lease meanwhile",
            remedy="see that nothing writes it, and copy again",
        )
    copied = Copied(tuple(copying.proof(told)), copying.mended)
    if copied.same:
        begun.finish(target, copying.mark, versions)
    return copied


class _Copying:
    """One copy, from its mark to its proof."""

    def __init__(
        self, source: Engine, target: Engine, mark: str, heard: Heard, at_once: int
    ) -> None:
        self._source = source
        self._target = target
        self.mark = mark
        self._heard = heard
        self._at_once = at_once
        self._done = 0
        self.mended = 0

    def rows(self, table: Table) -> Tally:
        """Copy all rows of one table; return what they were."""
        tally = Tally()
        batches = self._batches(table, tally)
        if table.of_itself:  # a row may refer to one that comes later
            self._insert(table, chain.from_iterable(batches), tally)
        else:
            for batch in batches:
                self._insert(table, iter(batch), tally)
        return tally

    def _insert(self, table: Table, rows: Iterator[Row], tally: Tally) -> None:
        with self._target.transaction():
            begun.require(self._target, self.mark)
            self._target.no_time_limit()
            if self._target.dialect == "sqlite":  # PostgreSQL looks at the end of the statement
                self._target.execute("PRAGMA defer_foreign_keys = ON")
            self._target.insert(table.name, table.columns, rows)
        self._heard(self._done + tally.rows, table.name)

    def _batches(self, table: Table, tally: Tally) -> Iterator[list[Row]]:
        batch: list[Row] = []
        size = 0
        with closing(self._read(self._source, table.selection)) as rows:
            for row in rows:
                fit = self._fitting(table, row)
                size += tally.add(fit)
                batch.append(fit)
                if len(batch) >= self._at_once or size >= BYTES_AT_ONCE:
                    yield batch
                    batch, size = [], 0
        if batch:
            yield batch

    def _fitting(self, table: Table, row: Row) -> Row:
        """Return a row as the target shall have it: nobody holds a lease there."""
        if table.name == LEASES:
            row = tuple(
                "" if column == "holder" else cell
                for column, cell in zip(table.columns, row, strict=True)
            )
        if self._target.dialect == "sqlite":
            return row
        fit = without_nul(row)
        self.mended += fit is not row
        return fit

    def number(self) -> None:
        """Let a server give numbers beyond those that were given."""
        if self._target.dialect == "sqlite":  # it gives those beyond the last row
            return
        with self._target.transaction():
            begun.require(self._target, self.mark)
            for table in tables():
                if table.numbered:
                    self._target.execute(
                        f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), greatest("
                        f"coalesce((SELECT max(id) FROM {table.name}), 0), ?::bigint) + 1, false)",
                        (self._given(table),),
                    )

    def _given(self, table: Table) -> int:
        """Return the last number that a server gave, though its row may be gone."""
        if self._source.dialect == "sqlite":
            return 0
        ((name,),) = self._source.execute(
            "SELECT pg_get_serial_sequence(?::text, 'id')", (table.name,)
        )
        ((last,),) = self._source.execute(
            f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}"
        )
        return int(last)

    def words(self) -> Tally:
        """Make the index of words anew for each file that the source has in it."""
        tally, index = Tally(), Words(self._target)
        read: Any = self._source.pages(_words_of(self._source), size=WORDS_AT_ONCE)
        with closing(read) as pages:
            for page in pages:
                tally.add_all(page)
                with self._target.transaction():
                    begun.require(self._target, self.mark)
                    index.index([file_id for (file_id,) in page])
                self._heard(tally.rows, WORDS)
        return tally

    def proof(self, told: dict[str, Tally]) -> Iterator[Carried]:
        """Read back every table, and set it against what was read from the source."""
        queries = {table.name: table.selection for table in tables()}
        queries[WORDS] = _words_of(self._target)
        with self._target.snapshot():
            for name, tally in told.items():
                with closing(self._read(self._target, queries[name])) as rows:
                    yield Carried(name, tally, Tally().add_all(rows))
                self._heard(tally.rows, f"proving {name}")

    @staticmethod
    def _read(engine: Engine, query: str) -> Any:
        return engine.stream(query, size=_FETCHED)


def _words_of(engine: Engine) -> str:
    return f"SELECT {_KEY_OF_WORDS[engine.dialect]} FROM {WORDS}"


def _table(model: type[Any]) -> Table:
    meta = model._meta  # noqa: SLF001  # peewee's own way
    name = str(meta.table_name)
    return Table(
        name,
        tuple(str(field.column_name) for field in meta.sorted_fields),
        isinstance(meta.primary_key, BigAutoField),
        any(parent._meta.table_name == name for parent in meta.refs.values()),  # noqa: SLF001
    )
