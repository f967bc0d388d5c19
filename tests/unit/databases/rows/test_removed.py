"""What keeps archived rows in their table: references, the application's triggers and its locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from storewarden.databases.rows import copied, removed, restored
from storewarden.databases.rows.declared import Columns, check
from storewarden.databases.rows.tables import Declared, Tree
from storewarden.errors import DatabaseBusy, PermanentError
from tests.rows import NOW, aged

TALKS = Declared("talks", ("id",), ((("talk",), Declared("messages", ())),))
OLD = NOW - 500 * 86_400


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "app.db"
    connection = apsw.Connection(str(path))
    connection.execute(
        "CREATE TABLE talks (id INTEGER PRIMARY KEY, at INTEGER, title TEXT);"
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, talk INTEGER, said TEXT);"
        "CREATE INDEX of ON messages (talk)"
    )
    for number in range(6):
        connection.execute("INSERT INTO talks VALUES (?, ?, 'a talk')", (number, OLD))
        connection.execute("INSERT INTO messages VALUES (?, ?, 'hello')", (number, number))
    connection.close()
    return path


@contextmanager
def archived(database: Path) -> Iterator[tuple[apsw.Connection, Tree]]:
    """Open it with an archive of all that is old beside it."""
    connection = apsw.Connection(str(database))
    connection.execute("PRAGMA foreign_keys = OFF")
    tree = check(connection, TALKS, Columns(("at",)), "here")
    with copied.attached(connection, str(database.with_name("archive.db"))):
        copied.copy(connection, tree, aged(365), 10**6, {})
        yield connection, tree
    connection.close()


def run(database: Path, sql: str) -> list[tuple[object, ...]]:
    connection = apsw.Connection(str(database))
    rows = connection.execute(sql).fetchall()
    connection.close()
    return rows


def remove(connection: apsw.Connection, tree: Tree) -> removed.Removed:
    now = iter(range(10**6))
    time = removed.Time(lambda: float(next(now)), lambda _seconds: None)
    return removed.remove(connection, tree, aged(365), time)


def ids(database: Path) -> list[object]:
    return [row[0] for row in run(database, "SELECT id FROM talks ORDER BY id")]


def test_rows_that_others_refer_to_stay(database: Path) -> None:
    run(database, "CREATE TABLE notes (talk INTEGER REFERENCES talks ON DELETE CASCADE)")
    run(database, "INSERT INTO notes VALUES (2)")

    with archived(database) as (connection, tree):
        run(database, "INSERT INTO notes VALUES (4)")  # after it was archived
        told = remove(connection, tree)

    assert (told.rows, told.left, ids(database)) == (4, 1, [2, 4])
    assert run(database, "SELECT count(*) FROM notes") == [(2,)]


def test_what_triggers_of_the_application_delete_besides_ends_it_before_anything_left(
    database: Path,
) -> None:
    run(database, "CREATE TABLE notes (talk INTEGER)")
    run(database, "INSERT INTO notes VALUES (3)")
    run(
        database,
        "CREATE TRIGGER gone AFTER DELETE ON talks BEGIN"
        " DELETE FROM notes WHERE talk = old.id; END",
    )

    stops = pytest.raises(PermanentError, match="deletes rows of notes, which are not archived")
    with archived(database) as (connection, tree), stops:
        remove(connection, tree)

    assert run(database, "SELECT count(*) FROM notes") == [(1,)]
    assert 3 in ids(database)


def test_the_search_index_of_the_application_follows(database: Path) -> None:
    run(
        database,
        "CREATE VIRTUAL TABLE found USING fts5 (said, content=messages, content_rowid=id)",
    )
    run(database, "INSERT INTO found (found) VALUES ('rebuild')")
    run(
        database,
        "CREATE TRIGGER out AFTER DELETE ON messages BEGIN"
        " INSERT INTO found (found, rowid, said) VALUES ('delete', old.id, old.said); END",
    )
    run(
        database,
        "CREATE TRIGGER back AFTER INSERT ON messages BEGIN"
        " INSERT INTO found (rowid, said) VALUES (new.id, new.said); END",
    )
    found = "SELECT count(*) FROM found WHERE found MATCH 'hello'"

    with archived(database) as (connection, tree):
        remove(connection, tree)
        assert run(database, found) == [(0,)]
        time = removed.Time(lambda: 0.0, lambda _seconds: None)
        restored.restore(connection, tree, aged(365), restored.Wanted(), time)

    assert run(database, found) == [(6,)]
    assert run(database, "INSERT INTO found (found) VALUES ('integrity-check')") == []


def test_who_holds_the_database_is_waited_for_and_left_alone(database: Path) -> None:
    writer = apsw.Connection(str(database))
    with archived(database) as (connection, tree):
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy):
            remove(connection, tree)
        writer.execute("ROLLBACK")
        assert ids(database) == [0, 1, 2, 3, 4, 5]
        assert remove(connection, tree).rows == 6
    writer.close()


def test_what_a_trigger_changes_on_the_way_back_does_not_come_back(database: Path) -> None:
    with archived(database) as (connection, tree):
        remove(connection, tree)
        run(
            database,
            "CREATE TRIGGER stamp AFTER INSERT ON talks BEGIN"
            " UPDATE talks SET at = 0 WHERE id = new.id; END",
        )
        time = removed.Time(lambda: 0.0, lambda _seconds: None)
        with pytest.raises(PermanentError, match="do not come back as they were"):
            restored.restore(connection, tree, aged(365), restored.Wanted(), time)

    assert ids(database) == []


def test_rows_whose_place_is_taken_do_not_come_back_nor_does_anything_of_theirs(
    database: Path,
) -> None:
    with archived(database) as (connection, tree):
        remove(connection, tree)
        run(database, "INSERT INTO talks VALUES (1, 1, 'mine')")
        run(database, "INSERT INTO messages VALUES (2, 77, 'mine')")
        time = removed.Time(lambda: 0.0, lambda _seconds: None)
        told = restored.restore(connection, tree, aged(365), restored.Wanted(), time)

    assert (told.there, told.rows) == (2, {"talks": 4, "messages": 4})
    assert ids(database) == [0, 1, 3, 4, 5]
    assert run(database, "SELECT title FROM talks WHERE id = 1") == [("mine",)]
