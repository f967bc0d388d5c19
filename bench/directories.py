"""20,000 directories and an overflow: idle soon after, and nothing is unwatched."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench.burst_overflow import QUEUE
from bench.catalogue import Catalogue
from bench.daemon import Daemon
from bench.ground import Ground
from bench.process import processor_share
from bench.report import Figure, Measured, Target
from bench.writer import Burst, write

_LATER = 10.0  # seconds after the overflow
_OVER = 10.0  # seconds over which the processor is watched
_SHARE = 1.0  # per cent of a core
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class _Probes:
    recorded: int
    seconds: float


def run(ground: Ground) -> list[Figure]:
    """Have the queue overflow, rest, look at the processor, then write a probe everywhere."""
    directories = max(10, ground.files // 50)
    ground.say(f"{directories:,} directories and an overflow")
    root = ground.place("directories")
    burst = Burst(root, directories, max(directories, int(QUEUE.read_text())), size=1)
    burst.make_directories()
    house = ground.house("directories-state", root)
    with Daemon(house) as daemon:
        daemon.wait_scanned()
        daemon.pause()
        write(ground.writer, burst)
        daemon.resume()
        ground.say(f"resting {_LATER + _OVER:.0f} s")
        time.sleep(_LATER)
        share = processor_share(daemon.pid, _OVER)
        catalogue = house.open_catalogue()
        probes = _probe(catalogue, root, directories)
        comparison = catalogue.compare(root)
        shown = daemon.metrics()
    overflows, watches = shown["overflows_total"], shown["watches"]
    known = f"{overflows:.0f} overflows, {watches:,.0f} watches"
    everything = comparison.equal and probes.recorded == directories
    return [
        Figure(
            f"processor, {_LATER:.0f} s after it",
            Measured(share, "% of a core"),
            known,
            Target(f"< {_SHARE:.0f} %", share < _SHARE),
        ),
        Figure(
            "probes recorded",
            Measured(probes.recorded, "files"),
            Measured(directories, "files", "one in each directory"),
            Target("all", everything),
        ),
        Figure("last probe to last row", Measured(probes.seconds, "s")),
    ]


def _probe(catalogue: Catalogue, root: Path, directories: int) -> _Probes:
    """Write a file into every directory; return how many of them were recorded, and how soon."""
    before = catalogue.present()
    for number in range(directories):
        (root / f"d{number:05}" / "probe.txt").write_bytes(b"probe")
    ended = time.monotonic()
    seen = catalogue.wait_for(before + directories, _PATIENCE)
    return _Probes(catalogue.present() - before, seen - ended)
