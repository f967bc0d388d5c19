"""A scrape of /metrics costs the same at a million files as at a thousand, also under load."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import apsw

from bench import tree
from bench.daemon import Daemon, House, Unmeasured
from bench.ground import Ground
from bench.report import Figure, Measured, Target
from bench.writer import Burst, write

_SCRAPES = 50
_REST = 3.0  # seconds after the scan at the start
_PAUSE = 0.02  # seconds between two: nobody scrapes without one
_ALLOWED = 20.0  # ms
_LOADED = 100.0  # ms, of 99 % of them while files are recorded
_SAME = 1.5
_FEW = 1000
_DATABASES = 100
_KNOWN = 120.0  # seconds until all are known


def run(ground: Ground) -> list[Figure]:
    """Scrape a daemon with the large tree and one with a small one."""
    large, house = ground.tree, ground.recorded
    ground.say(f"scraping at {large.files:,} files and at {_FEW:,}, with {_DATABASES} databases")
    with _with_databases(ground, house) as full, Daemon(full) as daemon:
        _wait_known(daemon)
        many = _scrapes(daemon)
        ground.say("scraping while a burst is recorded")
        loaded = _while_recorded(ground, daemon)
    small = tree.build(ground.place("small"), _FEW)
    _make_databases(small.path)
    house = replace(ground.house("small-state", small.path), policies=())
    with Daemon(house) as daemon:
        _wait_known(daemon)
        few = _scrapes(daemon)
    return [
        _figure("half of the scrapes within", _part(many, 50), _part(few, 50)),
        _figure("99 % of them within", _part(many, 99), _part(few, 99), only_here=False),
        _under_load("half of them while a burst is recorded", _part(loaded, 50), _ALLOWED),
        _under_load("99 % of these within", _part(loaded, 99), _LOADED),
    ]


@contextmanager
def _with_databases(ground: Ground, house: House) -> Iterator[House]:
    """Lend a house like this one, with databases in its root."""
    state = ground.directory / "scraped"
    ground.remove(state)
    shutil.copytree(house.state, state)
    place = _make_databases(house.root)
    try:
        yield replace(house, state=state, policies=())
    finally:
        shutil.rmtree(place)


def _make_databases(root: Path) -> Path:
    place = root / "databases"
    place.mkdir()
    for number in range(_DATABASES):
        connection = apsw.Connection(str(place / f"app-{number:03}.db"))
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text)")
        connection.execute("INSERT INTO t (text) VALUES (hex(randomblob(500)))")
        connection.close()
    return place


def _wait_known(daemon: Daemon) -> None:
    daemon.wait_scanned()
    deadline = time.monotonic() + _KNOWN
    while daemon.metrics()["databases_known"] < _DATABASES:
        if time.monotonic() > deadline:
            raise Unmeasured("the databases were not known in time")
        time.sleep(0.5)
    time.sleep(_REST)


def _while_recorded(ground: Ground, daemon: Daemon) -> list[float]:
    """Scrape for as long as a burst is written."""
    place = daemon.house.root / "burst"
    burst = Burst(place, 10, ground.files // 10)
    burst.make_directories()
    writing = threading.Thread(target=write, args=(ground.writer, burst))
    taken: list[float] = []
    writing.start()
    try:
        while writing.is_alive() or len(taken) < _SCRAPES:
            taken.append(_scrape(daemon))
    finally:
        writing.join()
        place.rename(ground.place("burst-over") / "burst")  # removed at the end: see there
    return sorted(taken)


def _scrapes(daemon: Daemon) -> list[float]:
    """Return the milliseconds of each scrape, from the shortest to the longest."""
    return sorted(_scrape(daemon) for _ in range(_SCRAPES))


def _scrape(daemon: Daemon) -> float:
    began = time.monotonic()
    daemon.get("/metrics")
    took = 1000 * (time.monotonic() - began)
    time.sleep(_PAUSE)
    return took


def _part(taken: list[float], per_cent: int) -> float:
    return taken[min(len(taken) - 1, len(taken) * per_cent // 100)]


def _figure(what: str, many: float, few: float, *, only_here: bool = True) -> Figure:
    words, met = f"≤ {_ALLOWED:.0f} ms", many <= _ALLOWED
    if only_here:
        words, met = f"{words}, ≤ {_SAME} ×", met and many <= _SAME * few
    return Figure(
        what, Measured(many, "ms"), Measured(few, "ms", f"at {_FEW:,} files"), Target(words, met)
    )


def _under_load(what: str, took: float, allowed: float) -> Figure:
    return Figure(what, Measured(took, "ms"), target=Target(f"≤ {allowed:.0f} ms", took <= allowed))
