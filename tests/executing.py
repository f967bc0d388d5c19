"""Acts carried out on real files, by a real catalogue and a store, with a test before each call.

A `Life` is one root with its files, its store and what the catalogue says of both; many of them
share a catalogue, so that a sweep over thousands of calls need not make as many.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from storewarden.act.about import from_bytes
from storewarden.act.batch import carry_out_all
from storewarden.act.carry.verbs import VERBS
from storewarden.act.carry.work import PurgeRule, Root, Tools
from storewarden.act.copying import quiet, unpacking
from storewarden.act.execute import Executor, Outcome, Patience
from storewarden.act.kernel import KERNEL
from storewarden.act.recover import Recovered, recover
from storewarden.catalogue import acts, copies, roots
from storewarden.catalogue.acted import Acted
from storewarden.catalogue.acts import Act, Identity, Member, Planned
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.journal import Journal
from storewarden.clock import ManualClock
from storewarden.errors import FileUnusable
from storewarden.model import entry_of
from storewarden.store.contract import Store
from storewarden.store.directory import DirectoryStore
from storewarden.store.disk import DISK, Disk
from storewarden.store.memory import MemoryStore
from tests.acting import check_stores
from tests.archived import noise, words
from tests.catalogues import Place
from tests.recording import HOST, NOW, Book, File, all_files, check_totals
from tests.striking import Strike, StruckStore, calm, stand, struck_kernel

STORES = ("memory", "directory")
_JOURNAL = ("advance", "put_off", "refuse", "fail")
_ACTED = ("archived", "moved", "trashed", "purged", "restored", "copied", "copy_lost")
CONTENTS: Mapping[bytes, bytes] = {
    b"data/app.db": b"the database" * 40,
    b"data/app.db-wal": b"its log",
    b"side/by/side/app.txt": words(900),
}
BYSTANDER = b"not asked about"
DAY = 86_400.0

# Sorts of files that differ in what is done to them; the bundle of a database is the first.
BUNDLES: Mapping[str, Mapping[bytes, bytes]] = {
    "database": CONTENTS,
    "picture": {b"renders/n\xffew\n/" + b"n" * 240 + b".png": noise(20_000)},
    "empty": {b"empty": b""},
    "sparse": {b"models/a.safetensors": bytes(300_000) + b"the end of it"},
}
_EXTENDED: Mapping[bytes, Mapping[bytes, bytes]] = {
    next(iter(BUNDLES["picture"])): {b"user.rating": b"5", b"user.\xfe": b"\0\xff"}
}


class QuickDisk(Disk):
    """Syncs nothing: what a power cut does is tested elsewhere."""

    def sync(self, descriptor: int) -> None:
        pass

    def sync_directory(self, descriptor: int) -> None:
        pass


def hasty(place: Place) -> Engine:
    """Open a catalogue that syncs nothing: no power is cut here."""
    engine = place.made()
    if engine.dialect == "sqlite":
        engine.execute("PRAGMA synchronous = OFF")
    return engine


class Lives:
    """A catalogue, and the lives that were led in it.

    ``plain``: acts make their own system calls, for a test that stands behind those.
    """

    def __init__(self, engine: Engine, directory: Path, *, plain: bool = False) -> None:
        self.engine, self.directory, self.plain = engine, directory, plain
        self.book = Book(engine, ())
        self.number = 0
        self.clock = ManualClock(NOW)

    def begin(self, kind: str, contents: Mapping[bytes, bytes] = CONTENTS) -> Life:
        self.number += 1
        return Life(self, kind, contents)

    def end(self, *lives: Life) -> None:
        """Check all figures, and take away what there is of all lives: many more are to come."""
        check_totals(self.engine, self.book.counts)
        check_stores(self.engine)
        with self.engine.transaction():
            for life in lives:
                self.engine.execute("DELETE FROM roots WHERE id = ?", (life.root_id,))
                del self.book.ground.roots[life.name]
            self.engine.execute("DELETE FROM store_totals")
        self.book.reopen()
        for life in lives:
            for place in (life.path, self.directory / f"{life.name}.store"):
                shutil.rmtree(place, ignore_errors=True)


class Life:
    """A root on the disk with the files of a bundle, recorded; and a store."""

    def __init__(self, lives: Lives, kind: str, contents: Mapping[bytes, bytes]) -> None:
        self.lives, self.engine, self.clock = lives, lives.engine, lives.clock
        self.contents = contents
        self.name = f"r{lives.number}"
        self.path = lives.directory / self.name
        self.path.mkdir()
        self.away = False  # the root is not there
        self.purge_rule = PurgeRule()
        self.store = self._store(kind)
        self.root_id = roots.register_root(
            self.engine, lives.book.ground.host_id, self.name, os.fsencode(self.path)
        ).id
        lives.book.ground.roots[self.name] = self.root_id
        lives.book.counts.know(self.name, self.root_id)
        for path, content in {**contents, b"bystander": BYSTANDER}.items():
            self.write(path, content)
            self.record(path)

    def _store(self, kind: str) -> Store:
        if kind == "memory":
            return MemoryStore("cloud")
        place = self.lives.directory / f"{self.name}.store"
        place.mkdir()
        disk = DISK if self.lives.plain else QuickDisk()
        store = DirectoryStore("cloud", str(place), disk=disk, sleep=lambda _seconds: None)
        store.prepare()
        return store

    # -- the disk -------------------------------------------------------------------------------

    def at(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self.path), path)

    def write(self, path: bytes, content: bytes) -> None:
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        with open(self.at(path), "wb") as file:
            filled = content.lstrip(b"\0")  # the rest is a hole
            file.seek(len(content) - len(filled))
            file.write(filled)
        for name, value in _EXTENDED.get(path, {}).items():
            os.setxattr(self.at(path), name, value)

    def record(self, path: bytes) -> None:
        """Let the recorder see a file as it is."""
        directory, _, name = path.rpartition(b"/")
        place = os.lstat(os.path.dirname(self.at(path)))
        with self.lives.book.recorder.batch():
            self.lives.book.recorder.names(
                self.name,
                directory,
                (place.st_dev, place.st_ino),
                [(entry_of(name, os.lstat(self.at(path))), NOW)],
                growing=frozenset(),
                now_ns=NOW,
            )

    def local(self) -> dict[bytes, list[bytes]]:
        """Return by content where it lies in the root, our notes left out."""
        found = defaultdict(list)
        top = os.fsencode(self.path)
        for directory, _, names in os.walk(top):
            for name in names:
                relative = os.path.relpath(os.path.join(directory, name), top)
                if relative.startswith(b".storewarden") and not name.isdigit():
                    continue
                with open(os.path.join(directory, name), "rb") as file:
                    found[file.read()].append(relative)
        return dict(found)

    def stored(self) -> dict[bytes, list[str]]:
        """Return by content the keys of the objects that hold it."""
        found = defaultdict(list)
        for entry in self.store.list():
            about = from_bytes(self.store.about(entry.key), entry.key)
            with self.store.open(entry.key) as opened:
                found[b"".join(unpacking(about, entry.key, quiet)(opened))].append(entry.key)
        return dict(found)

    def ours(self) -> list[str]:
        """Return all paths in our own folder, but for rooms and the place of what is coming."""
        found = sorted(
            str(path.relative_to(self.path)) for path in self.path.glob(".storewarden/*/*")
        )
        return [path for path in found if "/tmp/" not in path]

    # -- the catalogue --------------------------------------------------------------------------

    def files(self) -> list[File]:
        return all_files(self.engine, self.name)

    def row(self, path: bytes) -> File:
        """Return the newest row of a path."""
        return max((one for one in self.files() if one.whole == path), key=lambda one: one.id)

    def members(self, paths: Sequence[bytes]) -> tuple[Member, ...]:
        rows = [self.row(path) for path in paths]
        device = os.stat(self.path).st_dev
        return tuple(
            Member(
                one.whole,
                Identity(device, one.inode, one.size, one.modified_ns, one.changed_ns),
                one.id,
            )
            for one in rows
        )

    def plan(self, verb: str, paths: Sequence[bytes] | None = None, **more: Any) -> Act:
        members = more.pop("members", None) or self.members(paths or tuple(self.contents))
        told = {"asked_by": "anna", "reason": "because", **more}
        one = Planned(verb, self.root_id, members, **told)
        (act,) = Journal(self.engine, 7).plan([one], self.clock.wall_ns())
        assert act is not None
        return act

    def act(self, act: Act) -> Act:
        found = acts.read(self.engine, act.id)
        assert found is not None
        return found

    # -- executors ------------------------------------------------------------------------------

    @contextmanager
    def opened(self, name: str) -> Iterator[Root]:
        """Lend the root, as a daemon does."""
        if self.away:
            raise FileUnusable("a root is not there", where=name)
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise FileUnusable("a root cannot be opened", where=name, why=str(error)) from error
        try:
            yield Root(name, HOST.name, "", descriptor)
        finally:
            os.close(descriptor)

    def executor(self, strike: Strike = calm, patience: Patience | None = None) -> Executor:
        """Return one as a process makes it that was just started."""
        self.lives.book.reopen()
        journal = Journal(self.engine, 7)
        acted = Acted(journal, self.lives.book.counts)
        stand(journal, _JOURNAL, "journal", strike)
        stand(acted, _ACTED, "acted", strike)
        tools = Tools(
            journal=journal,
            acted=acted,
            roots=self,
            stores={"cloud": self.store if self.lives.plain else StruckStore(self.store, strike)},
            clock=self.clock,
            kernel=KERNEL if self.lives.plain else struck_kernel(strike),
            purge_rule=lambda _act: self.purge_rule,
        )
        return Executor(tools, VERBS, patience)

    def carry_out(self, act: Act, strike: Strike = calm) -> Outcome:
        return self.executor(strike).carry_out(act)

    def done(self, verb: str, paths: Sequence[bytes] | None = None, **more: Any) -> Outcome:
        """Carry out an act from its plan to its end."""
        outcome = self.carry_out(self.plan(verb, paths, **more))
        assert outcome.act.state == "done", outcome.act.error
        return outcome

    def recover(self, strike: Strike = calm) -> Recovered:
        return self.recover_by(self.executor(strike))

    def recover_by(self, executor: Executor) -> Recovered:
        return recover(executor, self.name, self.root_id)

    def finish(self, act: Act, most: int = 12) -> Act:
        """Try an act again whenever its time has come, until it is over."""
        for _ in range(most):
            act = self.act(act)
            if act.ended:
                return act
            self.clock.advance(DAY)
            self.carry_out(act)
        raise AssertionError(f"{act.verb} goes on and on: {act.error}")

    # -- what must hold -------------------------------------------------------------------------

    def all_there(self) -> None:
        """Check that every content is in the root, once, or in the store."""
        local, stored = self.local(), self.stored()
        assert BYSTANDER in local
        for content in self.contents.values():
            assert content in local or content in stored
            assert len(local.get(content, ())) <= 1, local[content]

    def agree(self) -> None:
        """Check that the catalogue tells the truth of this root and of the store."""
        local, stored = self.local(), self.stored()
        known = copies.of_files(self.engine, [one.id for one in self.files()])
        for row in self.files():
            keys = {one.key for one in known.get(row.id, ())}
            content = self.contents.get(row.whole, BYSTANDER)
            places = local.get(content, [])
            assert keys <= set(stored.get(content, ())), (row, keys)
            if row.state == "present":
                assert row.whole in places or self._elsewhere(row), (row, places)
            elif row.state == "archived":
                assert keys, row
                assert not places, (row, places)
            elif row.state == "trashed":
                in_trash = [one for one in places if one.startswith(b".storewarden/trash/")]
                assert in_trash or keys, (row, places)
            else:
                assert row.state == "purged", row
                assert not places, (row, places)

    def _elsewhere(self, row: File) -> bool:
        return os.path.exists(self.at(row.whole))

    def end(self) -> None:
        """Check all figures, and take away what there is of this life, the only one."""
        self.lives.end(self)

    def everything(self) -> tuple[object, ...]:
        """Return all that an act can change, for "nothing was changed"."""
        journal = self.engine.execute(
            "SELECT id, state, attempts, error, members FROM acts WHERE root_id = ? ORDER BY id",
            (self.root_id,),
        )
        return journal, self.files(), self.local(), self.stored(), self.ours()


# -- what is done ---------------------------------------------------------------------------------


class Scene(NamedTuple):
    """An act, and what is to be true when it was done."""

    begin: Callable[..., Act]  # of a life, and of paths unless it is of all files
    state: str  # of the rows
    gone: bool = False  # whether the contents may be gone for good
    rule: PurgeRule = PurgeRule()


FIRST = (b"data/app.db",)


def _of(verb: str, **more: Any) -> Callable[..., Act]:
    return lambda life, *paths: life.plan(verb, paths or None, **more)


def _then(*before: tuple[str, Mapping[str, Any]], last: Callable[..., Act]) -> Callable[..., Act]:
    def begin(life: Life, *paths: bytes) -> Act:
        for verb, more in before:
            life.done(verb, paths or None, **more)
        return last(life, *paths)

    return begin


def elsewhere(life: Life) -> tuple[Member, ...]:
    return tuple(
        Member(b"put/" + one.path, one.identity, one.file_id)
        for one in life.members(tuple(life.contents))
    )


_ARCHIVED = ("archive", {"store": "cloud"})
_MOVED = ("move", {"store": "cloud"})
_COPIED = ("copy", {"store": "cloud"})
_TRASHED: tuple[str, Mapping[str, Any]] = ("trash", {})

SCENES: Mapping[str, Scene] = {
    "copy": Scene(_of("copy", store="cloud"), "present"),
    "archive": Scene(_of("archive", store="cloud"), "archived"),
    "archive-what-was-copied": Scene(
        _then(_COPIED, last=_of("archive", store="cloud")), "archived"
    ),
    "move": Scene(_of("move", store="cloud"), "archived"),
    "move-back": Scene(_then(_MOVED, last=_of("move", store="local")), "present"),
    "trash": Scene(_of("trash"), "trashed"),
    "trash-in-name": Scene(_then(_ARCHIVED, last=_of("trash")), "trashed"),
    "purge": Scene(_then(_TRASHED, last=_of("purge")), "purged", gone=True),
    "purge-what-is-copied": Scene(
        _then(_COPIED, _TRASHED, last=_of("purge")), "purged", rule=PurgeRule(copy_stays=True)
    ),
    "purge-archived": Scene(_then(_ARCHIVED, last=_of("purge")), "purged", gone=True),
    "restore-trashed": Scene(_then(_TRASHED, last=_of("restore")), "present"),
    "restore-elsewhere": Scene(
        _then(_TRASHED, last=lambda life: life.plan("restore", members=elsewhere(life))),
        "present",
    ),
    "purge-in-name": Scene(_then(_ARCHIVED, _TRASHED, last=_of("purge")), "purged", gone=True),
    "restore-in-name": Scene(_then(_ARCHIVED, _TRASHED, last=_of("restore")), "present"),
    "restore-archived": Scene(_then(_ARCHIVED, last=_of("restore")), "present"),
}


def play(
    lives: Lives, scene: Scene, kind: str, contents: Mapping[bytes, bytes] = CONTENTS
) -> tuple[Life, Act]:
    """Bring a life to where an act begins."""
    life = lives.begin(kind, contents)
    life.purge_rule = scene.rule
    return life, scene.begin(life)


def play_many(lives: Lives, name: str, number: int) -> tuple[Life, list[Act]]:
    """Bring a life to where so many acts begin at once; what lies in the trash shares a drawer."""
    scene = SCENES[name]
    life = lives.begin("directory", {b"d%d/file" % at: b"%d" % at for at in range(number)})
    life.purge_rule = scene.rule
    if name not in _OF_THE_TRASH:
        return life, [scene.begin(life, path) for path in life.contents]
    ended = list(
        carry_out_all(life.executor(), [life.plan("trash", (path,)) for path in life.contents])
    )
    assert {one.act.state for one in ended} == {"done"}
    assert len({one.act.place for one in ended}) == 1
    return life, [life.plan(_OF_THE_TRASH[name], (path,)) for path in life.contents]


_OF_THE_TRASH: Mapping[str, str] = {"purge": "purge", "restore-trashed": "restore"}


def states(life: Life, act: Act) -> set[str]:
    """Return the states of the rows of an act."""
    ids = {one.file_id for one in act.members}
    return {one.state for one in life.files() if one.id in ids}
