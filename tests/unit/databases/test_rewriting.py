"""Rewriting and analyzing in a process of its own gives way to the application at once."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from storewarden.databases.child import COMMAND, run_job
from storewarden.errors import DatabaseBusy, DatabaseUnusable

ROWS = 12_000
USER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
connection.execute("SELECT count(*) FROM t").fetchall()
print("ready", flush=True)
sys.stdin.read()
"""
# The same work, with somebody who opens the database when it has come so far.
VISITED = """
import os, subprocess, sys
from storewarden.databases import child, jobs, rewriting
def visited(arguments, descriptors, tell):
    def told(step):
        if step["what"] == arguments["when"]:
            place = b"/proc/%d/fd/%d/%s" % (os.getpid(), descriptors[0], arguments["name"])
            subprocess.run(["head", "-c", "1", place], stdout=subprocess.DEVNULL, check=True)
    return rewriting.vacuum(arguments, descriptors, told)
jobs.JOBS["visited"] = jobs.Job("__main__:visited")
child.main(int(sys.argv[-1]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of some megabytes, half of which is free."""
    (tmp_path / "there").mkdir()
    (tmp_path / "scratch").mkdir()
    path = tmp_path / "there" / "app.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, x)")
        rows = ((number, "x" * 200) for number in range(ROWS))
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
        connection.execute("CREATE INDEX by_x ON t(x)")
        connection.execute("DELETE FROM t WHERE id % 2")
    return path


def do(kind: str, path: Path, command: Sequence[str] = COMMAND, **asked: str) -> Mapping[str, Any]:
    scratch = path.parent.parent / "scratch"
    parent, ours = (os.open(each, os.O_RDONLY) for each in (path.parent, scratch))
    arguments = {"name": os.fsencode(path.name), **asked}
    try:
        return run_job(kind, arguments, descriptors=(parent,), scratch=ours, command=command)
    finally:
        os.close(parent)
        os.close(ours)
        assert os.listdir(scratch) == []


@contextmanager
def used(path: Path, begin: str) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(path), begin],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            process.kill()


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (rows,) = connection.execute("SELECT count(*) FROM t").fetchone()
    return int(rows)


def test_all_rows_stay_and_the_rest_goes(path: Path) -> None:
    size = path.stat().st_size
    told = do("vacuum", path)
    assert (told["gained"], told["whole"]) == (size - path.stat().st_size, True)
    assert told["gained"] > size // 3
    assert count(path) == ROWS // 2
    assert os.listdir(path.parent) == ["app.db"]


@pytest.mark.parametrize("when", ["copy", "prove", "write"])
def test_who_opens_it_meanwhile_gets_it_as_it_was(path: Path, when: str) -> None:
    before = path.read_bytes()

    with pytest.raises(DatabaseBusy, match="somebody came"):
        do("visited", path, when=when, command=(sys.executable, "-c", VISITED))

    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["app.db"]


@pytest.mark.parametrize("begin", ["SELECT 1", "BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_one_that_somebody_has_open_is_not_begun(path: Path, begin: str) -> None:
    before = path.read_bytes()
    with used(path, begin), pytest.raises(DatabaseBusy):
        do("vacuum", path)
    assert path.read_bytes() == before


def test_what_a_killed_program_left_is_its_own_to_open_first(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
    with used(path, "INSERT INTO t VALUES (1, 1)"):
        pass
    left = {name: (path.parent / name).read_bytes() for name in os.listdir(path.parent)}
    assert set(left) == {"app.db", "app.db-wal", "app.db-shm"}

    for kind in ("vacuum", "analyze"):
        with pytest.raises(DatabaseBusy, match="a killed program left it"):
            do(kind, path)

    now = {name: (path.parent / name).read_bytes() for name in os.listdir(path.parent)}
    assert now == left
    assert count(path) == ROWS // 2 + 1


def test_figures_are_renewed_also_beside_a_reader(path: Path) -> None:
    with used(path, "SELECT 1"):
        told = do("analyze", path)
    assert told["tables"] == ["t"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_stat1").fetchone() == (1,)


def test_what_is_no_database_is_left(path: Path) -> None:
    path.write_bytes(b"text" * 4096)
    for kind in ("vacuum", "analyze"):
        with pytest.raises(DatabaseUnusable):
            do(kind, path)
    assert path.read_bytes() == b"text" * 4096
