"""What it costs to keep figures: a burst recorded with them and with none, in turns."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

from bench.daemon import Daemon
from bench.ground import Ground
from bench.process import processor_seconds
from bench.report import Figure, Measured, Target, median
from bench.writer import Burst, write

_TURNS = 5
_DIRECTORIES = 10
_PATIENCE = 60.0
_ALLOWED = 2.0  # per cent
# The program with metrics that do nothing, but for those that tell this benchmark how far it is.
_WITHOUT = """
import sys
from storewarden.measure import metrics

class Nothing:
    def __init__(self): self.inc = self.dec = self.set = self.observe = self.remove = self.idle
    def idle(self, *_args, **_labels): pass
    def labels(self, *_args, **_labels): return self
    def remove_by_labels(self, _labels): pass

make, nothing = metrics._make, Nothing()
TOLD = {"last_scan_timestamp_seconds", "scan_running", "pending_files"}
metrics._make = lambda row, registry: make(row, registry) if row.name in TOLD else nothing

from storewarden.cli import main
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class _Run:
    rate: float  # files a second, from the first that was made to the last that was recorded
    processor: float  # microseconds a file


def run(ground: Ground) -> list[Figure]:
    """Record the same burst both ways, in turns: what else the machine does is for both."""
    files = ground.files // 10
    with_them: list[_Run] = []
    without: list[_Run] = []
    for turn in range(_TURNS):
        ground.say(f"recording {files:,} files with figures and without, {turn + 1} of {_TURNS}")
        with_them.append(_recorded(ground, files, []))
        without.append(_recorded(ground, files, [sys.executable, "-c", _WITHOUT]))
    rate = median([one.rate for one in with_them])
    plain = median([one.rate for one in without])
    took = median([one.processor for one in with_them])
    plainly = median([one.processor for one in without])
    words = f"≥ {100 - _ALLOWED:.0f} % of it"
    return [
        Figure(
            f"recorded of a burst of {files:,} files",
            Measured(rate, "/s"),
            Measured(plain, "/s", "without figures"),
            Target(words, rate >= (1 - _ALLOWED / 100) * plain),
        ),
        Figure(
            "processor for each file",
            Measured(took, "µs"),
            Measured(plainly, "µs", "without figures"),
        ),
    ]


def _recorded(ground: Ground, files: int, words: list[str]) -> _Run:
    burst = Burst(ground.place("burst"), _DIRECTORIES, files)
    burst.make_directories()
    ground.settle()
    with Daemon(ground.house("instrumented-state", burst.root), words) as daemon:
        daemon.wait_scanned()
        time.sleep(1.0)
        catalogue = daemon.house.open_catalogue()
        used = processor_seconds(daemon.pid)
        written = write(ground.writer, burst)
        ended = catalogue.wait_for(files, _PATIENCE)
        used = processor_seconds(daemon.pid) - used
        catalogue.close()
    return _Run(files / (ended - written.began), 1e6 * used / files)
