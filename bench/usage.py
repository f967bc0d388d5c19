"""What counting the use of files costs: at rest, under a steady load, and how much it can take."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from bench.daemon import Daemon, Unmeasured
from bench.ground import Ground
from bench.process import memory, processor_seconds, processor_share
from bench.report import Figure, Measured, Target

_REST = 10.0  # seconds over which the processor is watched
_LOAD = 5.0  # seconds of opening files
_STEADY = 10_000  # opens a second
_RATES = (20_000, 40_000, 60_000, 80_000, 120_000, 160_000)
_MOST_MEMORY = 20.0  # MB more than without
_PATIENCE = 30.0

# Opens every file in turn, so many a second, in slices of a hundredth of it; 0: without a pause.
_OPENER = """
import os, sys, time
rate, seconds, names = int(sys.argv[1]), float(sys.argv[2]), sys.stdin.buffer.read().split(b"\\0")
began, done, count = time.monotonic(), 0, len(names)
while (passed := time.monotonic() - began) < seconds:
    due = min(done + 1000, int(rate * passed)) if rate else done + 1000
    for number in range(done, due):
        os.close(os.open(names[number % count], os.O_RDONLY))
    if due == done:
        time.sleep(0.002)
    done = due
print(done)
"""


@dataclass(frozen=True, slots=True)
class _Rest:
    megabytes: float
    share: float


def run(ground: Ground) -> list[Figure]:
    """Compare a daemon that counts with one that does not, then have files opened."""
    directories = max(10, ground.files // 50)
    ground.say(f"{directories:,} directories in which use is counted")
    root = ground.place("usage")
    files = _make(root, directories)
    house = ground.house("usage-state", root)
    with Daemon(house) as daemon:
        daemon.wait_scanned()
        without = _rest(daemon)
        unwatched = _open(files, 0, _LOAD) / _LOAD
    with Daemon(replace(house, usage=True)) as daemon:
        daemon.wait_scanned()
        rest = _rest(daemon)
        steady = _steady(daemon, files)
        most = _most(ground, daemon, files)
        full = _open(files, 0, _LOAD) / _LOAD
    more = rest.megabytes - without.megabytes
    return [
        Figure(
            f"resident memory, {directories:,} directories",
            Measured(rest.megabytes, "MB"),
            Measured(without.megabytes, "MB", "not counting"),
            Target(f"≤ {_MOST_MEMORY:.0f} MB more", more <= _MOST_MEMORY),
        ),
        Figure(
            "processor at rest",
            Measured(rest.share, "% of a core"),
            Measured(without.share, "% of a core", "not counting"),
        ),
        Figure(f"processor at {_STEADY:,} opens a second", Measured(steady, "% of a core")),
        Figure("opens a second, none lost", Measured(most, "")),
        Figure(
            "opens a second, as fast as one process can",
            Measured(full, ""),
            Measured(unwatched, "", "not counted"),
        ),
    ]


def _make(root: Path, directories: int) -> list[bytes]:
    files = []
    for number in range(directories):
        directory = root / f"d{number:05}"
        directory.mkdir(parents=True)
        (directory / "file").write_bytes(b"x")
        files.append(os.fsencode(directory / "file"))
    return files


def _rest(daemon: Daemon) -> _Rest:
    time.sleep(_REST / 2)
    share = processor_share(daemon.pid, _REST)
    return _Rest(memory(daemon.pid).resident, share)


def _open(files: list[bytes], rate: int, seconds: float) -> int:
    """Open files at a rate; return how many were opened."""
    done = subprocess.run(
        [sys.executable, "-c", _OPENER, str(rate), str(seconds)],
        input=b"\0".join(files),
        capture_output=True,
        check=True,
    )
    return int(done.stdout)


def _steady(daemon: Daemon, files: list[bytes]) -> float:
    """Return the processor time that counting and storing a steady load takes."""
    began, used = time.monotonic(), processor_seconds(daemon.pid)
    _open(files, _STEADY, 2 * _LOAD)
    time.sleep(2)
    return 100 * (processor_seconds(daemon.pid) - used) / (time.monotonic() - began)


def _most(ground: Ground, daemon: Daemon, files: list[bytes]) -> int:
    """Return the highest of the rates at which every open was counted."""
    most = 0
    for rate in _RATES:
        before = daemon.metrics()
        opened = _open(files, rate, _LOAD)
        counted = _counted(daemon, before["usage_events_total"], opened)
        lost = daemon.metrics()["usage_lost_total"] - before["usage_lost_total"]
        ground.say(f"{opened / _LOAD:,.0f} opens a second: {counted / opened:.1%} counted")
        if lost or counted < opened:
            break
        most = round(opened / _LOAD)
    return most


def _counted(daemon: Daemon, before: float, wanted: int) -> int:
    """Return how many opens were counted, once no more are."""
    deadline, last = time.monotonic() + _PATIENCE, -1.0
    while time.monotonic() < deadline:
        now = daemon.metrics()["usage_events_total"] - before
        if now >= wanted or now == last:
            return int(now)
        last = now
        time.sleep(2.5)
    raise Unmeasured("counts did not come to rest")
