"""Which databases are known: those in the roots, those with a name of their own, those now gone."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from storewarden.catalogue import databases, migrate
from storewarden.catalogue.databases import (
    Aligned,
    Named,
    align,
    find_databases,
    forget_databases,
    known_databases,
)
from storewarden.catalogue.engine import Engine
from tests.catalogues import COLUMNS, DAY, NOW, file_row

TOP = b"/srv/uploads"
MANY = 10_000


def place(engine: Engine, path: bytes, file_id: int, **changed: Any) -> None:
    """Record a database's file below the root."""
    directory, _, name = path.rpartition(b"/")
    with engine.transaction():
        rows = engine.execute("SELECT id FROM directories WHERE path = ?", (directory,))
        if not rows:
            columns = ("root_id", "path", "device", "inode")
            engine.insert("directories", columns, [(1, directory, 1, file_id)])
            rows = engine.execute("SELECT id FROM directories WHERE path = ?", (directory,))
        row = {"directory_id": rows[0][0], "kind": "database", "inode": file_id} | changed
        engine.insert("files", ("id", *COLUMNS), [(file_id, *file_row(name, **row))])


def gone(engine: Engine, file_id: int) -> None:
    with engine.transaction():
        engine.execute(
            "UPDATE files SET state = 'missing', gone_ns = ? WHERE id = ?", (NOW, file_id)
        )


def names(engine: Engine) -> dict[str, bytes]:
    return {one.name: one.place for one in known_databases(engine, 1)}


def test_databases_of_the_roots_are_known_by_their_shortest_telling_name(engine: Engine) -> None:
    place(engine, b"app.db", 1)
    place(engine, b"one/chat.db", 2)
    place(engine, b"two/chat.db", 3)
    place(engine, b"two/picture.png", 4, kind="image")
    place(engine, b"two/lost.db", 5, state="missing", gone_ns=NOW)

    assert align(engine, 1, [], NOW) == Aligned(new=3)
    assert names(engine) == {
        "app.db": TOP + b"/app.db",
        "one/chat.db": TOP + b"/one/chat.db",
        "two/chat.db": TOP + b"/two/chat.db",
    }
    (app, *_) = known_databases(engine, 1)
    assert (app.file_id, app.engine, app.named, app.first_seen_ns) == (1, "sqlite", False, NOW)
    assert (app.looked_ns, app.mark, app.told) == (None, "", {})
    assert align(engine, 1, [], NOW) == Aligned()


def test_what_belongs_to_a_database_is_none_itself(engine: Engine) -> None:
    place(engine, b"app.db", 1)
    place(engine, b"app.db-wal", 2)
    with engine.transaction():
        engine.insert("sidecars", ("file_id", "of_id", "role"), [(2, 1, "database")])

    align(engine, 1, [], NOW)

    assert list(names(engine)) == ["app.db"]


def test_a_name_that_was_given_stays_when_another_of_that_name_comes(engine: Engine) -> None:
    place(engine, b"one/chat.db", 1)
    align(engine, 1, [], NOW)
    place(engine, b"two/chat.db", 2)

    assert align(engine, 1, [], NOW) == Aligned(new=1)
    assert names(engine) == {
        "chat.db": TOP + b"/one/chat.db",
        "two/chat.db": TOP + b"/two/chat.db",
    }


def test_names_are_text_on_one_line_whatever_the_files_are_called(engine: Engine) -> None:
    hostile = [b"new\nline.db", b"no\xfftext.db", b"turn\xe2\x80\xaearound.db", b"new\\nline.db"]
    for number, name in enumerate(hostile, 1):
        place(engine, name, number)

    align(engine, 1, [], NOW)

    found = names(engine)
    assert {path.rpartition(b"/")[2] for path in found.values()} == set(hostile)
    assert all(name.isprintable() for name in found)
    assert "no\\xfftext.db" in found
    # two that are written alike: one of them bears a number
    alike = [name for name in found if name.startswith(("new\\nline.db", "/srv/uploads/new"))]
    assert sorted(alike) == ["/srv/uploads/new\\nline.db", "/srv/uploads/new\\nline.db (2)"]


def test_a_database_that_is_gone_stays_known_and_may_come_back(engine: Engine) -> None:
    place(engine, b"app.db", 1)
    align(engine, 1, [], NOW)
    (app,) = known_databases(engine, 1)
    gone(engine, 1)

    assert align(engine, 1, [], NOW) == Aligned(gone=1)
    assert known_databases(engine, 1) == []
    (away,) = known_databases(engine, 1, gone=True)
    assert away == app._replace(there=False)

    place(engine, b"app.db", 2)
    assert align(engine, 1, [], NOW + DAY) == Aligned(back=1)
    assert known_databases(engine, 1) == [app._replace(file_id=2)]


def test_a_database_goes_with_its_file_to_another_place(engine: Engine) -> None:
    place(engine, b"app.db", 1)
    place(engine, b"old/chat.db", 2)
    align(engine, 1, [], NOW)
    before = {one.name: one.id for one in known_databases(engine, 1)}
    with engine.transaction():
        engine.execute("UPDATE files SET name = ? WHERE id = 2", (b"talks.db",))

    assert align(engine, 1, [], NOW) == Aligned(moved=1, renamed=1)
    (app, talks) = known_databases(engine, 1)
    assert (talks.name, talks.place) == ("talks.db", TOP + b"/old/talks.db")
    assert (app.id, talks.id) == (before["app.db"], before["chat.db"])


def test_a_file_that_another_one_replaced_is_the_same_database(engine: Engine) -> None:
    place(engine, b"app.db", 1)
    place(engine, b"new.db", 2)
    align(engine, 1, [], NOW)
    (app, _) = known_databases(engine, 1)
    gone(engine, 1)
    with engine.transaction():
        engine.execute("UPDATE files SET name = ? WHERE id = 2", (b"app.db",))

    assert align(engine, 1, [], NOW) == Aligned(gone=1)
    assert known_databases(engine, 1) == [app._replace(file_id=2)]


