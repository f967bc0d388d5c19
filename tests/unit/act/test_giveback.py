"""Files go back to where they were, with the directories above them; what cannot is told."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from storewarden.act.drawers import Room
from storewarden.act.entries import Entry, look
from storewarden.act.giveback import PutBack, parent_made, put_back
from storewarden.act.kernel import PLACE, Kernel
from storewarden.act.leaving import leave
from storewarden.act.refused import Reason, Refused, Stop
from storewarden.act.trash import Trashed, trash
from tests.descriptors import held
from tests.interfering import MARK, Ground, proof_of


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Lend a root; whatever was done there, nothing stays open."""
    ground = Ground(tmp_path / "root")
    before = held()
    yield ground
    assert held() == before
    ground.close()


@pytest.fixture(autouse=True)
def _strict() -> Iterator[None]:
    mask = os.umask(0o077)
    yield
    os.umask(mask)


def made(
    ground: Ground, path: bytes, modes: tuple[int, ...] = (), kernel: Kernel | None = None
) -> tuple[bytes, Path]:
    """Make the directory of a path; return the name in it, and which directory was opened."""
    with ExitStack() as stack:
        parent, name = parent_made(ground.fd, path, modes, kernel or Kernel(), stack)
        return name, Path(os.readlink(f"/proc/self/fd/{parent}"))


def mode(ground: Ground, path: str) -> int:
    return stat.S_IMODE((ground.path / path).stat().st_mode)


class Telling(Kernel):
    """Says which directories were synced, and with which flags something was opened."""

    def __init__(self) -> None:
        self.synced: list[str] = []
        self.flags: set[int] = set()

    def open(self, name: bytes, flags: int, directory: int) -> int:
        self.flags.add(flags)
        return super().open(name, flags, directory)

    def sync(self, descriptor: int) -> None:
        self.synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        super().sync(descriptor)


class Saying(Kernel):
    """Answers one sort of call with an error, from the N-th on or only then."""

    def __init__(self, call: str, number: int, *, at: int = 1, once: bool = False) -> None:
        self.calls = 0
        do = getattr(self, call)

        def said(*arguments: Any) -> Any:
            self.calls += 1
            if self.calls == at or (self.calls > at and not once):
                raise OSError(number, os.strerror(number))
            return do(*arguments)

        setattr(self, call, said)


# -- directories -----------------------------------------------------------------------------------


def test_directories_that_are_gone_come_back_with_their_modes(ground: Ground) -> None:
    (ground.path / "a").mkdir()
    (ground.path / "a").chmod(0o705)

    name, where = made(ground, b"a/b/c/d/file", (0o777, 0o1775, 0o701))

    assert (name, where) == (b"file", ground.path / "a/b/c/d")
    assert [mode(ground, path) for path in ("a", "a/b", "a/b/c")] == [0o705, 0o1775, 0o701]
    assert mode(ground, "a/b/c/d") == 0o700  # nobody knows: as anything that is made here


def test_a_mode_that_nobody_noted_is_left_to_the_mask(ground: Ground) -> None:
    os.umask(0o027)

    made(ground, b"a/file")

    assert mode(ground, "a") == 0o750


def test_a_directory_has_the_group_of_the_one_above_where_that_is_so(ground: Ground) -> None:
    (ground.path / "a").mkdir()
    (ground.path / "a").chmod(0o2755)

    made(ground, b"a/b/file", (0o2755, 0o0775))

    assert mode(ground, "a/b") == 0o2775  # set by the directory above, and not taken away


def test_bits_that_a_directory_must_not_have_are_not_given(ground: Ground) -> None:
    made(ground, b"a/file", (0o6755,))

    assert mode(ground, "a") == 0o755


def test_each_directory_is_durable_in_the_one_above(ground: Ground) -> None:
    (ground.path / "a").mkdir()
    kernel = Telling()

    made(ground, b"a/b/c/file", kernel=kernel)

    assert kernel.synced == ["a", "b"]
    # Who may only pass through a directory can put something back behind it.
    assert PLACE | os.O_DIRECTORY in kernel.flags


def test_nothing_is_made_where_all_is_there(ground: Ground) -> None:
    (ground.path / "a").mkdir()
    (ground.path / "a").chmod(0o705)
    kernel = Telling()

    assert made(ground, b"a/file", (0o777,), kernel) == (b"file", ground.path / "a")
    assert made(ground, b"file", (), kernel) == (b"file", ground.path)
    assert (kernel.synced, mode(ground, "a")) == ([], 0o705)


def test_a_mode_that_may_not_be_given_is_narrower_and_that_is_all(ground: Ground) -> None:
    kernel = Saying("chmod", errno.EPERM)

    made(ground, b"a/b/file", (0o755, 0o700), kernel)

    assert [mode(ground, path) for path in ("a", "a/b")] == [0o700, 0o700]
    assert kernel.calls == 1  # where the mode is right, nothing is asked for


