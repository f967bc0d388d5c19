"""What is declared of tables is held against the database: all that is wrong is told."""

from __future__ import annotations

import apsw
import pytest

from storewarden.config.schema import TableSettings
from storewarden.databases.rows.declared import Columns, check, family
from storewarden.databases.rows.tables import Declared, Reference, Tree
from storewarden.errors import PermanentError

SCHEMA = """
CREATE TABLE talks (id INTEGER PRIMARY KEY, at INTEGER, title TEXT UNIQUE,
    long GENERATED ALWAYS AS (length(title)));
CREATE TABLE messages (id INTEGER PRIMARY KEY, talk INTEGER REFERENCES talks, said TEXT);
CREATE TABLE notes (id INTEGER PRIMARY KEY, talk INTEGER REFERENCES talks (id));
CREATE TABLE plain (a INTEGER, b TEXT, at INTEGER);
CREATE UNIQUE INDEX some ON plain (b) WHERE b > 'x';
CREATE TABLE odd (rowid, _rowid_, oid, k TEXT PRIMARY KEY);
CREATE TABLE taken (id INTEGER PRIMARY KEY, storewarden_row);
CREATE TABLE pairs (a INTEGER, b TEXT, at INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE VIEW shown AS SELECT * FROM talks;
CREATE VIRTUAL TABLE searched USING fts5 (said);
"""


@pytest.fixture
def connection() -> apsw.Connection:
    made = apsw.Connection(":memory:")
    made.execute(SCHEMA)
    return made


def child(name: str, *columns: str) -> tuple[tuple[str, ...], Declared]:
    return columns, Declared(name, ())


def checked(connection: apsw.Connection, declared: Declared, *clocks: str) -> Tree:
    return check(connection, declared, Columns(clocks), "here")


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (Declared("talk", ("id",)), "there is no table talk (is talks meant?)"),
        (Declared("shown", ("id",)), "shown is no table but a view"),
        (Declared("searched", ("id",)), "searched is no table but a virtual table"),
        (Declared("searched_data", ("id",)), "searched_data is no table but a shadow"),
        (Declared("sqlite_schema", ("name",)), "sqlite_schema is a name that no declared table"),
        (Declared("talks", ("nr",)), "talks has no column nr"),
        (Declared("talks", ("at",)), "at does not tell rows of talks apart: id or title"),
        (Declared("plain", ("b",)), "b does not tell rows of plain apart: it has no such key"),
        (Declared("pairs", ("a",)), "a does not tell rows of pairs apart: a, b"),
        (Declared("odd", ("k",)), "odd has columns named rowid, _rowid_, oid"),
        (Declared("taken", ("id",)), "taken has a column storewarden_row, a name of ours"),
        (Declared("talks", ("id",), (child("message", "talk"),)), "no table message (is messages"),
        (Declared("talks", ("id",), (child("messages", "of"),)), "messages has no column of"),
        (
            Declared("talks", ("id",), (child("notes", "talk"), child("Notes", "talk"))),
            "notes is there twice, as a child of two tables",
        ),
        (
            Declared("pairs", ("a", "b"), (child("plain", "a"),)),
            "plain: a names no key of pairs",
        ),
    ],
)
def test_what_does_not_fit_is_told(
    connection: apsw.Connection, declared: Declared, told: str
) -> None:
    with pytest.raises(PermanentError) as caught:
        checked(connection, declared)

    assert told in str(caught.value)
    assert "here" in str(caught.value)


def test_all_that_is_wrong_is_told_at_once(connection: apsw.Connection) -> None:
    with pytest.raises(PermanentError) as caught:
        checked(connection, Declared("talks", ("nr",), (child("messages", "of"),)))

    assert "no column nr" in str(caught.value)
    assert "no column of" in str(caught.value)


def test_clocks_have_to_be_there(connection: apsw.Connection) -> None:
    with pytest.raises(
        PermanentError, match=r"talks has no column til \(is title meant\?\)|no col"
    ):
        checked(connection, Declared("talks", ("id",)), "til")


def test_names_are_taken_as_the_database_writes_them(connection: apsw.Connection) -> None:
    tree = checked(connection, Declared("TALKS", ("ID",), (child("Messages", "TALK"),)), "AT")

    talks, messages = tree.tables
    assert (talks.name, talks.key, talks.columns) == ("talks", ("id",), ("id", "at", "title"))
    assert (messages.name, messages.columns_up, messages.indexed) == ("messages", ("talk",), False)


def test_who_else_refers_to_rows_is_known(connection: apsw.Connection) -> None:
    tree = checked(connection, Declared("talks", ("id",), (child("messages", "talk"),)))

    assert tree.references == (Reference("notes", ("talk",), "talks", ("id",)),)


def test_tables_without_rowids_are_met_by_their_key(connection: apsw.Connection) -> None:
    tree = checked(connection, Declared("pairs", ("b", "a")))

    assert (tree.root.has_rowid, tree.root.identity, tree.root.key) == (
        False,
        ("a", "b"),
        ("b", "a"),
    )


def settings(name: str, table: str, **children: str) -> TableSettings:
    below = tuple((child, (column,)) for child, column in children.items())
    return TableSettings(name, b"/app.db", table, ("id",), "at", below, declared_at="s.yaml:3:1")


def test_children_of_children_are_those_of_a_child_that_is_declared_itself() -> None:
    talks = settings("app.talks", "talks", messages="talk")
    messages = settings("app.messages", "messages", parts="message")

    declared = family(talks, (talks, messages))

    ((_, child),) = declared.children
    assert [below.table for _, below in child.children] == ["parts"]


def test_a_circle_of_parents_is_told_with_its_way() -> None:
    talks = settings("app.talks", "talks", messages="talk")
    messages = settings("app.messages", "messages", talks="message")

    with pytest.raises(PermanentError) as caught:
        family(talks, (talks, messages))

    assert "s.yaml:3:1: tables.app.talks" in str(caught.value)
    assert "talks is below itself: talks > messages > talks" in str(caught.value)
