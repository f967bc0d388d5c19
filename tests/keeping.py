"""A year of conversations, kept by rules, with whoever keeps them killed at any step."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from storewarden.catalogue import row_archives
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.row_archives import Archive
from storewarden.clock import ManualClock
from storewarden.databases.rows.keeping import Keeper, Subject, Wanted
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.pieces import FIRST_NS
from storewarden.databases.rows.tables import Declared
from storewarden.errors import StorewardenError
from storewarden.store.contract import Store
from storewarden.store.memory import MemoryStore
from tests.catalogues import furnish, sqlite_place
from tests.rows import direct

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DAY = 86_400
NOW = 1_700_000_000
TALKS = Declared("talks", ("id",), ((("talk",), Declared("messages", ())),))


class Killed(BaseException):
    """The program ends here; nothing of it runs any more."""


@dataclass
class Kill:
    """Ends the program at the n-th of its calls to the outside, before or after it."""

    at: int = -1
    calls: int = 0
    names: list[str] = field(default_factory=list)

    def passed(self, name: str) -> None:
        self.calls += 1
        self.names.append(name)
        if self.calls - 1 == self.at:
            raise Killed(name)


@dataclass
class Scene:
    """An application's database, a store, a catalogue, and who keeps rows."""

    folder: Path
    engine: Engine
    store: Store
    clock: ManualClock
    kill: Kill = field(default_factory=Kill)

    def anew(self) -> Scene:
        """Have all as it was made, with nothing archived; a catalogue takes long to make."""
        with self.engine.transaction():
            self.engine.execute("DELETE FROM row_archives")
        for left in self.folder.glob("app.db*"):
            left.unlink()
        shutil.copyfile(self.folder / "new.db", self.database)
        self.store, self.kill = MemoryStore("backups"), Kill()
        return self

    @property
    def database(self) -> Path:
        return self.folder / "app.db"

    @property
    def subject(self) -> Subject:
        return Subject("app.talks", bytes(self.database), TALKS, ("at",), None, "here")

    def keeper(self) -> Keeper:
        """Return who keeps rows, started anew."""
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        for left in scratch.iterdir():
            left.unlink()
        stores: Mapping[str, Store] = {"backups": Interrupted(self.store, self.kill)}
        return Keeper(self._engine(), 1, stores, self.clock, scratch, self._run)

    def wanted(self, days: int, most: int = 10**6) -> Wanted:
        """Return the wish that what is so old goes."""
        limit = self.clock.wall_ns() - days * DAY * 10**9
        picked = Picked(clock="at", from_ns=FIRST_NS, to_ns=limit)
        return Wanted(picked, "backups", "old", "policy", "because", most)

    def archives(self, *states: row_archives.State) -> list[Archive]:
        return row_archives.archives(self.engine, 1, states=states)

    def rows(self) -> dict[str, set[tuple[Any, ...]]]:
        """Return what is in the application's tables."""
        connection = apsw.Connection(str(self.database))
        told = {
            name: set(connection.execute(f"SELECT * FROM {name}")) for name in ("talks", "messages")
        }
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
        return told

    def archived(self) -> dict[str, set[tuple[Any, ...]]]:
        """Return what can be had back out of archives, read without us."""
        told: dict[str, set[tuple[Any, ...]]] = {"talks": set(), "messages": set()}
        for archive in self.archives(*row_archives.THERE):
            for name, rows in self.unpacked(archive).items():
                told[name] |= rows
        return told

    def unpacked(self, archive: Archive) -> dict[str, set[tuple[Any, ...]]]:
        """Return the rows of an archive, as anybody reads them with zstd and SQLite."""
        path = self.folder / "unpacked.db"
        self.unpack(archive, path)
        connection = apsw.Connection(str(path))
        told = {}
        for name in ("talks", "messages"):
            rows = list(connection.execute(f"SELECT * FROM {name}"))
            told[name] = {row[2:] for row in rows}
            assert len(told[name]) == len(rows)
        connection.close()
        path.unlink()
        return told

    def unpack(self, archive: Archive, path: Path) -> None:
        """Write an archive to a file as ``zstd -d`` does."""
        with self.store.open(archive.key) as opened:
            packed = b"".join(iter(lambda: opened.read(1 << 20), b""))
        path.write_bytes(zstd.decompress(packed))

    def _run(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        *,
        descriptors: Sequence[int],
        scratch: int | None,
        progress: Callable[[Mapping[str, Any]], None],
        stopping: Callable[[], bool],
        seconds: float,
    ) -> Mapping[str, Any]:
        self.kill.passed(f"before {kind}")
        done = direct(kind, arguments, descriptors=descriptors, scratch=scratch)
        self.kill.passed(f"after {kind}")
        return done

    def _engine(self) -> Any:
        return Interrupting(self.engine, self.kill)


