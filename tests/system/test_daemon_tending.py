"""A real daemon looks after databases: what is wished, beside what is due by policies."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

import storewarden
from storewarden.cli.session import Session
from storewarden.cli.tending import tend
from storewarden.daemon.tending.wish import TendResult, TendWish
from storewarden.databases import watching
from storewarden.databases.watching import Watcher
from storewarden.errors import PermanentError
from tests.daemon import Daemon

TIDY = TendWish("tidy", (), {}, "a test")


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    (tmp_path / "root").mkdir()
    return Daemon(tmp_path, {"root": tmp_path / "root"})


def wished(daemon: Daemon, wish: TendWish) -> TendResult:
    return tend(Session(config=daemon.config), wish)


def test_a_wish_is_carried_out_the_same_with_and_without_a_daemon(daemon: Daemon) -> None:
    daemon.verb("scan")
    without = wished(daemon, TIDY)
    with daemon:
        beside = wished(daemon, TIDY)
        told = daemon.told("databases were looked after", what="tidy")

    assert without.items == beside.items
    assert [one.outcome for one in beside.items] == ["done"]
    assert [(one["what"], one["by"], one["done"]) for one in told] == [("tidy", "a test", 1)]


def test_what_nobody_can_do_is_refused_with_what_can_be_done(daemon: Daemon) -> None:
    with daemon, pytest.raises(PermanentError, match=r"nothing is called so: cure; .*tidy"):
        wished(daemon, TIDY._replace(what="cure"))


def test_a_result_goes_through_json_with_names_that_text_cannot_hold() -> None:
    wish = TIDY._replace(databases=("/d/\udc80.db",), options={"quick": True}, policy="p")

    assert TendWish.of(json.loads(json.dumps(wish.facts()))) == wish


SLOW = "SELECT count(*) FROM t a, t b, t c WHERE a.a || b.a || c.a <> 'nobody knows'"
POLICIES = """
version: 1
policies:
  - id: often
    match: {kind: database}
    care: {backup: {every: 1min, keep_last: 2}, drill: {every: 1min}}
"""


@pytest.fixture
def cared(daemon: Daemon) -> Daemon:
    """A daemon whose policies ask for care every few seconds, and a database of an application."""
    with sqlite3.connect(daemon.base / "root" / "app.db") as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [(str(n),) for n in range(150)])
    connection.close()
    (daemon.base / "policies.yaml").write_text(POLICIES)
    daemon.settings["policies"] = [str(daemon.base / "policies.yaml")]
    daemon.configure()
    return daemon


def did(daemon: Daemon, what: str) -> float:
    return daemon.metric(f'care_runs_total{{outcome="done",what="{what}"}}')


def a_minute_passes(daemon: Daemon) -> None:
    """Let everything have been done a minute earlier: nothing can be asked for more often."""
    connection = sqlite3.connect(daemon.state / "catalogue.db", timeout=30)
    with connection:
        connection.execute("UPDATE care SET last_ns = last_ns - 61000000000")
    connection.close()


def test_what_policies_ask_for_is_done_by_itself_again_and_again(cared: Daemon) -> None:
    with cared:
        cared.until(lambda: did(cared, "drill") >= 1, "looked at, backed up, restored on trial")
        cared.until(lambda: cared.metric('care_due{what="drill"}') == 0, "nothing is due")
        a_minute_passes(cared)
        cared.until(lambda: did(cared, "drill") >= 2 <= did(cared, "backup"), "all of it again")
        figures = cared.metrics()
        assert cared.stop() == 0

    label = '{database="app.db"}'
    assert figures[f"database_bytes{label}"] > 0
    assert figures[f"restore_last_proven_timestamp_seconds{label}"] > 1e9
    assert figures[f"backup_last_success_timestamp_seconds{label}"] > 1e9
    assert figures['care_failures{what="backup"}'] == 0
    assert list((cared.state / "scratch").iterdir()) == []


def test_a_daemon_that_was_killed_goes_on_with_its_care_after_the_next_start(
    cared: Daemon,
) -> None:
    with cared:
        cared.until(lambda: did(cared, "backup") >= 1, "a backup")
    a_minute_passes(cared)
    with cared:
        cared.until(lambda: did(cared, "backup") >= 1, "a backup after the next start", 30)
        assert cared.metric('worker_restarts_total{worker="tender"}') <= 0


def test_what_an_application_counts_is_told_by_the_daemon(
    cared: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOREWARDEN_QUERIES", str(cared.state / "queries"))
    watcher = Watcher(every=0.2)
    monkeypatch.setattr(watching, "_watcher", watcher)
    with cared:
        cared.until(lambda: cared.metric("databases_known") >= 1, "the database is known")
        connection = storewarden.watch_queries(sqlite3.connect(cared.base / "root" / "app.db"))
        connection.execute(SLOW).fetchall()
        told = "a statement of an application was slow"
        cared.until(lambda: cared.told(told), "it is told")
        cared.until(
            lambda: cared.metric('slow_queries_total{database="app.db"}') == 1, "it is counted"
        )
        (line,) = cared.told(told)
        connection.close()

    assert line["database"] == "app.db"
    assert "nobody" not in str(line)
    assert line["plan"].startswith("SCAN ")
    assert sorted(line["whole"].split(",")) == ["a", "b", "c"]


def children(daemon: Daemon) -> list[int]:
    """Return the processes that work on a database now."""
    found = []
    for task in Path(f"/proc/{daemon.pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in (task / "children").read_text().split()]
    told = [(pid, Path(f"/proc/{pid}/cmdline")) for pid in found]
    works = []
    for pid, file in told:
        with contextlib.suppress(OSError):
            if b"storewarden.databases.child" in file.read_bytes():
                works.append(pid)
    return works


def test_a_daemon_that_is_to_stop_does_not_wait_for_what_hangs(cared: Daemon) -> None:
    with cared:
        cared.until(lambda: did(cared, "drill") >= 1, "all was done once")
        hung: list[int] = []

        def hangs() -> bool:
            """Have something done, and catch it: it is over in a few hundredths of a second."""
            a_minute_passes(cared)
            end = time.monotonic() + 3
            while not hung and time.monotonic() < end:
                for pid in children(cared):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGSTOP)
                        hung.append(pid)
            return bool(hung)

        cared.until(hangs, "something is done in a child, which hangs")
        began = time.monotonic()
        assert cared.stop() == 0
        assert time.monotonic() - began < 5
        assert all(not Path(f"/proc/{pid}").exists() for pid in hung)
    with cared:
        cared.until(lambda: did(cared, "backup") >= 1, "it is done after the next start", 30)
