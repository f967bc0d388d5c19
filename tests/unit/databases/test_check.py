"""A database is checked in a process of its own: what is wrong is found, and nothing is changed."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from storewarden.databases.check import check
from storewarden.databases.child import run_job
from storewarden.errors import DatabaseUnusable
from tests.malformed import header, sound

FILL = """
    CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE notes(id INTEGER PRIMARY KEY, person REFERENCES people(id), text);
    CREATE INDEX by_text ON notes(text);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
        INSERT INTO people SELECT i, 'name ' || i FROM n;
    INSERT INTO notes SELECT id, id, hex(randomblob(30)) FROM people;
"""


def make(path: Path, more: str = "", journal: str = "delete") -> None:
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA journal_mode = {journal}").fetchall()
    connection.execute(FILL + more)
    connection.close()


def checked(path: Path, **options: Any) -> Mapping[str, Any]:
    """Check, and require that nothing was changed, made or removed beside it."""
    scratch = path.parent.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    before = looked(path.parent)
    parent, ours = os.open(path.parent, os.O_RDONLY), os.open(scratch, os.O_RDONLY)
    try:
        arguments = {"name": os.fsencode(path.name), "foreign_keys": True, **options}
        return run_job("check", arguments, descriptors=(parent,), scratch=ours, seconds=30)
    finally:
        os.close(parent)
        os.close(ours)
        assert looked(path.parent) == before
        assert os.listdir(scratch) == []


def looked(directory: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in directory.iterdir():
        told = path.lstat()
        log = path.name.endswith(("-shm", "-wal"))  # SQLite gives root's to their owner: again
        content = b"" if path.name.endswith("-shm") else path.read_bytes()
        changed_ns = 0 if log else told.st_ctime_ns
        found[path.name] = (told.st_ino, told.st_mtime_ns, changed_ns, told.st_mode, content)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "there").mkdir()
    return tmp_path / "there" / "app.db"


@pytest.mark.parametrize("journal", ["delete", "wal", "persist"])
@pytest.mark.parametrize("options", [{}, {"quick": True}, {"by_table": True}], ids=str)
def test_a_sound_one_is_sound(path: Path, options: dict[str, bool], journal: str) -> None:
    make(path, journal=journal)
    told = checked(path, **options)
    assert (told["shape"], told["integrity"], told["problems"]) == ("database", "ok", [])
    assert (told["tables"], told["count"], told["foreign_keys"]) == (2, 0, [])
    assert told["done"] == (["sqlite_schema", "people", "notes"] if "by_table" in options else [])


def test_a_page_that_was_overwritten_is_told_with_its_table(path: Path) -> None:
    make(path)
    data = bytearray(path.read_bytes())
    data[4096 * 4 : 4096 * 5] = b"\xff" * 4096
    path.write_bytes(data)

    told = checked(path)

    assert told["integrity"] == "damaged"
    assert told["count"] >= len(told["problems"]) > 0
    assert {one.get("table") for one in told["problems"]} & {"people", "notes"}
    assert 5 in {one.get("page") for one in told["problems"]}


def test_an_index_that_lost_a_row_is_told_apart(path: Path) -> None:
    make(path)
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA writable_schema = 1")
    statement = "UPDATE sqlite_schema SET sql = replace(sql, '(text)', '(person)') WHERE name = ?"
    connection.execute(statement, ("by_text",))
    connection.close()

    told = checked(path)

    assert {one["kind"] for one in told["problems"]} == {"index"}
    assert {one["table"] for one in told["problems"]} == {"notes"}
    assert (len(told["problems"]), told["count"]) == (100, 500)
    assert checked(path, quick=True)["integrity"] == "ok"  # it does not compare indexes


def test_rows_without_their_parent_are_counted_by_table_with_some_of_them(path: Path) -> None:
    make(path, "DELETE FROM people WHERE id > 480;")

    told = checked(path)

    assert told["integrity"] == "ok"
    rows = list(range(481, 491))
    assert told["foreign_keys"] == [
        {"table": "notes", "parent": "people", "count": 20, "rows": rows}
    ]
    (problem,) = told["problems"]
    assert problem["text"] == "20 rows name a parent in people that is not there"
    assert checked(path, foreign_keys=False)["foreign_keys"] is None


def test_foreign_keys_that_cannot_be_checked_are_told(path: Path) -> None:
    make(path, "CREATE TABLE odd(x REFERENCES people(name)); INSERT INTO odd VALUES (1);")

    told = checked(path)

    assert (told["integrity"], told["count"]) == ("ok", 1)
    assert "foreign key mismatch" in told["problems"][0]["text"]


def test_what_only_its_application_knows_is_left_out_and_the_rest_is_checked(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.create_collation("mine", lambda a, b: (a > b) - (a < b))
    connection.execute(f"{FILL} CREATE TABLE own(x TEXT COLLATE mine UNIQUE)")
    connection.close()

    told = checked(path)

    assert (told["integrity"], told["problems"]) == ("partly", [])
    assert told["unchecked"] == {"own": "no such collation sequence: mine"}


@pytest.mark.parametrize(
    ("data", "shape", "integrity"),
    [
        (b"", "empty", "ok"),
        (b"no database at all", "foreign", "unread"),
        (os.urandom(8192), "encrypted", "unread"),
        (sound()[0][""][:-2048], "truncated", "damaged"),
        (sound()[0][""][:50], "truncated", "damaged"),
        (header(page_size=4096, pages=1, version=3) + bytes(3996), "too_new", "unread"),
        (header(page_size=77, pages=1) + bytes(3996), "damaged", "damaged"),
    ],
    ids=range(7),
)
def test_each_file_that_is_none_is_an_outcome_of_its_own(
    path: Path, data: bytes, shape: str, integrity: str
) -> None:
    path.write_bytes(data)
    told = checked(path)
    assert (told["shape"], told["integrity"]) == (shape, integrity)
    assert told["why"]


APPLICATION = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("PRAGMA journal_mode = " + sys.argv[2]).fetchall()
connection.execute("BEGIN IMMEDIATE; INSERT INTO people(name) VALUES ('new')")
if sys.argv[3] == "committed":
    connection.execute("COMMIT; BEGIN; SELECT 1 FROM people").fetchall()
print("ready", flush=True)
sys.stdin.read()
connection.execute("COMMIT; INSERT INTO people(name) VALUES ('newer')")
print("wrote", flush=True)
"""


