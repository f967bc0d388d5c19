"""A database is backed up, whole and what changed, beside apsw's and sqlite3's own backup.

And how fast an application goes on writing into it meanwhile.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from bench.daemon import Unmeasured
from bench.ground import Ground, free
from bench.report import Figure, Measured, Target, median
from storewarden.databases.image.take import Taken, take

_RUNS = 3
_BYTES_OF_A_FILE = 1_000  # of the large tree: 1 GB in a whole run
_SPACE = 5  # times the database must be free
_ROW = 3_500  # bytes of text, so that nearly each row has a page of 4 KiB for itself
_WRITING = 4.0  # seconds of an undisturbed writer
_SLOWEST = 1.1
_SHARE = 0.1
_GOES_ON = 0.9

# Commits one row after the other and says after each how many there are.
_WRITER = """
import apsw, os, sys
connection = apsw.Connection(sys.argv[1])
connection.set_busy_timeout(60_000)
connection.execute("PRAGMA journal_mode = " + sys.argv[2]).fetchall()
counter = os.open(sys.argv[3], os.O_WRONLY)
done = 0
while True:
    connection.execute("INSERT INTO t (text) VALUES (hex(randomblob(200)))")
    done += 1
    os.pwrite(counter, done.to_bytes(8, "big"), 0)
