"""A scan by a real child process: whole only when the child came to its end."""

import os
import signal
import sys
from pathlib import Path

import pytest

from storewarden.errors import WatchError
from storewarden.model import Listing, Unreadable
from storewarden.watch.scan import Scan, ScanOrder
from tests.recording import on_disk


def order(path: Path, **more: object) -> ScanOrder:
    asked = {"exclude": (), "large": {}, "nice": 0, **more}
    return ScanOrder("r", os.fsencode(path), **asked)  # type: ignore[arg-type]  # by name


def tree(top: Path) -> None:
    for directory in range(3):
        (top / f"d{directory}").mkdir(parents=True)
        for file in range(4):
            (top / f"d{directory}" / f"f{file}").write_bytes(b"x")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of which the pipe to the parent holds only a part."""
    top = tmp_path_factory.mktemp("large")
    for directory in range(20):
        (top / f"d{directory}").mkdir()
        for file in range(400):
            (top / f"d{directory}" / f"{file:0200}").touch()
    return top


def paths(found: list[Listing | Unreadable]) -> set[bytes]:
    return {
        os.path.join(one.path, entry[0])
        for one in found
        if isinstance(one, Listing)
        for entry in one.unpack()[0]
    }


def child_of(scan: Scan) -> int:
    assert scan._child is not None
    return scan._child.pid


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_the_child_finds_all_there_is_and_says_that_it_is_whole(tmp_path: Path) -> None:
    tree(tmp_path)
    scan = Scan(order(tmp_path, exclude=("f3",)))

    found = list(scan)

    assert paths(found) == {path for path in on_disk(os.fsencode(tmp_path)) if b"f3" not in path}
    assert {one.root for one in found} == {"r"}
    assert scan.whole
    assert scan.place == (tmp_path.stat().st_dev, tmp_path.stat().st_ino)
    assert scan._child is None


def test_an_empty_root_is_whole_too(tmp_path: Path) -> None:
    scan = Scan(order(tmp_path))

    assert [one.path for one in scan] == [b""]
    assert scan.whole


def test_a_root_that_is_not_there_is_not_whole(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scan = Scan(order(tmp_path / "none"))

    assert list(scan) == []
    assert not scan.whole
    assert scan.place is None


def test_a_root_that_is_a_file_or_a_link_to_nowhere_is_not_whole(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("none")

    for name in ("file", "link"):
        scan = Scan(order(tmp_path / name))
        assert list(scan) == []
        assert not scan.whole


def test_a_child_that_is_killed_in_the_middle_is_not_whole(large: Path) -> None:
    scan = Scan(order(large))
    found = []

    for one in scan:
        found.append(one)
        if len(found) == 1:
            os.kill(child_of(scan), signal.SIGKILL)

    assert 1 <= len(found) < 21
    assert not scan.whole


def test_who_leaves_the_loop_early_ends_the_child(large: Path) -> None:
    scan = Scan(order(large))

    found = iter(scan)
    next(found)
    pid = child_of(scan)
    found.close()  # type: ignore[attr-defined]  # a generator

    assert is_gone(pid)
    assert not scan.whole


def test_the_child_of_a_parent_that_died_ends_by_itself(large: Path) -> None:
    scan = Scan(order(large))
    found = iter(scan)
    next(found)
    child = scan._child
    assert child is not None
    assert child.stdout is not None

    child.stdout.close()  # as the end of the parent does

    assert child.wait(10) == 0
    with pytest.raises(ValueError, match="closed file"):
        next(found)


def test_it_walks_as_gently_as_it_is_told(large: Path) -> None:
    scan = Scan(order(large, nice=10))

    found = iter(scan)
    next(found)
    niceness = os.getpriority(os.PRIO_PROCESS, child_of(scan))
    scan.stop()

    assert niceness == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)


def test_a_program_that_cannot_be_started_is_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(WatchError, match="a scan could not start: r"):
        list(Scan(order(tmp_path)))


def test_stopping_twice_and_stopping_what_never_ran_is_fine(tmp_path: Path) -> None:
    scan = Scan(order(tmp_path))
    scan.stop()
    list(scan)
    scan.stop()

    assert scan.whole
