"""No path and no link leads out of a root, whoever swaps directories for links meanwhile."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storewarden import below
from storewarden.act.allowance import Allowance, allow_purge
from storewarden.act.copying import Source, copy
from storewarden.act.drawers import Room
from storewarden.act.entries import Entry, forget, look
from storewarden.act.fetching import fetch
from storewarden.act.giveback import put_back
from storewarden.act.identity import Identity
from storewarden.act.landing import Place
from storewarden.act.leaving import Left, leave
from storewarden.act.members import Bundle, Member
from storewarden.act.refused import Refused
from storewarden.act.trash import Purged, Restored, Trashed, purge, restore, trash
from storewarden.below import open_below, open_directory
from storewarden.errors import FileChanged, FileUnusable, PlaceTaken
from storewarden.store.memory import MemoryStore
from tests.escaping import FILE, INSIDE, LINKED, OUTSIDE, Hole, hole, path, swapping
from tests.interfering import MARK, NOW, Standing, proof_of

QUICK = 10_000
FULL = 100_000  # in each of two ways to open
ACTS = 12_000
many = pytest.mark.parametrize(
    "number", [QUICK, pytest.param(FULL, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)
FLAGS = (
    os.O_RDONLY | os.O_NONBLOCK,
    os.O_RDONLY | os.O_DIRECTORY,
    os.O_PATH | os.O_NOFOLLOW,
    os.O_WRONLY | os.O_NONBLOCK,
)


@pytest.fixture(params=["openat2", "by component"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "by component":
        monkeypatch.setattr(below, "has_openat2", lambda: False)
    elif not below.has_openat2():
        pytest.skip("this kernel has no openat2")


@pytest.fixture
def lair(tmp_path: Path) -> Iterator[Hole]:
    with hole(tmp_path) as made:
        yield made


def opened(lair: Hole, wanted: bytes, flags: int) -> str:
    """Try to open a path; tell how it went."""
    try:
        descriptor = (
            open_directory(lair.fd, wanted)
            if flags & os.O_DIRECTORY
            else open_below(lair.fd, wanted, flags)
        )
    except (OSError, ValueError) as error:
        return type(error).__name__
    assert lair.within(descriptor), wanted
    return "opened"


def attempts(lair: Hole, number: int, next_path: Callable[[random.Random], bytes]) -> Counter[str]:
    """Open so many paths; nothing of that may be seen outside."""
    chance = random.Random(number)
    told: Counter[str] = Counter()
    for at in range(number):
        told[opened(lair, next_path(chance), chance.choice(FLAGS))] += 1
        if at % 100 == 0:
            assert not lair.disturbed()
    assert not lair.disturbed()
    return told


@many
@pytest.mark.usefixtures("way")
def test_no_path_leads_out_of_a_root(lair: Hole, number: int) -> None:
    told = attempts(lair, number, path)

    assert told["opened"] > number // 50
    assert told["OSError"] > number // 5


def patiently(seconds: float = 40) -> Iterator[None]:
    """Go round until the caller has enough, or fail."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
    raise AssertionError("it did not come to a race")


def among(chance: random.Random) -> bytes:
    """Return a path on which somebody is swapping what stands there."""
    return chance.choice(
        (FILE, LINKED, b"a/b", b"a", b"a.link/b/file", b"a/b.link/file", b".storewarden/trash")
    )


@many
@pytest.mark.usefixtures("way")
def test_no_race_leads_out_of_a_root(lair: Hole, number: int) -> None:
    told: Counter[str] = Counter()
    with swapping(lair.root):
        for _ in patiently():
            told += attempts(lair, number, among)
            # He must have been in the way, which on a busy machine takes its time.
            if number // 20 < told["opened"] < told.total() - number // 20:
                break


def test_who_follows_links_is_seen_outside(lair: Hole) -> None:
    """The test of the test: without care, both witnesses tell of it."""
    with swapping(lair.root):
        for _ in patiently():
            strays = 0
            with contextlib.suppress(OSError):
                strays += not lair.within(os.open(b"%s/%s" % (os.fsencode(lair.root), FILE), 0))
            if strays:
                break

    assert lair.disturbed()


# -- acts ---------------------------------------------------------------------------------------


