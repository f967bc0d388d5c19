"""A local file leaves only when exactly it was proven to be elsewhere, and nobody is using it."""

import errno
import fcntl
import mmap
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storewarden.act.drawers import Room
from storewarden.act.entries import forget, recover
from storewarden.act.giveback import PutBack, put_back
from storewarden.act.kernel import Kernel
from storewarden.act.leases import quiet
from storewarden.act.leaving import Left, leave
from storewarden.act.proof import Proof
from storewarden.act.refused import Reason, Refused, Stop
from tests.interfering import MARK, Failing, Ground, Standing, proof_of


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(tmp_path / "root")
    ground.put(b"a/file", b"content" * 1000)
    yield ground
    ground.close()


def attempt(ground: Ground, *paths: bytes, kernel: Kernel | None = None) -> Left | Refused:
    bundle = ground.bundle(*paths)
    proofs = [proof_of(member) for member in bundle.members]
    return leave(ground.fd, bundle, proofs, kernel=kernel or Kernel())


class WithoutLeases(Kernel):
    """A file system that knows none, or a file of another user."""

    def lease(self, descriptor: int, kind: int) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def test_a_proven_file_leaves_and_its_room_is_free(ground: Ground) -> None:
    left = attempt(ground, b"a/file")

    assert isinstance(left, Left)
    assert left.freed >= 7000
    assert [str(how) for how in left.quiet] == ["lease"]
    assert set(ground.census()) == {b"not asked about"}
    assert forget(ground.fd, Room.LEAVING, MARK) is None
    assert recover(ground.fd, MARK) == ()


def test_called_again_it_finds_its_work_done_until_it_is_forgotten(ground: Ground) -> None:
    bundle = ground.bundle(b"a/file")
    proofs = [proof_of(bundle.members[0])]

    assert isinstance(leave(ground.fd, bundle, proofs), Left)
    assert leave(ground.fd, bundle, proofs) == Left(MARK, 0, ())
    forget(ground.fd, Room.LEAVING, MARK)
    refused = leave(ground.fd, bundle, proofs)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.GONE


def test_without_a_proof_of_exactly_this_content_nothing_leaves(ground: Ground) -> None:
    ground.put(b"a/other", b"other")
    bundle = ground.bundle(b"a/file", b"a/other")
    wrong = ground.member(b"bystander")
    older = bundle.members[1]._replace(identity=bundle.members[1].identity._replace(changed_ns=1))
    before = ground.names()

    for second in ([], [proof_of(wrong)], [proof_of(older)]):
        refused = leave(ground.fd, bundle, [proof_of(bundle.members[0]), *second])
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.path) == (Reason.UNPROVEN, b"a/other")
    assert ground.names() == before


def test_a_proof_cannot_be_said_into_being(ground: Ground) -> None:
    proof = proof_of(ground.member(b"a/file"))

    with pytest.raises(TypeError):
        Proof(object(), proof.content, proof.copies)


def test_a_file_with_two_names_stays(ground: Ground) -> None:
    (ground.path / "second").hardlink_to(ground.path / "a" / "file")
    before = ground.member(b"a/file")

    refused = attempt(ground, b"a/file")

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.LINKED
    assert not refused.again
    assert ground.member(b"a/file") == before, "it was not even moved"


# -- who has it open ------------------------------------------------------------------------------


def open_for_writing(path: Path) -> Callable[[], None]:
    descriptor = os.open(path, os.O_WRONLY)
    return lambda: os.close(descriptor)


def map_for_writing(path: Path) -> Callable[[], None]:
    with path.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 4096)
    return memory.close


@pytest.mark.parametrize("kernel", [Kernel(), WithoutLeases()], ids=["lease", "proc"])
@pytest.mark.parametrize("use", [open_for_writing, map_for_writing])
def test_who_writes_is_not_robbed_of_his_file(
    ground: Ground, use: Callable[[Path], Callable[[], None]], kernel: Kernel
) -> None:
    end = use(ground.path / "a" / "file")
    before = ground.names()

    refused = attempt(ground, b"a/file", kernel=kernel)
    end()

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.OPEN_FOR_WRITING
    assert refused.again
    assert ground.names() == before
    assert isinstance(attempt(ground, b"a/file", kernel=kernel), Left)


def test_where_no_lease_is_had_the_answer_says_what_the_proof_was(ground: Ground) -> None:
    left = attempt(ground, b"a/file", kernel=WithoutLeases())

    assert isinstance(left, Left)
    (how,) = left.quiet
    assert not how.by_lease
    assert str(how).startswith("/proc")


