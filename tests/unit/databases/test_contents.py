"""What applications' tables hold is read as it is, and nothing of the database changes."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from storewarden.databases.child import run_job
from storewarden.databases.contents import LONGEST
from storewarden.errors import DatabaseUnusable
from tests.applications import application, lying
from tests.sqlites import killed, rest


class Shelf:
    """A directory with a database, and a scratch directory of ours."""

    def __init__(self, top: Path, stack: ExitStack) -> None:
        self.path, self.scratch = top / "data", top / "scratch"
        self.descriptors = []
        for path in (self.path, self.scratch):
            path.mkdir()
            self.descriptors.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
            stack.callback(os.close, self.descriptors[-1])

    @property
    def database(self) -> Path:
        return self.path / "app.db"

    def make(self, *statements: str | tuple[str, Any]) -> None:
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            for one in statements:
                connection.execute(*([one] if isinstance(one, str) else one))
        rest(self.database)

    def shape(self) -> dict[str, Any]:
        before = lying(self.path)
        parent, scratch = self.descriptors
        asked = {"file": b"app.db"}
        told = run_job("shape", asked, descriptors=[parent], scratch=scratch, seconds=30)
        assert lying(self.path) == before
        tables: dict[str, Any] = told["tables"]
        return tables

    def rows(self, *tables: dict[str, Any]) -> list[Any]:
        """Return the lines of a spool."""
        before = lying(self.path)
        parent, scratch = self.descriptors
        with tempfile.TemporaryFile(dir=self.scratch.parent) as out:
            told = run_job(
                "spool",
                {"file": b"app.db", "tables": tables, "seconds": 30},
                descriptors=[parent, out.fileno()],
                scratch=scratch,
                seconds=30,
            )
            out.seek(0)
            lines = [json.loads(line) for line in out]
        assert lying(self.path) == before
        assert list(self.scratch.iterdir()) == []
        counts = [sum(line[0] == number for line in lines) for number in range(len(tables))]
        assert told["rows"] == counts
        return lines


def table(name: str, *columns: object, key: str = "rowid") -> dict[str, Any]:
    return {"table": name, "key": [key], "columns": list(columns)}


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with ExitStack() as stack:
        yield Shelf(tmp_path, stack)


def test_tables_are_told_with_their_columns_and_what_finds_a_row(shelf: Shelf) -> None:
    shelf.make(
        "CREATE TABLE videos (id INTEGER PRIMARY KEY, path TEXT UNIQUE, title)",
        "CREATE TABLE tags (video, tag, PRIMARY KEY (video, tag)) WITHOUT ROWID",
        "CREATE TABLE odd (rowid, oid)",
        "CREATE INDEX some ON videos (title) WHERE title IS NOT NULL",
        "CREATE VIEW seen AS SELECT * FROM videos",
    )

    assert shelf.shape() == {
        "odd": {"columns": ["rowid", "oid"], "key": ["_rowid_"], "indexed": []},
        "tags": {"columns": ["video", "tag"], "key": ["video", "tag"], "indexed": ["video"]},
        "videos": {
            "columns": ["id", "path", "title"],
            "key": ["rowid"],
            "indexed": ["id", "path"],
        },
    }


def test_values_are_what_they_are(shelf: Shelf) -> None:
    shelf.make(
        "CREATE TABLE t (a, b)",
        "INSERT INTO t VALUES (1, NULL), (2.5, 'a\"b\nc'), (x'00ff', '漢字'), (-9e99, '')",
    )

    assert shelf.rows(table("t", "b", "a")) == [
        [0, [1], [None, 1]],
        [0, [2], ['a"b\nc', 2.5]],
        [0, [3], ["漢字", {"__bytes__": "AP8="}]],
        [0, [4], ["", -9e99]],
    ]


def test_text_that_is_none_is_bytes_and_the_rows_around_it_are_read(shelf: Shelf) -> None:
    shelf.make("CREATE TABLE t (a)", "INSERT INTO t VALUES ('é'), (CAST(x'2fff' AS TEXT)), ('b')")

    assert [values for _, _, (values,) in shelf.rows(table("t", "a"))] == [
        "é",
        {"__bytes__": "L/8="},
        "b",
    ]


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_databases_of_other_encodings_are_read(shelf: Shelf, encoding: str) -> None:
    shelf.make(
        f"PRAGMA encoding = '{encoding}'", "CREATE TABLE t (a)", "INSERT INTO t VALUES ('é漢')"
    )

    assert [values for *_, values in shelf.rows(table("t", "a"))] == [["é漢"]]


def test_what_another_table_has_is_looked_up_there(shelf: Shelf) -> None:
    shelf.make(
        "CREATE TABLE videos (id INTEGER PRIMARY KEY, path)",
        "CREATE TABLE chat (video_id, q)",
        "INSERT INTO videos VALUES (7, '/v/a.mp4')",
        "INSERT INTO chat VALUES (7, 'who?'), (8, 'what?'), (NULL, 'when?')",
    )

    rows = shelf.rows(table("chat", "q", ["video_id", "videos", "id", "path"]))

    assert [values for *_, values in rows] == [
        ["who?", "/v/a.mp4"],
        ["what?", None],
        ["when?", None],
    ]


def test_a_lookup_goes_from_one_table_to_the_next(shelf: Shelf) -> None:
    shelf.make(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name)",
        "CREATE TABLE flows (id TEXT PRIMARY KEY, user)",
        "CREATE TABLE files (flow)",
        "INSERT INTO users VALUES (1, 'ann')",
        "INSERT INTO flows VALUES ('fox', 1), ('owl', 2)",
        "INSERT INTO files VALUES ('fox'), ('owl'), ('elk')",
    )
    way = ["flow", "flows", "id", "user", "users", "id", "name"]

    rows = shelf.rows(table("files", way))

    assert [values for *_, values in rows] == [["ann"], [None], [None]]


def test_more_rows_than_are_read_at_once_come_each_once(shelf: Shelf) -> None:
    shelf.make(
        "CREATE TABLE t (a)",
        "CREATE TABLE pairs (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "WITH RECURSIVE n (i) AS (SELECT -2500 UNION ALL SELECT i + 1 FROM n LIMIT 5000)"
        " INSERT INTO t (rowid, a) SELECT i * 3, i FROM n",
        "INSERT INTO pairs SELECT a % 3, 'x' || a FROM t",
        "UPDATE t SET a = CAST(x'ff' AS TEXT) WHERE a IN (-1, 1900)",
    )
    two = {"table": "pairs", "key": ["a", "b"], "columns": ["b"]}

    rows = shelf.rows(table("t", "a"), two)

    assert [key for number, key, _ in rows if number == 0] == [[3 * i] for i in range(-2500, 2500)]
    assert len({tuple(key) for number, key, _ in rows if number == 1}) == 5000


def test_what_is_longer_than_anybody_takes_is_told_by_its_length(shelf: Shelf) -> None:
    shelf.make("CREATE TABLE t (a)", f"INSERT INTO t VALUES (zeroblob({LONGEST + 1})), ('long-1')")

    assert [values for *_, values in shelf.rows(table("t", "a"))] == [
        [{"__long__": LONGEST + 1}],
        ["long-1"],
    ]


def test_a_database_in_use_is_read_and_left_as_it_is(shelf: Shelf) -> None:
    with application(
        shelf.database,
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE t (a)",
        "INSERT INTO t VALUES ('in the log')",
    ):
        assert shelf.rows(table("t", "a")) == [[0, [1], ["in the log"]]]


def test_what_a_killed_program_left_is_read_with_its_last_row(shelf: Shelf) -> None:
    killed(shelf.database, rows=3)

    assert [values for *_, values in shelf.rows(table("notes", "text"))][-1] == ["said last"]


def test_a_key_that_is_no_text_is_refused_for_rows_behind_it_would_be_lost(shelf: Shelf) -> None:
    shelf.make(
        "CREATE TABLE t (a PRIMARY KEY) WITHOUT ROWID",
        "INSERT INTO t VALUES (CAST(x'ff' AS TEXT)), ('a')",
    )

    with pytest.raises(DatabaseUnusable, match="is no text"):
        shelf.rows(table("t", "a", key="a"))
