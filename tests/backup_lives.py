"""Lives of backups that are only bytes: taken, kept, forgotten, and stopped at any call."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any, TypeVar

from blake3 import blake3

from storewarden.catalogue import backups
from storewarden.catalogue.backups import Backup, Begun
from storewarden.catalogue.engine import Engine
from storewarden.databases import objects
from storewarden.databases.about import About, Base, key_for
from storewarden.databases.backups import finish, forget, next_kind, plan, recover
from storewarden.policy.rules import Keep, Timer
from storewarden.store.contract import Looked, Reader, Store, Stored, Telling
from storewarden.store.memory import MemoryStore
from storewarden.store.wrapped import Wrapped
from tests.catalogues import DAY, NOW

CHAT = 1
KEEP = Keep(last=2)
T = TypeVar("T")


class Killed(BaseException):
    """Nothing of ours goes on after this."""


class Mortal(Wrapped):
    """A store at whose nth call everything ends, before or after the call was carried out."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.left, self.after = 0, False
        self.error: Callable[[], BaseException] = Killed

    def _called(self, call: Callable[[], T]) -> T:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise self.error()
        made = call()
        if self.left == 0:
            raise self.error()
        return made

    def put(self, key: str, source: Reader, about: Telling) -> Stored:
        return self._called(lambda: self._store.put(key, source, about))

    def find(self, key: str) -> Stored | None:
        return self._called(lambda: self._store.find(key))

    def about(self, key: str) -> bytes:
        return self._called(lambda: self._store.about(key))

    def look(self, stored: Stored, offset: int = 0) -> Looked:
        return self._called(lambda: self._store.look(stored, offset))

    def remove(self, stored: Stored) -> bool:
        return self._called(lambda: self._store.remove(stored))


class World:
    """A catalogue, a store, and a database whose backups come and go."""

    def __init__(self, engine: Engine, folder: Path, store: Store | None = None) -> None:
        """Keep backups in a store; where none is given, in memory."""
        self.engine, self.folder = engine, folder
        self.memory = MemoryStore("backups")
        self.well: Store = store or self.memory
        self.store: Any = Mortal(self.well)
        self.stores: dict[str, Store] = {"backups": self.store}
        self.day = 0
        columns = ("host_id", "name", "place", "engine", "first_seen_ns")
        with engine.transaction():
            engine.insert("databases", columns, [(1, "chat", b"/srv/chat.db", "sqlite", NOW)])

    def now(self) -> int:
        return NOW + self.day * DAY

    def take(self, full: Timer | None = None) -> None:
        """Back the database up once more, as the deed does."""
        self.day += 1
        known = backups.of_database(self.engine, CHAT)
        kind, base, _ = next_kind(known, "backups", full, self.now(), UTC)
        content = os.urandom(100)
        path = self.folder / "image"
        path.write_bytes(content)
        on = None if base is None else Base(base.key, base.digest or b"")
        digest = blake3(content).digest()
        about = About(
            *("h", "chat", b"/srv/chat.db", kind, on, self.now(), 512, 1, digest, b"s" * 32),
            *("none", 0, bytes(32), 0, 0o644, 0, 0, NOW, mark_of(self.day), {"messages": self.day}),
        )
        wanted = Begun(CHAT, kind, base and base.id, "backups", key_for(about), "test")
        number = backups.begin(self.engine, wanted, self.now())
        with path.open("rb") as file:
            met = objects.put(self.store, file.fileno(), about)
        finish(self.engine, self.store, number, met, self.now)

    def forget(self, keep: Keep = KEEP) -> list[bool]:
        planned = plan(self.engine, CHAT, keep, self.now(), UTC)
        return [one.gone for one in forget(self.engine, self.stores, planned, self.now)]

    def recover(self) -> list[str]:
        return [became for _, became in recover(self.engine, self.stores, 1, self.now)]

    def known(self) -> list[Backup]:
        return backups.of_database(self.engine, CHAT)

    def good(self) -> list[Backup]:
        return [one for one in self.known() if one.good]

    def lies(self) -> set[str]:
        return {entry.key for entry in self.well.list()}


def mark_of(number: int) -> str:
    return "".join("abcdefgh"[(number >> shift) & 7] for shift in range(0, 48, 3))


def live(world: World) -> None:
    """Take and forget backups for a while."""
    for _ in range(4):
        world.take(Timer(every_ns=2 * DAY))
        world.forget(Keep(last=1))


def check(world: World, before: list[Backup]) -> None:
    """See that what counts is there, that nothing lies about unknown, and that nothing was lost."""
    for one in world.good():
        about, stored = objects.met(world.well, one.key)
        objects.read_back(world.well, stored, about)
        assert (about.digest, stored.version) == (one.digest, one.version)
    assert world.lies() == {one.key for one in world.known()}
    if before:
        newest = world.good()[0]
        assert newest.at_ns >= max(one.at_ns for one in before)