"""


def run(ground: Ground) -> list[Figure]:
    """Take backups of one database in turns with the others."""
    size = ground.files * _BYTES_OF_A_FILE
    if free(ground.directory)[0] < _SPACE * size:
        raise Unmeasured(f"{_SPACE * size / 1e9:.0f} GB of free space are needed")
    place = _Place(ground, size)
    try:
        return [*_whole(ground, place), *_writers(ground, place)]
    finally:
        place.close()
        ground.remove(place.path)


class _Place:
    """A database, and directories of ours."""

    def __init__(self, ground: Ground, size: int) -> None:
        self.path = ground.place("backup")
        self.database = self.path / "a.db"
        ground.say(f"making a database of {size / 1e9:.1f} GB")
        connection = apsw.Connection(str(self.database))
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text)")
        connection.execute("BEGIN")
        self.rows = size // 4096
        text = "INSERT INTO t (text) VALUES (hex(randomblob(?)))"
        connection.executemany(text, ((_ROW // 2,) for _ in range(self.rows)))
        connection.execute("COMMIT")
        connection.close()
        self.bytes = self.database.stat().st_size
        self._open = []
        for name in ("", "scratch", "marks"):
            (self.path / name).mkdir(exist_ok=True)
            self._open.append(os.open(self.path / name, os.O_RDONLY | os.O_DIRECTORY))
        ground.settle()

    def take(self, name: str, base: bytes | None = None) -> tuple[float, Taken]:
        """Back it up; return in how many seconds, until all of it is on the disk."""
        parent, scratch, marks = self._open
        began = time.perf_counter()
        out = os.open(self.path / name, os.O_CREAT | os.O_TRUNC | os.O_RDWR)
        try:
            taken = take(parent, b"a.db", out, scratch, marks=marks, base=base, patience=60.0)
        finally:
            os.close(out)
        return time.perf_counter() - began, taken

    def change(self, share: float, seed: int) -> None:
        """Change so many of its rows, anywhere."""
        draw = random.Random(seed)
        connection = apsw.Connection(str(self.database))
        connection.execute("BEGIN")
        for row in draw.sample(range(1, self.rows + 1), int(self.rows * share)):
            sql = "UPDATE t SET text = hex(randomblob(?)) WHERE id = ?"
            connection.execute(sql, (_ROW // 2, row))
        connection.execute("COMMIT")
        connection.close()
        os.sync()

    def close(self) -> None:
        for one in self._open:
            os.close(one)


# -- whole, and what changed ----------------------------------------------------------------------


def _whole(ground: Ground, place: _Place) -> Iterator[Figure]:
    taken: dict[str, list[float]] = {"ours": [], "apsw": [], "sqlite3": [], "increment": []}
    written = [0]
    sqlite3 = shutil.which("sqlite3")
    for number in range(_RUNS):
        ground.say(f"backups of {place.bytes / 1e9:.1f} GB, run {number + 1} of {_RUNS}")
        ground.settle()
        taken["apsw"].append(_by_apsw(place))
        ground.settle()
        seconds, whole = place.take("whole")
        taken["ours"].append(seconds)
        place.change(0.01, number)
        seconds, increment = place.take("increment", whole.digest)
        taken["increment"].append(seconds)
        written.append(increment.written)
        if sqlite3 is not None:
            ground.settle()
            taken["sqlite3"].append(_by_sqlite3(place, sqlite3))
    ours, apsws = median(taken["ours"]), median(taken["apsw"])
    what = f"backup of a database of {place.bytes / 1e9:.1f} GB, synced"
    yield Figure(
        what,
        Measured(ours, "s"),
        Measured(apsws, "s", "apsw's backup in one step"),
        Target(f"≤ {_SLOWEST} ×", ours <= _SLOWEST * apsws),
    )
    theirs: Measured | str = "sqlite3 is not installed"
    if sqlite3 is not None:
        theirs = Measured(median(taken["sqlite3"]), "s", "sqlite3 .backup")
    yield Figure(what, Measured(ours, "s"), theirs)
    seconds = median(taken["increment"])
    yield Figure(
        "backup of it after 1 % of its pages changed",
        Measured(seconds, "s"),
        Measured(ours, "s", "a whole backup"),
        Target(f"≤ {_SHARE} ×", seconds <= _SHARE * ours),
    )
    yield Figure(
        "what that one takes of the disk, not packed",
        Measured(max(written) / 1e6, "MB"),
        Measured(place.bytes / 1e6, "MB", "a whole backup"),
        Target(f"≤ {_SHARE} ×", max(written) <= _SHARE * place.bytes),
    )


def _by_apsw(place: _Place) -> float:
    path = place.path / "by-apsw"
    path.unlink(missing_ok=True)
    began = time.perf_counter()
    source, target = apsw.Connection(str(place.database)), apsw.Connection(str(path))
    with target.backup("main", source, "main") as backup:
        backup.step(-1)
    target.close()
    source.close()
    _sync(path)
    return time.perf_counter() - began


def _by_sqlite3(place: _Place, program: str) -> float:
    path = place.path / "by-sqlite3"
    path.unlink(missing_ok=True)
    began = time.perf_counter()
    subprocess.run([program, str(place.database), f".backup {path}"], check=True)
    _sync(path)
    return time.perf_counter() - began


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


# -- who writes meanwhile -------------------------------------------------------------------------


def _writers(ground: Ground, place: _Place) -> Iterator[Figure]:
    for mode, words in (("wal", "a write-ahead log"), ("delete", "a rollback journal")):
        calm, beside = [], []
        for number in range(_RUNS):
            ground.say(f"a writer with {words}, run {number + 1} of {_RUNS}")
            ground.settle()
            with _writing(place, mode) as counter:
                before = _rate(counter, lambda: time.sleep(_WRITING))
                beside.append(_rate(counter, lambda: place.take("beside")))
                after = _rate(counter, lambda: time.sleep(_WRITING))
                calm.append((before + after) / 2)
        rate, undisturbed = median(beside), median(calm)
        yield Figure(
            f"commits a second of an application with {words} during a whole backup",
            Measured(rate, ""),
            Measured(undisturbed, "", "before and after it"),
            Target(f"≥ {_GOES_ON} ×", rate >= _GOES_ON * undisturbed),
        )


@contextmanager
def _writing(place: _Place, mode: str) -> Iterator[Path]:
    counter = place.path / "counter"
    counter.write_bytes(bytes(8))
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, place.database, mode, counter])
    try:
        while not _count(counter):
            if writer.poll() is not None:
                raise Unmeasured("the writer ended")
            time.sleep(0.01)
        time.sleep(0.5)
        yield counter
    finally:
        writer.terminate()
        writer.wait()


def _rate(counter: Path, work: Callable[[], object]) -> float:
    began, first = time.perf_counter(), _count(counter)
    work()
    return (_count(counter) - first) / (time.perf_counter() - began)


def _count(counter: Path) -> int:
    return int.from_bytes(counter.read_bytes())
