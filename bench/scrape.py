"""A scrape of /metrics costs the same at a million files as at a thousand."""

from __future__ import annotations

import time

from bench import tree
from bench.daemon import Daemon, House
from bench.ground import Ground
from bench.report import Figure, Measured, Target

_SCRAPES = 50
_REST = 3.0  # seconds after the scan at the start
_PAUSE = 0.02  # seconds between two: nobody scrapes without one
_ALLOWED = 20.0  # ms
_SAME = 1.5
_FEW = 1000


def run(ground: Ground) -> list[Figure]:
    """Scrape a daemon with the large tree and one with a small one."""
    large, house = ground.tree, ground.recorded
    ground.say(f"scraping at {large.files:,} files and at {_FEW:,}")
    many = _scrapes(house)
    small = tree.build(ground.place("small"), _FEW)
    few = _scrapes(ground.house("small-state", small.path))
    return [
        _figure("half of the scrapes within", many[_SCRAPES // 2], few[_SCRAPES // 2]),
        _figure("99 % of them within", many[_rank(99)], few[_rank(99)], only_here=False),
    ]


def _rank(per_cent: int) -> int:
    return min(_SCRAPES - 1, _SCRAPES * per_cent // 100)


def _scrapes(house: House) -> list[float]:
    """Return the milliseconds of each scrape, from the shortest to the longest."""
    taken = []
    with Daemon(house) as daemon:
        daemon.wait_scanned()
        time.sleep(_REST)
        for _ in range(_SCRAPES):
            began = time.monotonic()
            daemon.get("/metrics")
            taken.append(1000 * (time.monotonic() - began))
            time.sleep(_PAUSE)
    return sorted(taken)


def _figure(what: str, many: float, few: float, *, only_here: bool = True) -> Figure:
    words, met = f"≤ {_ALLOWED:.0f} ms", many <= _ALLOWED
    if only_here:
        words, met = f"{words}, ≤ {_SAME} ×", met and many <= _SAME * few
    return Figure(
        what, Measured(many, "ms"), Measured(few, "ms", f"at {_FEW:,} files"), Target(words, met)
    )