@pytest.mark.parametrize("call", ["chmod", "mkdir", "sync", "fstat"])
def test_what_the_disk_says_while_a_directory_is_made_is_told(ground: Ground, call: str) -> None:
    with pytest.raises(OSError, match="Input/output error"):
        made(ground, b"a/b/c/file", (0o755, 0o755, 0o755), Saying(call, errno.EIO, at=2))


class Faster(Kernel):
    """Somebody makes each directory just before we do."""

    def mkdir(self, name: bytes, mode: int, directory: int) -> None:
        super().mkdir(name, 0o711, directory)
        super().mkdir(name, mode, directory)


def test_who_makes_the_directory_at_the_same_time_is_welcome(ground: Ground) -> None:
    made(ground, b"a/b/file", kernel=Faster())

    assert (ground.path / "a/b").is_dir()


def test_what_is_no_directory_is_not_replaced(ground: Ground) -> None:
    ground.put(b"a", b"content")

    with pytest.raises(NotADirectoryError):
        made(ground, b"a/b/file")
    assert ground.census()[b"content"] == [b"a"]


def test_a_path_that_leaves_the_root_is_no_place(ground: Ground) -> None:
    with pytest.raises(Stop) as stopped:
        made(ground, b"../file")

    assert stopped.value.reason is Reason.BEHIND_A_LINK


# -- files -----------------------------------------------------------------------------------------


def trashed(ground: Ground, *paths: bytes) -> None:
    for path in paths:
        ground.put(path, b"content of " + path)
    assert isinstance(trash(ground.fd, ground.bundle(*paths)), Trashed)


def half_left(ground: Ground, first: bytes, second: bytes) -> Refused:
    """Let two files leave, of which the second cannot be removed."""
    for path in (first, second):
        ground.put(path, b"content of " + path)
    bundle = ground.bundle(first, second)
    proofs = [proof_of(member) for member in bundle.members]
    done = leave(ground.fd, bundle, proofs, kernel=Saying("unlink", errno.EIO, at=2))
    assert isinstance(done, Refused)
    return done


def drawers(ground: Ground) -> list[str]:
    return [str(path.relative_to(ground.path)) for path in ground.path.glob(".storewarden/*/*")]


IN_TRASH = f".storewarden/trash/{MARK}"
LEAVING = f".storewarden/leaving/{MARK}"


def test_what_goes_back_is_told_and_its_drawer_is_gone(ground: Ground) -> None:
    trashed(ground, b"a/one", b"b/two")

    done = put_back(ground.fd, Room.TRASH, MARK)

    assert done == PutBack(back=(b"b/two", b"a/one"))  # the first comes last
    assert (done.unsure, done.perhaps) == (False, False)
    assert drawers(ground) == []


def test_where_no_drawer_is_there_is_nothing_to_put_back(ground: Ground) -> None:
    assert put_back(ground.fd, Room.TRASH, MARK) == PutBack()


def test_where_the_drawer_cannot_be_opened_nothing_is_known(ground: Ground) -> None:
    trashed(ground, b"a/one")

    busy = put_back(ground.fd, Room.TRASH, MARK, kernel=Saying("open", errno.EMFILE))
    (ground.path / ".storewarden").chmod(0o777)  # it is not ours alone any more
    open_to_all = put_back(ground.fd, Room.TRASH, MARK)

    assert busy == open_to_all == PutBack(unsure=True)
    assert drawers(ground) == [IN_TRASH]


def test_where_it_cannot_be_seen_what_lies_there_nothing_is_known(ground: Ground) -> None:
    trashed(ground, b"a/one")

    done = put_back(ground.fd, Room.TRASH, MARK, kernel=Saying("names", errno.EIO, at=2))

    assert done == PutBack(unsure=True)
    assert drawers(ground) == [IN_TRASH]


def test_what_has_to_stay_stays_in_the_trash(ground: Ground) -> None:
    trashed(ground, b"a/one", b"b/two")
    ground.put(b"a/one", b"a new one")

    done = put_back(ground.fd, Room.TRASH, MARK)

    assert done == PutBack(back=(b"b/two",), kept=(b"a/one",))
    assert drawers(ground) == [IN_TRASH]
    assert ground.census()[b"content of a/one"] == [f"{IN_TRASH}/0".encode()]


def test_a_way_that_is_a_link_now_keeps_a_file_in_the_trash(ground: Ground, tmp_path: Path) -> None:
    trashed(ground, b"a/one")
    (ground.path / "a").rmdir()
    (ground.path / "a").symlink_to(tmp_path)

    assert put_back(ground.fd, Room.TRASH, MARK) == PutBack(kept=(b"a/one",))


