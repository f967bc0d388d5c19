"""A disk runs full: how soon the first bytes are freed of a million files that are due."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from bench.daemon import Daemon, House, Unmeasured
from bench.ground import Ground, free
from bench.mounted import mounted
from bench.report import Figure, Measured, Target

_SECONDS = 2.0
_FOR = 20.0  # seconds in which it is counted what is freed
_SIZE = 50_000
_OF_DISK = 100_000  # bytes of the disk for each file: 100 GB in a whole run
_IN_A_DIRECTORY = 1_000
_WRITTEN = 20_000  # files that go first, as far as they go while it is counted
_HIGH, _LOW = 90, 40  # per cent
_NEARLY = 0.895  # how full the disk is before the last file comes
_LAST = 0.01  # what that file takes of the disk
_INODES = 1.1  # for each file
_SPACE, _MORE = 6_000, 2 * 10**9  # bytes below that a file takes with its row, and all else
_DAY_NS = 86_400 * 10**9
_DAYS_AGO = 100
_PATIENCE = 120.0
_POLL = 0.002
_POLICY = f"""
version: 1
policies:
  - id: room
    match: {{name: "*.png"}}
    clock: modified
    phases: [{{after: 30d, do: archive, to: cold}}]
    trigger: [{{pressure: {{high: {_HIGH}%, low: {_LOW}%, order: [modified asc]}}}}]
    guard: {{max_objects: never, max_bytes: never, max_share: never, loosen: true}}
    observe: false
"""


@dataclass(frozen=True, slots=True)
class _Freed:
    """What came of it."""

    first: float  # seconds from the mark to the first bytes
    wanted: int  # bytes that were to be freed
    size: int  # bytes that were
    seconds: float


def run(ground: Ground) -> list[Figure]:
    """Fill a disk nearly, let a daemon decide all that is on it, and cross the mark."""
    below = _SPACE * ground.files + _MORE
    if free(ground.directory)[0] < below:
        raise Unmeasured(f"{below / 1e9:.0f} GB of free space are needed")
    place = ground.place("pressure")
    with mounted(place, _OF_DISK * ground.files, int(_INODES * ground.files) + 1_000) as top:
        root = top / "root"
        ground.say(f"making {ground.files:,} files of 50 KB on a disk of their own")
        _make(root, ground.files)
        _fill(top / "others", top)
        ground.settle()
        _takes_little(place / "image", below)
        (place / "cold").mkdir()
        policies = place / "room.yaml"
        policies.write_text(_POLICY)
        house = replace(
            ground.house("pressed", root), policies=(str(policies),), store=place / "cold"
        )
        house.verb("store", "prepare", "cold")
        freed = _pressed(ground, house, top)
    return _figures(ground.files, freed)


def _figures(files: int, freed: _Freed) -> list[Figure]:
    wanted = f"{freed.wanted / 1e9:.1f} GB of {files:,} files"
    return [
        Figure(
            f"first bytes freed, where {wanted} must go",
            Measured(freed.first, "s"),
            target=Target(f"≤ {_SECONDS:.0f} s", freed.first <= _SECONDS),
        ),
        Figure(
            f"freed in a second, the {freed.seconds:.0f} after that",
            Measured(freed.size / freed.seconds / 1e6, "MB"),
        ),
    ]


def _make(root: Path, count: int) -> None:
    """Make files, the first the oldest; those that go first have bytes, the others only blocks."""
    root.mkdir()
    long_ago = time.time_ns() - _DAYS_AGO * _DAY_NS
    content = memoryview(os.urandom(2 * _SIZE))
    directory = -1
    for number in range(count):
        if number % _IN_A_DIRECTORY == 0:
            if directory >= 0:
                os.close(directory)
            path = root / f"{number // _IN_A_DIRECTORY:04}"
            path.mkdir()
            directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        file = os.open(f"{number:07}.png", flags, 0o644, dir_fd=directory)
        if number < _WRITTEN:
            os.write(file, content[number : number + _SIZE])
        else:
            os.posix_fallocate(file, 0, _SIZE)
        moment = long_ago + number * 10**6
        os.utime(file, ns=(moment, moment))
        os.close(file)
    os.close(directory)


def _fill(directory: Path, top: Path) -> None:
    """Let others take what is left of the disk, but for a little."""
    os.sync()  # what is not yet on the disk takes more than it will
    space = os.statvfs(top)
    used = (space.f_blocks - space.f_bavail) * space.f_frsize
    directory.mkdir()
    _allocate(
        directory / "model.safetensors", int(_NEARLY * space.f_blocks * space.f_frsize) - used
    )


def _allocate(path: Path, size: int) -> None:
    with path.open("xb") as file:
        os.posix_fallocate(file.fileno(), 0, size)


def _takes_little(image: Path, below: int) -> None:
    taken = image.stat().st_blocks * 512
    if taken > below:
        raise Unmeasured(f"blocks that nobody wrote take space: {taken / 1e9:.1f} GB")


def _pressed(ground: Ground, house: House, top: Path) -> _Freed:
    first = house.root / "0000"
    with Daemon(house) as daemon:
        daemon.wait_scanned()
        ground.say("deciding all files")
        daemon.wait_decided()
        if len(os.listdir(first)) != _IN_A_DIRECTORY:
            raise Unmeasured("files went before the disk was full")
        space = os.statvfs(top)
        new = house.root / "new"
        new.mkdir()
        ground.say("the mark is crossed")
        _allocate(new / "film.mp4", int(_LAST * space.f_blocks * space.f_frsize))
        crossed, before = time.monotonic(), _free(top)
        low = space.f_blocks * space.f_frsize * (100 - _LOW) // 100
        while len(os.listdir(first)) == _IN_A_DIRECTORY or _free(top) <= before:
            if time.monotonic() > crossed + _PATIENCE:
                raise Unmeasured(f"nothing was freed within {_PATIENCE:.0f} s")
            time.sleep(_POLL)
        begun = time.monotonic()
        while time.monotonic() < begun + _FOR and _free(top) < low:
            time.sleep(10 * _POLL)
        return _Freed(begun - crossed, low - before, _free(top) - before, time.monotonic() - begun)


def _free(top: Path) -> int:
    space = os.statvfs(top)
    return space.f_bavail * space.f_frsize