class Interrupting:
    """A catalogue whose user may be killed before and after each transaction."""

    def __init__(self, engine: Engine, kill: Kill) -> None:
        self._engine, self._kill = engine, kill

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        self._kill.passed("before a transaction")
        with self._engine.transaction(durable=durable):
            yield
        self._kill.passed("after a transaction")

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        return self._engine.execute(sql, params)


class Interrupted(Store):
    """A store whose user may be killed before and after each call."""

    def __init__(self, store: Store, kill: Kill) -> None:
        self.name, self._store, self._kill = store.name, store, kill

    def _around(self, name: str, call: Callable[[], Any]) -> Any:
        self._kill.passed(f"before {name}")
        done = call()
        self._kill.passed(f"after {name}")
        return done

    def put(self, key: str, source: Any, about: Any) -> Any:
        return self._around("put", lambda: self._store.put(key, source, about))

    def find(self, key: str) -> Any:
        return self._around("find", lambda: self._store.find(key))

    def about(self, key: str) -> bytes:
        return self._store.about(key)

    def open(self, key: str, offset: int = 0) -> Any:
        return self._around("open", lambda: self._store.open(key, offset))

    def list(self, prefix: str = "") -> Any:
        return self._store.list(prefix)

    def remove(self, stored: Any) -> bool:
        return bool(self._around("remove", lambda: self._store.remove(stored)))

    def sweep(self, before_ns: int) -> int:
        return self._store.sweep(before_ns)

    def space(self) -> Any:
        return self._store.space()

    def check(self) -> None:
        self._store.check()


def fill(path: Path, talks: int = 12, journal: str = "wal") -> None:
    """Make an application's database: a talk each 30 days backwards, each with three messages."""
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA synchronous = OFF; PRAGMA journal_mode = {journal}").fetchall()
    connection.execute(
        "CREATE TABLE talks (id INTEGER PRIMARY KEY, at INTEGER, title TEXT);"
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, talk INTEGER REFERENCES talks, said TEXT);"
        "CREATE INDEX messages_talk ON messages (talk)"
    )
    with connection:
        for number in range(talks):
            at = NOW - number * 30 * DAY
            connection.execute("INSERT INTO talks VALUES (?, ?, ?)", (number, at, f"talk {number}"))
            for each in range(3):
                said = (number * 10 + each, number, f"said {each}")
                connection.execute("INSERT INTO messages VALUES (?, ?, ?)", said)
    connection.close()


@contextmanager
def scene(folder: Path, talks: int = 12, journal: str = "wal") -> Iterator[Scene]:
    """Lend a database of conversations with who keeps them."""
    folder.mkdir(parents=True, exist_ok=True)
    with sqlite_place(folder / "state") as place:
        engine = place.made()
        furnish(engine)
        made = Scene(folder, engine, MemoryStore("backups"), ManualClock(NOW * 10**9))
        fill(folder / "new.db", talks, journal)
        yield made.anew()


def recovered(scene: Scene) -> list[Archive | StorewardenError]:
    """Start anew, and go on with what was begun."""
    scene.kill = Kill()
    return list(scene.keeper().recover())
