"""Real SQLite databases as applications leave them: at rest, in use, and after they were killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

_HOLD: Final = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("SELECT count(*) FROM notes").fetchall()
if sys.argv[2]:
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("INSERT INTO notes (text) VALUES ('said last')")
print("ready", flush=True)
sys.stdin.read()
"""


def make(path: Path, *, rows: int = 10, journal: str = "delete", size: int = 100) -> Path:
    """Make a database with so many rows of so many bytes, used by nobody for an hour."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT, more BLOB)")
        connection.executemany(
            "INSERT INTO notes (text, more) VALUES (?, ?)",
            ((f"note {number}", os.urandom(size)) for number in range(rows)),
        )
    rest(path)
    return path


def rest(path: Path) -> None:
    """Let its last write lie an hour back."""
    then = path.stat().st_mtime_ns - 3600 * 10**9
    os.utime(path, ns=(then, then))


def killed(path: Path, *, rows: int = 10, size: int = 100) -> Path:
    """Make a database whose program was killed: its last row is in the log alone."""
    make(path, rows=rows, journal="wal", size=size)
    with _holder(path, write=True) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert path.with_name(path.name + "-wal").stat().st_size
    for each in path.parent.glob(f"{path.name}*"):
        rest(each)
    return path


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Have another process use a database."""
    with _holder(path, write=False):
        yield


@contextmanager
def _holder(path: Path, *, write: bool) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", _HOLD, str(path), "write" if write else ""]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.communicate()
