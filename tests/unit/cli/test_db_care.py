"""``db check · vacuum · analyze`` as people, pipes and programs see them."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Golden
from tests.malformed import header
from tests.unit.cli.conftest import Run, data_in

POLICIES = """
version: 1
policies:
  - id: care
    match: {kind: database}
    care: {vacuum: {when: "free_ratio > 0.3"}}
"""
OLD = 1_700_000_000


@pytest.fixture
def root(here: Path, run: Run) -> Path:
    """A folder with a sound database, much of which is free, and some in trouble."""
    root = data_in(here, POLICIES)
    make(root / "chat.db")
    make(root / "damaged.db")
    data = bytearray((root / "damaged.db").read_bytes())
    data[4096 * 4 : 4096 * 5] = b"\xff" * 4096
    (root / "damaged.db").write_bytes(data)
    make(root / "index.db", "UPDATE sqlite_schema SET sql = replace(sql, '(text)', '(person)')")
    make(root / "orphans.db", "DELETE FROM people WHERE id > 480")
    (root / "newer.db").write_bytes(header(page_size=4096, pages=1, version=3) + bytes(3996))
    (root / "short.db").write_bytes((root / "chat.db").read_bytes()[:40_960])
    for path in root.iterdir():
        os.utime(path, (OLD, OLD))
    assert run("scan").code == 0
    return root


def make(path: Path, more: str = "") -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            """
            CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT);
            CREATE TABLE notes(id INTEGER PRIMARY KEY, person REFERENCES people(id), text);
            CREATE INDEX by_text ON notes(text);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
                INSERT INTO people SELECT i, 'name ' || i FROM n;
            INSERT INTO notes SELECT id, id, 'a note of ' || (id + 1000) FROM people;
            CREATE TABLE gone(x); INSERT INTO gone SELECT zeroblob(200) FROM people;
            DROP TABLE gone;
            PRAGMA writable_schema = 1;
            """
        )
        connection.execute(more or "SELECT 1")


def plain(text: str) -> str:
    return re.sub(r"\b\d+(\.\d+)?(ms|s)\b", "<while>", text)


def test_for_people(root: Path, run: Run, golden: Golden) -> None:
    told = []

    def ask(*words: str, code: int) -> None:
        ran = run("db", *words, terminal=True)
        assert ran.code == code, ran.out + ran.err
        told.append(f"$ storewarden db {' '.join(words)}\n{ran.out}{ran.err}")

    ask("check", code=1)
    ask("check", "chat.db", "--quick", code=0)
    ask("check", "orphans.db", "--no-foreign-keys", code=0)
    ask("vacuum", "--dry-run", code=0)
    ask("vacuum", "chat.db", "damaged.db", code=1)
    ask("vacuum", "chat.db", "--dry-run", code=0)
    ask("analyze", "chat.db", "orphans.db", code=0)
    ask("check", "nobody.db", code=1)
    golden("cli/db-care.txt", plain("\n".join(told)))


def test_for_pipes(root: Path, run: Run, golden: Golden) -> None:
    told = [run("db", *words) for words in (("check",), ("vacuum", "--dry-run"), ("analyze",))]
    golden("cli/db-care-plain.txt", plain("\n".join(one.out for one in told)))


def test_for_programs(root: Path, run: Run) -> None:
    ran = run("db", "check", "index.db", "--json")
    (item,) = json.loads(ran.out)["items"]

    assert ran.code == 1
    assert (item["database"], item["outcome"], item["integrity"]) == (
        "index.db",
        "found",
        "damaged",
    )
    assert (len(item["problems"]), item["count"], item["more"]) == (100, 500, False)
    assert item["problems"][0].keys() == {"kind", "text", "table", "index", "row"}
    assert "REINDEX" in item["remedy"]

    ran = run("db", "vacuum", "chat.db", "--json")
    (item,) = json.loads(ran.out)["items"]
    assert (ran.code, item["gained"], item["whole"]) == (0, item["before"] - item["after"], True)
    assert item["rows"] == {"people": 500, "notes": 500}
    assert (root / "chat.db").stat().st_size == item["after"]
    assert not (root / "chat.db-journal").exists()


@pytest.mark.parametrize("verb", ["check", "vacuum", "analyze", "backup", "drill"])
def test_without_a_catalogue_it_is_told_what_to_do(here: Path, run: Run, verb: str) -> None:
    (here / "data").mkdir()
    (here / "storewarden.yaml").write_text("state: ./state\nroots: {data: ./data}\n")

    told = run("db", verb)

    assert told.code == 1
    assert "no catalogue yet" in told.err
    assert "storewarden scan" in told.err
    assert not (here / "state").exists()
