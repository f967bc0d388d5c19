"""Checking, rewriting and analyzing by a wish: what is put off, what goes on, what is kept."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import care
from storewarden.catalogue.care import Stands
from storewarden.daemon.ground import prepared
from storewarden.daemon.tending import checking, vacuuming
from storewarden.databases import mark
from tests.backing_up import Vault, database, said

OLD = 1_700_000_000
USER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("BEGIN IMMEDIATE")
connection.execute("SELECT count(*) FROM messages").fetchall()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    vault = Vault(tmp_path)
    root = vault.roots["r"]
    database(root / "chat.db", rows=2_000, journal="delete")
    with closing(sqlite3.connect(root / "chat.db")) as connection, connection:
        connection.execute("DELETE FROM messages WHERE id % 10")
    database(root / "small.db", rows=5, journal="wal")
    for path in root.iterdir():
        os.utime(path, (OLD, OLD))
    vault.know()
    return vault


@contextmanager
def used(path: Path) -> Iterator[None]:
    """Let somebody write to it."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(path)],
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


def test_only_what_pays_is_rewritten_and_nothing_unchanged_is_looked_at_again(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = {item.database: item for item in vault.tend("vacuum", dry_run=True)}
    assert {name: one.facts["decision"] for name, one in items.items()} == {
        "chat.db": "no",  # it has less than a mebibyte
        "small.db": "no",
    }
    monkeypatch.setattr(vacuuming, "look", None)  # whoever asks it now fails
    assert vault.tend("vacuum", dry_run=True)
    size = (vault.roots["r"] / "chat.db").stat().st_size

    facts = vault.done("vacuum", "chat.db")

    assert facts["gained"] == size - (vault.roots["r"] / "chat.db").stat().st_size > 0
    assert said(vault.roots["r"] / "chat.db") == 200
    assert not list((vault.settings.state / "rewriting").iterdir())
    assert not list((vault.settings.state / "scratch").iterdir())


@pytest.mark.parametrize("what", ["vacuum", "analyze"])
def test_what_somebody_writes_to_is_put_off(vault: Vault, what: str) -> None:
    path = vault.roots["r"] / "chat.db"
    before = path.read_bytes()
    with used(path):
        (item,) = vault.tend(what, "chat.db")
    assert (item.outcome, path.read_bytes()) == ("put_off", before)
    assert "in use" in item.why


def test_one_in_use_is_checked_all_the_same(vault: Vault) -> None:
    with used(vault.roots["r"] / "chat.db"):
        facts = vault.done("check", "chat.db")
    assert (facts["integrity"], facts["how"]) == ("ok", "rollback")


def test_a_copy_stays_when_the_database_itself_does_not_pass(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_kind: str, _asked: object, *, scratch: int, **_more: Any) -> Mapping[str, Any]:
        copy = os.open("rewritten-1", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=scratch)
        os.write(copy, b"all rows")
        os.close(copy)
        return {"whole": False, "copy": "rewritten-1"}

    monkeypatch.setattr(vacuuming, "run_job", failing)
    (item,) = vault.tend("vacuum", "chat.db")

    (kept,) = (vault.settings.state / "kept").iterdir()
    assert kept.read_bytes() == b"all rows"
    assert (item.outcome, str(kept) in item.why) == ("failed", True)


def test_a_check_that_did_not_end_goes_on_while_nobody_writes(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Mapping[str, Any]] = []

    def endless(_kind: str, given: Mapping[str, Any], **_more: Any) -> Mapping[str, Any]:
        asked.append(given)
        done = ["sqlite_schema", "messages"]
        found = {"shape": "database", "integrity": "unfinished", "problems": [], "count": 0}
        return found | {"more": False, "unchecked": {}, "done": done}

    monkeypatch.setattr(checking, "run_job", endless)
    (item,) = vault.tend("check", "chat.db")
    assert (item.outcome, asked[0]["by_table"], asked[0]["done"]) == ("put_off", False, [])
    assert "2 tables are whole" in item.why
    remember(vault, "chat.db", item.facts)

    vault.tend("check", "chat.db")
    assert (asked[1]["by_table"], asked[1]["done"]) == (True, ["sqlite_schema", "messages"])

    os.utime(vault.roots["r"] / "chat.db")
    vault.tend("check", "chat.db")
    assert (asked[2]["by_table"], asked[2]["done"]) == (False, [])


def remember(vault: Vault, name: str, facts: Mapping[str, Any]) -> None:
    """Note what came of a check as the daemon does."""
    with prepared(vault.settings, vault.clock, "test") as ground:
        known = care.known(ground.engine, ground.host_id)
        (database_id,) = [one.id for one in known if one.name == name]
        detail = json.dumps({"facts": dict(facts)})
        care.write(ground.engine, [Stands(database_id, "check", detail=detail)])


def test_a_vast_one_with_a_log_is_not_copied_until_the_disk_is_full(vault: Vault) -> None:
    path = vault.roots["r"] / "chat.db"
    (vault.roots["r"] / "chat.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 100)
    with path.open("r+b") as file:
        file.truncate(1 << 42)  # of nothing: no disk of a test has so much

    (item,) = vault.tend("check", "chat.db")

    assert item.outcome == "put_off"
    assert "there is no room for the copy on which a database is checked" in item.why


def test_what_is_not_there_is_told(vault: Vault) -> None:
    (vault.roots["r"] / "chat.db").unlink()
    (item,) = vault.tend("check", "chat.db")
    assert (item.outcome, item.remedy) == ("failed", "storewarden db restore chat.db")
    assert "it is not there" in item.why


def test_nothing_below_a_link_is_touched(vault: Vault, tmp_path: Path) -> None:
    (vault.roots["r"] / "chat.db").rename(tmp_path / "elsewhere.db")
    (vault.roots["r"] / "chat.db").symlink_to(tmp_path / "elsewhere.db")
    before = (tmp_path / "elsewhere.db").read_bytes()
    for what in ("check", "vacuum", "analyze"):
        (item,) = vault.tend(what, "chat.db")
        assert item.outcome == "failed", what
    assert (tmp_path / "elsewhere.db").read_bytes() == before
    assert mark.seen(os.open(vault.roots["r"], os.O_RDONLY), b"chat.db") is None