@pytest.mark.parametrize("unused", [False, True])
def test_a_reader_matters_only_where_nobody_may_have_it_open(
    ground: Ground,
    unused: bool,  # noqa: FBT001  # a case
) -> None:
    path = ground.path / "a" / "file"
    for kernel in (Kernel(), WithoutLeases()):
        ours = os.open(path, os.O_RDONLY)
        with path.open("rb"):
            if unused:
                with pytest.raises(Stop) as stopped:
                    quiet(ours, b"a/file", kernel, unused=True)
                assert stopped.value.reason is Reason.IN_USE
            else:
                quiet(ours, b"a/file", kernel)
        quiet(ours, b"a/file", kernel, unused=unused)
        os.close(ours)


def test_processes_that_cannot_be_looked_into_are_counted(ground: Ground, tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    (proc / "1").mkdir(parents=True)
    (proc / "1" / "fd").write_bytes(b"")  # no directory: it cannot be listed
    (proc / "2" / "fd").mkdir(parents=True)  # it ended before its maps were read
    (proc / "self").mkdir()
    descriptor = os.open(ground.path / "a" / "file", os.O_RDONLY)

    how = quiet(descriptor, b"a/file", WithoutLeases(), proc=str(proc))
    os.close(descriptor)

    assert str(how) == "/proc, 1 processes unseen"


def test_who_opens_it_meanwhile_gets_it_back_and_we_live_on(ground: Ground) -> None:
    path = ground.path / "a" / "file"
    heard: list[int] = []
    earlier = signal.signal(signal.SIGIO, lambda number, _frame: heard.append(number))

    def want_it(_number: int, name: str) -> None:
        if name == "rename" and path.exists():
            with pytest.raises(BlockingIOError):
                os.open(path, os.O_RDWR | os.O_NONBLOCK)

    try:
        refused = attempt(ground, b"a/file", kernel=Standing(want_it))
    finally:
        signal.signal(signal.SIGIO, earlier)

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.OPEN_FOR_WRITING
    assert path.read_bytes() == b"content" * 1000
    assert heard == []


def test_a_lease_is_given_back(ground: Ground) -> None:
    path = ground.path / "a" / "file"
    (ground.path / "second").hardlink_to(path)
    attempt(ground, b"a/file")

    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    assert fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_UNLCK
    os.close(descriptor)


# -- when it fails half way -----------------------------------------------------------------------


def test_what_cannot_be_put_back_is_in_the_trash_and_told(ground: Ground) -> None:
    path = ground.path / "a" / "file"

    def take_the_place(_number: int, name: str) -> None:
        if name == "leased" and not path.exists():
            path.write_bytes(b"new")
            os.link(ground.path / ".storewarden" / "leaving" / MARK / "0", ground.path / "second")

    bundle = ground.bundle(b"a/file")
    proofs = [proof_of(bundle.members[0])]
    refused = leave(ground.fd, bundle, proofs, kernel=Standing(take_the_place))

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.kept) == (Reason.LINKED, (b"a/file",))
    assert ground.census()[b"new"] == [b"a/file"]
    (file,) = ground.entry(Room.TRASH).here
    assert file.intact
    again = leave(ground.fd, bundle, proofs)
    assert isinstance(again, Refused)
    assert again.kept == (b"a/file",)


def test_a_file_goes_back_into_its_directory_whatever_that_is_called_now(ground: Ground) -> None:
    def rename_directory(_number: int, name: str) -> None:
        if name == "rename" and (ground.path / "a" / "file").exists():
            (ground.path / "a").rename(ground.path / "b")
        if name == "unlink" and not (ground.path / "second").exists():
            raise OSError(errno.EIO, "the disk fails")

    refused = attempt(ground, b"a/file", kernel=Standing(rename_directory))

    assert isinstance(refused, Refused)
    assert not refused.kept
    assert ground.census()[b"content" * 1000] == [b"b/file"]


def test_a_file_goes_back_though_its_directory_was_deleted(ground: Ground) -> None:
    (ground.path / "a").chmod(0o751)

    def delete_directory(_number: int, name: str) -> None:
        if name == "leased" and (ground.path / "a").exists():
            (ground.path / "a").rmdir()
            raise OSError(errno.EIO, "the disk fails")

    refused = attempt(ground, b"a/file", kernel=Standing(delete_directory))

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.FAILING
    assert ground.census()[b"content" * 1000] == [b"a/file"]
    assert (ground.path / "a").stat().st_mode & 0o7777 == 0o751