def test_what_was_removed_is_told_and_the_drawer_tells_it_still(ground: Ground) -> None:
    refused = half_left(ground, b"a/one", b"b/two")

    assert (refused.removed, refused.kept, refused.unsure) == ((b"a/one",), (), False)
    assert drawers(ground) == [LEAVING]
    again = put_back(ground.fd, Room.LEAVING, MARK)
    assert again == PutBack(removed=(b"a/one",))
    assert drawers(ground) == [LEAVING]


def test_another_file_in_the_place_of_a_removed_one_is_another_file(ground: Ground) -> None:
    """File systems give the number of a file that was removed to the next one that is made."""
    half_left(ground, b"a/one", b"b/two")
    new = ground.put(b"a/one", b"a new one").identity
    note = ground.path / LEAVING / "note"
    told = note.read_text()
    found = re.search(r'"inode": (\d+)', told)  # of the first file
    assert found is not None
    note.write_text(told.replace(found[0], f'"inode": {new.inode}', 1))

    assert put_back(ground.fd, Room.LEAVING, MARK) == PutBack(removed=(b"a/one",))
    assert drawers(ground) == [LEAVING]


def test_what_was_put_back_before_is_not_told_as_removed(ground: Ground) -> None:
    """An attempt was killed after it had put one file back; removing had begun."""
    trashed(ground, b"a/one", b"b/two")
    (ground.path / IN_TRASH / "going").touch()
    (ground.path / IN_TRASH / "0").rename(ground.path / "a/one")

    done = put_back(ground.fd, Room.TRASH, MARK)

    assert done == PutBack(back=(b"b/two",))
    assert drawers(ground) == []


def test_where_it_cannot_be_seen_what_was_removed_that_is_said(ground: Ground) -> None:
    half_left(ground, b"a/one", b"b/two")

    busy = put_back(
        ground.fd, Room.LEAVING, MARK, kernel=Saying("open_below", errno.EMFILE, once=True)
    )
    note = ground.path / LEAVING / "note"
    note.write_text(note.read_text().replace('"a/one"', '"../one"'))  # somebody spoiled it
    spoiled = put_back(ground.fd, Room.LEAVING, MARK)

    assert busy == spoiled == PutBack(unsure=True)
    assert drawers(ground) == [LEAVING]


def test_what_has_to_stay_goes_from_the_way_out_into_the_trash(ground: Ground) -> None:
    trashed(ground, b"a/one", b"b/two")
    (ground.path / ".storewarden/leaving").mkdir(0o700)
    (ground.path / IN_TRASH).rename(ground.path / LEAVING)
    ground.put(b"a/one", b"a new one")

    done = put_back(ground.fd, Room.LEAVING, MARK)

    assert done == PutBack(back=(b"b/two",), kept=(b"a/one",))
    assert drawers(ground) == [IN_TRASH]
    assert isinstance(look(ground.fd, Room.TRASH, MARK), Entry)


def test_what_is_back_but_perhaps_not_after_a_power_cut_is_told(ground: Ground) -> None:
    trashed(ground, b"a/one", b"b/two")

    done = put_back(ground.fd, Room.TRASH, MARK, kernel=Saying("sync", errno.EIO, once=True))

    assert done == PutBack(back=(b"b/two", b"a/one"), perhaps=True)
    assert drawers(ground) == [IN_TRASH]


def test_a_drawer_that_cannot_be_tidied_changes_nothing_of_what_is_told(ground: Ground) -> None:
    trashed(ground, b"a/one")
    (ground.path / IN_TRASH / "strange").touch()

    assert put_back(ground.fd, Room.TRASH, MARK) == PutBack(back=(b"a/one",))
    assert drawers(ground) == [IN_TRASH]


def test_without_a_note_a_file_stays_where_it_is(ground: Ground) -> None:
    trashed(ground, b"a/one")
    (ground.path / IN_TRASH / "note").unlink()

    assert put_back(ground.fd, Room.TRASH, MARK) == PutBack(kept=(b"",))
    assert ground.census()[b"content of a/one"] == [f"{IN_TRASH}/0".encode()]


def test_a_path_that_somebody_spoiled_in_the_note_leads_nowhere(ground: Ground) -> None:
    trashed(ground, b"bystander", b"a/one")
    note = ground.path / IN_TRASH / "note"
    note.write_text(note.read_text().replace('"a/one"', '"../on"'))

    done = put_back(ground.fd, Room.TRASH, MARK)

    assert done == PutBack(back=(b"bystander",), kept=(b"../on",))
    assert not (ground.path.parent / "on").exists()


def test_of_what_is_not_said_nothing_is_claimed() -> None:
    assert PutBack() == ((), (), (), False, False)
