"""Files go into a drawer, all or none; called again after a kill, that goes on."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from storewarden.act.aside import Aside, Wish, put_aside, undone
from storewarden.act.drawers import Room
from storewarden.act.kernel import Kernel
from storewarden.act.leases import Quiet
from storewarden.act.leaving import Left, leave
from storewarden.act.members import Bundle
from storewarden.act.refused import Reason, Refused
from storewarden.act.trash import Trashed, trash
from tests.descriptors import held
from tests.interfering import MARK, NOW, Ground, proof_of

OTHER = "a" * 16


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Lend a root; whatever was done there, nothing stays open."""
    ground = Ground(tmp_path / "root")
    ground.put(b"a/one", b"first")
    ground.put(b"b/two", b"second")
    before = held()
    yield ground
    assert held() == before
    ground.close()


class Standing(Kernel):
    """Does something at the N-th of one sort of call, before it is done."""

    def __init__(self, call: str, at: int, do: Callable[[], None]) -> None:
        self.calls = 0
        call_it = getattr(self, call)

        def standing(*arguments: Any) -> Any:
            self.calls += 1
            if self.calls == at:
                do()
            return call_it(*arguments)

        setattr(self, call, standing)


def fails(call: str, at: int = 1, number: int = errno.EIO) -> Standing:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return Standing(call, at, fail)


class Died(BaseException):
    """Stands for the end of the process."""


def dies(call: str, at: int = 1) -> Standing:
    def die() -> None:
        raise Died

    return Standing(call, at, die)


def drawer(ground: Ground, room: Room = Room.TRASH, mark: str = MARK) -> Path:
    return ground.path / ".storewarden" / room.value / mark


def both(ground: Ground) -> Bundle:
    return ground.bundle(b"a/one", b"b/two")


def put(
    ground: Ground, bundle: Bundle, kernel: Kernel | None = None, room: Room = Room.TRASH
) -> tuple[int, ...] | Refused:
    """Put files aside; return the numbers of those that lie there, or why not."""
    with ExitStack() as stack:
        done = put_aside(ground.fd, Wish(room, bundle), kernel or Kernel(), stack)
        if isinstance(done, Refused):
            return done
        assert all(moved.quiet == Quiet(by_lease=True) for moved in done.files)
        return tuple(moved.number for moved in done.files)


# -- it can not be begun ---------------------------------------------------------------------------


@pytest.mark.parametrize("members", [(), (b"a/one", b"a/one")])
def test_a_bundle_has_files_and_each_once(ground: Ground, members: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="a bundle has files, and each of them once"):
        put(ground, ground.bundle(*members))


def test_while_the_drawer_cannot_be_opened_nothing_is_sure(ground: Ground) -> None:
    told = put(ground, both(ground), fails("open", number=errno.EMFILE))

    assert told == Refused(Reason.BUSY, b"a/one", "Too many open files", unsure=True)
    (ground.path / ".storewarden").mkdir()
    (ground.path / ".storewarden").chmod(0o777)
    told = put(ground, both(ground))
    assert isinstance(told, Refused)
    assert (told.reason, told.unsure) == (Reason.NOT_OURS, True)


@pytest.mark.parametrize("others", [(b"b/two", b"a/one"), (b"a/one",), (b"bystander",)])
def test_a_mark_serves_one_bundle(ground: Ground, others: tuple[bytes, ...]) -> None:
    bundle = both(ground)
    again = bundle._replace(members=tuple(ground.member(path) for path in others))
    assert put(ground, bundle) == (0, 1)

    told = put(ground, again)

    assert told == Refused(Reason.TAKEN, others[0], "another act bears this mark")


def test_a_drawer_with_the_note_of_another_act_is_not_used(ground: Ground) -> None:
    bundle = both(ground)
    assert isinstance(trash(ground.fd, ground.bundle(b"bystander")._replace(mark=OTHER)), Trashed)
    drawer(ground, mark=OTHER).rename(drawer(ground))

    told = put(ground, bundle)

    assert told == Refused(Reason.TAKEN, b"a/one", "another act bears this mark")
    assert ground.census()[b"first"] == [b"a/one"]


@pytest.mark.parametrize("note", [None, b"", b"no note"])
def test_a_drawer_in_which_nothing_was_begun_is_made_use_of(
    ground: Ground, note: bytes | None
) -> None:
    drawer(ground).parent.mkdir(parents=True)
    (ground.path / ".storewarden").chmod(0o700)
    drawer(ground).mkdir(0o700)
    if note is not None:
        (drawer(ground) / "note.part").write_bytes(note)

    assert put(ground, both(ground)) == (0, 1)
    assert sorted(os.listdir(drawer(ground))) == ["0", "1", "note"]