class Actor:
    """Does acts, again and again, where somebody is swapping; what went wrong is tried again."""

    def __init__(self, lair: Hole, chance: random.Random) -> None:
        self.lair, self.chance, self.store = lair, chance, MemoryStore()
        self.kernel = Standing()
        self.done: Counter[str] = Counter()
        self.stored = copy(self._source(), self.store, MARK, NOW)

    def _identity(self) -> Identity:
        """Return what the file inside is, whatever bears its name now."""
        for name in (b"file", b"link"):
            with contextlib.suppress(OSError):
                status = os.stat(name, dir_fd=self.lair.b, follow_symlinks=False)
                if status.st_size == len(INSIDE):
                    return Identity.of(status)
        return Identity(0, 0, 0, 0, 0)

    def _source(self) -> Source:
        return Source("host", "r", "", self.lair.fd, self._path(), self._identity())

    def _path(self) -> bytes:
        return self.chance.choice((FILE, FILE, LINKED))

    def _bundle(self) -> Bundle:
        return Bundle((Member(self._path(), self._identity()),), MARK, NOW)

    def trash(self) -> None:
        if isinstance(trash(self.lair.fd, self._bundle(), kernel=self.kernel), Trashed):
            self.done["trash"] += 1
        self.come_back()

    def leave(self) -> None:
        bundle = self._bundle()
        told = leave(self.lair.fd, bundle, [proof_of(bundle.members[0])], kernel=self.kernel)
        if isinstance(told, Left):
            self.done["leave"] += 1
        self.come_back()

    def purge(self) -> None:
        trash(self.lair.fd, self._bundle(), kernel=self.kernel)
        entry = look(self.lair.fd, Room.TRASH, MARK, self.kernel)
        if isinstance(entry, Entry) and entry.here:
            allowed = allow_purge(entry, asked_by="anna", at_least_ns=0, now_ns=NOW)
            if isinstance(allowed, Allowance):
                told = purge(self.lair.fd, allowed, kernel=self.kernel)
                self.done["purge"] += isinstance(told, Purged)
        self.come_back()

    def copy(self) -> None:
        try:
            copy(self._source(), store := MemoryStore(), MARK, NOW)
        except (FileChanged, FileUnusable):
            return
        (key,) = (entry.key for entry in store.list())
        with store.open(key) as content:
            assert OUTSIDE not in content.read(1000)
        self.done["copy"] += 1

    def come_back(self) -> None:
        """Bring the file back, from wherever it is, as often as it takes."""
        for _ in range(2000):
            told = restore(self.lair.fd, MARK, [self._path()], kernel=self.kernel)
            if isinstance(told, Restored):
                self.done["restore"] += 1
            else:
                for room in Room:
                    put_back(self.lair.fd, room, MARK, kernel=self.kernel)
            for room in Room:
                told_last = forget(self.lair.fd, room, MARK, self.kernel)
                assert told_last is None or isinstance(told_last, Refused)
            if self._put_away():
                continue
            if self._identity().inode:
                return
            self._fetch()
        raise AssertionError("it does not come back")

    def _fetch(self) -> None:
        place = Place(self.lair.fd, self._path(), "r")
        try:
            fetch(self.store, self.stored.stored.key, place)
        except (PlaceTaken, FileUnusable):
            return
        self.done["fetch"] += 1

    def _put_away(self) -> bool:
        """Tell whether the file lies in a drawer of ours."""
        places = ((self.lair.trash, f"{MARK}/0"), (self.lair.fd, f".storewarden/leaving/{MARK}/0"))
        for directory, place in places:
            with contextlib.suppress(OSError):
                os.stat(place, dir_fd=directory, follow_symlinks=False)
                return True
        return False


@pytest.mark.parametrize(
    "number", [600, pytest.param(ACTS, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)
def test_no_act_is_led_out_of_a_root(
    lair: Hole, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)
    chance = random.Random(number)
    actor = Actor(lair, chance)
    acts = (actor.trash, actor.leave, actor.purge, actor.copy)
    with swapping(lair.root, 0.0002):
        for _ in range(number):
            chance.choice(acts)()
            assert not lair.disturbed()

    assert all(actor.done[one] for one in ("trash", "leave", "purge", "copy", "restore", "fetch"))
    assert actor.done.total() > number // 10
