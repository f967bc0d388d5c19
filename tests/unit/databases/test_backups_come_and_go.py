"""Backups are written, read back, kept and removed; whoever is killed anywhere loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from storewarden.catalogue import backups
from storewarden.databases import objects
from storewarden.databases.about import key_for
from storewarden.databases.backups import (
    LONGEST_CHAIN,
    next_kind,
    require_newest,
)
from storewarden.errors import ObjectDamaged, ObjectMissing, StoreUnavailable, StorewardenError
from storewarden.policy.rules import Keep, Timer
from storewarden.store.contract import Reader, Stored, Telling
from storewarden.store.memory import MemoryStore
from tests.backup_lives import CHAT, Killed, World, check, live, mark_of
from tests.catalogues import DAY, NOW, Place

CALLS = 40  # more than one life of backups makes; that so many suffice is asserted


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    place = Place("sqlite", tmp_path / "state")
    yield World(place.furnished(), tmp_path)
    place.close()


def test_what_was_put_is_read_back_before_it_counts(world: World) -> None:
    world.take()

    (found,) = world.good()
    assert (found.kind, found.counted, found.taken_ns) == ("full", {"messages": 1}, world.now())
    assert world.lies() == {found.key}


def test_increments_are_taken_until_a_whole_one_is_due(world: World) -> None:
    for _ in range(9):
        world.take()

    kinds = [one.kind for one in reversed(world.good())]
    assert kinds == ["full", *["increment"] * 6, "full", "increment"]


def test_what_is_read_back_otherwise_than_it_was_put_is_bad_and_never_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = MemoryStore.put

    def spoiled(store: MemoryStore, key: str, source: Reader, about: Telling) -> Stored:
        put(store, key, source, about)
        store.hurt(key, b"x" * 100)
        found = store.find(key)
        assert found is not None
        return found

    monkeypatch.setattr(MemoryStore, "put", spoiled)

    with pytest.raises(ObjectDamaged):
        world.take()

    assert [one.state for one in world.known()] == ["bad"]
    assert "another digest" in world.known()[0].trouble
    assert world.forget() == [], "it is all there is"


def test_what_is_not_kept_goes_from_the_store_too(world: World) -> None:
    for _ in range(4):
        world.take(Timer(every_ns=60 * 10**9))

    assert world.forget() == [True, True]

    assert [one.taken_ns for one in world.good()] == [NOW + 4 * DAY, NOW + 3 * DAY]
    assert world.lies() == {one.key for one in world.good()}
    assert world.forget() == []


def test_a_chain_goes_from_its_end(world: World) -> None:
    for _ in range(9):
        world.take()
    assert world.forget(Keep(last=1)) == [True] * 7
    assert [one.kind for one in world.good()] == ["increment", "full"]


@pytest.mark.parametrize("which", [0, 1], ids=["the newest", "what it is built on"])
def test_nothing_goes_while_the_newest_good_one_is_not_met(world: World, which: int) -> None:
    for _ in range(9):
        world.take()
    lost = world.good()[which].key
    found = world.memory.find(lost)
    assert found is not None
    world.memory.remove(found)

    with pytest.raises(ObjectMissing, match="lost"):
        world.forget(Keep(last=1))

    assert len(world.lies()) == 8
    assert {one.key for one in world.known() if one.state == "bad"} >= {lost}
    assert world.good()[0].taken_ns == NOW + 7 * DAY + DAY * (1 - which)


def test_another_object_under_the_key_is_no_backup(world: World) -> None:
    for _ in range(3):
        world.take(Timer(every_ns=60 * 10**9))
    world.memory.hurt(world.good()[0].key, b"x" * 100)

    with pytest.raises(ObjectDamaged, match="something else"):
        world.forget(Keep(last=1))

    assert len(world.lies()) == 3
    assert len(world.good()) == 2


def test_a_store_that_is_away_costs_nothing(world: World) -> None:
    for _ in range(4):
        world.take(Timer(every_ns=60 * 10**9))
    world.store.error = lambda: StoreUnavailable("away")
    world.store.left = 1

    with pytest.raises(StoreUnavailable):
        world.forget()

    assert len(world.good()) == 4


def test_a_store_that_goes_away_in_between_is_asked_again(world: World) -> None:
    for _ in range(4):
        world.take(Timer(every_ns=60 * 10**9))
    world.store.error = lambda: StoreUnavailable("away")
    world.store.left = 3  # the newest was met, and what goes was found

    assert world.forget() == [False, True]

    assert [one.state for one in world.known()] == ["good", "good", "leaving"]
    assert world.recover() == ["gone"]
    assert world.lies() == {one.key for one in world.good()}


def test_a_store_of_which_nobody_knows_keeps_what_it_has(world: World) -> None:
    for _ in range(3):
        world.take(Timer(every_ns=60 * 10**9))
    with world.engine.transaction():
        oldest = world.known()[-1].id
        world.engine.execute("UPDATE backups SET store = 'sold' WHERE id = ?", (oldest,))

    assert world.forget() == [False]
    assert len(world.good()) == 3


def test_a_chain_lies_in_one_store_and_is_not_endless(world: World) -> None:
    for _ in range(3):
        world.take()
    good = world.good()

    assert next_kind(good, "cloud", None, world.now(), UTC).kind == "full"
    assert next_kind(good, "backups", None, world.now(), UTC).base == good[0]
    assert next_kind(good[:2], "backups", None, world.now(), UTC).kind == "full"
    links = [
        good[1]._replace(id=n + 10, base_id=n + 9 if n else None, taken_ns=NOW + n)
        for n in range(LONGEST_CHAIN)
    ]
    links[0] = links[0]._replace(kind="full")
    assert next_kind(links, "backups", Timer(every_ns=9 * DAY), NOW, UTC).kind == "full"
    assert next_kind(links[:-1], "backups", Timer(every_ns=9 * DAY), NOW, UTC).kind == "increment"


def test_a_good_one_is_met_with_all_that_it_is_built_on(world: World) -> None:
    with pytest.raises(ObjectMissing, match="no good backup"):
        require_newest(world.engine, world.stores, CHAT, world.now)
    for _ in range(3):
        world.take()

    assert require_newest(world.engine, world.stores, CHAT, world.now) == world.good()[0]


# -- killed anywhere ----------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("how", ["killed", "away"])
def test_whoever_is_stopped_at_any_call_loses_nothing_and_leaves_nothing(
    tmp_path: Path, how: str, *, after: bool
) -> None:
    place = Place("sqlite", tmp_path / "state")
    engine = place.furnished()
    for call in range(1, CALLS):
        with engine.transaction():
            engine.execute("DELETE FROM databases")
        world = World(engine, tmp_path)
        ((number,),) = engine.execute("SELECT id FROM databases")
        with engine.transaction():
            engine.execute("UPDATE databases SET id = ? WHERE id = ?", (CHAT, number))
        world.take()
        world.store.left, world.store.after = call, after
        if how == "away":
            world.store.error = lambda: StoreUnavailable("away")
        before = world.good()
        with suppress(Killed, StorewardenError):
            live(world)
        if world.store.left > 0:
            break  # all of it came to its end before that call
        world.store.left = 0
        world.recover()
        check(world, before)
        world.day += 10
        live(world)
        check(world, before)
        assert len(world.good()) == len(backups.chain(engine, world.good()[0]))
    place.close()
    assert 20 < call < CALLS - 1, "every call was one at which it ended"


def test_a_backup_whose_marks_were_taken_before_is_another(world: World) -> None:
    world.take()
    about, _ = objects.met(world.memory, world.good()[0].key)

    assert key_for(about) == world.good()[0].key
    assert key_for(replace(about, mark=mark_of(9))) != key_for(about)
