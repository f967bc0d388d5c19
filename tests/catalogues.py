"""Rows for tests of the catalogue, and engines that are closed at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from storewarden.catalogue import lease, migrate, roots
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.engine import Engine
from storewarden.clock import Clock, ManualClock

NOW = 1_795_246_201_000_000_000
DAY = 86_400 * 1_000_000_000

FILE: dict[str, Any] = {
    "directory_id": 1,
    "name": b"a.png",
    "inode": 100,
    "mode": 0o100644,
    "links": 1,
    "uid": 1000,
    "gid": 1000,
    "size": 10,
    "blocks": 8,
    "accessed_ns": NOW,
    "modified_ns": NOW,
    "changed_ns": NOW,
    "kind": "image",
    "state": "present",
    "growing": 0,
    "generation": 1,
    "first_seen_ns": NOW,
    "recorded_ns": NOW,
    "gone_ns": None,
    "digest": None,
    "digested_ns": None,
}
COLUMNS = tuple(FILE)


def file_row(name: bytes = b"a.png", **changed: Any) -> tuple[Any, ...]:
    """Return a row of files with some columns changed."""
    return tuple({**FILE, "name": name, **changed}.values())


@dataclass
class Place:
    """Where one test's catalogue is, and everything that was opened of it."""

    url: str
    state: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    opened: list[Engine] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.state / "catalogue.db"

    def open(self, *, readonly: bool = False) -> Engine:
        """Open it once more, as another process would."""
        engine = open_catalogue(self.url, self.state, readonly=readonly, role="test")
        self.opened.append(engine)
        return engine

    def made(self) -> Engine:
        """Open it and make its tables."""
        engine = self.open()
        migrate.migrate(engine, self.clock)
        return engine

    def furnished(self) -> Engine:
        """Open it with a host, a root and a directory, each of number 1."""
        engine = self.made()
        furnish(engine)
        return engine

    def lease(self, engine: Engine, clock: Clock | None = None) -> lease.Lease:
        """Take the lease of the host."""
        return lease.take(engine, 1, "storewarden run", clock or self.clock, self.clock.advance)

    def close(self) -> None:
        for engine in self.opened:
            engine.close()


def furnish(engine: Engine) -> None:
    """Make a host, a root and a directory, each of number 1."""
    with engine.transaction():
        host = roots.register_host(engine, roots.this_machine(), NOW)
        root = roots.register_root(engine, host, "uploads", b"/srv/uploads")
        engine.insert("directories", ("root_id", "path", "device", "inode"), [(root.id, b"", 1, 1)])
    assert (host, root.id) == (1, 1)


@contextmanager
def sqlite_place(state: Path) -> Iterator[Place]:
    """Lend a place for a SQLite catalogue."""
    place = Place("sqlite", state)
    try:
        yield place
    finally:
        place.close()


@contextmanager
def fresh_database(server: str, name: str) -> Iterator[str]:
    """Lend a database of its own on a PostgreSQL server."""
    name = f"{name}_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def names(engine: Engine) -> list[bytes]:
    """Return the names of all files, as another connection sees them."""
    return [bytes(name) for (name,) in engine.execute("SELECT name FROM files ORDER BY id")]
