"""A file is held as it was decided on, or it is said what is in the way; nothing stays open."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from storewarden.act.identity import Identity
from storewarden.act.kernel import PLACE, READ, Kernel
from storewarden.act.members import (
    Bundle,
    Member,
    difference,
    hold,
    hold_in,
    is_plain,
    modes_above,
    split,
)
from storewarden.act.refused import Reason, Stop
from tests.descriptors import held
from tests.interfering import Ground

LONGEST = b"n" * 255


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(tmp_path / "root")
    yield ground
    ground.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Lend a stack; once it has ended, nothing that a test opened is open any more."""
    before = held()
    with ExitStack() as stack:
        yield stack
    assert held() == before


def refusal(ground: Ground, member: Member, kernel: Kernel, stack: ExitStack) -> tuple[object, ...]:
    with pytest.raises(Stop) as stopped:
        hold(ground.fd, member, kernel, stack)
    return stopped.value.args


# -- paths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [b"", b"/a", b"a/", b"a//b", b".", b"a/./b", b"..", b"a/../b", b"a\0b", b"a/b\0/c"]
)
def test_what_is_no_path_below_a_root_is_refused(path: bytes) -> None:
    with pytest.raises(Stop) as stopped:
        split(path)

    assert stopped.value.args == (Reason.BEHIND_A_LINK, path, "no path below a root")


def test_our_own_folder_is_nobodys_file() -> None:
    with pytest.raises(Stop) as stopped:
        split(b".storewarden/root.json")

    assert stopped.value.args[:2] == (Reason.OURS, b".storewarden/root.json")
    assert split(b"a/.storewarden") == (b"a", b".storewarden")


def test_a_name_may_be_as_long_as_names_can_be() -> None:
    assert split(b"a/b/" + LONGEST) == (b"a/b", LONGEST)
    assert split(LONGEST) == (b"", LONGEST)
    with pytest.raises(Stop) as stopped:
        split(b"a/" + LONGEST + b"n")

    assert stopped.value.args == (Reason.TOO_LONG, b"a/" + LONGEST + b"n", "File name too long")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        *((b"a", True), (b"...", True), (b"\xff", True), (b"a.storewarden", True)),
        *((LONGEST, True), (LONGEST + b"n", False), (b"", False), (b".", False), (b"..", False)),
        *((b".storewarden", False), (b"a\0", False), (b"\0", False)),
    ],
)
def test_a_plain_name_is_one_wherever_it_is(name: bytes, *, plain: bool) -> None:
    assert is_plain(name) is plain
    if plain:
        assert split(b"a/" + name) == (b"a", name)
        assert split(name) == (b"", name)


# -- what is held ----------------------------------------------------------------------------------


def test_a_file_is_held_with_its_directory_until_the_end(ground: Ground, stack: ExitStack) -> None:
    member = ground.put(b"a/file", b"content")

    held = hold(ground.fd, member, Kernel(), stack)

    assert (held.path, held.name, held.identity) == (b"a/file", b"file", member.identity)
    assert os.read(held.descriptor, 100) == b"content"
    assert os.listdir(held.parent) == ["file"]


class Unreadable(Kernel):
    """As files of other users are for who is not root."""

    def open(self, name: bytes, flags: int, directory: int) -> int:
        if flags == READ:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return super().open(name, flags, directory)


def test_who_may_not_read_a_file_may_still_move_it(ground: Ground, stack: ExitStack) -> None:
    member = ground.put(b"a/file", b"content")

    held = hold(ground.fd, member, Unreadable(), stack)

    assert held.identity == member.identity
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.read(held.descriptor, 1)


