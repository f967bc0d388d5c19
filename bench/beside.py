"""An application writes as fast as it can while a backlog is archived, and while nothing is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.daemon import Daemon, House, Unmeasured
from bench.ground import Ground, free
from bench.report import Figure, Measured, Target, median
from bench.writer import Burst, write

_RUNS = 3
_LEAST = 0.9
_SIZE = 100_000
_FILES_OF_ALL = 40  # one file for so many of the large tree: 25,000, 2.5 GB, in a whole run
_FEWEST = 2_000
_DIRECTORIES = 10
_LARGE = 10 * 10**6
_LARGE_OF_ALL = 2_500  # likewise: 400, 4 GB
_FEWEST_LARGE = 80
_UNDISTURBED = 3.0  # seconds in which it is seen what the archive reaches when nobody writes
_HOUR_NS = 3600 * 10**9
_PATIENCE = 120.0
_POLICY = """
version: 1
policies:
  - id: renders
    match: {name: "render-*"}
    clock: modified
    phases: [{after: 1h, do: archive, to: cold}]
    guard: {max_objects: never, max_bytes: never, max_share: never, loosen: true}
    observe: false
"""


@dataclass(frozen=True, slots=True)
class _Beside:
    """What the application reached in megabytes a second, and the archive then and alone."""

    written: float
    archived: float
    undisturbed: float


def run(ground: Ground) -> list[Figure]:
    """Measure what is written in a second in turns, and what is archived meanwhile."""
    files = max(_FEWEST, ground.files // _FILES_OF_ALL)
    backlog = max(_FEWEST_LARGE, ground.files // _LARGE_OF_ALL)
    needed = 2 * files * _SIZE + (_RUNS + 2) * backlog * _LARGE
    if free(ground.directory)[0] < needed:
        raise Unmeasured(f"{needed / 1e9:.0f} GB of free space are needed")
    idle, busy = _houses(ground)
    alone: list[float] = []
    beside: list[_Beside] = []
    for number in range(_RUNS):
        ground.say(f"writing {files:,} files of 100 KB, alone, {number + 1} of {_RUNS}")
        alone.append(_alone(ground, idle, files, number))
        ground.say(f"and beside the archive of {backlog:,} files of 10 MB")
        beside.append(_beside(ground, busy, files, backlog, number))
    return _figures(files, alone, beside)


def _figures(files: int, alone: list[float], beside: list[_Beside]) -> list[Figure]:
    written, by_itself = median([one.written for one in beside]), median(alone)
    return [
        Figure(
            f"written in a second, {files:,} files of 100 KB, beside a running archive",
            Measured(written, "MB"),
            Measured(by_itself, "MB", "nothing to archive"),
            Target(f"≥ {_LEAST} ×", written >= _LEAST * by_itself),
        ),
        Figure(
            "archived in a second meanwhile, files of 10 MB",
            Measured(median([one.archived for one in beside]), "MB"),
            Measured(median([one.undisturbed for one in beside]), "MB", "when nobody writes"),
        ),
    ]


def _houses(ground: Ground) -> tuple[House, House]:
    """Return one that has nothing to archive, and one with a store and a policy for it."""
    place = ground.place("beside")
    for name in ("idle", "busy", "cold"):
        (place / name).mkdir()
    policies = place / "renders.yaml"
    policies.write_text(_POLICY)
    idle, busy = (
        replace(
            ground.house(f"beside-{name}", place / name),
            policies=(str(policies),),
            store=place / "cold",
        )
        for name in ("idle", "busy")
    )
    busy.verb("store", "prepare", "cold")
    return idle, busy


def _alone(ground: Ground, house: House, files: int, number: int) -> float:
    burst = _burst(house, files, number)
    ground.settle()
    with Daemon(house) as daemon:
        daemon.wait_scanned()
        daemon.wait_decided()
        written = write(ground.writer, burst)
    _shrink(burst)
    return _rate(files, _SIZE, written.seconds)


def _beside(ground: Ground, house: House, files: int, backlog: int, number: int) -> _Beside:
    burst = _burst(house, files, number)
    _renders(house.root / f"renders-{number}", backlog)
    ground.settle()
    waiting = _left(house)
    with Daemon(house) as daemon:
        _wait(lambda: _left(house) < waiting, "nothing was archived")
        before = _left(house)
        written = write(ground.writer, burst)
        after = _left(house)
        if not after:
            raise Unmeasured("the backlog was gone before all was written")
        _wait(lambda: not daemon.metrics()["pending_files"], "the files were not recorded")
        undisturbed = _undisturbed(house)
    _shrink(burst)
    archived = _rate(before - after, _LARGE, written.seconds)
    return _Beside(_rate(files, _SIZE, written.seconds), archived, undisturbed)


def _undisturbed(house: House) -> float:
    """Return what is archived in a second, for some seconds or to the last file."""
    began, before = time.monotonic(), _left(house)
    while time.monotonic() < began + _UNDISTURBED and _left(house):
        time.sleep(0.02)
    return _rate(before - _left(house), _LARGE, time.monotonic() - began)


def _left(house: House) -> int:
    """Return how many files of the backlog are still in their places."""
    return sum(1 for _ in house.root.glob("renders-*/render-*"))


def _rate(files: int, size: int, seconds: float) -> float:
    """Return megabytes in a second."""
    return files * size / seconds / 1e6


def _wait(for_it: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not for_it():
        if time.monotonic() > deadline:
            raise Unmeasured(f"{otherwise} within {_PATIENCE:.0f} s")
        time.sleep(0.02)


def _burst(house: House, files: int, number: int) -> Burst:
    burst = Burst(house.root / f"written-{number}", _DIRECTORIES, files, _SIZE)
    burst.make_directories()
    return burst


def _shrink(burst: Burst) -> None:
    """Give back the space of a burst; its files stay, as Ground.place says why."""
    for path in burst.root.glob("*/*.png"):
        os.truncate(path, 0)


def _renders(directory: Path, count: int) -> None:
    """Make large files that are due, every other one of which can be packed."""
    directory.mkdir()
    text = os.urandom(_LARGE // 2).hex().encode()
    noise = os.urandom(_LARGE)
    moment = time.time_ns() - 2 * _HOUR_NS
    for number in range(count):
        path = directory / f"render-{number:05}.bin"
        content = text if number % 2 else noise
        at = 1_000 * number  # no two are alike
        path.write_bytes(content[at:] + content[:at])
        os.utime(path, ns=(moment, moment))
