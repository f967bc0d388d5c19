"""What lies in our drawers is told from the disk alone, whatever somebody did to them."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storewarden.act.allowance import Allowance, allow_purge
from storewarden.act.drawers import Lying, Room
from storewarden.act.entries import (
    Entry,
    Found,
    at_place,
    entries,
    forget,
    is_empty,
    look,
    look_into,
    recover,
)
from storewarden.act.kernel import Kernel
from storewarden.act.note import Noted
from storewarden.act.refused import Reason, Refused
from storewarden.act.trash import Trashed, trash
from tests.descriptors import held
from tests.interfering import MARK, NOW, Ground, proof_of

OTHERS = "others may write into it: chmod go-w"


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(tmp_path / "root")
    ground.put(b"a/file", b"content")
    before = held()
    yield ground
    assert held() == before
    ground.close()


class Failing(Kernel):
    """One sort of call fails, from the N-th on."""

    def __init__(self, call: str, at: int = 1) -> None:
        left, do = [at], getattr(self, call)

        def fail(*arguments: Any) -> Any:
            left[0] -= 1
            if left[0] <= 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return do(*arguments)

        setattr(self, call, fail)


def trashed(ground: Ground, *paths: bytes) -> Path:
    assert isinstance(trash(ground.fd, ground.bundle(*(paths or (b"a/file",)))), Trashed)
    return ground.path / ".storewarden/trash" / MARK


DISK = (Reason.FAILING, "Input/output error")


# -- one drawer ------------------------------------------------------------------------------------


def test_where_nothing_lies_nothing_is_told(ground: Ground) -> None:
    assert look(ground.fd, Room.TRASH, MARK) is None
    assert look_into(ground.fd, Room.TRASH, MARK) == ()
    assert recover(ground.fd, MARK) == ()
    assert entries(ground.fd) == ()
    assert forget(ground.fd, Room.TRASH, MARK) is None


def test_what_the_disk_does_not_tell_is_told_as_refused(ground: Ground) -> None:
    trashed(ground)
    told = Refused(DISK[0], MARK.encode(), DISK[1])

    assert look(ground.fd, Room.TRASH, MARK, Failing("names")) == told
    assert look_into(ground.fd, Room.TRASH, MARK, Failing("names")) == told
    assert recover(ground.fd, MARK, Failing("names")) == told
    assert forget(ground.fd, Room.TRASH, MARK, Failing("names")) == told
    assert entries(ground.fd, kernel=Failing("names")) == (Refused(DISK[0], b"", DISK[1]),)
    assert entries(ground.fd, kernel=Failing("names", 2)) == (told,)


def test_a_drawer_that_others_may_write_is_told_as_refused(ground: Ground) -> None:
    drawer = trashed(ground)
    drawer.chmod(0o777)
    told = Refused(Reason.NOT_OURS, MARK.encode(), OTHERS)

    assert look(ground.fd, Room.TRASH, MARK) == told
    assert look_into(ground.fd, Room.TRASH, MARK) == told
    assert recover(ground.fd, MARK) == told
    assert forget(ground.fd, Room.TRASH, MARK) == told
    assert entries(ground.fd) == (told,)


def test_a_room_that_others_may_write_is_told_as_refused(ground: Ground) -> None:
    trashed(ground).parent.chmod(0o777)

    assert entries(ground.fd) == (Refused(Reason.NOT_OURS, b"trash", OTHERS),)


def test_what_bears_no_mark_is_no_drawer(ground: Ground) -> None:
    drawer = trashed(ground)
    for name in (b"a folder", b"\xff"):
        os.mkdir(os.path.join(os.fsencode(drawer.parent), name))

    (entry,) = entries(ground.fd)

    assert isinstance(entry, Entry)
    assert entry.mark == MARK


def test_an_empty_drawer_is_not_told_among_what_lies_in_the_trash(ground: Ground) -> None:
    (trashed(ground) / "0").unlink()

    assert entries(ground.fd) == ()
    told = look_into(ground.fd, Room.TRASH, MARK)
    assert not isinstance(told, Refused)
    (entry,) = told
    assert (entry.here, len(entry.files), entry.going) == ((), 1, False)


def test_a_drawer_is_empty_when_it_is_there_and_holds_no_file(ground: Ground) -> None:
    assert not is_empty(ground.fd, Room.TRASH, MARK)  # there is none
    drawer = trashed(ground, b"a/file", b"bystander")
    assert not is_empty(ground.fd, Room.TRASH, MARK)
    (drawer / "0").unlink()
    assert not is_empty(ground.fd, Room.TRASH, MARK)
    (drawer / "1").unlink()
    assert is_empty(ground.fd, Room.TRASH, MARK)
    assert not is_empty(ground.fd, Room.LEAVING, MARK)
    assert not is_empty(ground.fd, Room.TRASH, MARK, Failing("names"))
    drawer.chmod(0o777)  # it is not ours alone: nothing is known of it
    assert not is_empty(ground.fd, Room.TRASH, MARK)


# -- what a recovery sees --------------------------------------------------------------------------


def found(ground: Ground) -> Found:
    told = recover(ground.fd, MARK)
    assert not isinstance(told, Refused)
    (one,) = told
    return one


def test_a_recovery_sees_what_is_at_the_old_places(ground: Ground) -> None:
    for path in (b"b/other", b"c/d/other"):
        ground.put(path, b"another")
    trashed(ground, b"b/other", b"c/d/other", b"a/file", b"bystander")
    new = ground.put(b"a/file", b"a new one")
    (ground.path / "c/d").rmdir()
    for name in ("b", "c"):  # what lies behind a link is nothing of ours
        (ground.path / name).rmdir()
        (ground.path / name).symlink_to("a")

    one = found(ground)

    assert one.places == (None, None, new.identity, None)
    assert (one.whole, one.empty) == (True, False)


def test_a_directory_that_became_a_file_hides_nothing(ground: Ground) -> None:
    trashed(ground)
    (ground.path / "a").rmdir()
    ground.put(b"a", b"content")

    assert found(ground).places == (None,)
    assert at_place(ground.fd, b"a/file", Kernel()) is None


def test_a_place_that_cannot_be_seen_is_told_as_an_error(ground: Ground) -> None:
    with pytest.raises(OSError, match="Input/output error"):
        at_place(ground.fd, b"a/file", Failing("stat"))


def test_what_cannot_be_told_of_one_place_hides_no_other(ground: Ground) -> None:
    drawer = trashed(ground, b"bystander", b"a/file")
    note = drawer / "note"
    note.write_text(note.read_text().replace('"bystander"', '"../outsid"'))  # somebody spoiled it
    new = ground.put(b"a/file", b"a new one")

    assert found(ground).places == (None, new.identity)


def test_without_a_note_no_place_is_known(ground: Ground) -> None:
    (trashed(ground) / "note").unlink()

    one = found(ground)

    assert (one.places, one.whole, one.empty) == ((None,), False, False)
    assert (one.entry.since_ns, one.entry.told) == (None, {})


def test_what_is_whole_has_all_its_files_as_they_were(ground: Ground) -> None:
    drawer = trashed(ground, b"bystander", b"a/file")
    assert found(ground).whole
    (drawer / "1").write_bytes(b"changed")
    assert not found(ground).whole
    (drawer / "1").unlink()
    assert not found(ground).whole
    (drawer / "0").unlink()
    assert (found(ground).whole, found(ground).empty) == (False, True)
    assert not Found(found(ground).entry._replace(files=()), ()).whole


# -- the allowance of a purge ----------------------------------------------------------------------


def allowed(entry: Entry, **more: Any) -> Allowance | Refused:
    asked: dict[str, Any] = {"asked_by": "renders", "at_least_ns": 0, "now_ns": NOW}
    return allow_purge(entry, **(asked | more))


def test_an_allowance_tells_who_asked_since_when_and_which_copies(ground: Ground) -> None:
    member = ground.member(b"a/file")
    trashed(ground)
    proofs = [proof_of(member)]

    given = allowed(ground.entry(), proofs=proofs)

    assert isinstance(given, Allowance)
    assert (given.mark, given.asked_by, given.since_ns) == (MARK, "renders", NOW)
    assert given.proofs == tuple(proofs)
    assert list(given.files) == [0]
    without = allowed(ground.entry())
    assert isinstance(without, Allowance)
    assert without.proofs == ()


def test_only_what_lies_in_the_trash_is_purged(ground: Ground) -> None:
    trashed(ground)

    told = allowed(ground.entry()._replace(room=Room.LEAVING))

    assert told == Refused(Reason.NOT_ALLOWED, b"a/file", "it does not lie in the trash")


@pytest.mark.parametrize(
    ("lain", "needs", "is_allowed"),
    [
        *((0, 0, True), (5, 5, True), (4, 5, False), (6, 5, True)),
        *((-5, 0, True), (-5, 1, False), (0, 1, False), (1, 1, True)),
    ],
)
def test_it_must_have_lain_there_as_long_as_was_said(
    ground: Ground, lain: int, needs: int, *, is_allowed: bool
) -> None:
    trashed(ground)

    told = allowed(ground.entry(), now_ns=NOW + lain, at_least_ns=needs)

    if is_allowed:
        assert isinstance(told, Allowance)
    else:
        assert told == Refused(Reason.TOO_EARLY, b"a/file", "it has not lain there long enough")


def test_what_nobody_noted_is_not_purged(ground: Ground) -> None:
    (trashed(ground) / "note").unlink()

    told = allowed(ground.entry())

    why = "no note tells what it is, and since when"
    assert told == Refused(Reason.CHANGED, b"", why)
    assert allowed(ground.entry()._replace(files=())) == Refused(Reason.CHANGED, b"", why)


def test_what_is_not_what_was_put_there_is_not_purged(ground: Ground) -> None:
    trashed(ground)
    (lying,) = ground.entry().files
    assert lying.here is not None
    assert isinstance(lying.noted, Noted)
    unknown = Lying(0, None, lying.here)
    changed = lying._replace(here=lying.here._replace(size=1))

    why = "it is not what was put into the trash"
    told = allowed(ground.entry()._replace(files=(changed,)))
    assert told == Refused(Reason.CHANGED, b"a/file", why)
    told = allowed(ground.entry()._replace(files=(lying, unknown)))
    assert told == Refused(Reason.CHANGED, b"", why)


def test_a_file_without_a_proof_is_not_purged_where_one_is_asked_for(ground: Ground) -> None:
    one, other = ground.member(b"a/file"), ground.member(b"bystander")
    trashed(ground, b"a/file", b"bystander")

    why = "no copy of it is proven"
    for proofs, path in ([], b"a/file"), ([one], b"bystander"), ([other], b"a/file"):
        told = allowed(ground.entry(), proofs=[proof_of(proof) for proof in proofs])
        assert told == Refused(Reason.UNPROVEN, path, why)
    both = [proof_of(other), proof_of(one)]
    assert isinstance(allowed(ground.entry(), proofs=both), Allowance)


def test_somebody_must_have_asked(ground: Ground) -> None:
    trashed(ground)

    with pytest.raises(ValueError, match="somebody must have asked"):
        allowed(ground.entry(), asked_by="")