def test_a_file_in_a_drawer_without_a_note_is_not_taken_for_ours(ground: Ground) -> None:
    drawer(ground).mkdir(parents=True)
    for path in (ground.path / ".storewarden", drawer(ground).parent, drawer(ground)):
        path.chmod(0o700)
    (drawer(ground) / "0").write_bytes(b"whose is it?")

    told = put(ground, both(ground))

    assert isinstance(told, Refused)
    assert told.reason is Reason.TAKEN
    assert ground.census()[b"first"] == [b"a/one"]


# -- all or none -----------------------------------------------------------------------------------


def test_where_they_came_from_and_where_they_lie_is_synced(ground: Ground) -> None:
    synced: list[str] = []

    class Telling(Kernel):
        def sync(self, descriptor: int) -> None:
            synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))

    put(ground, both(ground), Telling())

    assert sorted(synced[-3:]) == sorted(["a", "b", MARK])
    assert synced[-1] == MARK


def test_one_that_cannot_be_moved_keeps_all_at_their_places(ground: Ground) -> None:
    told = put(ground, both(ground), fails("rename", 3))  # the note is the first

    assert told == Refused(Reason.FAILING, b"a/one", "Input/output error")
    assert ground.census()[b"first"] == [b"a/one"]
    assert not drawer(ground).exists()


def test_who_opens_a_file_for_writing_as_it_is_moved_is_not_robbed(ground: Ground) -> None:
    bundle = both(ground)
    path = ground.path / "b/two"

    def rewrite() -> None:
        path.write_bytes(b"SECOND")
        os.utime(path, ns=(NOW, bundle.members[1].identity.modified_ns))

    # Before the lease on the second file, when it was looked at already.
    told = put(ground, bundle, Standing("lease", 2, rewrite))

    assert isinstance(told, Refused)
    assert (told.reason, told.path) == (Reason.CHANGED, b"b/two")
    assert told.why == "its names, owner, mode or attributes were changed"
    assert ground.census()[b"SECOND"] == [b"b/two"]
    assert ground.census()[b"first"] == [b"a/one"]


def test_only_files_that_have_one_name_leave(ground: Ground) -> None:
    (ground.path / "link").hardlink_to(ground.path / "b/two")
    bundle = both(ground)
    with ExitStack() as stack:
        wish = Wish(Room.LEAVING, bundle, only_name=True)
        told = put_aside(ground.fd, wish, Kernel(), stack)

    assert told == Refused(Reason.LINKED, b"b/two", "it has 2 names")
    assert put(ground, bundle) == (0, 1)  # the trash takes it


def test_a_bundle_that_nobody_may_use_is_asked_for_as_a_whole(ground: Ground) -> None:
    bundle = both(ground)._replace(unused=True)
    kinds: list[int] = []

    class Asking(Kernel):
        def lease(self, descriptor: int, kind: int) -> None:
            kinds.append(kind)
            super().lease(descriptor, kind)

    assert put(ground, bundle, Asking()) == (0, 1)
    assert kinds == [fcntl.F_WRLCK] * 2


# -- called again ----------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [2, 3])
def test_who_was_killed_goes_on(ground: Ground, at: int) -> None:
    bundle = both(ground)
    with pytest.raises(Died):
        put(ground, bundle, dies("rename", at))

    assert put(ground, bundle) == (0, 1)
    assert ground.census()[b"first"] == [f".storewarden/trash/{MARK}/0".encode()]
    assert ground.census()[b"second"] == [f".storewarden/trash/{MARK}/1".encode()]


def test_what_changed_in_the_drawer_meanwhile_goes_back(ground: Ground) -> None:
    bundle = both(ground)
    assert put(ground, bundle) == (0, 1)
    (drawer(ground) / "1").write_bytes(b"changed")

    told = put(ground, bundle)

    assert isinstance(told, Refused)
    assert (told.reason, told.path) == (Reason.CHANGED, b"b/two")
    assert told.why.startswith("since it was moved: it had 6 bytes and has 7")
    assert ground.census()[b"changed"] == [b"b/two"]
    assert ground.census()[b"first"] == [b"a/one"]


def test_what_its_user_deleted_before_it_was_moved_was_not_removed_by_us(ground: Ground) -> None:
    bundle = both(ground)
    with pytest.raises(Died):
        put(ground, bundle, dies("rename", 2))  # the drawer is there, and nothing in it
    (ground.path / "a/one").unlink()

    for room in (Room.TRASH, Room.LEAVING):
        told = put(ground, bundle, room=room)
        assert isinstance(told, Refused)
        assert (told.reason, told.path, told.removed) == (Reason.GONE, b"a/one", ())


