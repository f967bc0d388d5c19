"""Whether somebody has a file open is asked of the kernel; where it may not tell, of /proc."""

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from storewarden.act.kernel import Kernel
from storewarden.act.leases import Quiet, quiet, still_quiet
from storewarden.act.refused import Reason, Stop

PATH: Final = b"a/file"
FOR_WRITING: Final = (Reason.OPEN_FOR_WRITING, PATH, "somebody has it open for writing")
AT_ALL: Final = (Reason.IN_USE, PATH, "somebody has it open")
BY_PROC: Final = Quiet(by_lease=False)


class Refusing(Kernel):
    """A kernel that answers every wish for a lease with an error."""

    def __init__(self, number: int) -> None:
        self.number = number

    def lease(self, descriptor: int, kind: int) -> None:
        raise OSError(self.number, os.strerror(self.number))


class Proc:
    """A /proc of our own, with processes that have files open."""

    def __init__(self, path: Path, file: Path) -> None:
        self.path, self.file = path, file
        path.mkdir()
        (path / "self").mkdir()  # no process: it has no number
        self.process(1)  # of every machine and every container
        self.descriptor = os.open(file, os.O_RDONLY)
        self.status = os.fstat(self.descriptor)

    def process(self, number: int) -> Path:
        place = self.path / str(number)
        for name in ("fd", "fdinfo"):
            (place / name).mkdir(parents=True)
        (place / "maps").write_bytes(b"")
        return place

    def opened(
        self, process: Path, flags: int | None, *, of: Path | None = None, info: str | None = None
    ) -> None:
        number = str(len(list((process / "fd").iterdir())) + 3)
        (process / "fd" / number).symlink_to(of or self.file)
        told = f"pos:\t0\nflags:\t0{flags:o}\n" if flags is not None else "pos:\t0\n"
        inode = (of or self.file).stat().st_ino
        (process / "fdinfo" / number).write_text(told + (info or f"ino:\t{inode}\n"))

    def mapped(self, process: Path, rights: str, *, inode: int | None = None) -> None:
        device, inode = self.status.st_dev, inode or self.status.st_ino
        place = f"{os.major(device):02x}:{os.minor(device):02x} {inode}"
        with (process / "maps").open("a") as maps:
            maps.write(f"7f00-7f01 {rights} 00000000 {place}                 /with rw-s in it\n")

    def ask(self, *, unused: bool = False, number: int = errno.EACCES) -> Quiet:
        kernel = Refusing(number)
        return quiet(self.descriptor, PATH, kernel, unused=unused, proc=str(self.path))

    def ask_again(self, *, unused: bool = False) -> None:
        kernel = Kernel()
        still_quiet(self.descriptor, BY_PROC, PATH, kernel, unused=unused, proc=str(self.path))

    def told(self, *, unused: bool = False) -> tuple[object, ...]:
        """Return what both questions are answered with; they have the same answer."""
        with pytest.raises(Stop) as first:
            self.ask(unused=unused)
        with pytest.raises(Stop) as second:
            self.ask_again(unused=unused)
        assert first.value.args == second.value.args
        return first.value.args


@pytest.fixture
def proc(tmp_path: Path) -> Iterator[Proc]:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    proc = Proc(tmp_path / "proc", file)
    yield proc
    os.close(proc.descriptor)


# -- the kernel's word -----------------------------------------------------------------------------


def test_the_kernel_is_asked_for_a_lease_on_writers_or_on_all(proc: Proc) -> None:
    kernel = Kernel()

    how = quiet(proc.descriptor, PATH, kernel)

    assert (how, str(how)) == (Quiet(by_lease=True), "lease")
    assert kernel.leased(proc.descriptor) == fcntl.F_RDLCK
    still_quiet(proc.descriptor, how, PATH, kernel)
    with pytest.raises(Stop) as stopped:
        still_quiet(proc.descriptor, how, PATH, kernel, unused=True)
    assert stopped.value.args == AT_ALL
    quiet(proc.descriptor, PATH, kernel, unused=True)
    assert kernel.leased(proc.descriptor) == fcntl.F_WRLCK
    still_quiet(proc.descriptor, how, PATH, kernel, unused=True)
    with pytest.raises(Stop) as stopped:
        still_quiet(proc.descriptor, how, PATH, kernel)
    assert stopped.value.args == FOR_WRITING


