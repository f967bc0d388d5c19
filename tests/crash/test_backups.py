"""Backups in a directory whose disk fails, or ends us, at any call; and a catalogue that does."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.errors import CatalogueFull, CatalogueUnavailable, StorewardenError
from storewarden.store.directory import DirectoryStore
from storewarden.store.disk import Disk
from tests.backup_lives import CHAT, Killed, World, check, live
from tests.catalogues import Place
from tests.disks import CALLS, CountingDisk, FailingDisk
from tests.faults import Faults

QUICK, ALL = 53, 1  # every so many points
STEPS = [QUICK, pytest.param(ALL, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
LATER_NS = 2**62


class DeadlyDisk(CountingDisk):
    """From a call on nothing is done any more, not even what clears up."""

    def __init__(self, at: int) -> None:
        super().__init__(CALLS, at)

    def strike(self, name: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self._at += 1
        raise Killed


DISKS: dict[str, Callable[[int], CountingDisk]] = {
    "killed": DeadlyDisk,
    "I/O error": lambda at: FailingDisk(errno.EIO, at),
    "full": lambda at: FailingDisk(errno.ENOSPC, at, lasting=True),
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    place = Place("sqlite", tmp_path / "state")
    yield place.furnished()
    place.close()


def world_of(engine: Engine, folder: Path, number: int) -> World:
    """Begin with one good backup in a new directory."""
    with engine.transaction():
        engine.execute("DELETE FROM databases")
    folder.joinpath(f"store-{number}").mkdir()
    store = DirectoryStore("backups", str(folder / f"store-{number}"))
    store.prepare()
    world = World(engine, folder, store)
    with engine.transaction():
        engine.execute("UPDATE databases SET id = ?", (CHAT,))
    world.take()
    return world


def store_on(disk: Disk, folder: Path, number: int) -> DirectoryStore:
    return DirectoryStore("backups", str(folder / f"store-{number}"), disk=disk)


@pytest.mark.parametrize("every", STEPS)
@pytest.mark.parametrize("how", DISKS)
def test_a_disk_that_fails_at_any_call_costs_no_backup_and_leaves_nothing(
    engine: Engine, tmp_path: Path, how: str, every: int
) -> None:
    points = 0
    for call in range(1, 100_000, every):
        world = world_of(engine, tmp_path, call)
        before = world.good()
        disk = DISKS[how](call)
        world.stores["backups"] = store_on(disk, tmp_path, call)
        world.store = world.stores["backups"]
        with suppress(Killed, StorewardenError):
            live(world)
        if disk.calls < call:
            break
        points += 1
        world.store = world.stores["backups"] = world.well
        world.recover()
        world.well.sweep(LATER_NS)
        check(world, before)
        world.day += 10
        live(world)
        check(world, before)

    assert points * every > 200, "every call of a life was one at which it failed"


@pytest.mark.parametrize("every", STEPS)
@pytest.mark.parametrize("error", [CatalogueFull, CatalogueUnavailable])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_a_catalogue_that_fails_at_any_call_costs_no_backup_and_leaves_nothing(
    engine: Engine, tmp_path: Path, error: type[StorewardenError], every: int, *, lasting: bool
) -> None:
    faults = Faults(engine)
    points = 0
    for call in range(0, 100_000, every):
        world = world_of(engine, tmp_path, call)
        before = world.good()
        faults.after(call, lasting=lasting, error=lambda: error("made up"))
        failed = faults.failed
        with suppress(StorewardenError):
            live(world)
        faults.mend()
        if faults.failed == failed:
            break
        points += 1
        world.recover()
        check(world, before)
        world.day += 10
        live(world)
        check(world, before)

    assert points * every > 20, "every call of a life was one at which it failed"
