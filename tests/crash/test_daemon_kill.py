"""The daemon is killed at any moment, or told to end under load; the catalogue is right again."""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.daemon import Daemon
from tests.trees import burst, write

ROOT = "uploads"
KILLS = 12


class Writer:
    """A program that writes, renames, rewrites and deletes all the time."""

    def __init__(self, top: Path, seed: int, *, deletes: bool = True) -> None:
        self.top = top
        self.closed: list[str] = []  # names in the order in which they were closed
        self._random = random.Random(seed)
        self._deletes = deletes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextlib.contextmanager
    def writing(self) -> Iterator["Writer"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            directory = self.top / f"d{number % 7}"
            directory.mkdir(exist_ok=True)
            name = f"d{number % 7}/{number}.png"
            write(self.top / name, b"." * self._random.randrange(2000))
            self.closed.append(name)
            if self._deletes:
                self._disturb()
            number += 1
            time.sleep(0.0005)  # a fast program, and one that leaves the daemon a processor

    def _disturb(self) -> None:
        draw, one = self._random.random(), self.top / self._random.choice(self.closed)
        with contextlib.suppress(FileNotFoundError):
            if draw < 0.1:
                one.unlink()
            elif draw < 0.2:
                one.rename(one.with_suffix(".jpg"))
            elif draw < 0.3:
                write(one, b"again")
            elif draw < 0.32:
                place = self._random.randrange(7)
                (self.top / f"d{place}").rename(self.top / f"e{os.urandom(4).hex()}")


def kill_at_any_moment(daemon: Daemon, chance: random.Random, seconds: float) -> None:
    """Start it, and kill it a moment later: in its start, in its scan, in the middle of a batch."""
    daemon.start(ready=False)
    time.sleep(chance.uniform(0.1, seconds))
    daemon.kill()


def test_killed_again_and_again_during_a_burst(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    chance = random.Random(seed)
    root = tmp_path / "root"
    root.mkdir()
    daemon = Daemon(tmp_path / "daemon", {ROOT: root})
    with Writer(root, seed).writing():
        for _ in range(KILLS):
            kill_at_any_moment(daemon, chance, 1.2)
            if (daemon.state / "catalogue.db").exists():
                daemon.assert_sound()
    with daemon:
        daemon.settled(seconds=30)
        daemon.assert_sound()
        assert daemon.count() > 100, f"seed {seed}"
        # A missing row beside a present one of the same name is history, two present ones are not
        assert all(states.count("present") <= 1 for states in daemon.states().values())


def test_killed_again_and_again_during_the_first_scan(tmp_path: Path) -> None:
    chance = random.Random()
    root = tmp_path / "root"
    for number in range(10):
        burst(root / f"d{number}", 1500, size=1)
    daemon = Daemon(tmp_path / "daemon", {ROOT: root})
    for _ in range(KILLS):
        kill_at_any_moment(daemon, chance, 0.9)
        if (daemon.state / "catalogue.db").exists():
            daemon.assert_sound()
    with daemon:
        daemon.settled(seconds=30)
        daemon.assert_sound()
        indexes = {name for (name,) in daemon.query(INDEXES)}
        assert daemon.stop() == 0
    with Daemon(tmp_path / "other", {ROOT: root}) as other:
        assert indexes == {name for (name,) in other.query(INDEXES)}


INDEXES = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"


def test_killed_with_its_catalogue_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    seed = random.randrange(10**9)
    chance = random.Random(seed)
    root = tmp_path / "root"
    root.mkdir()
    daemon = Daemon(tmp_path / "daemon", {ROOT: root}, catalogue=postgres_database)
    with Writer(root, seed).writing():
        for _ in range(4):
            kill_at_any_moment(daemon, chance, 2.0)
    with daemon:
        daemon.settled(seconds=30)
        assert all(states.count("present") <= 1 for states in daemon.states().values())


def test_told_to_end_under_load(tmp_path: Path) -> None:
    """It ends in time, and what was closed before it was told to is recorded, without a scan."""
    root = tmp_path / "root"
    root.mkdir()
    daemon = Daemon(
        tmp_path / "daemon", {ROOT: {"path": str(root), "settle": "5s", "settle_cap": "30s"}}
    )
    with daemon, Writer(root, 1, deletes=False).writing() as writer:
        held_open = (root / "open.log").open("wb")
        held_open.write(b"begun")
        held_open.flush()
        daemon.until(lambda: len(writer.closed) > 400, "many were written")
        closed = set(writer.closed)
        begun = time.monotonic()
        assert daemon.stop() == 0
        took = time.monotonic() - begun
        assert took < 4, "two seconds are promised, two more are the machine's"
        recorded = {os.fsdecode(path) for path in daemon.rows()}
        assert closed - recorded == set()
        assert b"open.log" in daemon.rows(), "what is not at rest is recorded as it is"
        assert daemon.query("SELECT growing FROM files WHERE name = ?", (b"open.log",)) == [(1,)]
        held_open.close()
    with daemon:
        daemon.settled()
        daemon.assert_sound()
        daemon.until(
            lambda: daemon.query("SELECT count(*) FROM files WHERE growing = 1") == [(0,)],
            "what grew is at rest",
        )


def test_told_to_end_while_it_starts(tmp_path: Path) -> None:
    root = tmp_path / "root"
    burst(root, 3000, size=1)
    chance = random.Random()
    daemon = Daemon(tmp_path / "daemon", {ROOT: root})
    with daemon:
        assert daemon.stop() == 0
        for _ in range(6):
            daemon.start(ready=False)
            time.sleep(chance.uniform(0.0, 1.0))
            # By the signal itself only before there is anything to end
            assert daemon.stop(6) in {0, -signal.SIGTERM}
            daemon.assert_sound()
        daemon.start()
        daemon.settled()