def test_a_lease_is_not_had_of_what_somebody_uses(proc: Proc) -> None:
    with proc.file.open("rb"), pytest.raises(Stop) as read:
        quiet(proc.descriptor, PATH, Kernel(), unused=True)
    with proc.file.open("r+b"), pytest.raises(Stop) as written:
        quiet(proc.descriptor, PATH, Kernel())

    assert read.value.args == AT_ALL
    assert written.value.args == FOR_WRITING


@pytest.mark.parametrize(
    "number",
    [
        *(errno.EACCES, errno.EPERM, errno.EINVAL, errno.EBADF),
        *(errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP),
    ],
)
def test_where_no_lease_is_had_proc_is_asked(proc: Proc, number: int) -> None:
    assert proc.ask(number=number) == BY_PROC


def test_any_other_error_is_nobodys_leave_to_go_on(proc: Proc) -> None:
    with pytest.raises(OSError, match="Input/output error"):
        proc.ask(number=errno.EIO)


def test_the_real_proc_is_asked_unless_it_is_said_otherwise(proc: Proc) -> None:
    kernel = Refusing(errno.EACCES)

    how = quiet(proc.descriptor, PATH, kernel, unused=True)
    assert not how.by_lease
    still_quiet(proc.descriptor, how, PATH, kernel, unused=True)
    with proc.file.open("rb"):
        with pytest.raises(Stop):
            quiet(proc.descriptor, PATH, kernel, unused=True)
        with pytest.raises(Stop):
            still_quiet(proc.descriptor, how, PATH, kernel, unused=True)


# -- what /proc tells ------------------------------------------------------------------------------


def test_nobody_is_there(proc: Proc) -> None:
    other = proc.process(7)
    proc.opened(other, os.O_RDWR, of=proc.path.parent)  # something else
    proc.mapped(other, "rw-s", inode=proc.status.st_ino + 1)

    assert (proc.ask(), str(proc.ask())) == (BY_PROC, "/proc")
    assert proc.ask(unused=True) == BY_PROC
    proc.ask_again(unused=True)


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_RDWR, os.O_RDWR | os.O_APPEND, None])
def test_who_may_write_is_seen(proc: Proc, flags: int | None) -> None:
    proc.process(7)
    process = proc.process(8)
    proc.opened(process, os.O_RDONLY)
    proc.opened(process, flags)  # None: it is not told whether he may

    assert proc.told() == FOR_WRITING
    assert proc.told(unused=True) == AT_ALL


def test_who_only_reads_matters_where_nobody_may(proc: Proc) -> None:
    proc.opened(proc.process(8), os.O_RDONLY)

    assert proc.ask() == BY_PROC
    assert proc.told(unused=True) == AT_ALL


def test_who_only_holds_the_place_of_a_file_does_not_use_it(proc: Proc) -> None:
    proc.opened(proc.process(8), os.O_PATH)

    assert proc.ask(unused=True) == BY_PROC


def test_a_process_whose_files_tell_no_number_is_looked_at_as_well(proc: Proc) -> None:
    proc.opened(proc.process(8), os.O_RDWR, info="mnt_id:\t9\n")

    assert proc.told() == FOR_WRITING


def test_the_same_number_on_another_device_is_another_file(proc: Proc) -> None:
    inode = f"ino:\t{proc.status.st_ino}\n"
    proc.opened(proc.process(8), os.O_RDWR, of=Path("/proc/self/stat"), info=inode)

    assert proc.ask(unused=True) == BY_PROC


@pytest.mark.parametrize(
    ("rights", "writes"), [("rw-s", True), ("rw-p", False), ("r--s", False), ("r-xp", False)]
)
def test_memory_that_is_written_to_the_file_is_seen(
    proc: Proc, rights: str, *, writes: bool
) -> None:
    process = proc.process(8)
    proc.mapped(process, "rw-s", inode=proc.status.st_ino + 1)
    proc.mapped(process, rights)

    if writes:
        assert proc.told() == FOR_WRITING
    else:
        assert proc.ask() == BY_PROC
    assert proc.told(unused=True) == AT_ALL


def test_our_own_descriptor_is_no_other_user(proc: Proc) -> None:
    own = proc.process(os.getpid())
    (own / "fd" / str(proc.descriptor)).symlink_to(proc.file)
    (own / "fdinfo" / str(proc.descriptor)).write_text("flags:\t02\n")

    assert proc.ask(unused=True) == BY_PROC
    proc.opened(own, os.O_RDWR)  # but a second one of ours is
    assert proc.told() == FOR_WRITING


# -- what /proc hides ------------------------------------------------------------------------------


