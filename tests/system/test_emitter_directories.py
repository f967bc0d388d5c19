"""Directories that come and go faster than anyone can watch them: nothing missed, nothing blind."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from storewarden.model import DirectoryFound, DirectoryMoved, Hint
from tests.watching import Watching, join, tree


def write(path: Path, content: bytes = b"x") -> None:
    path.write_bytes(content)


def test_a_file_made_in_a_watched_directory_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with Watching(tmp_path) as watching:
        write(tmp_path / "a" / "one")
        watching.until(lambda: watching.hints.get(b"a/one") is Hint.CLOSED)

        watching.assert_true()


def test_hints_say_what_happened_last(tmp_path: Path) -> None:
    write(tmp_path / "old")
    write(tmp_path / "target")
    with Watching(tmp_path) as watching:
        os.link(tmp_path / "old", tmp_path / "linked")
        os.rename(tmp_path / "old", tmp_path / "new")
        os.rename(tmp_path / "new", tmp_path / "target")
        with (tmp_path / "open").open("wb"):
            (tmp_path / "target").chmod(0o600)
            watching.settled()
            hints = dict(watching.hints)

    assert hints == {
        b"linked": Hint.OPENED,
        b"old": Hint.GONE,
        b"new": Hint.GONE,
        b"target": Hint.CLOSED,
        b"open": Hint.OPENED,
    }


def test_deep_chains_with_a_file_at_each_level(tmp_path: Path) -> None:
    with Watching(tmp_path) as watching:
        for chain in range(200):
            path = tmp_path / f"chain{chain}"
            for level in range(8):
                path = path / f"level{level}"
                path.mkdir(parents=True)
                write(path / "file")

        watching.assert_true()
        assert len(watching.files) == 200 * 8 + len(tree(watching.path)[1])


def test_makedirs_with_files_in_the_leaf(tmp_path: Path) -> None:
    with Watching(tmp_path) as watching:
        for count in range(300):
            leaf = tmp_path / f"top{count}" / "/".join(f"d{level}" for level in range(9))
            leaf.mkdir(parents=True)
            for name in ("a", "b", "c"):
                write(leaf / name)

        watching.assert_true()


def test_directories_filled_under_a_temporary_name_and_renamed(tmp_path: Path) -> None:
    with Watching(tmp_path) as watching:
        for count in range(500):
            temporary = tmp_path / "tmp"
            temporary.mkdir()
            write(temporary / "a")
            write(temporary / "b")
            temporary.rename(tmp_path / f"final{count}")

        watching.assert_true()
        assert not [path for path in watching.files if path.startswith(b"tmp/")]


def test_populated_trees_moved_in(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    for count in range(200):
        for sub in ("x", "y", "z"):
            (outside / f"t{count}" / sub).mkdir(parents=True)
            write(outside / f"t{count}" / sub / "file")
    with Watching(root) as watching:
        for path in sorted(outside.iterdir()):
            path.rename(root / path.name)

        watching.assert_true()


def test_nothing_outside_is_told_after_a_directory_was_moved_out(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "going" / "deep").mkdir(parents=True)
    write(root / "going" / "deep" / "file")
    outside.mkdir()
    with Watching(root) as watching:
        (root / "going").rename(outside / "gone")
        write(outside / "gone" / "deep" / "secret")
        write(outside / "gone" / "secret")
        watching.settled()
        write(outside / "gone" / "deep" / "secret2")
        watching.settled()

        assert watching.reported == set()
        watching.assert_true()


def test_a_directory_moved_out_and_in_again_is_watched(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "a" / "b").mkdir(parents=True)
    outside.mkdir()
    with Watching(root) as watching:
        (root / "a").rename(outside / "a")
        watching.settled()
        write(outside / "a" / "b" / "made-outside")
        (outside / "a").rename(root / "again")

        watching.assert_true()


def test_a_rename_inside_keeps_the_watches_and_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    write(tmp_path / "a" / "b" / "file")
    with Watching(tmp_path) as watching:
        (tmp_path / "a").rename(tmp_path / "z")
        write(tmp_path / "z" / "b" / "later")
        watching.settled()

        place = os.stat(tmp_path / "z")
        moved = DirectoryMoved("watched", b"a", b"z", place.st_dev, place.st_ino)
        assert watching.of(DirectoryMoved) == [moved]
        assert b"z/b/later" in watching.hints
        watching.assert_true()


def test_chains_of_renames_and_names_used_again(tmp_path: Path) -> None:
    with Watching(tmp_path) as watching:
        for count in range(100):
            (tmp_path / "a").mkdir()
            write(tmp_path / "a" / f"first{count}")
            (tmp_path / "a").rename(tmp_path / "b")
            (tmp_path / "a").mkdir()
            write(tmp_path / "a" / f"second{count}")
            (tmp_path / "b").rename(tmp_path / f"c{count}")
            (tmp_path / "a").rename(tmp_path / f"d{count}")

        watching.assert_true()


def test_two_directories_exchanged(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "sub").mkdir(parents=True)
        write(tmp_path / name / "sub" / f"of-{name}")
    with Watching(tmp_path) as watching:
        exchange(tmp_path / "a", tmp_path / "b")

        watching.assert_true()
        assert watching.files >= {b"a/sub/of-b", b"b/sub/of-a"}


def exchange(one: Path, other: Path) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    renamed = libc.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), 2)
    assert renamed == 0, os.strerror(ctypes.get_errno())


def test_a_directory_that_comes_back_to_a_name_that_was_another_ones_meanwhile(
    tmp_path: Path,
) -> None:
    """Whoever was told of the other one has forgotten what was there before."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "name" / "sub").mkdir(parents=True)
    outside.mkdir()
    write(root / "name" / "first")
    write(root / "name" / "sub" / "first")
    with Watching(root) as watching:
        (root / "name").rename(outside / "first")
        (root / "name").mkdir()
        write(root / "name" / "other")
        watching.until(lambda: watching.files == {b"name/other"})
        (root / "name").rename(root / "elsewhere")
        (outside / "first").rename(root / "name")

        watching.assert_true()
        assert watching.files >= {b"name/first", b"name/sub/first"}


