"""Copies of an act: which one it may rely on, which it may remove, and what a file's digest is."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3

from storewarden.act.carry.storing import digest_of, drop_objects, verify_all
from storewarden.act.carry.work import PurgeRule, Tally, Tools, Work, pack, purge_at_once
from storewarden.act.identity import Identity
from storewarden.act.kernel import Kernel
from storewarden.act.members import Bundle
from storewarden.act.proof import Proof
from storewarden.act.refused import Reason, Stop
from storewarden.catalogue import copies
from storewarden.catalogue.acts import Act, Held
from storewarden.errors import ObjectDamaged, ObjectMissing, StoreRefused
from tests.archived import Root
from tests.catalogues import sqlite_place
from tests.descriptors import held
from tests.executing import CONTENTS, FIRST, Life, Lives, hasty
from tests.striking import Killed, Striking
from tests.working import decided, killed_at, undecided, work

PATHS = tuple(CONTENTS)
PATH = FIRST[0]
MIB = 1 << 20
READ_BACK = {"store.look", "store.open"}


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with sqlite_place(tmp_path / "state") as place:
        yield Lives(hasty(place), tmp_path).begin("memory")


# -- the digest of a file --------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    (tmp_path / "root").mkdir()
    root = Root(tmp_path / "root")
    root.write(b"a/file", b"content" * MIB)
    before = held()
    yield root
    assert held() == before
    os.close(root.descriptor)


def test_a_digest_is_of_all_that_a_file_holds_and_tells_how_far_it_is(root: Root) -> None:
    pieces: list[int] = []

    digest = digest_of(root.source(b"a/file"), pieces.append)

    assert digest == blake3(b"content" * MIB).digest()
    assert sum(pieces) == 7 * MIB
    assert len(pieces) > 1


def rewritten(path: bytes) -> None:
    with open(path, "r+b") as file:
        file.write(b"CONTENT")


def grown(path: bytes) -> None:
    with open(path, "ab") as file:
        file.write(b"more")


@pytest.mark.parametrize("change", [rewritten, grown])
def test_a_file_that_changed_has_no_digest(root: Root, change: Callable[[bytes], None]) -> None:
    source = root.source(b"a/file")
    change(root.path(b"a/file"))

    with pytest.raises(Stop) as stopped:
        digest_of(source)

    assert stopped.value.args == (Reason.CHANGED, b"a/file", "")


def test_a_file_that_changed_is_not_even_read(root: Root) -> None:
    source = root.source(b"a/file")
    rewritten(root.path(b"a/file"))
    pieces: list[int] = []

    with pytest.raises(Stop):
        digest_of(source, pieces.append)
    assert pieces == []


@pytest.mark.parametrize("change", [rewritten, grown])
def test_a_file_that_changes_while_it_is_read_has_no_digest(
    root: Root, change: Callable[[bytes], None]
) -> None:
    done: list[int] = []

    def progress(size: int) -> None:
        if not done:
            change(root.path(b"a/file"))
        done.append(size)

    with pytest.raises(Stop) as stopped:
        digest_of(root.source(b"a/file"), progress)

    assert stopped.value.args == (Reason.CHANGED, b"a/file", "")


def test_a_file_that_is_gone_has_no_digest(root: Root) -> None:
    source = root.source(b"a/file")
    os.unlink(root.path(b"a/file"))

    with pytest.raises(Stop) as stopped:
        digest_of(source)

    assert stopped.value.args == (Reason.GONE, b"a/file", "No such file or directory")


def test_a_digest_can_be_stopped(root: Root) -> None:
    def stop(_size: int) -> None:
        raise InterruptedError(errno.EINTR, "told to stop")

    with pytest.raises(Stop, match="Interrupted"):
        digest_of(root.source(b"a/file"), stop)


# -- the proof of a copy ---------------------------------------------------------------------------


def copied(life: Life) -> tuple[Act, Held]:
    act = life.done("copy", FIRST, store="cloud").act
    assert act.held is not None
    return act, act.held


def proven(life: Life, act: Act, held: Held) -> list[Proof]:
    """Prove that an object holds the file of an act."""
    member = act.members[0]._replace(held=held)
    with work(life, act._replace(members=(member,))) as one:
        return verify_all(one)


def test_a_copy_that_is_what_was_noted_is_proven(life: Life) -> None:
    act, held = copied(life)

    (proof,) = proven(life, act, held)

    assert proof.content.identity == Identity(*act.members[0].identity)
    assert proof.content.digest == blake3(CONTENTS[PATH]).digest()
    assert [(name, stored.key) for name, stored in proof.copies] == [("cloud", held.key)]


def test_a_copy_that_is_not_there_is_told_with_its_place(life: Life) -> None:
    act, held = copied(life)

    with pytest.raises(ObjectMissing) as missing:
        proven(life, act, held._replace(key="gone"))

    assert "gone" in missing.value.where


@pytest.mark.parametrize("other", [{"version": "another"}, {"stored_bytes": 1}])
def test_a_copy_that_is_not_what_was_stored_is_told_with_its_place(
    life: Life, other: dict[str, str]
) -> None:
    act, held = copied(life)

    with pytest.raises(ObjectDamaged, match="a copy was replaced") as damaged:
        proven(life, act, held._replace(**other))  # type: ignore[arg-type]

    assert damaged.value.where == f"cloud: {held.key}"


def test_an_act_that_does_not_tell_what_holds_a_file_proves_nothing(life: Life) -> None:
    act = life.plan("copy", FIRST, store="cloud")

    with work(life, act) as one, pytest.raises(ObjectMissing) as missing:
        verify_all(one)

    assert missing.value.where == f"act {act.id}"


def test_proving_tells_how_far_it_is_and_how_much_was_read(life: Life) -> None:
    act = killed_at(life, life.plan("copy", FIRST, store="cloud"), "journal.advance", 2)
    pieces: list[int] = []

    with work(life, act, progress=pieces.append) as one:
        verify_all(one)

    assert one.tally.verified == len(CONTENTS[PATH])
    assert sum(pieces) > 0


@pytest.mark.parametrize("damage", [ObjectMissing("gone"), ObjectDamaged("broken")])
def test_a_copy_that_is_none_is_forgotten_and_decided_anew(life: Life, damage: Exception) -> None:
    life.done("copy", FIRST, store="cloud")
    act = life.plan("archive", FIRST, store="cloud")
    strike = Striking(1, lambda _name: damage, only=lambda name: name in READ_BACK)

    life.carry_out(act, strike)

    (row,) = life.members(FIRST)
    assert row.file_id is not None
    assert copies.of_files(life.engine, [row.file_id]) == {}


def test_the_copy_of_another_file_is_not_forgotten_for_it(life: Life) -> None:
    _, held = copied(life)
    act = life.plan("archive", PATHS[2:], store="cloud")

    with pytest.raises(ObjectDamaged):
        proven(life, act, held._replace(version="another"))

    assert copies.at(life.engine, "cloud", held.key) is not None


# -- what is stored --------------------------------------------------------------------------------


def test_storing_tells_how_far_it_is(life: Life) -> None:
    pieces: list[int] = []
    executor = life.executor()
    tools = replace(executor.tools, progress=pieces.append)
    executor.tools = tools

    def stop(name: str, _behind: bool) -> None:  # noqa: FBT001
        if name in READ_BACK:
            raise Killed

    act = life.plan("copy", FIRST, store="cloud")
    tools.stores["cloud"].strike = stop  # type: ignore[attr-defined]  # before it is read back
    with pytest.raises(Killed):
        executor.carry_out(act)

    assert sum(pieces) == len(CONTENTS[PATH])


def test_a_copy_of_what_a_file_is_not_is_not_taken(life: Life) -> None:
    _, held = copied(life)
    with life.engine.transaction():
        life.engine.execute("UPDATE copies SET digest = ?", (b"\1" * 32,))

    outcome = life.carry_out(life.plan("archive", FIRST, store="cloud"))

    assert outcome.copied == len(CONTENTS[PATH])  # its digest is not what the file has
    assert outcome.act.held != held


def test_what_an_attempt_before_a_kill_stored_is_taken_over(life: Life) -> None:
    act = killed_at(life, life.plan("archive", FIRST, store="cloud"), "journal.advance")

    outcome = life.carry_out(act)

    assert (outcome.act.state, outcome.copied) == ("done", 0)
    assert len(list(life.store.list())) == 1


def test_a_copy_whose_object_is_not_known_is_made_anew(life: Life) -> None:
    copied(life)
    with life.engine.transaction():
        life.engine.execute("UPDATE copies SET key = NULL")

    outcome = life.carry_out(life.plan("archive", FIRST, store="cloud"))

    assert (outcome.act.state, outcome.copied) == ("done", len(CONTENTS[PATH]))


# -- what is removed again -------------------------------------------------------------------------


def stored(life: Life) -> Act:
    """Return an act whose files are stored, which is noted nowhere."""
    act = killed_at(life, life.plan("archive", store="cloud"), "journal.advance")
    assert len(life.stored()) == len(CONTENTS)
    return act


def test_what_an_act_stored_in_vain_is_removed(life: Life) -> None:
    act = stored(life)

    with work(life, act) as one:
        drop_objects(one)

    assert life.stored() == {}


@pytest.mark.parametrize("gone", PATHS)
@pytest.mark.parametrize("how", ["deleted", "changed", "behind a link"])
def test_the_object_of_a_file_that_is_not_as_it_was_stays(
    life: Life, gone: bytes, how: str
) -> None:
    act = stored(life)
    place = life.at(gone)
    if how == "deleted":
        os.unlink(place)
    elif how == "changed":
        os.truncate(place, 1)
    else:
        os.rename(os.path.dirname(place), life.at(b"elsewhere"))
        os.symlink(life.at(b"elsewhere"), os.path.dirname(place))

    with work(life, act) as one:
        drop_objects(one)

    assert CONTENTS[gone] in life.stored()
    if how != "behind a link":  # there two files lie in one directory
        assert len(life.stored()) == 1


def test_an_object_that_is_somebodys_copy_stays(life: Life) -> None:
    act = life.plan("copy", FIRST, store="cloud")
    life.carry_out(act)

    with work(life, act) as one:
        drop_objects(one)

    assert len(life.stored()) == 1


def test_the_object_of_a_path_that_is_none_stays(life: Life) -> None:
    act = stored(life)
    odd = tuple(member._replace(path=b"../" + member.path) for member in act.members)

    with work(life, act._replace(members=odd)) as one:
        drop_objects(one)

    assert len(life.stored()) == len(CONTENTS)


class Unseen(Kernel):
    """Nothing can be looked at."""

    def stat(self, name: bytes, directory: int) -> os.stat_result:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_while_nothing_can_be_seen_nothing_is_removed(life: Life) -> None:
    act = stored(life)

    with work(life, act, kernel=Unseen()) as one:
        drop_objects(one)

    assert len(life.stored()) == len(CONTENTS)


def test_who_has_lost_the_lease_removes_nothing(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = stored(life)
    with work(life, act) as one:

        def lost() -> None:
            raise Killed

        monkeypatch.setattr(one, "require_lease", lost)
        with pytest.raises(Killed):
            drop_objects(one)

    assert len(life.stored()) == len(CONTENTS)


# -- what a verb is given --------------------------------------------------------------------------


def test_what_nobody_says_otherwise() -> None:
    assert purge_at_once(None) == PurgeRule() == (0, False)  # type: ignore[arg-type]
    assert pack("cloud") == "zstd"
    assert Tally() == Tally(0, 0, 0, 0, (), [])
    assert (Tools.__dataclass_fields__["purge_rule"].default, pack) == (purge_at_once, pack)


def test_a_store_that_is_not_known_is_told(life: Life) -> None:
    with work(life, life.plan("copy", FIRST, store="gone")) as one:
        with pytest.raises(StoreRefused) as unknown:
            _ = one.store
        with pytest.raises(StoreRefused) as nameless:
            _ = Work(one.act._replace(store=None), one.root, one.tools).store

    assert (unknown.value.where, nameless.value.where) == ("gone", "")
    assert unknown.value.remedy == "configure it again, or choose another one"


def bundle(life: Life, act: Act) -> Bundle:
    with work(life, act) as one:
        return one.bundle(act.members)


def test_what_is_moved_together_tells_who_asked_for_what_and_why(life: Life) -> None:
    person = bundle(life, life.plan("trash", PATHS[:1]))
    policy = bundle(
        life, life.plan("trash", PATHS[2:], asked_by="renders", policy="renders", reason="old")
    )

    assert person.told == {"verb": "trash", "by": "anna", "reason": "because"}
    assert policy.told == {"verb": "trash", "by": "renders", "reason": "old", "policy": "renders"}
    assert person.now_ns == life.clock.wall_ns()
    assert [member.path for member in person.members] == [PATH]


def test_files_are_decided_anew(life: Life) -> None:
    act = life.plan("trash")
    decided(life)

    with work(life, act) as one:
        one.reconsider([*one.act.members[:2], one.act.members[2]._replace(file_id=None)])

    assert undecided(life) == {member.file_id for member in act.members[:2]}
