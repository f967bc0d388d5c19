"""How full the file systems of roots and of the catalogue are, as df counts it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from storewarden.databases.disks import disks
from storewarden.databases.filled import System
from storewarden.databases.growth import Full
from storewarden.databases.sample import DAY_NS

NOW = 1_795_246_201_000_000_000


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Roots on devices that a test gives them, each with 100 blocks of which 10 are root's own."""
    devices: dict[str, int] = {}
    flags: dict[str, int] = {}
    real = os.stat

    def stat(path: Any, **more: Any) -> Any:
        name = Path(os.fsdecode(path)).name
        if name in devices:
            told = list(real(path, **more))
            told[2] = devices[name]
            return os.stat_result(told)
        return real(path, **more)

    def statvfs(path: Any) -> os.statvfs_result:
        name = Path(os.fsdecode(path)).name
        return os.statvfs_result((4096, 4096, 100, 30, 20, 9, 9, 9, flags.get(name, 0), 255))

    for name in ("up", "down", "cold", "state"):
        (tmp_path / name).mkdir()
    flags["cold"] = os.ST_RDONLY
    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(os, "statvfs", statvfs)
    return devices


def found(tmp_path: Path, *names: str, filled: tuple[System, ...] = ()) -> Any:
    tops = {name: os.fsencode(tmp_path / name) for name in names}
    return disks(tops, tmp_path / "state", filled, NOW)


def test_roots_of_one_file_system_are_one_disk(tmp_path: Path, house: dict[str, int]) -> None:
    house |= {"up": 1, "down": 1, "state": 2}
    first, second = found(tmp_path, "up", "down")
    assert (first.roots, first.state) == (("down", "up"), False)
    assert (second.roots, second.state) == ((), True)
    assert (first.used, first.free) == (70 * 4096, 20 * 4096)


def test_the_catalogue_may_lie_beside_a_root(tmp_path: Path, house: dict[str, int]) -> None:
    house |= {"up": 1, "state": 1}
    (one,) = found(tmp_path, "up")
    assert (one.roots, one.state) == (("up",), True)


def test_what_cannot_be_written_or_is_not_here_is_left_out(
    tmp_path: Path, house: dict[str, int]
) -> None:
    house |= {"up": 1, "cold": 3, "state": 1}
    assert [one.roots for one in found(tmp_path, "up", "cold", "gone")] == [("up",)]


def test_when_it_is_full_is_told_by_what_is_free_now(tmp_path: Path, house: dict[str, int]) -> None:
    house |= {"up": 1, "state": 1}
    rate = 4096.0 * 4  # a fifth of what is free each day
    filled = (System(("up",), 1, Full(NOW + DAY_NS, 1.0, rate, "")),)
    (one,) = found(tmp_path, "up", filled=filled)
    assert one.full_ns == NOW + 5 * DAY_NS
    never = (System(("up",), 1, Full(None, 9e9, 1.0, "far away")),)
    assert found(tmp_path, "up", filled=never)[0].full_ns is None
