"""A single file unpacks itself: where nobody else may write, once, whole or not at all."""

import json
import os
import stat
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from setup.pyz import unpacking
from storewarden.cli.service import place

FILES = {
    "lib/python3.11/site-packages/a.py": b"one",
    "lib/python3.11/site-packages/b.py": b"two2",
    "bin/storewarden": b"run",
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "one.pyz"
    with zipfile.ZipFile(path, "w") as outer:
        inner = tmp_path / "tree.zip"
        with zipfile.ZipFile(inner, "w") as packed:
            for name, content in FILES.items():
                packed.writestr(name, content)
        outer.write(inner, "tree.zip")
        outer.writestr("built.json", json.dumps(told()))
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CACHE_DIRECTORY", raising=False)
    return tmp_path / "cache/storewarden"


def told() -> Mapping[str, Any]:
    return {
        "version": "1.0",
        "digest": "0123456789abcdef",
        "files": {name: len(content) for name, content in FILES.items()},
    }


def test_it_is_unpacked_once(archive: Path, cache: Path) -> None:
    tree = unpacking.found_or_made(told(), archive)
    (tree / "stays").touch()

    assert unpacking.found_or_made(told(), archive) == tree
    assert [entry.name for entry in cache.iterdir()] == [tree.name]
    assert (tree / "stays").exists()
    assert os.readlink(tree / "bin/python3") == os.path.realpath("/proc/self/exe")


@pytest.mark.parametrize("harm", ["swept", "emptied", "without a Python"])
def test_what_was_swept_or_lost_power_is_unpacked_again(
    archive: Path, cache: Path, harm: str
) -> None:
    tree = unpacking.found_or_made(told(), archive)
    victim = tree / "lib/python3.11/site-packages/b.py"
    if harm == "swept":
        victim.unlink()
    elif harm == "emptied":
        victim.write_bytes(b"")
    else:
        (tree / "bin/python3").unlink()

    assert unpacking.found_or_made(told(), archive) == tree
    assert victim.read_bytes() == b"two2"
    assert [entry.name for entry in cache.iterdir()] == [tree.name]


def test_what_a_killed_start_left_goes_with_the_next_one(archive: Path, cache: Path) -> None:
    (cache / ".unpacking-1/lib").mkdir(parents=True)

    tree = unpacking.found_or_made(told(), archive)

    assert list(cache.iterdir()) == [tree]


def test_a_place_where_others_may_write_is_not_used(
    archive: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    cache.mkdir(parents=True)
    cache.chmod(0o777)

    tree = unpacking.found_or_made(told(), archive)

    assert tree.parent == tmp_path / "home/.cache/storewarden"
    assert stat.S_IMODE(tree.parent.stat().st_mode) & 0o022 == 0
    assert list(cache.iterdir()) == []


def test_without_any_place_each_is_named_with_its_reason(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    occupied = tmp_path / "file"
    occupied.touch()
    for name in ("XDG_CACHE_HOME", "HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(occupied))

    with pytest.raises(SystemExit) as ended:
        unpacking.found_or_made(told(), archive)

    assert f"{occupied}/storewarden: Not a directory" in str(ended.value)
    assert "XDG_CACHE_HOME=/some/where" in str(ended.value)


def test_trees_that_nobody_ran_for_a_month_make_room(archive: Path, cache: Path) -> None:
    old, running, fresh = (cache / name for name in ("old", "running", "fresh"))
    for tree in (old, running, fresh):
        tree.mkdir(parents=True)
    month = time.time() - unpacking.UNUSED - 60
    os.utime(old, (month, month))
    with unpacking.locked(running):
        os.utime(running, (month, month))
        tree = unpacking.found_or_made(told(), archive)

    assert {entry.name for entry in cache.iterdir()} == {"running", "fresh", tree.name}


def test_another_python_is_told_what_is_missing(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    foreign = {"python": "3.0", "suffix": ".cpython-30-m68k-linux-gnu.so"}

    with pytest.raises(SystemExit, match=r"is for Python 3\.0 .*\n  → install python3\.0"):
        unpacking.fitting(foreign, archive)


def test_a_service_of_a_single_file_starts_that_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(unpacking.WHENCE, "/opt/storewarden.pyz")
    monkeypatch.setattr(sys, "executable", "/usr/bin/env")

    assert place.command() == (os.path.realpath("/usr/bin/env"), "/opt/storewarden.pyz")
