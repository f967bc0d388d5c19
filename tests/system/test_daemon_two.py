"""Two daemons over one catalogue: one works, and a paused one that was replaced writes nothing."""

import signal
import time
from pathlib import Path

import apsw
import pytest

from tests.daemon import Daemon, pause
from tests.trees import burst, write

ROOT = "uploads"
# So that a takeover takes seconds of the test's time and not a minute
QUICK = """
from storewarden.catalogue import drivers
drivers.choose({catalogue!r})
import storewarden.catalogue.lease
storewarden.catalogue.lease.STANDS_STILL = 2.0
storewarden.catalogue.lease.BEAT_SECONDS = 0.4
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    burst(tmp_path / "root" / "before", 40)
    return tmp_path / "root"


def pair(
    tmp_path: Path, root: Path, *, catalogue: str = "sqlite", preamble: str = ""
) -> tuple[Daemon, Daemon]:
    """Make two daemons that share state, catalogue and root; each has a log of its own."""

    def one(name: str) -> Daemon:
        return Daemon(
            tmp_path / name,
            {ROOT: root},
            catalogue=catalogue,
            settings={"state": str(tmp_path / "state")},
            preamble=preamble.format(catalogue=catalogue),
        )

    return one("first"), one("second")


def epoch(daemon: Daemon) -> int:
    return int(daemon.query("SELECT epoch FROM leases")[0][0])


def test_the_second_is_refused_and_told_who_is_there(tmp_path: Path, root: Path) -> None:
    first, second = pair(tmp_path, root)
    with first:
        first.settled()
        second.start(ready=False)
        assert second.ended() == 3
        assert f"pid {first.pid}" in second.said()
        write(root / "later.png")
        first.settled()
        assert epoch(first) == 1


def test_after_a_kill_the_next_takes_over_at_once(tmp_path: Path, root: Path) -> None:
    first, second = pair(tmp_path, root)
    with first:
        first.settled()
        burst(root / "during", 300)
        first.kill()
        begun = time.monotonic()
        with second:
            assert time.monotonic() - begun < 8, "a dead holder is not waited for"
            second.settled()
            assert epoch(second) == 2


def beat(daemon: Daemon) -> float:
    return float(daemon.query("SELECT beat FROM leases")[0][0]) / 1000


def hang(daemon: Daemon, stands_still: float) -> None:
    """Pause it for longer than a holder may be silent.

    Not in the middle of writing: a paused process keeps its locks, and nobody can take SQLite's
    away. Whether it is shows when another may begin to write.
    """
    while True:
        pause(daemon)
        last = beat(daemon)
        if not locked(daemon):
            break
        daemon.signal(signal.SIGCONT)
        daemon.until(lambda now=last: beat(daemon) != now, "it goes on")  # type: ignore[misc]  # a lambda's default
    daemon.until(lambda: time.monotonic() - last > stands_still, "it counts as hung", 30)


def locked(daemon: Daemon) -> bool:
    """Tell whether it holds the lease's row or the whole file."""
    if daemon.catalogue != "sqlite":
        import psycopg

        with psycopg.connect(daemon.catalogue) as server:
            try:
                server.execute("SELECT 1 FROM leases FOR UPDATE NOWAIT")
            except psycopg.errors.LockNotAvailable:
                return True
        return False
    other = apsw.Connection(str(daemon.state / "catalogue.db"))
    try:
        other.execute("BEGIN IMMEDIATE; ROLLBACK")
    except apsw.BusyError:
        return True
    finally:
        other.close()
    return False


def take_over(first: Daemon, second: Daemon, root: Path, stands_still: float = 2.0) -> None:
    """The first is paused, replaced, and then goes on with what it had in its hands."""
    with first:
        burst(root / "during", 300)
        first.settled()
        hang(first, stands_still)
        burst(root / "paused", 300)
        (root / "during").rename(root / "renamed")
        with second:
            second.settled(seconds=30)
            assert epoch(second) == 2
            history = second.query("SELECT max(id), count(*) FROM history")
            rows = second.query("SELECT id, recorded_ns FROM files ORDER BY id")
            first.signal(signal.SIGCONT)
            assert first.ended() == 3, "it stops by itself"
            assert first.told("a worker must end the daemon")
            assert second.query("SELECT max(id), count(*) FROM history") == history
            assert second.query("SELECT id, recorded_ns FROM files ORDER BY id") == rows
            burst(root / "after", 100)
            second.settled()
            assert second.stop() == 0


def test_a_paused_one_is_replaced_and_stops_by_itself(tmp_path: Path, root: Path) -> None:
    take_over(*pair(tmp_path, root, preamble=QUICK), root)


def test_a_paused_one_is_replaced_on_postgresql(
    tmp_path: Path, root: Path, postgres_database: str
) -> None:
    take_over(*pair(tmp_path, root, catalogue=postgres_database, preamble=QUICK), root)


@pytest.mark.soak
def test_a_paused_one_is_replaced_in_true_time(tmp_path: Path, root: Path) -> None:
    take_over(*pair(tmp_path, root), root, 15.0)
