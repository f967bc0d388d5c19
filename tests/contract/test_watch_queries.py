"""An application on a real server has its statements counted, and notices nothing of it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

import storewarden
from storewarden.databases import tallies, watching
from storewarden.databases.watching import VARIABLE, Watcher


@pytest.fixture
def watcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watcher:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    watcher = Watcher(every=3600.0)
    monkeypatch.setattr(watching, "_watcher", watcher)
    return watcher


def test_statements_to_a_server_are_counted_whichever_cursor_runs_them(
    watcher: Watcher, tmp_path: Path, postgres_database: str
) -> None:
    with psycopg.connect(postgres_database) as inner:
        connection = storewarden.watch_queries(inner)
        assert connection is inner
        connection.execute("CREATE TABLE t (a int)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO t VALUES (%s)", [(1,), (2,)])
            assert isinstance(cursor, psycopg.Cursor)
        with connection.cursor(name="some") as server_side:
            server_side.execute("SELECT a FROM t ORDER BY a")
            assert server_side.fetchall() == [(1,), (2,)]
        connection.execute("SELECT pg_sleep(0.15), 'nobody knows'")
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM no_such")
        connection.rollback()
    watcher.hand_over()

    ((_, report),) = tallies.take(tmp_path)
    ((place, counted),) = report.items()
    assert place.startswith("postgresql://")
    assert "@" not in place
    assert counted.statements == 5
    assert "SELECT pg_sleep(?), ?" in counted.slowest
