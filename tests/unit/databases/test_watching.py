"""An application has its statements counted and timed, and notices nothing of it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import apsw
import peewee
import pytest

import storewarden
from storewarden.config.environment import QUERIES_VARIABLE, given
from storewarden.databases import tallies, watching
from storewarden.databases.statements import without_values
from storewarden.databases.tallies import Counted
from storewarden.databases.watching import VARIABLE, Watcher

SLEEP = "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000) SELECT i FROM n)"  # noqa: E501


@pytest.fixture
def watcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watcher:
    """What hands over, when the test says so."""
    (tmp_path / "queries").mkdir()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "queries"))
    watcher = Watcher(every=3600.0)
    monkeypatch.setattr(watching, "_watcher", watcher)
    return watcher


def taken(watcher: Watcher) -> dict[str, Counted]:
    """Hand over, and take it as a daemon does."""
    watcher.hand_over()
    found: dict[str, Counted] = {}
    for path, report in tallies.take(Path(os.environ[VARIABLE])):
        found |= report
        tallies.done(path)
    return found


def test_a_connection_of_sqlite3_behaves_as_ever_and_is_counted(
    watcher: Watcher, tmp_path: Path
) -> None:
    file = tmp_path / "app.db"
    connection = storewarden.watch_queries(sqlite3.connect(file))
    connection.row_factory = sqlite3.Row
    with connection:
        connection.execute("CREATE TABLE t (a, b)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, "x"), (2, "y")])
    assert isinstance(connection, sqlite3.Connection)
    assert [row["b"] for row in connection.execute("SELECT * FROM t ORDER BY a")] == ["x", "y"]
    cursor = connection.cursor()
    assert tuple(cursor.execute("SELECT count(*) FROM t").fetchone()) == (2,)
    assert cursor.description[0][0] == "count(*)"
    assert cursor.execute("SELECT a FROM t").fetchall()[1]["a"] == 2
    assert cursor.execute("SELECT a FROM t").fetchmany(1)[0]["a"] == 1
    with pytest.raises(sqlite3.OperationalError, match="no such table: no_such"):
        connection.execute("SELECT * FROM no_such")
    cursor.close()
    connection.close()

    counted = taken(watcher)[str(file)]

    assert counted.statements == 7  # and the one that failed
    assert counted.foreign_keys is False
    assert counted.seconds > 0


def test_slow_statements_are_told_without_their_values(watcher: Watcher, tmp_path: Path) -> None:
    connection = storewarden.watch_queries(sqlite3.connect(tmp_path / "app.db"))
    secret = f"{SLEEP} WHERE 'tell nobody' <> 'x'"
    connection.execute(secret).fetchall()
    connection.execute(secret.replace("nobody", "anybody")).fetchall()

    (counted,) = taken(watcher).values()

    assert counted.slow == 2
    ((statement, slow),) = counted.slowest.items()
    assert "nobody" not in statement
    assert (slow.times, slow.worst > tallies.SLOW) == (2, True)


def test_foreign_keys_are_told_as_they_are_and_as_they_become(
    watcher: Watcher, tmp_path: Path
) -> None:
    connection = storewarden.watch_queries(sqlite3.connect(tmp_path / "app.db"))
    connection.execute("SELECT 1").fetchall()
    assert [one.foreign_keys for one in taken(watcher).values()] == [False]

    connection.execute("PRAGMA foreign_keys = ON")
    assert [one.foreign_keys for one in taken(watcher).values()] == [True]


def test_apsw_tells_by_itself(watcher: Watcher, tmp_path: Path) -> None:
    inner = apsw.Connection(str(tmp_path / "app.db"))
    connection = storewarden.watch_queries(inner)
    connection.execute("PRAGMA foreign_keys = ON").fetchall()
    connection.execute("CREATE TABLE t (a)")
    connection.executemany("INSERT INTO t VALUES (?)", [(1,), (2,), (3,)])
    assert connection.execute("SELECT sum(a) FROM t").fetchall() == [(6,)]
    connection.execute(SLEEP).fetchall()

    counted = taken(watcher)[str(tmp_path / "app.db")]

    assert connection is inner
    assert (counted.statements, counted.foreign_keys) == (7, True)
    assert any(statement.startswith("SELECT count(*)") for statement in counted.slowest)


def test_a_database_of_peewee_is_counted_with_its_models(watcher: Watcher, tmp_path: Path) -> None:
    inner = peewee.SqliteDatabase(str(tmp_path / "app.db"))
    database = storewarden.watch_queries(inner)

    class Note(peewee.Model):
        text = peewee.TextField()

        class Meta:
            database = inner

    database.create_tables([Note])
    Note.create(text="a")
    with database.atomic():
        Note.insert_many([{"text": "b"}, {"text": "c"}]).execute()
    assert [note.text for note in Note.select().order_by(Note.text)] == ["a", "b", "c"]
    database.close()

    assert database is inner
    assert taken(watcher)[str(tmp_path / "app.db")].statements >= 4


def test_where_it_is_handed_over_is_no_mistake_in_the_configuration() -> None:
    assert VARIABLE == QUERIES_VARIABLE
    assert given({VARIABLE: "/run/queries"}) == []


def test_of_a_database_in_memory_nobody_is_told(watcher: Watcher) -> None:
    connection = storewarden.watch_queries(sqlite3.connect(":memory:"))
    connection.execute("SELECT 1").fetchall()

    assert taken(watcher) == {}


@pytest.mark.parametrize("thing", [None, 5, object(), "connection"])
def test_what_is_no_connection_comes_back_as_it_is(thing: Any) -> None:
    assert storewarden.watch_queries(thing) is thing


def test_a_connection_that_is_closed_comes_back_as_it_is(tmp_path: Path, watcher: Watcher) -> None:
    connection = sqlite3.connect(tmp_path / "app.db")
    connection.close()

    assert storewarden.watch_queries(connection) is connection


def test_what_cannot_be_handed_over_is_kept_until_it_can(
    watcher: Watcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = storewarden.watch_queries(sqlite3.connect(tmp_path / "app.db"))
    connection.execute("SELECT 1").fetchall()
    watcher.hand_over()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    watcher._directory = None
    connection.execute("SELECT 2").fetchall()
    watcher.hand_over()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "queries"))
    connection.execute("SELECT 3").fetchall()
    watcher.hand_over()

    reports = tallies.take(tmp_path / "queries")
    assert sum(one.statements for _, report in reports for one in report.values()) == 3


def test_however_it_is_taken_nothing_is_counted_twice_or_lost(
    watcher: Watcher, tmp_path: Path
) -> None:
    connection = storewarden.watch_queries(
        sqlite3.connect(tmp_path / "app.db", check_same_thread=False)
    )
    over, total = threading.Event(), 0

    def daemon() -> None:
        nonlocal total
        while not over.is_set():
            for path, report in tallies.take(tmp_path / "queries"):
                total += sum(one.statements for one in report.values())
                tallies.done(path)

    thread = threading.Thread(target=daemon)
    thread.start()
    for _ in range(300):
        connection.execute("SELECT 1").fetchall()
        watcher.hand_over()
    over.set()
    thread.join()
    total += sum(one.statements for one in taken(watcher).values())

    assert total == 300


def test_a_process_that_forks_and_one_that_ends_tell_all(tmp_path: Path) -> None:
    program = f"""
