"""Applications that use a SQLite database of their own, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

# Statements as lines of JSON in, rows or the error out. No autocommit magic: apsw.
CODE: Final = """
import json, sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.set_busy_timeout(int(sys.argv[2]))
for line in sys.stdin:
    sql, params = json.loads(line)
    try:
        told = connection.execute(sql, params).fetchall()
    except apsw.Error as error:
        told = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(told, default=repr), flush=True)
connection.close()
"""


class Application:
    """One application with one connection; it does what it is told."""

    def __init__(self, path: Path, patience: float = 10.0) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-c", CODE, os.fspath(path), str(int(patience * 1000))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def begin(self, sql: str, *params: Any) -> None:
        """Let it do something and do not wait for that."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(json.dumps([sql, params]).encode() + b"\n")
        self._popen.stdin.flush()

    def end(self) -> Any:
        assert self._popen.stdout is not None
        return json.loads(self._popen.stdout.readline())

    def tell(self, sql: str, *params: Any) -> Any:
        """Let it do something; return the rows or the error."""
        self.begin(sql, *params)
        return self.end()

    def kill(self) -> None:
        """End it as kill -9 does."""
        self._popen.kill()
        self._close()

    def close(self) -> None:
        """Let it close its database and end."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        self._popen.wait()
        self._close()

    def _close(self) -> None:
        self._popen.wait()
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                stream.close()


@contextmanager
def application(path: Path, *statements: str, patience: float = 10.0) -> Iterator[Application]:
    """Start an application that did some statements; it is killed at the end, if it lives."""
    one = Application(path, patience)
    try:
        for sql in statements:
            told = one.tell(sql)
            assert not isinstance(told, dict), told
        yield one
    finally:
        one.kill()


def made(path: Path, mode: str, rows: int = 100, page_size: int = 4096) -> Path:
    """Make a database at rest with a table `t (id, text)` of so many rows."""
    with application(
        path,
        f"PRAGMA page_size = {page_size}",
        f"PRAGMA journal_mode = {mode}",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, text)",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT"
        f" {rows}) INSERT INTO t SELECT i, hex(randomblob(50)) FROM n",
    ) as one:
        one.close()
    return path


def lying(directory: Path) -> Mapping[str, tuple[int, int, bytes]]:
    """Return what lies in a directory: to be compared with what lies there later.

    A -shm is what those who use a database agree by; nobody else's content is in it.
    """
    return {
        path.name: (
            (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
            if path.is_file() and not path.name.endswith("-shm")
            else (path.lstat().st_ino, 0, b"")
        )
        for path in sorted(directory.iterdir())
    }