@pytest.mark.parametrize("inside", ["", "inside"])
def test_a_directory_that_was_away_only_while_it_was_listed(tmp_path: Path, inside: str) -> None:
    """To us it never left, as it is back when we look; whoever was told of it saw nothing."""
    root, away = tmp_path / "root", tmp_path / "away"
    root.mkdir()
    told, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        told.set()
        go_on.wait(20)

    with Watching(root, slow=slow) as watching:
        (tmp_path / "made" / inside).mkdir(parents=True)
        write(tmp_path / "made" / inside / "file")
        (tmp_path / "made").rename(root / "name")
        assert told.wait(20)
        with watching.emitter._lock:
            (root / "name" / inside).rename(away)
            go_on.set()
            watching.until(lambda: watching.of(DirectoryFound))
            with watching._lock:  # until it has listed
                assert watching.files == set()
            away.rename(root / "name" / inside)

        watching.assert_true()
        assert bytes(Path("name", inside, "file")) in watching.files


def test_rm_rf_of_a_large_tree(tmp_path: Path) -> None:
    for top in range(20):
        for sub in range(100):
            (tmp_path / f"t{top}" / f"s{sub}").mkdir(parents=True)
            write(tmp_path / f"t{top}" / f"s{sub}" / "file")
    with Watching(tmp_path) as watching:
        for top in range(0, 20, 2):
            shutil.rmtree(tmp_path / f"t{top}")

        watching.assert_true()
        assert watching.observer.budget.used == watching.emitter.figures().watches


def test_a_directory_deleted_and_made_again_at_once(tmp_path: Path) -> None:
    with Watching(tmp_path) as watching:
        for count in range(300):
            (tmp_path / "same").mkdir()
            write(tmp_path / "same" / f"file{count}")
            shutil.rmtree(tmp_path / "same")
        (tmp_path / "same").mkdir()
        write(tmp_path / "same" / "last")

        watching.assert_true()


def test_excluded_directories_are_not_watched(tmp_path: Path) -> None:
    (tmp_path / "node_modules" / "deep").mkdir(parents=True)
    (tmp_path / ".storewarden").mkdir()
    with Watching(tmp_path, exclude=("node_modules/", "cache/*/raw", "*.part")) as watching:
        (tmp_path / "cache" / "a" / "raw" / "deeper").mkdir(parents=True)
        (tmp_path / "cache" / "a" / "cooked").mkdir()
        write(tmp_path / "cache" / "a" / "raw" / "no")
        write(tmp_path / "cache" / "a" / "cooked" / "yes")
        write(tmp_path / "movie.part")
        write(tmp_path / ".storewarden" / "root")
        (tmp_path / "cache").rename(tmp_path / "store")
        watching.settled()

        assert watching.reported & {b"movie.part", b".storewarden/root"} == set()
        watching.assert_true()
        assert b"store/a/raw/no" in watching.files


def test_paths_beyond_what_a_system_call_takes(tmp_path: Path) -> None:
    with Watching(tmp_path) as watching:
        here = os.open(tmp_path, os.O_RDONLY)
        for level in range(20):
            name = bytes([97 + level]) * 250
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(os.open(b"leaf", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        watching.settled()
        os.close(os.open(b"later", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        os.close(here)

        watching.assert_true()
        assert watching.emitter.blind() == ()
        assert max(len(path) for path in watching.hints) > 5000
    subprocess.run(["rm", "-rf", "--", *tmp_path.iterdir()], check=True)


@pytest.mark.parametrize(
    "name", [b"n\xff\xfe.png", b"new\nline", b"\x01\x7f", b"x" * 255, " schöne Datei ".encode()]
)
def test_any_name_there_can_be(tmp_path: Path, name: bytes) -> None:
    with Watching(tmp_path) as watching:
        top = os.fsencode(tmp_path)
        os.mkdir(join(top, name))
        with open(join(join(top, name), name), "wb") as file:
            file.write(b"x")

        watching.assert_true()
        assert join(name, name) in watching.files
