"""Applications with tables, in SQLite and at a PostgreSQL server, of which rows are kept alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import apsw
import psycopg

from storewarden.catalogue import row_archives
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.row_archives import Archive
from storewarden.clock import ManualClock
from storewarden.config.secret import redacted
from storewarden.databases.rows.keeping import Keeper, Subject, Wanted
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.pieces import FIRST_NS
from storewarden.databases.rows.tables import Declared
from storewarden.errors import StorewardenError
from storewarden.store.memory import MemoryStore
from tests.keeping import DAY, NOW, Interrupted, Interrupting, Kill
from tests.rows import direct

TALKS = Declared("talks", ("id",), ((("talk",), Declared("messages", ("id",))),))
Rows = dict[str, list[tuple[Any, ...]]]


class Application(Protocol):
    """A database that an application uses."""

    @property
    def place(self) -> bytes:
        """Where it is, as the configuration tells it."""

    @property
    def url(self) -> str | None:
        """Its address, where a server has it."""

    def do(self, *statements: str) -> None:
        """Do statements, each in a transaction of its own."""

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""

    def dump(self, table: str) -> list[Any]:
        """Return all rows of a table to the last bit, in an order of their own."""


@dataclass
class Sqlite:
    """A file."""

    path: Path
    url: None = None

    @property
    def place(self) -> bytes:
        return bytes(self.path)

    def do(self, *statements: str) -> None:
        connection = apsw.Connection(str(self.path))
        connection.execute("PRAGMA synchronous = OFF")
        for statement in statements:
            connection.execute(statement)
        connection.close()

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        connection = apsw.Connection(str(self.path))
        found = list(connection.execute(sql))
        connection.close()
        return found

    def dump(self, table: str) -> list[Any]:
        return sorted(map(repr, self.ask(f"SELECT * FROM {table}")))


@dataclass
class Postgres:
    """What a server has."""

    url: str

    @property
    def place(self) -> bytes:
        return redacted(self.url).encode()

    def _connected(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True, client_encoding="SQL_ASCII")

    def do(self, *statements: str) -> None:
        with self._connected() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self._connected() as connection:
            rows = connection.execute(sql.encode()).fetchall()
        return [tuple(one.decode() if isinstance(one, bytes) else one for one in r) for r in rows]

    def dump(self, table: str) -> list[Any]:
        with self._connected() as connection:
            connection.execute("SET extra_float_digits = 3")
            with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copy:
                return sorted(bytes(line) for line in copy)


@dataclass
class Kept:
    """An application's tables, a store, a catalogue, and who keeps rows."""

    application: Application
    folder: Path
    engine: Engine
    declared: Declared = TALKS
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW * 10**9))
    store: MemoryStore = field(default_factory=lambda: MemoryStore("backups"))
    kill: Kill = field(default_factory=Kill)
    meanwhile: Mapping[str, Callable[[], None]] = field(default_factory=dict)  # before a job
    clocks: tuple[str, ...] = ("at",)
    file: str | None = None

    @property
    def subject(self) -> Subject:
        place = self.application.place
        return Subject("app.talks", place, self.declared, self.clocks, self.file, "here")

    def keeper(self) -> Keeper:
        """Return who keeps rows, started anew."""
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        for left in scratch.iterdir():
            left.unlink()
        urls = {self.application.place: self.application.url} if self.application.url else {}
        stores: Any = {"backups": Interrupted(self.store, self.kill)}
        engine: Any = Interrupting(self.engine, self.kill)
        return Keeper(engine, 1, stores, self.clock, scratch, self._run, urls=urls)

    def aged(self, days: int = 100, **more: Any) -> Picked:
        """Return the choice of rows so old."""
        limit = self.clock.wall_ns() - days * DAY * 10**9
        return Picked(**{"clock": "at", "from_ns": FIRST_NS, "to_ns": limit, **more})

    def archive(self, picked: Picked | None = None, most: int = 10**6) -> Archive | None:
        """Archive what is old, as a policy would."""
        wanted = Wanted(picked or self.aged(), "backups", "old", "policy", "because", most)
        return self.keeper().archive(self.subject, wanted)

    def look(self, picked: Picked | None = None) -> dict[str, Any]:
        """Return the figures of what is old."""
        (counted,) = self.keeper().look(self.subject, [picked or self.aged()])
        return counted

    def archives(self, *states: row_archives.State) -> list[Archive]:
        """Return what the journal has."""
        return row_archives.archives(self.engine, 1, states=states)

    def recovered(self) -> list[Archive | StorewardenError]:
        """Start anew, and go on with what was begun."""
        self.kill = Kill()
        return list(self.keeper().recover())

    def dump(self, *tables: str) -> dict[str, list[Any]]:
        """Return all rows of tables to the last bit."""
        return {name: self.application.dump(name) for name in tables or ("talks", "messages")}

    def ids(self, table: str = "talks") -> set[Any]:
        """Return which rows there are."""
        return {row[0] for row in self.application.ask(f"SELECT id FROM {table}")}

    def _run(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        *,
        descriptors: Sequence[int],
        scratch: int | None,
        **_more: Any,
    ) -> Mapping[str, Any]:
        self.kill.passed(f"before {kind}")
        for name, does in self.meanwhile.items():
            if kind.endswith(name):
                does()
        done = direct(kind, arguments, descriptors=descriptors, scratch=scratch)
        self.kill.passed(f"after {kind}")
        return done


def fill(application: Application, talks: int = 12, *, firm: bool = True) -> None:
    """Make tables of talks: one each 30 days backwards, each with three messages."""
    refers = "REFERENCES talks" if firm else ""
    application.do(
        "CREATE TABLE talks (id INTEGER PRIMARY KEY, at INTEGER, title TEXT)",
        f"CREATE TABLE messages (id INTEGER PRIMARY KEY, talk INTEGER {refers}, said TEXT)",
        "CREATE INDEX messages_talk ON messages (talk)",
    )
    rows = [f"({n}, {NOW - n * 30 * DAY}, 'talk {n}')" for n in range(talks)]
    said = [f"({n * 10 + k}, {n}, 'said {k}')" for n in range(talks) for k in range(3)]
    application.do(f"INSERT INTO talks VALUES {', '.join(rows)}")
    application.do(f"INSERT INTO messages VALUES {', '.join(said)}")


@contextmanager
def kept(application: Application, folder: Path, engine: Engine) -> Iterator[Kept]:
    """Lend who keeps rows of an application, with an empty journal."""
    with engine.transaction():
        engine.execute("DELETE FROM row_archives")
    yield Kept(application, folder, engine)