import os, sqlite3
from storewarden import watch_queries
connection = watch_queries(sqlite3.connect({str(tmp_path / "app.db")!r}))
connection.execute("SELECT 1").fetchall()
child = os.fork()
if not child:
    connection = watch_queries(sqlite3.connect({str(tmp_path / "app.db")!r}))
    connection.execute("SELECT 2").fetchall()
    raise SystemExit
os.waitpid(child, 0)
"""
    (tmp_path / "q").mkdir()
    environ = os.environ | {VARIABLE: str(tmp_path / "q")}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=environ, check=True, timeout=30
    )

    reports = tallies.take(tmp_path / "q")
    assert sum(one.statements for _, report in reports for one in report.values()) == 2


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"version": 2, "databases": {}}', '{"version": 1, "databases": []}',
     '{"version": 1, "databases": {"a": {"statements": -1}}}', "9" * 5_000, "[" * 100_000,
     json.dumps({"version": 1, "databases": {"a": {"statements": 1e400, "slow": 0, "seconds": 0,
                 "foreign_keys": None, "slowest": []}}}),
     json.dumps({"version": 1, "databases": {"a": {"statements": 1, "slow": 0, "seconds": "nan",
                 "foreign_keys": "yes", "slowest": []}}}),
     "x" * (tallies.LARGEST + 2)],
)  # fmt: skip
def test_what_is_no_report_is_removed_and_harms_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / f"a{tallies.ENDING}").write_text(text)

    assert tallies.take(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text('{"version": 1, "databases": {}}')
    (tmp_path / f"a{tallies.ENDING}").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / f"b{tallies.ENDING}")

    assert tallies.take(tmp_path) == []
    assert [one.name for one in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [("SELECT * FROM t WHERE a = 'it''s' AND b = 12", "SELECT * FROM t WHERE a = ? AND b = ?"),
     (r"SELECT 'C:\' , 'secret'", "SELECT ? , ?"),
     (r"SELECT E'it\'s secret', 1", "SELECT ?, ?"),
     ("INSERT INTO t VALUES (1, 'a', x'ff'), (2, 'b', 3)", "INSERT INTO t VALUES (?, …)"),
     ("SELECT a1 FROM t2 -- secret\n WHERE x = :name", "SELECT a1 FROM t2 WHERE x = :name"),
     ("SELECT /* secret */ 0x1F, -1.5e3", "SELECT ?, ?"),
     ('SELECT "name" FROM t WHERE a = "a secret"', 'SELECT "name" FROM t WHERE a = ?'),
     ("SELECT $$secret$$, $a$it$$s$a$, $1", "SELECT ?, ?, $1"),
     ("SELECT 1 WHERE a IN (?, ?,?)", "SELECT ? WHERE a IN (?, …)"),
     ("SELECT 'never closed", "SELECT ?")],
)  # fmt: skip
def test_statements_are_told_without_values(statement: str, expected: str) -> None:
    assert without_values(statement) == expected
