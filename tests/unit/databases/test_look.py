"""What a database is, is seen, by a process of its own, however it is found and called."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from storewarden.databases.child import run_job
from storewarden.databases.mark import seen
from storewarden.databases.who import users
from tests.applications import application, lying, made


class Shelf:
    """A directory with databases, and a scratch directory of ours."""

    def __init__(self, top: Path) -> None:
        self.path, self.scratch = top / "data", top / "scratch"
        self.path.mkdir()
        self.scratch.mkdir()
        self.fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        self.scratch_fd = os.open(self.scratch, os.O_RDONLY | os.O_DIRECTORY)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def told(self, *paths: bytes) -> list[dict[str, Any]]:
        """Return what is told of databases; all is as it was."""
        before = lying(self.path)
        lines: list[dict[str, Any]] = []
        run_job(
            "look",
            {"databases": [(0, path) for path in paths]},
            descriptors=[self.fd],
            scratch=self.scratch_fd,
            progress=lambda told: lines.append(dict(told)),
            seconds=30,
        )
        assert lying(self.path) == before
        assert list(self.scratch.iterdir()) == []
        return lines

    def one(self, path: bytes = b"a.db") -> dict[str, Any]:
        """Return what one database is."""
        begun, told = self.told(path)
        assert begun == {"begun": 0}
        look: dict[str, Any] = told["look"]
        return look

    def make(self, *statements: str, name: str = "a.db") -> Path:
        with closing(sqlite3.connect(self / name, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
        return self / name


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    here = Shelf(tmp_path)
    yield here
    os.close(here.fd)
    os.close(here.scratch_fd)


def test_a_database_at_rest_tells_all_of_itself(shelf: Shelf) -> None:
    shelf.make(
        "PRAGMA page_size = 1024",
        "PRAGMA encoding = 'UTF-16le'",
        "PRAGMA user_version = 7",
        "PRAGMA application_id = 9",
        "CREATE TABLE one (id INTEGER PRIMARY KEY, text)",
        "CREATE TABLE two (key TEXT PRIMARY KEY, number) WITHOUT ROWID",
        "CREATE INDEX by_text ON one (text)",
        "CREATE VIEW seen AS SELECT * FROM one",
        "CREATE TRIGGER never AFTER DELETE ON one BEGIN SELECT 1; END",
        "INSERT INTO one VALUES (1, 'a'), (1000, 'b')",
        "INSERT INTO two VALUES ('k', 1)",
    )

    told = shelf.one()

    digest = told.pop("schema_digest")
    assert len(digest) == 32
    assert told == {
        "page_size": 1024,
        "pages": 4,
        "free_pages": 0,
        "journal": "rollback",
        "tables": 2,
        "indexes": 1,
        "views": 1,
        "triggers": 1,
        "rows": 3,
        "rows_are": "exact",
        "rows_by_table": {"one": [2, "exact"], "two": [1, "exact"]},
        "foreign_keys": "none",
        "broken_references": False,
        "encoding": "utf-16le",
        "user_version": 7,
        "application_id": 9,
        "auto_vacuum": 0,
        "how": "at_rest",
    }


def test_one_in_use_is_seen_as_it_is_now(shelf: Shelf) -> None:
    made(shelf / "a.db", "wal")
    with application(shelf / "a.db", "INSERT INTO t (text) VALUES ('more')"):
        told = shelf.one()

    assert (told["journal"], told["how"], told["rows"]) == ("wal", "wal", 101)


def test_one_that_a_killed_program_left_is_seen_with_its_log(shelf: Shelf) -> None:
    made(shelf / "a.db", "wal")
    with application(shelf / "a.db", "INSERT INTO t (text) VALUES ('more')") as one:
        one.kill()

    told = shelf.one()

    assert (told["how"], told["rows"]) == ("copy", 101)


@pytest.mark.parametrize(
    ("enforced", "row", "told"), [(1, "(1)", "declared"), (0, "(2)", "off"), (0, "(1)", "declared")]
)
def test_foreign_keys_are_off_where_it_shows(
    shelf: Shelf, enforced: int, row: str, told: str
) -> None:
    shelf.make(
        f"PRAGMA foreign_keys = {enforced}",
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (parent_id REFERENCES parent (id))",
        "INSERT INTO parent VALUES (1)",
        f"INSERT INTO child VALUES {row}",
    )

    assert shelf.one()["foreign_keys"] == told


def test_rows_of_a_large_one_are_estimated_and_it_is_said_how(shelf: Shelf) -> None:
    many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000)"
    shelf.make(
        "CREATE TABLE one (id INTEGER PRIMARY KEY, text)",
        "CREATE TABLE two (id INTEGER PRIMARY KEY, text)",
        "CREATE INDEX by_text ON two (text)",
        f"{many} INSERT INTO one SELECT i, randomblob(3000) FROM n",
        f"{many} INSERT INTO two SELECT i, i % 7 FROM n",
        "DELETE FROM one WHERE id BETWEEN 1001 AND 2000",
        "DELETE FROM two WHERE id > 2500",
        "ANALYZE two",
    )

    told = shelf.one()

    assert told["rows_by_table"] == {"one": [3000, "rowid"], "two": [2500, "analyzed"]}
    assert (told["rows"], told["rows_are"]) == (5500, "rowid")
    assert told["free_pages"] > 900


def test_a_schema_is_the_same_in_whatever_order_it_was_made(shelf: Shelf) -> None:
    tables = ["CREATE TABLE a (x)", "CREATE TABLE b (y)"]
    shelf.make(*tables, name="a.db")
    shelf.make(*reversed(tables), "INSERT INTO a VALUES (1)", name="b.db")
    shelf.make(*tables, "ALTER TABLE b ADD COLUMN z", name="c.db")

    one, two, three = (shelf.one(name)["schema_digest"] for name in (b"a.db", b"b.db", b"c.db"))

    assert one == two != three


def test_names_of_any_kind_are_quoted(shelf: Shelf) -> None:
    name = 'a"; DROP TABLE b; --\n\u202e'
    quoted = '"' + name.replace('"', '""') + '"'
    shelf.make(f"CREATE TABLE {quoted} (x)", f"INSERT INTO {quoted} VALUES (1)")
    odd = b"no\xfftext\n.db"
    os.rename(shelf / "a.db", os.path.join(os.fsencode(shelf.path), odd))

    assert shelf.one(odd)["rows_by_table"] == {name: [1, "exact"]}


def test_what_is_no_database_is_told_and_the_others_are_looked_at(shelf: Shelf) -> None:
    made(shelf / "good.db", "delete")
    (shelf / "bad.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    (shelf / "text.db").write_text("this is no database")
    (shelf / "link.db").symlink_to("good.db")
    (shelf / "deep").mkdir()
    made(shelf / "deep/good.db", "delete", rows=3)

    told = shelf.told(b"bad.db", b"text.db", b"link.db", b"none.db", b"deep/good.db", b"no/x.db")

    after = {one["number"]: one for one in told if "number" in one}
    assert [one["begun"] for one in told if "begun" in one] == list(range(6))
    assert [sorted(after[number]) for number in range(6)] == [
        *[["again", "error", "number"]] * 4,
        ["look", "number"],
        ["again", "error", "number"],
    ]
    assert after[4]["look"]["rows"] == 3
    assert after[1]["error"]["type"] == "DatabaseUnusable"
    assert after[1]["again"] is False


def test_a_mark_is_the_same_until_somebody_writes(shelf: Shelf) -> None:
    made(shelf / "a.db", "wal")
    at_rest = seen(shelf.fd, b"a.db")
    shelf.one()
    assert seen(shelf.fd, b"a.db") == at_rest
    assert at_rest is not None
    assert (at_rest.bytes, at_rest.wal_bytes) == ((shelf / "a.db").stat().st_size, 0)

    with application(shelf / "a.db", "INSERT INTO t (text) VALUES ('more')") as one:
        first = seen(shelf.fd, b"a.db")
        assert first is not None
        assert first.mark != at_rest.mark
        assert first.wal_bytes > 0
        shelf.one()
        assert seen(shelf.fd, b"a.db") == first
        one.tell("INSERT INTO t (text) VALUES ('again')")
        assert seen(shelf.fd, b"a.db") != first


@pytest.mark.parametrize("path", [b"none.db", b"link.db", b"directory"])
def test_what_is_no_file_has_no_mark(shelf: Shelf, path: bytes) -> None:
    (shelf / "link.db").symlink_to("a.db")
    (shelf / "directory").mkdir()

    assert seen(shelf.fd, path) is None


def test_it_is_told_who_has_a_database_open(shelf: Shelf) -> None:
    path = made(shelf / "a.db", "wal")
    found = path.stat()
    file = (found.st_dev, found.st_ino)
    with application(path, "SELECT count(*) FROM t") as one, open(path):  # ours
        (program,) = users({file: b"a.db"}).of(file)
        assert program.pid == one._popen.pid
        assert program.name.startswith("python")
        assert users({file: b"a.db"}, ours=[program.pid]).of(file) == ()
    assert users({file: b"a.db"}).of(file) == ()


def test_programs_of_ours_that_read_a_file_do_not_use_it(shelf: Shelf) -> None:
    """What digests or inspects a file is started by us; what bears such a name only is not."""
    path = made(shelf / "a.db", "delete")
    found = path.stat()
    code = "import sys; file = open(sys.argv[2]); print(flush=True); sys.stdin.read()"
    for word, told in (("storewarden.pipeline.digesting", 0), ("other.program", 1)):
        with subprocess.Popen(
            [sys.executable, "-c", code, word, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as reader:
            assert reader.stdout is not None
            reader.stdout.readline()
            using = users({(found.st_dev, found.st_ino): b"a.db"})
            assert len(using.of((found.st_dev, found.st_ino))) == told


def test_where_proc_hides_others_it_is_said_that_not_all_was_seen(tmp_path: Path) -> None:
    (tmp_path / "77" / "fd").mkdir(parents=True)

    assert not users({(1, 2): b"a.db"}, tmp_path).whole
    (tmp_path / "1" / "fd").mkdir(parents=True)
    assert users({(1, 2): b"a.db"}, tmp_path).whole


def test_where_proc_may_not_be_read_locks_tell_who(tmp_path: Path) -> None:
    (tmp_path / "77").mkdir()
    (tmp_path / "77" / "comm").write_bytes(b"app\xff\n")
    (tmp_path / "locks").write_text(
        "1: POSIX  ADVISORY  READ 77 fe:01:4711 1073741826 1073742335\n"
        "1: -> POSIX  ADVISORY  WRITE 78 fe:01:4711 0 EOF\n"
        "2: FLOCK  ADVISORY  WRITE 79 fe:01:4711 0 EOF\n"
        "3: POSIX  ADVISORY  READ 80 fe:01:4712 0 EOF\n"
    )
    file = (os.makedev(0xFE, 1), 4711)

    assert [one.pid for one in users({file: b"a.db"}, tmp_path).of(file)] == [77, 78]
    assert users({file: b"a.db"}, tmp_path).of(file)[0].name == "app\\xff"