def test_those_with_names_of_their_own_bear_them(engine: Engine) -> None:
    place(engine, b"app", 1)
    place(engine, b"chat.db", 2)
    align(engine, 1, [], NOW)
    server = b"postgresql://me:***@h/d"
    named = [
        Named("app", b"/elsewhere/app.db", "sqlite"),
        Named("talks", TOP + b"/chat.db", "sqlite"),
        Named("sales", server, "postgresql"),
    ]

    assert align(engine, 1, named, NOW) == Aligned(new=2, renamed=2)
    assert names(engine) == {
        "app": b"/elsewhere/app.db",
        "uploads/app": TOP + b"/app",
        "talks": TOP + b"/chat.db",
        "sales": server,
    }
    known = {one.name: one for one in known_databases(engine, 1)}
    assert (known["talks"].file_id, known["talks"].named) == (2, True)
    assert (known["app"].file_id, known["app"].named) == (None, True)
    assert (known["sales"].engine, known["uploads/app"].named) == ("postgresql", False)
    assert align(engine, 1, named, NOW) == Aligned()


def test_two_may_change_their_names(engine: Engine) -> None:
    one, two = (Named(name, b"/%s.db" % name.encode(), "sqlite") for name in ("one", "two"))
    align(engine, 1, [one, two], NOW)

    changed = [one._replace(name="two"), two._replace(name="one")]

    assert align(engine, 1, changed, NOW) == Aligned(renamed=2)
    assert names(engine) == {"one": b"/two.db", "two": b"/one.db"}


def test_one_that_lost_its_name_in_the_configuration_is_gone_or_recorded(engine: Engine) -> None:
    place(engine, b"app.db", 1)
    inside, outside = TOP + b"/app.db", b"/elsewhere.db"
    align(engine, 1, [Named("app", inside, "sqlite"), Named("other", outside, "sqlite")], NOW)

    assert align(engine, 1, [], NOW) == Aligned(gone=1)
    (app,) = known_databases(engine, 1)
    assert (app.name, app.named, app.file_id) == ("app", False, 1)


def test_whether_a_named_file_is_there_is_not_for_the_catalogue_to_say(engine: Engine) -> None:
    named = [Named("app", b"/elsewhere/app.db", "sqlite")]
    align(engine, 1, named, NOW)
    with engine.transaction():
        engine.execute("UPDATE databases SET there = 0")

    assert align(engine, 1, named, NOW) == Aligned()
    assert known_databases(engine, 1) == []


def test_databases_are_found_by_name_or_path(engine: Engine) -> None:
    place(engine, b"app.db", 1)
    place(engine, b"no\xfftext.db", 2)
    align(engine, 1, [], NOW)

    found, unknown = find_databases(
        engine, 1, ["app.db", "/srv/uploads/no\udcfftext.db", TOP + b"/app.db", "nothing"]
    )

    assert [one.name for one in found] == ["app.db", "no\\xfftext.db"]
    assert unknown == ["nothing"]


@pytest.mark.parametrize(("state", "kept"), [(None, 0), ("gone", 0), ("good", 1), ("bad", 1)])
def test_one_long_gone_is_forgotten_unless_it_has_backups(
    engine: Engine, state: str | None, kept: int
) -> None:
    place(engine, b"app.db", 1)
    place(engine, b"here.db", 2)
    align(engine, 1, [], NOW)
    gone(engine, 1)
    align(engine, 1, [], NOW)
    app = next(one for one in known_databases(engine, 1, gone=True) if not one.there)
    if state is not None:
        columns = ("database_id", "kind", "store", "key", "state", "asked_by", "began_ns")
        with engine.transaction():
            engine.insert("backups", columns, [(app.id, "full", "s", "k", state, "me", NOW)])

    assert forget_databases(engine, 1, NOW) == 0
    assert forget_databases(engine, 1, NOW + 1) == 1 - kept
    assert len(known_databases(engine, 1, gone=True)) == 1 + kept


def test_ten_thousand_are_brought_in_line(engine: Engine) -> None:
    with engine.transaction():
        columns = ("id", "root_id", "path", "device", "inode")
        tops = [(number, 1, b"d%d" % number, 1, number) for number in range(10, 110)]
        engine.insert("directories", columns, tops)
        rows = [
            (
                number,
                *file_row(
                    b"%d.db" % (number // 100),
                    directory_id=10 + number % 100,
                    inode=number,
                    kind="database",
                ),
            )
            for number in range(MANY)
        ]
        engine.insert("files", ("id", *COLUMNS), rows)
    # a second with nothing else to do
    assert align(engine, 1, [], NOW) == Aligned(new=MANY)
    assert align(engine, 1, [], NOW) == Aligned()
    assert len({one.name for one in known_databases(engine, 1)}) == MANY


def test_going_back_says_which_databases_are_forgotten(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    place(engine, b"app.db", 1)
    align(engine, 1, [], NOW)

    with caplog.at_level(logging.WARNING):
        migrate.rollback(engine, to=4)

    (told,) = [one for one in caplog.records if "forgets" in one.message]
    assert told.__dict__["facts"] == {"databases": 1, "backups": 0, "row_archives": 0}


def test_databases_are_found_by_an_index_however_many_files_there_are(engine: Engine) -> None:
    if engine.dialect == "postgresql":
        return  # it decides by how many files there are, and here are none
    (row,) = engine.execute(f"EXPLAIN QUERY PLAN {databases._FILES}")

    assert "USING COVERING INDEX files_databases" in row[-1]