def test_where_others_are_hidden_nothing_is_taken_away(proc: Proc) -> None:
    """A service with ProtectProc=invisible is shown its own processes alone, and none is unseen."""
    (proc.path / "1").rename(proc.path / "first")
    proc.process(77)

    assert proc.told()[:2] == proc.told(unused=True)[:2] == (Reason.NOT_ALLOWED, PATH)
    assert "CAP_LEASE" in str(proc.told()[2])


def test_a_lease_is_enough_where_others_are_hidden(proc: Proc) -> None:
    (proc.path / "1").rename(proc.path / "first")

    how = quiet(proc.descriptor, PATH, Kernel(), proc=str(proc.path))

    assert how == Quiet(by_lease=True)
    still_quiet(proc.descriptor, how, PATH, Kernel(), proc=str(proc.path))


# -- what /proc does not tell ----------------------------------------------------------------------


def unseen(proc: Proc, number: int) -> None:
    """Let a process be there whose files may not be looked at."""
    (proc.path / str(number)).mkdir()
    (proc.path / str(number) / "fd").write_bytes(b"")  # no directory


def test_it_is_told_how_many_could_not_be_looked_into(proc: Proc) -> None:
    unseen(proc, 3)
    proc.opened(proc.process(5), os.O_RDONLY)
    unseen(proc, 8)

    assert proc.ask() == Quiet(by_lease=False, unseen=2)
    assert str(proc.ask()) == "/proc, 2 processes unseen"


def test_who_comes_behind_one_that_is_unseen_or_ended_is_seen(proc: Proc) -> None:
    for number in range(100, 140):  # in whatever order they are listed
        unseen(proc, number)
        (proc.path / str(number + 100)).mkdir()  # it ended: it has no files any more
    for number in (99, 120 + 200, 999):
        proc.opened(proc.process(number), os.O_RDWR)

    assert proc.told() == FOR_WRITING


def test_who_ends_while_we_look_is_not_counted(proc: Proc) -> None:
    (proc.path / "8").mkdir()
    process = proc.process(9)
    (process / "fd" / "3").symlink_to(proc.file)  # it was just closed: nothing tells of it
    (process / "fd" / "4").symlink_to(proc.path / "gone")
    (process / "fdinfo" / "4").write_text(f"flags:\t02\nino:\t{proc.status.st_ino}\n")
    (process / "maps").unlink()

    assert proc.ask() == BY_PROC


def test_a_process_that_ends_while_it_is_read_is_not_counted(
    proc: Proc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel says so in two ways: there is no such file, and no such process."""
    proc.opened(proc.process(8), os.O_RDONLY)
    stat, listed = os.stat, os.listdir

    def ended(path: str, *more: object, **named: object) -> os.stat_result:
        if str(path).startswith(f"{proc.path}/8/fd/"):
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        return stat(path, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", ended)
    assert proc.ask(unused=True) == BY_PROC

    def gone(path: str) -> list[str]:
        if str(path) == f"{proc.path}/8/fd":
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        return listed(path)

    monkeypatch.setattr(os, "listdir", gone)
    assert proc.ask() == BY_PROC


def test_a_descriptor_that_was_closed_hides_no_other(proc: Proc) -> None:
    process = proc.process(9)
    for number in range(3, 40):  # some are listed before the one in the middle, whatever the order
        (process / "fd" / str(number)).symlink_to(proc.file)
        if number == 20:
            told = f"flags:\t02\nino:\t{proc.status.st_ino}\n"
            (process / "fdinfo" / str(number)).write_text(told)

    assert proc.told() == FOR_WRITING


def test_a_file_that_goes_as_it_is_looked_at_hides_no_other(
    proc: Proc, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = proc.process(9)
    for _ in range(30):
        proc.opened(process, os.O_RDWR)
    stat, left = os.stat, list(range(5))

    def ended(path: str, *more: object, **named: object) -> os.stat_result:
        if str(path).startswith(f"{process}/fd/") and left:
            left.pop()
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        return stat(path, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", ended)
    with pytest.raises(Stop):
        proc.ask()
    assert left == []


def test_what_is_another_file_by_its_number_is_not_looked_at(
    proc: Proc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look may wait for ever for a server that is away."""
    process = proc.process(9)
    proc.opened(process, os.O_RDWR, info=f"ino:\t{proc.status.st_ino + 1}\n")
    stat = os.stat

    def waits(path: str, *more: object, **named: object) -> os.stat_result:
        if str(path).startswith(f"{process}/fd/"):
            raise TimeoutError
        return stat(path, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", waits)
    assert proc.ask() == BY_PROC


def test_nothing_is_unseen_unless_it_is_said() -> None:
    assert Quiet(by_lease=True) == (True, 0)
