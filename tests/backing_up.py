"""A home with databases that are backed up, restored and drilled, without a daemon."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from storewarden.catalogue import backups, databases
from storewarden.catalogue.backups import Backup
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.databases import find_databases
from storewarden.daemon.ground import prepared
from storewarden.daemon.tending.once import tend_once
from storewarden.daemon.tending.wish import Item, TendWish
from storewarden.store.directory import DirectoryStore
from tests.homes import Home

OFTEN = """
version: 1
policies:
  - id: care
    match: {kind: database}
    care: {backup: {every: 1d, keep_last: 2%s}}
"""


class Vault(Home):
    """A home whose databases are known."""

    def know(self) -> None:
        """Record the files, and which of them are databases."""
        self.scan()
        with prepared(self.settings, self.clock, "test") as ground:
            databases.align(ground.engine, ground.host_id, (), ground.clock.wall_ns())

    def tend(self, what: str, *names: str, **options: Any) -> list[Item]:
        wish = TendWish(what, names, options, "anna")
        return list(tend_once(self.settings, wish, clock=self.clock).items)

    def done(self, what: str, *names: str, **options: Any) -> Mapping[str, Any]:
        """Do something for one database; return what is told of it."""
        (item,) = self.tend(what, *names, **options)
        assert item.outcome == "done", item
        return item.facts

    def backups(self, name: str) -> list[Backup]:
        engine = open_catalogue(
            self.settings.catalogue, self.settings.state, readonly=True, role="test"
        )
        try:
            (one,), _ = find_databases(engine, 1, (name,), gone=True)
            return backups.of_database(engine, one.id)
        finally:
            engine.close()

    def objects(self) -> dict[str, Path]:
        """Return the objects of databases in our own store, by their keys."""
        top = self.settings.state / "backups"
        store = DirectoryStore("backups", str(top))
        return {entry.key: top / entry.key for entry in store.list("~databases/")}


def database(path: Path, rows: int = 100, journal: str = "wal") -> Path:
    """Make a database with messages."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute('CREATE TABLE "odd ""name" (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID')
    say(path, rows)
    return path


def say(path: Path, rows: int = 1) -> None:
    """Add messages, some kilobytes each hundred."""
    texts = [(f"message {number} " + "x" * 200,) for number in range(rows)]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("INSERT INTO messages (text) VALUES (?)", texts)


def said(path: Path) -> int:
    """Return how many messages there are."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (count,) = connection.execute("SELECT count(*) FROM messages").fetchone()
    return int(count)
