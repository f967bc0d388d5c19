"""Telling of generated files through the daemon's socket, against a table of the application's own.

What an application would do instead: ``INSERT`` a row of its ``generated_files`` and commit, with
the standard library's sqlite3 as it comes. Both survive a power cut once they return.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.daemon import Daemon, Unmeasured
from bench.ground import Ground
from bench.report import Figure, Measured, Target

_SECONDS = 5.0
_MANY = 50
_PROCESSES = 10  # of as many clients together as there shall be
_ONE_TARGET, _MANY_TARGET = 0.5, 3.0
_TABLE = (
    "CREATE TABLE generated_files (id INTEGER PRIMARY KEY, workflow_id TEXT, file_type TEXT,"
    " file_path TEXT, file_name TEXT, file_size INTEGER, metadata TEXT, created_at TEXT)"
)
_INSERT = (
    "INSERT INTO generated_files"
    " (workflow_id, file_type, file_path, file_name, file_size, metadata, created_at)"
    " VALUES ('story', 'image', ?, ?, 1500000, '{\"take\": 2}', '2026-01-31T12:00:00Z')"
)


class Spent(NamedTuple):
    """What some clients came to in a while."""

    calls: int
    seconds: float
    times: tuple[float, ...]  # seconds of some calls

    @property
    def rate(self) -> float:
        """Return the calls of all of them in a second."""
        return self.calls / self.seconds

    def within(self, share: float) -> float:
        """Return the milliseconds within which a share of the calls was over."""
        return 1000 * sorted(self.times)[int(share * (len(self.times) - 1))]


def run(ground: Ground) -> Iterator[Figure]:
    """Tell by one client and by fifty, and insert by one application and by fifty."""
    root = ground.place("root")
    inserted = {}
    for clients in (1, _MANY):
        table = ground.place("table") / "app.db"
        _make(table)
        ground.say(f"{clients} × INSERT and commit")
        inserted[clients] = _together("insert", str(table), clients)
    with Daemon(ground.house("told", root)) as daemon:
        socket = daemon.house.state / "api.sock"
        _together("tell", f"{socket}:{root}/warm", 1, 0.5)
        for clients in (1, _MANY):
            ground.say(f"{clients} × add_generated_file")
            spent = _together("tell", f"{socket}:{root}/{clients}", clients)
            yield from _figures(clients, spent, inserted)


def _figures(clients: int, told: Spent, inserted: dict[int, Spent]) -> Iterator[Figure]:
    who = "one client" if clients == 1 else f"{clients} clients"
    target = _ONE_TARGET if clients == 1 else _MANY_TARGET
    alone = inserted[1]
    yield Figure(
        f"add_generated_file, {who}: calls in a second",
        Measured(told.rate, ""),
        Measured(alone.rate, "", "sqlite3 INSERT and commit, one application"),
        Target(f"≥ {target:g} ×", told.rate >= target * alone.rate),
    )
    if clients > 1:
        together = inserted[clients]
        yield Figure(
            f"add_generated_file, {who}: calls in a second",
            Measured(told.rate, ""),
            Measured(together.rate, "", f"sqlite3, {clients} applications on one file"),
        )
    yield Figure(
        f"add_generated_file, {who}: half of the calls within",
        Measured(told.within(0.5), "ms"),
        Measured(told.within(0.99), "ms", "99 % of them within"),
    )


def _make(table: Path) -> None:
    connection = sqlite3.connect(table)
    connection.execute(_TABLE)
    connection.commit()
    connection.close()


def _together(how: str, where: str, clients: int, seconds: float = _SECONDS) -> Spent:
    """Have so many clients call for a while, in some processes, all from the same moment on."""
    processes = min(clients, _PROCESSES)
    start = time.time() + 0.7 + 0.1 * processes
    command = [sys.executable, "-m", "bench.tell", how, where, str(clients // processes)]
    running = [
        subprocess.Popen([*command, str(number), str(start), str(seconds)], stdout=subprocess.PIPE)
        for number in range(processes)
    ]
    answers = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise Unmeasured(f"a client failed: {how}")
    told = [json.loads(answer) for answer in answers]
    return Spent(
        sum(one["calls"] for one in told),
        statistics.mean(one["seconds"] for one in told),
        tuple(one for each in told for one in each["times"]),
    )


def _main(how: str, where: str, threads: int, number: int, start: float, seconds: float) -> None:
    import threading  # noqa: PLC0415  # of the clients alone

    call = {"tell": _telling, "insert": _inserting}[how](where)
    times: list[list[float]] = [[] for _ in range(threads)]

    def work(thread: int) -> None:
        one = call(f"{number}-{thread}")
        time.sleep(max(0.0, start - time.time()))
        over, turn = time.monotonic() + seconds, 0
        while (began := time.monotonic()) < over:
            one(turn)
            turn += 1
            times[thread].append(time.monotonic() - began)

    workers = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    every = [one for each in times for one in each]
    told = {"calls": len(every), "seconds": seconds, "times": every[:: max(1, len(every) // 2000)]}
    sys.stdout.write(json.dumps(told))


Call = Callable[[int], object]


def _telling(where: str) -> Callable[[str], Call]:
    from storewarden.client import Warden  # noqa: PLC0415  # of the clients alone

    socket, _, root = where.partition(":")
    warden = Warden(f"unix:{socket}")

    def client(name: str) -> Call:
        return lambda turn: warden.add_generated_file(
            f"{root}/{name}/{turn}.png",
            workflow="story",
            file_type="image",
            metadata={"take": 2},
        )

    return client


def _inserting(where: str) -> Callable[[str], Call]:
    def client(name: str) -> Call:
        connection = sqlite3.connect(where, timeout=60, check_same_thread=False)

        def insert(turn: int) -> None:
            connection.execute(_INSERT, (f"/srv/{name}/{turn}.png", f"{turn}.png"))
            connection.commit()

        return insert

    return client


def _asked(words: Sequence[str]) -> None:
    how, where, threads, number, start, seconds = words
    _main(how, where, int(threads), int(number), float(start), float(seconds))


if __name__ == "__main__":
    _asked(sys.argv[1:])
