"""Files come back from their copies: from which one, in which order, and what is told of them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from storewarden.act.carry.fetched import copies_of, hopeful
from storewarden.act.carry.work import Halted
from storewarden.act.copying import Source
from storewarden.act.execute import Executor, Patience
from storewarden.act.fetching import Fetched, fetch
from storewarden.act.refused import Reason, Refused, Stop
from storewarden.catalogue.acts import Act
from storewarden.errors import (
    LeaseLost,
    ObjectDamaged,
    ObjectMissing,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.store.contract import Store
from storewarden.store.memory import MemoryStore
from tests.catalogues import sqlite_place
from tests.executing import CONTENTS, FIRST, Life, Lives, hasty
from tests.striking import Striking, StruckStore
from tests.working import decided, killed_at, undecided, work

PATHS = tuple(CONTENTS)
PATH = FIRST[0]
SIZE = sum(map(len, CONTENTS.values()))
READS = {"store.open", "store.look"}
ONCE = Patience(attempts=1)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with sqlite_place(tmp_path / "state") as place:
        yield Lives(hasty(place), tmp_path).begin("memory")


def archived(life: Life) -> None:
    life.done("archive", store="cloud")


def read_failing(error: Exception, at: int = 1, *, lasting: bool = False) -> Striking:
    """Let a read of an object fail."""
    return Striking(at, lambda _name: error, lasting=lasting, only=lambda name: name in READS)


def with_stores(life: Life, stores: Mapping[str, Store]) -> Executor:
    executor = life.executor(patience=ONCE)
    executor.tools = replace(executor.tools, stores=stores)
    return executor


# -- in which order --------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 2, 3])
def test_the_file_that_gives_the_others_their_meaning_comes_last(life: Life, at: int) -> None:
    archived(life)
    act = life.plan("restore")
    fetched: list[str] = []

    def stop(name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if name in READS and not behind:
            fetched.append(name)
            if len(fetched) == at:
                raise StoreUnavailable("away")

    life.carry_out(act, stop)

    there = [path for path in PATHS if os.path.exists(life.at(path))]
    assert there == list(PATHS[len(PATHS) - at + 1 :])


def test_nothing_is_fetched_of_what_has_no_place(life: Life) -> None:
    archived(life)
    life.write(PATH, b"a new one")  # the one that would come last
    read: list[str] = []

    refused = life.carry_out(life.plan("restore"), lambda name, _: read.append(name)).act

    assert refused.state == "refused"
    assert life.local().keys() == {b"not asked about", b"a new one"}


def test_where_it_cannot_be_seen_whether_something_is_there_nothing_is_fetched(
    life: Life,
) -> None:
    archived(life)
    os.rename(life.at(b"side"), life.at(b"elsewhere"))
    os.symlink("elsewhere", life.at(b"side"))

    waiting = life.carry_out(life.plan("restore")).act

    assert (waiting.state, waiting.attempts) == ("planned", 1)
    assert waiting.error.startswith(f"behind a link: {life.name}: side/by/side/app.txt")
    assert life.local().keys() == {b"not asked about"}


# -- from which copy -------------------------------------------------------------------------------


def twice(life: Life) -> MemoryStore:
    """Archive all files, with a second copy in another store; return that."""
    spare = MemoryStore("spare")
    both = {"cloud": life.store, "spare": spare}
    copied = with_stores(life, both).carry_out(life.plan("copy", store="spare")).act
    assert copied.state == "done", copied.error
    archived(life)
    return spare


@pytest.mark.parametrize(
    "error",
    [StoreUnavailable("away"), StoreRefused("no"), ObjectMissing("gone"), ObjectDamaged("")],
)
def test_where_one_copy_cannot_be_read_another_is(life: Life, error: Exception) -> None:
    spare = twice(life)
    struck = StruckStore(life.store, read_failing(error, lasting=True))

    outcome = with_stores(life, {"cloud": struck, "spare": spare}).carry_out(life.plan("restore"))

    assert (outcome.act.state, outcome.fetched) == ("done", SIZE)
    assert life.local().keys() >= set(CONTENTS.values())


def test_a_store_that_was_named_is_the_only_one(life: Life) -> None:
    spare = twice(life)
    stores = {"cloud": StruckStore(life.store, read_failing(StoreRefused("no"))), "spare": spare}

    failed = with_stores(life, stores).carry_out(life.plan("restore", store="cloud")).act

    assert (failed.state, failed.error) == ("failed", "no")


def test_stores_are_asked_in_the_order_of_the_configuration(life: Life) -> None:
    spare = twice(life)
    act = life.plan("restore")

    for order in (("spare", "cloud"), ("cloud", "spare"), ("spare",), ()):
        stores = {name: {"cloud": life.store, "spare": spare}[name] for name in order}
        with work(life, act, stores=stores) as one:
            assert [copy.store for copy in copies_of(one, act.members[0])] == list(order)


def test_a_copy_whose_object_is_not_known_cannot_be_read(life: Life) -> None:
    archived(life)
    act = life.plan("restore")
    with life.engine.transaction():
        life.engine.execute("UPDATE copies SET key = NULL")

    with work(life, act) as one:
        assert list(copies_of(one, act.members[0])) == []
        assert list(copies_of(one, act.members[0]._replace(file_id=None))) == []
    assert life.carry_out(act).act.error.startswith("unproven")


def test_what_may_pass_is_told_before_what_will_not() -> None:
    no, gone = StoreRefused("no"), ObjectMissing("gone")
    away, full = StoreUnavailable("away"), StoreUnavailable("still away")

    assert hopeful([no, away, full], b"a") is away
    assert hopeful([no, gone], b"a") is no
    halted = hopeful([], b"a")
    assert isinstance(halted, Halted)
    assert halted.refused == Refused(Reason.UNPROVEN, b"a", "no copy of it is known")


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (StoreRefused("no"), StoreUnavailable("away"), "away"),
        (StoreRefused("no"), ObjectMissing("gone"), "no"),
    ],
)
def test_when_no_copy_serves_it_is_told_why(
    life: Life, first: StorewardenError, second: StorewardenError, told: str
) -> None:
    spare = twice(life)
    stores = {
        "cloud": StruckStore(life.store, read_failing(first, lasting=True)),
        "spare": StruckStore(spare, read_failing(second, lasting=True)),
    }

    failed = with_stores(life, stores).carry_out(life.plan("restore")).act

    assert (failed.state, failed.error) == ("failed", told)


# -- what is told ----------------------------------------------------------------------------------


def test_what_is_there_already_is_not_fetched_again(life: Life) -> None:
    archived(life)
    act = killed_at(life, life.plan("restore"), "journal.advance")

    outcome = life.carry_out(act)

    assert (outcome.act.state, outcome.fetched) == ("done", 0)
    life.agree()


def test_what_came_back_not_as_it_was_is_told(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(*arguments: object) -> Fetched:
        done: Fetched = fetch(*arguments)  # type: ignore[arg-type]
        return replace(done, lacking=(f"its group: {len(done.lacking)}",))

    monkeypatch.setattr("storewarden.act.carry.fetched.fetch", fetched)
    archived(life)

    assert life.done("restore").lacking == ("its group: 0",) * 3


def test_what_came_back_is_recorded_as_it_is_now(life: Life) -> None:
    os.chmod(life.at(PATHS[2]), 0o640)
    life.record(PATHS[2])
    archived(life)
    before = [life.row(path) for path in PATHS]

    act = life.done("restore").act

    for member, path, old in zip(act.members, PATHS, before, strict=True):
        status, row = os.lstat(life.at(path)), life.row(path)
        assert (row.id, row.state) == (old.id, "present")
        assert (row.inode, row.size) == (status.st_ino, status.st_size)
        assert (row.modified_ns, row.changed_ns) == (status.st_mtime_ns, status.st_ctime_ns)
        assert member.identity.inode == status.st_ino
        assert (row.mode, row.links, row.blocks) == (status.st_mode, 1, status.st_blocks)
        assert (row.uid, row.gid) == (status.st_uid, status.st_gid)


def test_who_changed_it_since_it_came_back_is_left_to_a_scan(life: Life) -> None:
    archived(life)
    act = killed_at(life, life.plan("restore"), "acted.restored")
    os.unlink(life.at(PATH))
    os.truncate(life.at(PATHS[1]), 1)

    life.recover()

    assert life.act(act).state == "done"
    for member in act.members:
        row = life.row(member.path)
        assert (row.state, row.size) == ("present", member.identity.size)
        assert (row.inode, row.changed_ns) == (member.identity.inode, member.identity.changed_ns)


def test_of_what_vanished_since_only_what_was_seen_is_told(life: Life) -> None:
    archived(life)
    act = killed_at(life, life.plan("restore"), "acted.restored")
    os.unlink(life.at(PATH))

    life.recover()

    row = life.row(PATH)
    assert life.act(act).state == "done"
    assert (row.mode, row.links, row.uid, row.gid, row.blocks) == (0o100600, 1, 0, 0, 0)


# -- some came back --------------------------------------------------------------------------------


def given_up(life: Life, at: int) -> Act:
    """Restore a bundle of which the N-th look at a read fails for good, and all behind it."""
    decided(life)
    error = ObjectDamaged("broken")
    executor = life.executor(read_failing(error, at, lasting=True), ONCE)
    return executor.carry_out(life.plan("restore")).act


def test_what_came_back_is_back_and_the_rest_is_decided_anew(life: Life) -> None:
    archived(life)

    ended = given_up(life, 5)  # each is told of before and behind

    assert (ended.state, [one.path for one in ended.members]) == ("done", list(PATHS[1:]))
    assert [life.row(path).state for path in PATHS] == ["archived", "present", "present"]
    assert life.row(PATH).id in undecided(life)
    for member in ended.members:
        assert member.identity.inode == os.lstat(life.at(member.path)).st_ino
    life.agree()


def test_where_nothing_came_back_the_act_has_failed(life: Life) -> None:
    archived(life)

    ended = given_up(life, 1)

    assert (ended.state, ended.error) == ("failed", "broken")
    assert [life.row(path).state for path in PATHS] == ["archived"] * 3


def test_something_else_of_the_same_size_in_a_place_did_not_come_back(life: Life) -> None:
    archived(life)
    act = life.plan("restore")
    life.write(PATH, b"x" * len(CONTENTS[PATH]))
    life.write(PATHS[1], b"of another size")

    ended = life.executor(patience=ONCE).carry_out(act).act

    assert ended.state == "refused"
    assert [life.row(path).state for path in PATHS] == ["archived"] * 3


def test_who_restores_what_was_put_back_by_hand_finds_it_there(life: Life) -> None:
    archived(life)
    decided(life)
    act = life.plan("restore")
    life.write(PATHS[2], CONTENTS[PATHS[2]])
    executor = life.executor(read_failing(ObjectDamaged("broken"), 1, lasting=True), ONCE)

    ended = executor.carry_out(act).act

    assert [one.path for one in ended.members] == [PATHS[2]]
    assert life.row(PATHS[2]).state == "present"


def test_what_changes_while_it_is_looked_at_did_not_come_back(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived(life)
    act = life.plan("restore")
    life.write(PATHS[2], CONTENTS[PATHS[2]])

    def changes(source: Source) -> bytes:
        raise Stop(Reason.CHANGED, source.path)

    monkeypatch.setattr("storewarden.act.carry.fetched.digest_of", changes)
    executor = life.executor(read_failing(ObjectDamaged("broken"), 1, lasting=True), ONCE)

    ended = executor.carry_out(act).act

    assert (ended.state, life.row(PATHS[2]).state) == ("failed", "archived")


class Held(NamedTuple):
    """A lease that another process has taken over since."""

    host_id: int
    epoch: int


def test_who_loses_the_lease_fetches_nothing_more(life: Life) -> None:
    archived(life)
    act = life.plan("restore")
    host_id = life.lives.book.ground.host_id
    with life.engine.transaction():
        life.engine.execute(
            "INSERT INTO leases (host_id, epoch, holder, beat) VALUES (?, 2, '', 0)", (host_id,)
        )
    reads: list[str] = []

    def read(name: str, behind: bool) -> None:  # noqa: FBT001  # the shape of Strike
        if name in READS and not behind:
            reads.append(name)
            life.engine._lease = Held(host_id, 1)

    with pytest.raises(LeaseLost):
        life.executor(read).carry_out(act)
    life.engine._lease = None

    assert len(reads) == 1


def test_while_a_place_cannot_be_seen_it_is_not_given_up(life: Life) -> None:
    archived(life)
    executor = life.executor(read_failing(ObjectDamaged("broken"), 1, lasting=True), ONCE)
    kernel = executor.tools.kernel
    seen: list[int] = []
    look = kernel.open_below

    def busy(root_fd: int, path: bytes, flags: int) -> int:
        seen.append(1)
        if len(seen) > len(PATHS):  # all were seen before the first was fetched
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return look(root_fd, path, flags)

    kernel.open_below = busy  # type: ignore[method-assign]

    waiting = executor.carry_out(life.plan("restore")).act

    assert (waiting.state, waiting.attempts) == ("planned", 1)
    assert waiting.error == (
        f"broken; and then: busy: {life.name}: data/app.db: Too many open files"
    )