def test_a_failing_sync_removes_nothing(ground: Ground) -> None:
    def fail(_number: int, name: str) -> None:
        if name == "sync":
            raise OSError(errno.EIO, "the disk fails")

    refused = attempt(ground, b"a/file", kernel=Standing(fail))

    assert isinstance(refused, Refused)
    assert refused.reason is Reason.FAILING
    assert ground.census()[b"content" * 1000] == [b"a/file"]


def test_of_a_bundle_nothing_is_removed_when_one_file_changed(ground: Ground) -> None:
    ground.put(b"a/second", b"second")
    drawer = ground.path / ".storewarden" / "leaving" / MARK

    def touch_the_second(_number: int, name: str) -> None:
        if name == "leased":
            (drawer / "1").chmod(0o600)

    refused = attempt(ground, b"a/file", b"a/second", kernel=Standing(touch_the_second))

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.removed) == (Reason.CHANGED, ())
    assert ground.census()[b"content" * 1000] == [b"a/file"]
    assert ground.census()[b"second"] == [b"a/second"]


def test_what_is_back_but_not_durably_is_told_by_its_drawer_still(ground: Ground) -> None:
    directory = (ground.path / "a").stat().st_ino

    class FailingThere(Kernel):
        def sync(self, descriptor: int) -> None:
            if os.fstat(descriptor).st_ino == directory:
                raise OSError(errno.EIO, "the disk fails")

    refused = attempt(ground, b"a/file", kernel=FailingThere())

    assert isinstance(refused, Refused)
    assert ground.census()[b"content" * 1000] == [b"a/file"]
    found = recover(ground.fd, MARK)
    assert not isinstance(found, Refused)
    (one,) = found
    assert one.empty
    assert one.entry.files[0].noted


def test_a_recovery_tells_and_touches_nothing(ground: Ground) -> None:
    def die_with_the_file_in_the_drawer(number: int, name: str) -> None:
        if name == "leased":
            os._exit(9)

    child = os.fork()
    if not child:
        attempt(ground, b"a/file", kernel=Standing(die_with_the_file_in_the_drawer))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    before = ground.names()

    found = recover(ground.fd, MARK)

    assert ground.names() == before
    assert not isinstance(found, Refused)
    (one,) = found
    assert one.whole
    assert not one.empty
    assert one.entry.room is Room.LEAVING
    assert one.places == (None,)
    assert put_back(ground.fd, Room.LEAVING, MARK) == PutBack(back=(b"a/file",))
    assert put_back(ground.fd, Room.LEAVING, MARK) == PutBack()
    assert ground.census()[b"content" * 1000] == [b"a/file"]


def test_too_many_open_files_is_said_and_tried_later(ground: Ground) -> None:
    for call in range(1, 12):
        before = ground.names()
        refused = attempt(ground, b"a/file", kernel=Failing(call, errno.EMFILE))
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.BUSY
        assert refused.again
        assert set(ground.names()) - {".storewarden", ".storewarden/leaving"} == set(before) - {
            ".storewarden",
            ".storewarden/leaving",
        }


def test_who_wants_to_write_while_others_are_removed_gets_his_file_back(ground: Ground) -> None:
    ground.put(b"b/second", b"second")
    inside = ground.path / ".storewarden/leaving" / MARK / "1"
    removed: list[int] = []

    def write(_number: int, name: str) -> None:
        if name == "unlink":
            removed.append(1)
            with pytest.raises(BlockingIOError):  # he waits for our lease
                os.open(inside, os.O_WRONLY | os.O_NONBLOCK)

    told = attempt(ground, b"a/file", b"b/second", kernel=Standing(write))

    assert isinstance(told, Refused)
    assert (told.reason, told.path) == (Reason.OPEN_FOR_WRITING, b"b/second")
    assert told.removed == (b"a/file",)
    assert removed == [1]
    assert ground.census()[b"second"] == [b"b/second"]


def test_what_nobody_may_use_leaves_when_nobody_does(ground: Ground) -> None:
    bundle = ground.bundle(b"a/file", unused=True)

    with (ground.path / "a/file").open("rb"):
        told = leave(ground.fd, bundle, [proof_of(bundle.members[0])])
        assert isinstance(told, Refused)
        assert told.reason is Reason.IN_USE
    assert isinstance(leave(ground.fd, bundle, [proof_of(bundle.members[0])]), Left)