def half_gone(ground: Ground) -> Bundle:
    """Let two files leave, and end when the first is removed."""
    bundle = both(ground)
    proofs = [proof_of(member) for member in bundle.members]
    with pytest.raises(Died):
        leave(ground.fd, bundle, proofs, kernel=dies("unlink", 2))
    return bundle


def left(ground: Ground, bundle: Bundle) -> Left | Refused:
    return leave(ground.fd, bundle, [proof_of(member) for member in bundle.members])


def test_what_was_removed_is_not_looked_for(ground: Ground) -> None:
    bundle = half_gone(ground)
    with ExitStack() as stack:
        done = put_aside(ground.fd, Wish(Room.LEAVING, bundle), Kernel(), stack)

        assert isinstance(done, Aside)
        assert done.removed == (b"a/one",)
        assert [moved.number for moved in done.files] == [1]


def test_a_new_file_in_the_place_of_a_removed_one_is_not_looked_at(ground: Ground) -> None:
    """Even if it has the number that the removed one had, as often happens."""
    bundle = half_gone(ground)
    new = ground.put(b"a/one", b"a new one").identity
    first = bundle.members[0]
    again = first._replace(identity=first.identity._replace(inode=new.inode))
    renumbered = bundle._replace(members=(again, bundle.members[1]))
    note = drawer(ground, Room.LEAVING) / "note"
    number = f'"inode": {first.identity.inode},'
    note.write_text(note.read_text().replace(number, f'"inode": {new.inode},'))

    done = left(ground, renumbered)

    assert isinstance(done, Left)
    assert ground.census() == {b"a new one": [b"a/one"], b"not asked about": [b"bystander"]}


def test_what_an_earlier_attempt_had_put_back_is_not_taken_for_removed(ground: Ground) -> None:
    bundle = half_gone(ground)
    (drawer(ground, Room.LEAVING) / "1").rename(ground.path / "b/two")

    told = left(ground, bundle)

    assert isinstance(told, Refused)  # it is decided anew: moving it back set its time
    assert (told.reason, told.path, told.removed) == (Reason.CHANGED, b"b/two", (b"a/one",))
    assert ground.census()[b"second"] == [b"b/two"]


# -- what cannot be put back -----------------------------------------------------------------------


def test_what_was_kept_and_removed_before_is_told(ground: Ground) -> None:
    bundle = half_gone(ground)
    ground.put(b"b/two", b"a new one")
    why = Refused(Reason.CHANGED, b"b/two", "why")

    first = undone(ground.fd, Wish(Room.LEAVING, bundle), {}, why, Kernel())
    second = undone(ground.fd, Wish(Room.LEAVING, bundle), {}, why, Kernel())

    assert first == why._replace(kept=(b"b/two",), removed=(b"a/one",))
    assert second == why._replace(kept=(b"b/two",))  # it lies in the trash since then
    assert ground.census()[b"second"] == [f".storewarden/trash/{MARK}/1".encode()]


def test_what_goes_to_the_trash_is_not_said_to_be_kept_there(ground: Ground) -> None:
    bundle = both(ground)
    why = Refused(Reason.CHANGED, b"b/two", "why")
    assert isinstance(trash(ground.fd, bundle), Trashed)

    assert undone(ground.fd, Wish(Room.TRASH, bundle), {}, why, Kernel()) == why
    assert ground.census()[b"second"] == [b"b/two"]


def test_what_lies_in_the_trash_of_another_attempt_is_told_only_for_leaving(
    ground: Ground,
) -> None:
    bundle = both(ground)
    why = Refused(Reason.CHANGED, b"b/two", "why")
    assert put(ground, bundle, room=Room.LEAVING) == (0, 1)
    drawer(ground).mkdir(parents=True)
    (ground.path / ".storewarden/trash").chmod(0o700)
    drawer(ground).chmod(0o700)
    (drawer(ground) / "0").write_bytes(b"no note tells of it")

    told = undone(ground.fd, Wish(Room.LEAVING, bundle), {}, why, Kernel())

    assert told == why  # all went back; what lies there unknown is nobody's


def test_where_it_cannot_be_seen_what_lies_there_that_is_said(ground: Ground) -> None:
    bundle = both(ground)
    assert put(ground, bundle) == (0, 1)
    why = Refused(Reason.CHANGED, b"b/two", "why")

    told = undone(ground.fd, Wish(Room.TRASH, bundle), {}, why, fails("open"))

    assert told == why._replace(unsure=True)
