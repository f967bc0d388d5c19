"""The power fails while a directory store works: what is there is whole, what was put is there."""

import os
import random
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from storewarden.errors import ObjectDamaged
from storewarden.store.contract import Stored
from storewarden.store.directory import DirectoryStore
from storewarden.store.disk import Disk
from tests.powercut import Done, Durable, RecordingDisk, cut_after
from tests.stores import FUTURE_NS, DirectorySite, content_of, source_of, whole

KEY: Final = "root/films/new/a.mp4~abcdefgh234567aa"
NEAR: Final = "root/films/b.mp4~abcdefgh234567bb"
CONTENT: Final = content_of(100_000)
ABOUT: Final = b"about"
STATES: Final = 16  # of each cut


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A new store, in memory where that can be had: no power really fails."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as directory:
        place = Path(directory) / "store"
        place.mkdir()
        DirectoryStore("d", str(place)).prepare()
        yield place


@pytest.fixture(params=["in an empty store", "beside another"])
def begun(request: pytest.FixtureRequest, place: Path) -> Path:
    if request.param == "beside another":
        put(place, key=NEAR)
    return place


def put(place: Path, disk: Disk | None = None, key: str = KEY) -> Stored:
    store = DirectoryStore("d", str(place), disk=disk or Disk())
    return store.put(key, source_of(CONTENT), lambda: ABOUT)


def after_cuts(
    place: Path, before: Durable, disk: RecordingDisk
) -> Iterator[tuple[int, DirectoryStore]]:
    """Yield the store in each state after each cut, with how many things were left to do."""
    chance = random.Random(7)
    root = place.stat().st_ino
    for count in range(len(disk.done) + 1):
        for state in cut_after(before, disk, count).states(chance, STATES):
            there = place.with_name("there")
            state.write(root, there)
            yield len(disk.done) - count, DirectoryStore("d", str(there))
            shutil.rmtree(there)


def is_whole(store: DirectoryStore, key: str) -> bool:
    """Tell whether an object is there; then all of it is."""
    found = store.find(key)
    listed = [entry.bytes for entry in store.list(key)]
    if found is None:
        assert listed == []
        return False
    assert listed == [len(CONTENT)] == [found.bytes]
    assert whole(store, key) == CONTENT
    assert store.about(key) == ABOUT
    return True


def is_mended(store: DirectoryStore) -> bool:
    """Tell whether a sweep leaves what is whole and nothing else, and all can go on."""
    there = is_whole(store, KEY)
    store.sweep(FUTURE_NS)
    assert is_whole(store, KEY) == there
    assert DirectorySite(Path(store._path)).leftovers() == 0
    stored = store.find(KEY) or put(Path(store._path))
    return is_whole(store, KEY) and store.remove(stored)


def recorded(place: Path, act: Callable[[RecordingDisk], object]) -> tuple[Durable, RecordingDisk]:
    before, disk = Durable.of(place), RecordingDisk()
    act(disk)
    return before, disk


def test_a_put_is_whole_or_absent_and_whole_once_it_returned(begun: Path) -> None:
    before, disk = recorded(begun, lambda disk: put(begun, disk))
    near = DirectoryStore("d", str(begun)).find(NEAR) is not None
    outcomes = set()

    for left, store in after_cuts(begun, before, disk):
        there = is_whole(store, KEY)
        outcomes.add(there)
        assert there or left > 0
        assert is_mended(store)
        assert is_whole(store, NEAR) == near

    assert outcomes == {True, False}


def test_a_removal_takes_all_or_nothing_and_all_once_it_returned(begun: Path) -> None:
    stored = put(begun)
    near = DirectoryStore("d", str(begun)).find(NEAR) is not None
    before, disk = recorded(
        begun, lambda disk: DirectoryStore("d", str(begun), disk=disk).remove(stored)
    )

    for left, store in after_cuts(begun, before, disk):
        there = is_whole(store, KEY)
        assert not there or left > 0
        assert is_mended(store)
        assert is_whole(store, NEAR) == near


def test_what_was_found_is_there_after_a_cut_even_if_who_put_it_was_killed(begun: Path) -> None:
    before, disk = recorded(begun, lambda disk: put(begun, disk))
    synced = max(number for number, done in enumerate(disk.done) if done == Done(done.inode))
    del disk.done[synced:]  # killed when it was named and that was not synced yet
    states = {is_whole(store, KEY) for left, store in after_cuts(begun, before, disk) if not left}
    assert states == {True, False}

    found = DirectoryStore("d", str(begun), disk=disk).find(KEY)

    assert found is not None
    states = {is_whole(store, KEY) for left, store in after_cuts(begun, before, disk) if not left}
    assert states == {True}


def test_a_prepared_store_is_one_after_a_cut(tmp_path: Path) -> None:
    place = tmp_path / "store"
    place.mkdir()
    before, disk = recorded(
        place, lambda disk: DirectoryStore("d", str(place), disk=disk).prepare()
    )
    identity = DirectoryStore("d", str(place)).prepare()

    for left, store in after_cuts(place, before, disk):
        found = store.prepare()
        assert found == identity or left > 0
        store.check()


@pytest.mark.parametrize("skipped", ["sync", "sync_directory"])
def test_the_cuts_find_a_sync_that_is_left_out(place: Path, skipped: str) -> None:
    """The test of the tests: without one kind of sync, something is lost or is not whole."""

    class Careless(RecordingDisk):
        def _synced(self, descriptor: int) -> None:
            if (skipped == "sync") is stat.S_ISREG(os.fstat(descriptor).st_mode):
                return
            super()._synced(descriptor)

    before, disk = Durable.of(place), Careless()
    put(place, disk)

    problems = 0
    for left, store in after_cuts(place, before, disk):
        try:
            problems += not is_whole(store, KEY) and left == 0
        except (AssertionError, ObjectDamaged):
            problems += 1
    assert problems > 0
