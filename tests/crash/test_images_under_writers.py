"""Backups beside a writer at full speed: each is sound and has every row acknowledged before it."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw
import pytest

from storewarden.databases.child import run_job
from storewarden.databases.found import How
from storewarden.databases.image.take import Taken
from tests.applications import application, made
from tests.imaging import Ground, ground

# Writes without a pause, and says how many rows it has after each commit. Rows grow in number by
# one a commit, so that a number tells a state, and are small: large ones that are emptied again
# leave pages behind that nothing fills. What is large is updated and deleted beside them.
WRITER: Final = """
import os, random, sys, apsw
path, size, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
draw = random.Random(seed)
connection = apsw.Connection(path)
connection.set_busy_timeout(60_000)
connection.execute("PRAGMA synchronous = OFF")
connection.execute("PRAGMA cache_size = 50")
connection.execute("PRAGMA wal_autocheckpoint = %d" % draw.choice([1, 10, 100, 1000]))
rows = connection.execute("SELECT count(*) FROM t").get
while True:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO t (text) VALUES (hex(randomblob(?)))", (draw.randrange(30),))
    connection.execute("INSERT INTO junk (data) VALUES (randomblob(?))", (draw.randrange(size),))
    connection.execute("UPDATE t SET text = hex(randomblob(?)) WHERE id = ?",
                       (draw.randrange(30), draw.randrange(rows + 1)))
    connection.execute("UPDATE junk SET data = randomblob(?) WHERE id % 7 = ?",
                       (draw.randrange(size), draw.randrange(7)))
    if draw.random() < 0.1:
        connection.execute("DELETE FROM junk WHERE id % 3 = ?", (draw.randrange(3),))
    if draw.random() < 0.02:
        connection.execute("ROLLBACK")
        continue
    connection.execute("COMMIT")
    rows += 1
    os.write(1, b"%d\\n" % rows)
"""


class Writer:
    """An application that writes as fast as it can."""

    def __init__(self, path: Path, size: int, seed: int) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-c", WRITER, path, str(size), str(seed)], stdout=subprocess.PIPE
        )
        self._told = b""
        self.rows = 0

    def acknowledged(self) -> int:
        """Return how many rows were acknowledged by now, at least one more than before."""
        assert self._popen.stdout is not None
        before = self.rows
        while self.rows <= before or not self._told.endswith(b"\n"):
            piece = self._popen.stdout.read1(1 << 20)  # type: ignore[attr-defined]
            assert piece, "the writer ended"
            self._told += piece
            *whole, rest = self._told.split(b"\n")
            if whole:
                self.rows = int(whole[-1])
            self._told = rest or b"\n"
        return self.rows

    def end(self) -> None:
        self._popen.kill()
        self._popen.wait()
        assert self._popen.stdout is not None
        self._popen.stdout.close()


@contextmanager
def writing(path: Path, size: int, seed: int) -> Iterator[Writer]:
    one = Writer(path, size, seed)
    try:
        yield one
    finally:
        one.end()


def filled(path: Path, mode: str, page_size: int, total: int) -> None:
    """Make a database of about so many bytes."""
    made(path, mode, rows=10, page_size=page_size)
    connection = apsw.Connection(str(path))
    for name in ("junk", "filling"):
        connection.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, data)")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for _ in range(total // 100_000):
        connection.execute("INSERT INTO filling (data) VALUES (randomblob(100000))")
    connection.execute("COMMIT")
    connection.close()


def backed_up(here: Ground, draw: random.Random, size: int, times: int) -> None:
    """Take backups beside a writer, and look at each."""
    base = None
    with writing(here.data / "a.db", size, draw.randrange(1 << 30)) as writer:
        for number in range(times):
            rows = writer.acknowledged()
            taken = here.take(base=base, patience=30)
            assert taken.kind == ("full" if base is None else "increment")
            if base is None:
                here.backups = here.backups[-1:]
            base = taken.digest if number % 4 < 3 else None
            proved = here.prove(here.restored())
            assert proved.problems == ()
            assert proved.counted["t"] >= rows
            assert proved.schema_digest == taken.schema_digest


@pytest.mark.parametrize("mode", ["wal", "delete", "persist"])
def test_backups_beside_a_writer_are_whole(tmp_path: Path, mode: str) -> None:
    draw = random.Random(mode)
    with ground(tmp_path) as here:
        filled(here.data / "a.db", mode, draw.choice([512, 4096, 16384]), 3_000_000)
        backed_up(here, draw, 2000, 4)


# A child that stops itself at one call, until it is let go on.
STOPPING: Final = """
import os, signal, sys
from storewarden.databases import child
calls, preadv = 0, os.preadv
def counted(*arguments):
    global calls
    calls += 1
    if calls == 20:
        signal.raise_signal(signal.SIGSTOP)
    return preadv(*arguments)
os.preadv = counted
child.main(int(sys.argv[1]))
"""


@pytest.mark.parametrize("kind", ["full", "increment"])
def test_a_log_is_begun_anew_while_a_backup_reads_for_the_first_time(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ground(tmp_path) as here:
        filled(here.data / "a.db", "wal", 4096, 40_000_000)
        base = None if kind == "full" else here.take().digest
        asking = run_job.__kwdefaults__ or {}
        monkeypatch.setitem(asking, "command", (sys.executable, "-c", STOPPING))
        with (
            application(here.data / "a.db", "INSERT INTO t (text) VALUES (1)") as one,
            ThreadPoolExecutor() as pool,
        ):
            taken = pool.submit(here.take, base=base)
            stopped = _stopped_child(taken)
            one.tell("INSERT INTO t (text) VALUES (2)")
            busy, left, _ = one.tell("PRAGMA wal_checkpoint(TRUNCATE)")[0]
            one.tell("INSERT INTO t (text) VALUES (3)")
            os.kill(stopped, signal.SIGCONT)
            assert (taken.result().how, taken.result().kind) == (How.WAL, kind)
        assert (busy, left) == (0, 0)
        monkeypatch.undo()
        assert here.prove(here.restored()).counted["t"] == 13


def _stopped_child(taken: Future[Taken]) -> int:
    while not taken.done():
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                told = path.read_text().rpartition(")")[2].split()
                if told[0] == "T" and int(told[1]) == os.getpid():
                    return int(path.parent.name)
        time.sleep(0.01)
    raise AssertionError(taken.result())


@pytest.mark.soak
@pytest.mark.parametrize("mode", ["wal", "delete", "truncate", "persist", "memory"])
@pytest.mark.parametrize(
    ("total", "times"),
    [(4096, 80), (1 << 20, 60), (16 << 20, 40), (128 << 20, 20), (1 << 30, 4)],
    ids=["4 KiB", "1 MiB", "16 MiB", "128 MiB", "1 GiB"],
)
def test_a_thousand_backups_beside_a_writer_are_whole(
    tmp_path: Path, mode: str, total: int, times: int
) -> None:
    """5 × 204 of them."""
    draw = random.Random(f"{mode} {total}")
    with ground(tmp_path) as here:
        filled(here.data / "a.db", mode, draw.choice([1024, 4096, 65536]), total)
        for size in (100, 2000, 20_000, 100_000):
            here.backups = []
            backed_up(here, draw, size, times // 4)
