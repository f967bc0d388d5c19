"""Roots that go, come back, are covered or replaced: said at once, nothing false reported."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.errors import WatchError
from storewarden.model import Blindness, DirectoryGone, RootDirty
from tests.missing import missing
from tests.watching import ROOT, Watching


def write(path: Path) -> None:
    path.write_bytes(b"x")


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def unmount(path: Path) -> None:
    subprocess.run(["umount", str(path)], check=True)


@pytest.fixture
def mounting(tmp_path: Path) -> Iterator[None]:
    """The right to mount; what a test leaves mounted is unmounted."""
    if os.geteuid() != 0:
        missing("the right to mount", "run the tests as root, or under unshare -Urm")
    yield
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    for point in reversed([line.split()[1] for line in mounts]):
        if point.startswith(str(tmp_path)):
            subprocess.run(["umount", "--lazy", point], check=False)


def test_a_deleted_root_is_said_at_once(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    with Watching(root) as watching:
        shutil.rmtree(root)
        watching.until(watching.blind)
        assert watching.blind() == {(Blindness.NOT_THERE, b"")}

        root.mkdir()
        write(root / "file")
        watching.observer.detach(ROOT)
        watching.emitter = watching.observer.attach(watching.emitter.spec, watching)
        watching.scan()
        watching.assert_true()


def test_a_root_renamed_away_reports_nothing_more(tmp_path: Path) -> None:
    root, away = tmp_path / "root", tmp_path / "away"
    (root / "sub").mkdir(parents=True)
    with Watching(root) as watching:
        root.rename(away)
        write(away / "sub" / "secret")
        watching.until(watching.blind)
        assert watching.blind() == {(Blindness.MOVED_AWAY, b"")}
        root.mkdir()
        write(away / "secret")
        write(root / "of-another-root")
        watching.settled()
        assert watching.reported == set()

        root.rmdir() if not list(root.iterdir()) else shutil.rmtree(root)
        away.rename(root)
        watching.until(lambda: not watching.blind())
        watching.until(lambda: watching.of(RootDirty) == [RootDirty(ROOT, "root-was-elsewhere")])
        watching.assert_true()


def test_a_root_moved_with_its_parent_reports_nothing_false(tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    (parent / "root" / "sub").mkdir(parents=True)
    with Watching(parent / "root") as watching:
        parent.rename(tmp_path / "other")
        write(tmp_path / "other" / "root" / "sub" / "file")
        (tmp_path / "other" / "root" / "new").mkdir()
        watching.settled_or_held()
        assert watching.files == set()

        (tmp_path / "other").rename(parent)
        watching.assert_true()


def test_a_root_that_is_not_there_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(WatchError, match="the root cannot be watched: watched: No such file"):
        Watching(tmp_path / "none").__enter__()
    write(tmp_path / "file")
    with pytest.raises(WatchError, match="Not a directory"):
        Watching(tmp_path / "file").__enter__()


def test_an_unmounted_root_is_said_at_once(tmp_path: Path, mounting: None) -> None:
    root = tmp_path / "root"
    root.mkdir()
    mount("-t", "tmpfs", "none", root)
    (root / "sub").mkdir()
    write(root / "sub" / "file")
    with Watching(root) as watching:
        write(root / "sub" / "before")
        watching.until(lambda: b"sub/before" in watching.hints)
        unmount(root)  # the emitter holds no descriptor in it
        watching.until(watching.blind)

        assert watching.blind() == {(Blindness.NOT_MOUNTED, b"")}
        assert watching.of(DirectoryGone) == []
        assert b"sub/file" in watching.files


def test_a_file_system_unmounted_inside_the_root(tmp_path: Path, mounting: None) -> None:
    (tmp_path / "a" / "inside").mkdir(parents=True)
    mount("-t", "tmpfs", "none", tmp_path / "a" / "inside")
    (tmp_path / "a" / "inside" / "deep" / "er").mkdir(parents=True)
    write(tmp_path / "a" / "inside" / "deep" / "er" / "file")
    with Watching(tmp_path) as watching:
        unmount(tmp_path / "a" / "inside")
        watching.until(watching.blind)
        assert watching.blind() == {(Blindness.NOT_MOUNTED, b"a/inside")}
        watching.settled()
        assert watching.of(DirectoryGone) == []
        assert b"a/inside/deep/er/file" in watching.files
        write(tmp_path / "a" / "inside" / "below")
        watching.until(lambda: b"a/inside/below" in watching.hints)
        (tmp_path / "a" / "inside" / "below").unlink()

        mount("-t", "tmpfs", "none", tmp_path / "a" / "inside")
        write(tmp_path / "a" / "inside" / "new")
        watching.emitter.look_again(b"a/inside")
        watching.until(lambda: b"a/inside/new" in watching.files)
        assert watching.blind() == set()
        watching.assert_true()


def test_a_scan_finds_what_was_mounted_over_a_directory(tmp_path: Path, mounting: None) -> None:
    (tmp_path / "a" / "covered" / "sub").mkdir(parents=True)
    with Watching(tmp_path) as watching:
        mount("-t", "tmpfs", "none", tmp_path / "a" / "covered")
        (tmp_path / "a" / "covered" / "other" / "deep").mkdir(parents=True)
        write(tmp_path / "a" / "covered" / "other" / "file")
        watching.scan()

        watching.assert_true()
        assert watching.of(DirectoryGone) == []  # what is covered is not gone
        unmount(tmp_path / "a" / "covered")
        watching.settled()
        watching.scan()
        watching.assert_true()


def test_a_directory_bound_twice_is_watched_once(tmp_path: Path, mounting: None) -> None:
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "second").mkdir()
    mount("--bind", tmp_path / "real", tmp_path / "second")
    with Watching(tmp_path) as watching:
        write(tmp_path / "second" / "sub" / "file")
        watching.settled()
        for _ in range(3):
            watching.scan()

        assert watching.emitter.figures().watches == 3
        assert watching.changes == watching.of(type(watching.changes[0]))  # hints, no renames
        assert watching.files == {b"real/sub/file", b"second/sub/file"}


def test_the_root_bound_into_itself(tmp_path: Path, mounting: None) -> None:
    (tmp_path / "loop").mkdir()
    mount("--bind", tmp_path, tmp_path / "loop")
    with Watching(tmp_path) as watching:
        write(tmp_path / "loop" / "file")
        watching.until(lambda: b"file" in watching.files)
        assert watching.emitter.figures().watches == 1
        (tmp_path / "loop" / "sub").mkdir()
        write(tmp_path / "sub" / "file")
        watching.until(lambda: b"sub/file" in watching.files)
        assert watching.emitter.blind() == ()


def test_a_read_only_root_is_watched(tmp_path: Path, mounting: None) -> None:
    root = tmp_path / "root"
    root.mkdir()
    mount("-t", "tmpfs", "none", root)
    (root / "sub").mkdir()
    mount("-o", "remount,ro", root)
    with Watching(root) as watching:
        mount("-o", "remount,rw", root)
        write(root / "sub" / "file")
        watching.until(lambda: b"sub/file" in watching.hints)


def test_changes_through_an_overlay_are_told(tmp_path: Path, mounting: None) -> None:
    for name in ("lower/sub", "upper", "work", "root"):
        (tmp_path / name).mkdir(parents=True)
    write(tmp_path / "lower" / "sub" / "old")
    layers = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    root = tmp_path / "root"
    mount("-t", "overlay", "overlay", "-o", layers, root)
    with Watching(root) as watching:
        write(root / "sub" / "old")
        (root / "sub" / "new").mkdir()
        write(root / "sub" / "new" / "file")

        watching.until(lambda: {b"sub/old", b"sub/new/file"} <= watching.files)
        watching.assert_true()