@contextmanager
def application(path: Path, journal: str, state: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", APPLICATION, str(path), journal, state]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("state", ["committed", "writing"])
@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_one_in_use_is_checked_beside_its_application(path: Path, journal: str, state: str) -> None:
    make(path, journal=journal)
    with application(path, journal, state) as process:
        told = checked(path)
        out, _ = process.communicate("")
    assert (told["integrity"], told["count"]) == ("ok", 0)
    assert out == "wrote\n"


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_what_a_killed_program_left_is_checked_with_its_log(path: Path, journal: str) -> None:
    make(path, journal=journal)
    with application(path, journal, "committed" if journal == "wal" else "writing"):
        pass

    told = checked(path)

    assert (told["integrity"], told["count"]) == ("ok", 0)


def test_a_check_that_takes_too_long_goes_on_where_it_was(path: Path) -> None:
    make(path)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    left = 40

    def late() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    connection.set_progress_handler(late, 100)
    first = check(connection, by_table=True)
    assert (first.integrity, first.done) == ("unfinished", ["sqlite_schema", "people"])

    left = 10_000
    second = check(connection, done=first.done)
    assert (second.integrity, second.done) == ("ok", ["sqlite_schema", "people", "notes"])
    assert left > 10_000 - 160  # people was not gone through again
    connection.close()


def test_an_endless_view_is_never_asked(path: Path) -> None:
    endless = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c"
    make(path, f"CREATE VIEW v AS {endless};")
    assert checked(path, seconds=5)["integrity"] == "ok"


def test_a_link_is_not_followed(path: Path) -> None:
    make(path.with_name("other"))
    path.symlink_to("other")
    with pytest.raises(DatabaseUnusable, match="no regular file"):
        checked(path)
