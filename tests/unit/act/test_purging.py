"""Files cease to be: what is asked before, and what is told of a purge that went half way."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from storewarden.act.allowance import Allowance, allow_purge
from storewarden.act.batch import carry_out_all
from storewarden.act.carry.work import PurgeRule
from storewarden.act.entries import Entry
from storewarden.act.execute import Executor, Patience
from storewarden.act.refused import Refused
from storewarden.catalogue import copies
from storewarden.catalogue.acts import Act, figures
from storewarden.errors import LeaseLost, ObjectDamaged, StoreRefused, StoreUnavailable
from storewarden.store.contract import Store
from storewarden.store.memory import MemoryStore
from tests.catalogues import sqlite_place
from tests.executing import CONTENTS, DAY, FIRST, Life, Lives, hasty
from tests.striking import Strike, Striking, StruckStore
from tests.working import decided, killed_at, undecided

PATHS = tuple(CONTENTS)
PATH = FIRST[0]
SIZES = [len(content) for content in CONTENTS.values()]
ONCE = Patience(attempts=1)
NS = 1_000_000_000


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with sqlite_place(tmp_path / "state") as place:
        yield Lives(hasty(place), tmp_path).begin("memory")


def failing(call: str, at: int, error: Exception | None = None) -> Striking:
    said = error or OSError(errno.EIO, os.strerror(errno.EIO))
    return Striking(at, lambda _name: said, lasting=True, only=lambda name: name == call)


def rows(life: Life) -> list[str]:
    return [life.row(path).state for path in PATHS]


def freed(life: Life, act: Act) -> list[int]:
    """Return what all purges freed as the figures have it."""
    return [one.freed for one in figures(life.engine, act.host_id) if one.verb == "purge"]


def given_up(life: Life, act: Act, strike: Striking) -> Act:
    decided(life)
    return life.executor(strike, ONCE).carry_out(act).act


# -- from the trash --------------------------------------------------------------------------------


def test_what_was_freed_is_told_and_counted(life: Life) -> None:
    life.done("trash")

    outcome = life.done("purge")

    assert outcome.freed >= 3 * 512  # on the disk
    assert freed(life, outcome.act) == [outcome.freed]
    assert life.ours() == []


def test_a_policy_is_said_to_have_asked(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noted(entry: Entry, **more: Any) -> Allowance | Refused:
        asked.append(more["asked_by"])
        return allow_purge(entry, **more)

    monkeypatch.setattr("storewarden.act.carry.purge.allow_purge", noted)
    life.done("trash")
    life.done("purge", PATHS[:3], asked_by="the daemon", policy="renders")
    life.write(b"another", b"another")
    life.record(b"another")
    life.done("trash", [b"another"])
    life.done("purge", [b"another"])

    assert asked == ["renders", "anna"]


def test_what_was_removed_is_purged_and_the_rest_is_decided_anew(life: Life) -> None:
    life.done("trash")
    act = life.plan("purge")

    ended = given_up(life, act, failing("kernel.unlink", 2))

    assert (ended.state, [one.path for one in ended.members]) == ("done", [PATH])
    assert rows(life) == ["purged", "trashed", "trashed"]
    assert undecided(life) >= {life.row(path).id for path in PATHS[1:]}
    assert freed(life, ended) == [SIZES[0]]
    assert set(life.local()) >= {CONTENTS[path] for path in PATHS[1:]}


def test_what_a_killed_attempt_had_freed_is_counted_once(life: Life) -> None:
    life.done("trash")
    act = killed_at(life, life.plan("purge"), "kernel.unlink", 2)

    outcome = life.carry_out(act)

    assert rows(life) == ["purged"] * 3
    assert outcome.freed > 0  # of this attempt
    assert freed(life, act) == [SIZES[0] + outcome.freed]


def test_a_purge_that_removed_nothing_leaves_all_in_the_trash(life: Life) -> None:
    life.done("trash")

    ended = given_up(life, life.plan("purge"), failing("kernel.unlink", 1))

    assert (ended.state, rows(life)) == ("failed", ["trashed"] * 3)
    assert freed(life, ended) == [0]
    assert set(life.local()) >= set(CONTENTS.values())


def test_a_drawer_that_cannot_be_seen_is_waited_for(life: Life) -> None:
    life.done("trash")
    act = life.plan("purge")
    executor = life.executor(patience=ONCE)
    kernel = executor.tools.kernel

    def busy(_descriptor: int) -> list[bytes]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    kernel.names = busy  # type: ignore[method-assign, assignment]

    waiting = executor.carry_out(act).act

    assert (waiting.state, waiting.attempts) == ("planned", 1)
    assert waiting.error.startswith("busy: ")


def test_a_drawer_that_is_gone_is_told(life: Life) -> None:
    life.done("trash", FIRST)
    (drawer,) = (life.path / ".storewarden/trash").iterdir()
    os.rename(drawer, life.path / "taken")

    refused = life.executor(patience=ONCE).carry_out(life.plan("purge", FIRST)).act

    told = f"gone: {life.name}: data/app.db: the trash has no such entry"
    assert (refused.state, refused.error) == ("refused", told)


def test_a_drawer_that_is_open_to_others_is_not_emptied(life: Life) -> None:
    life.done("trash", FIRST)
    (drawer,) = (life.path / ".storewarden/trash").iterdir()
    drawer.chmod(0o777)

    failed = life.executor(patience=ONCE).carry_out(life.plan("purge", FIRST)).act

    assert (failed.state, failed.error[:8]) == ("failed", "not ours")
    assert CONTENTS[PATH] in life.local()


def test_what_was_purged_or_trashed_in_name_may_be_purged_again(life: Life) -> None:
    life.done("archive", FIRST, store="cloud")
    life.done("purge", FIRST)

    again = life.done("purge", members=life.members(FIRST)).act

    assert (again.state, life.row(PATH).state) == ("done", "purged")


# -- with a copy that stays ------------------------------------------------------------------------


def with_stores(life: Life, stores: dict[str, Store], patience: Patience = ONCE) -> Executor:
    executor = life.executor(patience=patience)
    executor.tools = replace(executor.tools, stores=stores)
    return executor


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ObjectDamaged("broken")])
def test_any_copy_that_is_proven_will_do(life: Life, error: Exception) -> None:
    spare = MemoryStore("spare")
    broken = StruckStore(
        life.store,
        Striking(
            *(1, lambda _name: error),
            lasting=True,
            only=lambda name: name in {"store.open", "store.look"},
        ),
    )
    for store in ("cloud", "spare"):
        act = life.plan("copy", store=store)
        with_stores(life, {"cloud": life.store, "spare": spare}).carry_out(act)
    life.done("trash")
    life.purge_rule = PurgeRule(copy_stays=True)

    waiting = with_stores(life, {"cloud": broken}).carry_out(life.plan("purge")).act
    assert (rows(life), waiting.error) == (["trashed"] * 3, str(error))
    ended = with_stores(life, {"cloud": broken, "spare": spare}).carry_out(life.plan("purge")).act
    assert (ended.state, rows(life)) == ("done", ["purged"] * 3)


def test_what_nobody_noted_is_proven_by_no_copy(life: Life) -> None:
    life.done("copy", FIRST, store="cloud")
    life.done("trash", FIRST)
    (drawer,) = (life.path / ".storewarden/trash").iterdir()
    (drawer / "note").unlink()
    life.purge_rule = PurgeRule(copy_stays=True)

    refused = life.executor(patience=ONCE).carry_out(life.plan("purge", FIRST)).act

    told = f"unproven: {life.name}: data/app.db: no copy of it is known"
    assert (refused.state, refused.error) == ("refused", told)
    assert CONTENTS[PATH] in life.local()


# -- what is archived ------------------------------------------------------------------------------


def twice(life: Life) -> dict[str, Store]:
    """Archive all files, with a second copy in another store."""
    stores: dict[str, Store] = {"cloud": life.store, "spare": MemoryStore("spare")}
    copied = with_stores(life, stores).carry_out(life.plan("copy", store="spare")).act
    assert copied.state == "done", copied.error
    life.done("archive", store="cloud")
    return stores


def test_all_objects_are_removed_or_none(life: Life) -> None:
    stores = twice(life)
    (first, *_) = life.store.list()
    content, about = life.store.find(first.key), life.store.about(first.key)
    assert content is not None
    with life.store.open(first.key) as opened:
        stored = opened.read(content.bytes)
    life.store.remove(content)
    pieces = [stored, b""]

    class Pieces:
        def read(self, _size: int, /) -> bytes:
            return pieces.pop(0)

    life.store.put(first.key, Pieces(), lambda: about)

    failed = with_stores(life, stores).carry_out(life.plan("purge")).act

    assert (failed.state, rows(life)) == ("failed", ["archived"] * 3)
    assert failed.error == (
        f"a copy was replaced: cloud: {first.key}: it is not the object that was stored;"
        " look who put it there; it was left alone"
    )
    assert [len(list(store.list())) for store in stores.values()] == [3, 3]


def test_with_its_objects_a_file_is_gone(life: Life) -> None:
    stores = twice(life)
    with life.engine.transaction():  # of one copy it is not known which object it is
        row = life.row(PATH).id
        life.engine.execute(
            "UPDATE copies SET key = NULL WHERE file_id = ? AND store = 'spare'", (row,)
        )

    ended = with_stores(life, stores).carry_out(life.plan("purge")).act

    assert (ended.state, rows(life)) == ("done", ["purged"] * 3)
    assert [len(list(store.list())) for store in stores.values()] == [0, 1]
    assert copies.of_files(life.engine, [row]) == {}


def test_an_object_that_is_gone_already_is_no_hindrance(life: Life) -> None:
    life.done("archive", store="cloud")
    (first, *_) = life.store.list()
    found = life.store.find(first.key)
    assert found is not None
    life.store.remove(found)

    assert life.done("purge").act.state == "done"
    assert list(life.store.list()) == []


def test_what_was_removed_of_the_objects_is_told_and_the_rest_decided_anew(life: Life) -> None:
    life.done("archive", store="cloud")

    ended = given_up(life, life.plan("purge"), failing("store.remove", 3, StoreRefused("no")))

    purged = [path for path in PATHS if life.row(path).state == "purged"]
    assert (ended.state, [one.path for one in ended.members]) == ("done", purged)
    assert len(purged) == 1
    rest = {life.row(path).id for path in PATHS if path not in purged}
    assert undecided(life) >= rest
    assert life.stored().keys() == {CONTENTS[path] for path in PATHS if path not in purged}
    assert copies.of_files(life.engine, [one.file_id or 0 for one in ended.members]) == {}
    life.agree()


def test_a_copy_that_was_removed_is_not_told_of_a_file_that_has_another(life: Life) -> None:
    stores = twice(life)
    act = life.plan("purge", FIRST)
    no = Striking(1, lambda _n: StoreRefused("no"), only=lambda name: name == "store.remove")
    stores["spare"] = StruckStore(stores["spare"], no)

    ended = with_stores(life, stores).carry_out(act).act

    row = life.row(PATH)
    assert (ended.state, ended.error, row.state) == ("failed", "no", "archived")
    assert [one.store for one in copies.of_files(life.engine, [row.id])[row.id]] == ["spare"]


def test_of_a_store_that_is_not_known_nothing_is_taken_for_gone(life: Life) -> None:
    life.done("archive", store="cloud")
    act = life.plan("purge")

    failed = with_stores(life, {}).carry_out(act).act

    assert (failed.state, rows(life)) == ("failed", ["archived"] * 3)
    assert len(copies.of_files(life.engine, [life.row(path).id for path in PATHS])) == 3


def test_what_lies_in_its_root_is_no_matter_of_a_purge(life: Life) -> None:
    life.done("trash", PATHS[1:])
    act = life.plan("purge")

    refused = life.executor(patience=ONCE).carry_out(act).act

    assert (refused.state, refused.error) == (
        "refused",
        f"not allowed: {life.name}: data/app.db: it is present",
    )
    assert rows(life) == ["present", "trashed", "trashed"]
    assert set(life.local()) >= set(CONTENTS.values())


# -- who may not act any more ----------------------------------------------------------------------


class Held(NamedTuple):
    """A lease that another process has taken over since."""

    host_id: int
    epoch: int


def losing(life: Life, names: set[str]) -> Strike:
    """Let the lease be lost at a call of the store."""
    host_id = life.lives.book.ground.host_id
    with life.engine.transaction():
        life.engine.execute(
            "INSERT INTO leases (host_id, epoch, holder, beat) VALUES (?, 2, '', 0)", (host_id,)
        )

    def strike(name: str, _behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if name in names:
            life.engine._lease = Held(host_id, 1)

    return strike


def test_who_loses_the_lease_while_a_copy_is_read_purges_nothing(life: Life) -> None:
    life.done("copy", store="cloud")
    life.done("trash")
    life.purge_rule = PurgeRule(copy_stays=True)
    act = life.plan("purge")

    with pytest.raises(LeaseLost):
        life.executor(losing(life, {"store.open", "store.look"})).carry_out(act)
    life.engine._lease = None

    assert set(life.local()) >= set(CONTENTS.values())


def test_who_loses_the_lease_removes_no_object(life: Life) -> None:
    life.done("archive", store="cloud")
    act = life.plan("purge")

    with pytest.raises(LeaseLost):
        life.executor(losing(life, {"store.find"})).carry_out(act)
    life.engine._lease = None

    assert life.stored().keys() == set(CONTENTS.values())


# -- a drawer that acts share ----------------------------------------------------------------------


def test_of_a_shared_drawer_only_what_is_meant_goes(life: Life) -> None:
    acts = [life.plan("trash", (path,)) for path in PATHS]
    assert {one.act.state for one in carry_out_all(life.executor(), acts)} == {"done"}

    life.done("purge", FIRST)

    assert rows(life) == ["purged", "trashed", "trashed"]
    assert set(life.local()) == {b"not asked about", *(CONTENTS[path] for path in PATHS[1:])}
    life.done("restore", PATHS[1:2])
    life.done("purge", PATHS[2:])
    assert life.ours() == []
    assert rows(life) == ["purged", "present", "purged"]
    life.clock.advance(DAY)
    assert life.recover() == ((), (), 0, (), ())
