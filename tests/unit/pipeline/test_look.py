"""A look says what is there without opening it, and never of another root than meant."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.pipeline.look import RootElsewhere, holds, look, opened, unwritten
from storewarden.watch.own import OwnReads


@pytest.fixture
def root_fd(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def place(path: Path) -> tuple[int, int]:
    status = path.stat()
    return (status.st_dev, status.st_ino)


def test_a_root_is_lent_only_when_it_is_the_one_that_is_meant(tmp_path: Path) -> None:
    with opened(os.fsencode(tmp_path), place(tmp_path)) as descriptor:
        assert os.fstat(descriptor).st_ino == tmp_path.stat().st_ino

    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)
    with pytest.raises(RootElsewhere, match="another directory"), opened(b"/", place(tmp_path)):
        pass
    with (
        pytest.raises(RootElsewhere, match=r"cannot be opened.*No such file"),
        opened(os.fsencode(tmp_path / "none"), place(tmp_path)),
    ):
        pass


def test_files_are_found_and_everything_else_is_absent(tmp_path: Path, root_fd: int) -> None:
    (tmp_path / "d").mkdir()
    for name in "ab":
        (tmp_path / "d" / name).write_bytes(name.encode())
    (tmp_path / "d" / "directory").mkdir()
    (tmp_path / "d" / "link").symlink_to("a")
    os.mkfifo(tmp_path / "d" / "fifo")

    seen = look(root_fd, b"d", [b"a", b"none", b"directory", b"link", b"fifo", b"b"])

    assert [entry[0] for entry, _ in seen.found] == [b"a", b"b"]
    assert seen.absent == [b"none", b"directory", b"link", b"fifo"]
    assert (seen.place, seen.error) == (place(tmp_path / "d"), 0)


def test_in_a_directory_that_is_not_there_everything_is_absent(
    tmp_path: Path, root_fd: int
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to("d")

    for directory in (b"none", b"file", b"link"):
        seen = look(root_fd, directory, [b"a"])
        assert (seen.found, seen.absent, seen.error) == ([], [b"a"], 0)


def test_where_nothing_can_be_known_nothing_is_absent(
    tmp_path: Path, root_fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()

    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", broken)
        seen = look(root_fd, b"", [b"a"])
        assert holds(root_fd, b"", b"a", 1)  # nobody can tell

    assert (seen.absent, seen.error) == ([], errno.EIO)


def test_a_name_holds_an_inode_or_not(tmp_path: Path, root_fd: int) -> None:
    (tmp_path / "a").touch()
    inode = (tmp_path / "a").stat().st_ino

    assert holds(root_fd, b"", b"a", inode)
    assert not holds(root_fd, b"", b"a", inode + 1)
    assert not holds(root_fd, b"", b"b", inode)


# -- is somebody writing? ------------------------------------------------------------------------


def test_a_file_that_nobody_writes_is_proved_to_rest(tmp_path: Path, root_fd: int) -> None:
    for name in ("rests", "written"):
        (tmp_path / name).write_bytes(b"x")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("rests")

    with (tmp_path / "written").open("ab"), (tmp_path / "rests").open("rb"):
        proved = unwritten(
            root_fd, b"", [b"rests", b"written", b"none", b"fifo", b"link"], "r", OwnReads()
        )

    assert proved == {b"rests"}
    assert unwritten(root_fd, b"none", [b"rests"], "r", OwnReads()) == set()


def test_the_proof_is_given_back_at_once(tmp_path: Path, root_fd: int) -> None:
    """Else the next writer would wait for us."""
    (tmp_path / "a").write_bytes(b"x")

    unwritten(root_fd, b"", [b"a"], "r", OwnReads())

    with (tmp_path / "a").open("ab", buffering=0) as file:
        assert fcntl.fcntl(file, fcntl.F_GETLEASE) == fcntl.F_UNLCK


def test_a_file_that_is_mapped_to_write_is_not_proved_to_rest(tmp_path: Path, root_fd: int) -> None:
    (tmp_path / "a").write_bytes(b"x" * 4096)
    code = (
        "import mmap, sys\n"
        "with open(sys.argv[1], 'r+b') as file:\n"
        "    mapped = mmap.mmap(file.fileno(), 0)\n"
        "print('mapped', flush=True)\n"
        "sys.stdin.read()\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "a")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"mapped\n"
        try:
            proved = unwritten(root_fd, b"", [b"a"], "r", OwnReads())
        finally:
            writer.send_signal(signal.SIGKILL)

    assert proved == set()
