"""A burst: 200,000 small files by one process, as fast as it can, into ten directories."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import apsw

from bench.catalogue import Comparison
from bench.daemon import Daemon
from bench.ground import Ground
from bench.report import Figure, Measured, Target, median
from bench.writer import Burst, Written, write

_RUNS = 3
_DIRECTORIES = 10
_SCRIPT_SECONDS = 10.0  # what the script is given after the last file
_PATIENCE = 60.0
_SCRIPT = Path(__file__).parent / "rivals" / "watchdog_script.py"


@dataclass(frozen=True, slots=True)
class _Recorded:
    written: Written
    lag: float  # from the last close to the commit of the last row
    comparison: Comparison


def run(ground: Ground) -> list[Figure]:
    """Measure what is recorded and how soon, beside the making alone and beside a script."""
    files = ground.files // 5
    alone: list[float] = []
    watched: list[_Recorded] = []
    for number in range(_RUNS):
        ground.say(f"burst of {files:,} files, run {number + 1} of {_RUNS}")
        alone.append(_alone(ground, files).seconds)
        watched.append(_watched(ground, files))
    ground.say("the same burst, recorded by a script with watchdog and sqlite3")
    script = _scripted(ground, files)
    return _figures(files, alone, watched, script)


def _burst(ground: Ground, files: int) -> Burst:
    burst = Burst(ground.place("burst"), _DIRECTORIES, files)
    burst.make_directories()
    ground.settle()
    return burst


def _alone(ground: Ground, files: int) -> Written:
    return write(ground.writer, _burst(ground, files))


def _watched(ground: Ground, files: int) -> _Recorded:
    burst = _burst(ground, files)
    house = ground.house("burst-state", burst.root, digest=True)
    with Daemon(house) as daemon:
        daemon.wait_scanned()
        catalogue = house.open_catalogue()
        written = write(ground.writer, burst)
        lag = catalogue.wait_for(files, _PATIENCE) - written.ended
        comparison = catalogue.compare(burst.root)
        catalogue.close()
    return _Recorded(written, lag, comparison)


def _scripted(ground: Ground, files: int) -> float:
    """Return the per cent of the files that the script has, some seconds after the last."""
    database = ground.directory / "script.db"
    burst = _burst(ground, files)
    words = [sys.executable, str(_SCRIPT), str(burst.root), str(database)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as script:
        try:
            assert script.stdout is not None
            script.stdout.readline()  # it watches
            write(ground.writer, burst)
            time.sleep(_SCRIPT_SECONDS)
            rows = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
            return 100 * int(rows.execute("SELECT count(*) FROM files").get) / files
        finally:
            script.kill()


def _figures(
    files: int, alone: list[float], watched: list[_Recorded], script: float
) -> list[Figure]:
    making, lag = median(alone), max(one.lag for one in watched)
    share = min(one.comparison.share for one in watched)
    allowed = max(1.0, making / 10)
    return [
        Figure(
            f"recorded of {files:,} files",
            Measured(share, "%"),
            Measured(script, "%", f"script, {_SCRIPT_SECONDS:.0f} s later"),
            Target("100 %", all(one.comparison.equal for one in watched)),
        ),
        Figure(
            "last close to last row, worst run",
            Measured(lag, "s"),
            Measured(making, "s", "making them"),
            Target(f"≤ {allowed:.2f} s", lag <= allowed),
        ),
        Figure(
            "making them while watched",
            Measured(median([one.written.seconds for one in watched]), "s"),
            Measured(making, "s", "making them"),
        ),
    ]
