"""An adoption that is killed is run again, and each row is there once."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from tests.daemon import Daemon
from tests.sqlites import rest

ROWS = 6_000


def usage(path: Path) -> Path:
    """Make a database of which an adoption takes a second or two."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE workflows (id INTEGER PRIMARY KEY, title)")
        connection.execute("CREATE TABLE generated_files (id INTEGER PRIMARY KEY, file_path)")
        connection.execute(
            "CREATE TABLE api_usage (id INTEGER PRIMARY KEY, provider, cost, created_at)"
        )
        connection.executemany(
            "INSERT INTO api_usage VALUES (?, 'openai', 0.25, 1767348400)",
            ((number,) for number in range(ROWS)),
        )
    rest(path)
    return path


def test_each_row_is_told_once_however_often_it_is_killed(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    path = usage(tmp_path / "app.db")
    with Daemon(tmp_path, {"root": tmp_path / "root"}) as daemon:
        told = 0
        for _ in range(3):
            with subprocess.Popen(
                daemon.command("adopt", str(path)),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=daemon.environment(),
                cwd=tmp_path,
            ) as running:
                daemon.until(lambda: kept(daemon) > told or running.poll() is not None, "a batch")  # noqa: B023
                running.kill()
            told = kept(daemon)
            assert told % 500 == 0  # whole transactions
        assert daemon.verb("adopt", str(path)).returncode == 0

        assert kept(daemon) == ROWS
        ((cost,),) = daemon.query("SELECT sum(cost_nano) FROM api_usage")
        assert cost == ROWS * 250_000_000
        ((counted,),) = daemon.query("SELECT sum(calls) FROM api_usage_days")
        assert counted == ROWS
        assert sorted(one.name for one in tmp_path.glob("app.db*")) == ["app.db"]


def kept(daemon: Daemon) -> int:
    ((rows,),) = daemon.query("SELECT count(*) FROM api_usage")
    return int(rows)