class Busy(Kernel):
    """Has no descriptor left for a directory."""

    def open_below(self, root_fd: int, path: bytes, flags: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_what_the_system_says_is_told_of_the_file(ground: Ground, stack: ExitStack) -> None:
    member = ground.put(b"a/file", b"content")

    told = refusal(ground, member, Busy(), stack)

    assert told == (Reason.BUSY, b"a/file", "Too many open files")


class Mounted(Kernel):
    """The root is on another device than what lies in it."""

    def __init__(self, root_fd: int) -> None:
        self.root_fd = root_fd

    def fstat(self, descriptor: int) -> os.stat_result:
        status = super().fstat(descriptor)
        if descriptor != self.root_fd:
            return status
        values = list(status)
        values[stat.ST_DEV] += 1
        return os.stat_result(values)


def test_a_file_of_another_file_system_is_refused(ground: Ground, stack: ExitStack) -> None:
    member = ground.put(b"a/file", b"content")

    told = refusal(ground, member, Mounted(ground.fd), stack)

    assert told == (Reason.OTHER_FILE_SYSTEM, b"a/file", "it is mounted there")


def test_it_is_told_in_what_a_file_is_another_than_was_decided_on(
    ground: Ground, stack: ExitStack
) -> None:
    decided = ground.put(b"a/file", b"content")
    here = decided.identity
    other = Member(b"a/file", here._replace(size=3, inode=here.inode + 1))

    told = refusal(ground, other, Kernel(), stack)

    why = "it is another file of that name, it had 3 bytes and has 7"
    assert told == (Reason.CHANGED, b"a/file", why)


class Swapping(Kernel):
    """Somebody puts a pipe in the place of a file, after it was looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, name: bytes, flags: int, directory: int) -> int:
        self.path.unlink()
        os.mkfifo(self.path)
        return super().open(name, flags, directory)


def test_what_is_no_file_is_not_held(ground: Ground, stack: ExitStack) -> None:
    os.mkfifo(ground.path / "pipe")
    ground.put(b"file", b"content")

    with pytest.raises(Stop) as before:
        hold_in(ground.fd, b"pipe", b"a/pipe", Kernel(), stack)
    with pytest.raises(Stop) as after:
        hold_in(ground.fd, b"file", b"a/file", Swapping(ground.path / "file"), stack)

    assert before.value.args[:2] == (Reason.NOT_REGULAR, b"a/pipe")
    assert after.value.args[:2] == (Reason.NOT_REGULAR, b"a/file")


def test_files_may_be_in_use_unless_a_bundle_says_otherwise() -> None:
    assert not Bundle((), "mark", 1).unused


def test_what_a_file_is_not_any_more_is_told_in_words() -> None:
    one = Identity(1, 2, 3, 4, 5)

    assert difference(one, one) == ""
    assert difference(one, one._replace(modified_ns=6, changed_ns=6)) == "it was written to"
    assert difference(one, one._replace(device=6)) == "it is another file of that name"
    other = "its names, owner, mode or attributes were changed"
    assert difference(one, one._replace(changed_ns=6)) == other


# -- the directories above -------------------------------------------------------------------------


def test_modes_are_told_from_the_outermost_on_and_nothing_stays_open(
    ground: Ground, stack: ExitStack
) -> None:
    ground.put(b"a/b/c/file", b"content")
    for depth, mode in ((b"a", 0o711), (b"a/b", 0o1777), (b"a/b/c", 0o2750)):
        os.chmod(os.path.join(os.fsencode(ground.path), depth), mode)

    assert modes_above(ground.fd, b"a/b/c/file", Kernel()) == (0o711, 0o1777, 0o2750)
    assert modes_above(ground.fd, b"file", Kernel()) == ()


def test_where_a_directory_is_none_any_more_nothing_stays_open(
    ground: Ground, stack: ExitStack
) -> None:
    ground.put(b"a/b", b"content")

    with pytest.raises(NotADirectoryError):
        modes_above(ground.fd, b"a/b/c/file", Kernel())
    assert os.fstat(ground.fd)


class Watching(Kernel):
    """Tells with which flags something was opened."""

    def __init__(self) -> None:
        self.flags: list[int] = []

    def open(self, name: bytes, flags: int, directory: int) -> int:
        self.flags.append(flags)
        return super().open(name, flags, directory)


def test_a_directory_that_may_not_be_read_is_only_looked_at(ground: Ground) -> None:
    ground.put(b"a/b/file", b"content")
    kernel = Watching()

    modes_above(ground.fd, b"a/b/file", kernel)

    assert kernel.flags == [PLACE | os.O_DIRECTORY] * 2
