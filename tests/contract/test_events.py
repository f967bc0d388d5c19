"""The journal of events: nothing that is recorded is passed by, whoever reads it and when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from storewarden.api.events.heard import hear, wanted
from storewarden.api.who import Who
from storewarden.catalogue import roots
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events import cursor, feed, rounds
from storewarden.catalogue.events.cursor import Cursor
from storewarden.errors import CatalogueRefused, StorewardenError, UsageError
from tests.catalogues import COLUMNS, NOW, Place, file_row

HISTORY = ("file_id", "at_ns", "event", "detail")
START = Cursor()


class Clocked:
    """Wall time that never stands still, as the journal is told it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        self.now += 1000
        return self.now


@pytest.fixture
def journal(engine: Engine) -> rounds.Rounds:
    """The journal of host 1."""
    return rounds.follow(engine, 1, Clocked())


def seen(engine: Engine, *names: str, **changed: Any) -> list[int]:
    """Record new files, in a transaction of their own."""
    with engine.transaction():
        return insert(engine, *names, **changed)


def insert(engine: Engine, *names: str, **changed: Any) -> list[int]:
    rows = [file_row(name.encode(), **changed) for name in names]
    engine.insert("files", COLUMNS, rows)
    found = engine.fetch_in(
        "SELECT id FROM files WHERE name IN ({in})", [name.encode() for name in names]
    )
    return sorted(id_ for (id_,) in found)


def happened(engine: Engine, file_id: int, *events: str) -> None:
    with engine.transaction():
        engine.insert("history", HISTORY, [(file_id, NOW, event, "{}") for event in events])


def read(engine: Engine, at: Cursor = START, most: int = 1000) -> list[tuple[int | None, str]]:
    return [(one.file_id, one.event) for one in feed.read(engine, at, most).happenings]


def all_of(engine: Engine, at: Cursor = START, most: int = 1) -> list[tuple[int | None, str]]:
    """Read in small steps, each cursor through its text, as a listener that comes and goes."""
    found = []
    while True:
        heard = feed.read(engine, at, most)
        found += [(one.file_id, one.event) for one in heard.happenings]
        if not heard.happenings and not heard.more:
            return found
        at = cursor.read(str(heard.cursor))


def test_what_was_recorded_is_told_in_its_order(engine: Engine, journal: rounds.Rounds) -> None:
    one, two = seen(engine, "a", "b")
    happened(engine, two, "changed", "renamed")
    happened(engine, one, "missing")
    expected = [
        *((one, "created"), (two, "created"), (two, "changed"), (two, "renamed")),
        (one, "missing"),
    ]
    assert read(engine) == expected
    assert all_of(engine) == expected
    assert all_of(engine, most=3) == expected


def test_what_comes_in_one_transaction_is_told_after_its_files_were(
    engine: Engine, journal: rounds.Rounds
) -> None:
    with engine.transaction():
        (one,) = insert(engine, "a")
        engine.insert("history", HISTORY, [(one, NOW, "changed", "{}")])
        journal.describe([one])
    assert all_of(engine) == [(one, "created"), (one, "changed"), (one, "described")]


def test_a_cursor_stands_where_it_was_put(engine: Engine, journal: rounds.Rounds) -> None:
    seen(engine, "a")
    at = feed.newest(engine)
    (two,) = seen(engine, "b")
    assert read(engine, at) == [(two, "created")]
    assert read(engine, feed.read(engine, at, 10).cursor) == []


def test_each_event_says_where_to_go_on_after_it(engine: Engine, journal: rounds.Rounds) -> None:
    ids = seen(engine, *"abcdef")
    told = hear(engine, wanted([], []), START, 100, NOW)
    assert len(told.events) == 6
    for number, (id_, _, _) in enumerate(told.events, 1):
        rest = read(engine, cursor.read(id_))
        assert rest == [(each, "created") for each in ids[number:]]


def test_what_did_not_happen_is_not_told(engine: Engine, journal: rounds.Rounds) -> None:
    rung: list[int] = []
    journal.ring = lambda: rung.append(1)
    with pytest.raises(CatalogueRefused), engine.transaction():
        insert(engine, "a", "a")
    assert (read(engine), rung) == ([], [])
    with engine.transaction():
        engine.execute("UPDATE hosts SET name = 'other'")
    assert (read(engine), rung) == ([], [])
    (one,) = seen(engine, "b")
    assert (read(engine), rung) == ([(one, "created")], [1])


def test_a_number_that_is_given_out_again_is_told_again(
    engine: Engine, journal: rounds.Rounds
) -> None:
    """SQLite numbers the next row as the newest one that was deleted."""
    seen(engine, "a", "b")
    at = feed.newest(engine)
    with engine.transaction():
        engine.execute("DELETE FROM files WHERE name = ?", (b"b",))
        rounds.recede(engine)
    (two,) = seen(engine, "c")
    assert (two, "created") in all_of(engine, at)
    with engine.transaction():
        engine.execute("DELETE FROM files WHERE name = ?", (b"c",))
        rounds.recede(engine)
        (three,) = insert(engine, "d")
        engine.execute("DELETE FROM files WHERE name = ?", (b"d",))
        rounds.recede(engine)
        engine.execute("DELETE FROM files WHERE name = ?", (b"a",))
        rounds.recede(engine)
        four = insert(engine, "e", "f")
    assert [(each, "created") for each in four] == [
        one for one in all_of(engine, at) if one[0] in four
    ][-2:]
    assert three not in [one for one, _ in all_of(engine, at)] or three in four


def test_a_round_is_one_row_however_many_files(engine: Engine, journal: rounds.Rounds) -> None:
    ((before,),) = engine.execute("SELECT count(*) FROM event_rounds")
    ids = seen(engine, *[f"n{number:04}" for number in range(4000)])
    with engine.transaction():
        journal.describe(ids)
    ((after,),) = engine.execute("SELECT count(*) FROM event_rounds")
    assert (before, after) == (1, 3)
    ((text,),) = engine.execute("SELECT described FROM event_rounds ORDER BY id DESC LIMIT 1")
    assert text == f"{ids[0]}-{ids[-1]}"
    assert len(all_of(engine, most=999)) == 8000


def test_who_was_away_too_long_is_told_so(engine: Engine, journal: rounds.Rounds) -> None:
    seen(engine, "a")
    at = feed.newest(engine)
    seen(engine, "b")
    (three,) = seen(engine, "c")
    ((last,),) = engine.execute("SELECT max(at_ns) FROM event_rounds")
    assert rounds.forget(engine, 1, last, 1) == 1
    assert read(engine, at) == [(2, "created"), (three, "created")]  # it stands at the oldest
    assert rounds.forget(engine, 1, last, 100) == 2
    told = feed.read(engine, at, 100)
    assert [one.event for one in told.happenings] == ["missed", "created"]
    assert read(engine, told.cursor) == []
    detail = json.loads(told.happenings[0].detail)
    assert detail["since_ns"] < detail["until_ns"]
    after = cursor.read(str(Cursor({1: told.happenings[0].position})))
    assert read(engine, after) == [(three, "created")]  # and is not told so twice


def test_the_last_round_is_never_forgotten(engine: Engine, journal: rounds.Rounds) -> None:
    seen(engine, "a")
    assert rounds.forget(engine, 1, 2**62, 100) == 1
    assert rounds.forget(engine, 1, 2**62, 100) == 0
    at = feed.newest(engine)
    (two,) = seen(engine, "b")
    assert read(engine, at) == [(two, "created")]


def test_the_cursor_of_another_catalogue_is_known_by_its_times(
    engine: Engine, journal: rounds.Rounds
) -> None:
    seen(engine, "a")
    ((id_, at_ns),) = engine.execute("SELECT max(id), max(at_ns) FROM event_rounds")
    for other in (cursor.Position(id_ + 5, at_ns), cursor.Position(id_, at_ns + 1)):
        told = feed.read(engine, Cursor({1: other}), 100)
        assert [one.event for one in told.happenings] == ["missed", "created"]


def test_another_host_is_heard_beside_and_by_itself(
    engine: Engine, journal: rounds.Rounds, place: Place
) -> None:
    with engine.transaction():
        host = roots.register_host(engine, roots.Machine("two", "m-two"), NOW)
        root = roots.register_root(engine, host, "more", b"/srv/more")
        engine.insert("directories", ("root_id", "path", "device", "inode"), [(root.id, b"", 1, 2)])
    ((directory,),) = engine.execute("SELECT max(id) FROM directories")
    at = feed.newest(engine)
    other = place.open()
    rounds.follow(other, host, Clocked())
    (one,) = seen(engine, "a")
    (two,) = seen(other, "b", directory_id=directory)
    (three,) = seen(engine, "c")
    told = hear(engine, wanted([], []), START, 1, NOW)
    assert "missed" not in [e for _, e in read(engine, cursor.read(told.events[0][0]))]
    assert [e for _, e in read(engine, at)].count("missed") == 1  # it knew nothing of that host
    assert sorted(one for one in all_of(engine)) == [
        (each, "created") for each in sorted((one, two, three))
    ]
    assert [one for one, _ in all_of(engine, feed.newest(engine, 1))] == [None, two]
    assert [one.file_id for one in feed.read(engine, START, 9, host).happenings] == [two]
    assert [one.file_id for one in feed.read(engine, START, 9, 1).happenings] == [one, three]


def test_only_what_was_asked_for_is_heard(engine: Engine, journal: rounds.Rounds) -> None:
    (one,) = seen(engine, "a.png", kind="image", size=100)
    (two,) = seen(engine, "b.mp4", kind="video", size=2000)
    happened(engine, two, "changed")
    with engine.transaction():
        engine.execute(
            "UPDATE files SET state = 'missing', gone_ns = 1, growing = 0 WHERE id = ?", (one,)
        )
        engine.insert("history", HISTORY, [(one, NOW, "missing", '{"by": "x"}')])

    def heard(kinds: list[str], *terms: str) -> list[tuple[int, str]]:
        told = hear(engine, wanted(kinds, terms), START, 100, NOW)
        assert not told.more
        assert str(told.cursor) == str(feed.newest(engine))
        events = [json.loads(text) for _, _, text in told.events]
        return [(event["file"]["id"], event["event"]) for event in events]

    assert heard([], "kind=video") == [(two, "created"), (two, "changed")]
    assert heard(["missing"]) == [(one, "missing")]
    assert heard(["missing,changed"], "size>1KiB") == [(two, "changed")]
    assert heard(["missing"], "kind=image") == [(one, "missing")]
    assert heard([], "kind=image", "state=present") == []


def test_an_event_tells_of_its_file(engine: Engine, journal: rounds.Rounds) -> None:
    seen(engine, "a.png")
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(b"\xff\n")])
    told = hear(engine, wanted([], []), START, 100, NOW)
    plain, odd = (json.loads(text) for _, _, text in told.events)
    ((host,),) = engine.execute("SELECT name FROM hosts")
    assert plain["event"] == "created"
    assert (plain["at_ns"], plain["host"]) == (NOW, host)
    assert plain["file"] == {
        "id": 1,
        "place": "/srv/uploads/a.png",
        "root": "uploads",
        "path": "a.png",
        "kind": "image",
        "size": 10,
        "mtime_ns": NOW,
        "state": "present",
        "growing": False,
        "generation": 1,
        "inspected": False,
    }
    assert odd["file"]["path"] == "\\xff\\n"
    assert odd["file"]["path_hex"] == "ff0a"
    assert odd["file"]["place"] == "/srv/uploads/\udcff\n"
    assert all("\n" not in text for _, _, text in told.events)


def test_what_may_not_be_seen_is_not_heard(engine: Engine, journal: rounds.Rounds) -> None:
    mine, theirs, public, _ = seen(engine, "mine", "theirs", "public", "nobodys")
    with engine.transaction():
        engine.insert("users", ("id", "name", "created_ns"), [(7, "anna", NOW), (8, "ben", NOW)])
        engine.insert(
            "told_files",
            (
                "root_id",
                "directory",
                "name",
                "waiting",
                "file_id",
                "owner_id",
                "public",
                "first_told_ns",
                "told_ns",
            ),
            [
                (1, b"", b"mine", 0, mine, 7, 0, NOW, NOW),
                (1, b"", b"theirs", 0, theirs, 8, 0, NOW, NOW),
                (1, b"", b"public", 0, public, 8, 1, NOW, NOW),
            ],
        )

    def heard(who: Who) -> list[str]:
        told = hear(engine, wanted([], [], who), START, 100, NOW)
        return [json.loads(text)["file"]["path"] for _, _, text in told.events]

    assert heard(Who(7, "anna", frozenset({"read"}))) == ["mine", "public"]
    assert heard(Who(9, "eve", frozenset({"read", "write"}))) == ["public"]
    assert heard(Who(9, "root", frozenset({"admin"}))) == ["mine", "theirs", "public", "nobodys"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1.2.3",
        "1.2.3.q4",
        "1.2.3.z4~",
        "1.1.1.z1~1.1.1.z1",
        "9" * 5000,
        "99999999999999999999.1.1.z1",
        "1.1.1.z٣",
    ],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="id of an event"):
        cursor.read(text)


def test_numbers_are_short_as_text() -> None:
    ids = [5, 1, 2, 3, 9, 10, 4, 20]
    assert rounds.as_text(ids) == "1-5,9-10,20"
    assert rounds.from_text("1-5,9-10,20") == sorted(ids)
    assert (rounds.as_text([]), rounds.from_text("")) == ("", [])


def test_a_transaction_whose_round_cannot_be_written_did_not_happen(
    engine: Engine, journal: rounds.Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object) -> None:
        raise StorewardenError("the disk is full")

    monkeypatch.setattr(rounds, "write", fails)
    with pytest.raises(StorewardenError), engine.transaction():
        insert(engine, "a")
    assert engine.execute("SELECT count(*) FROM files") == [(0,)]
    monkeypatch.undo()
    (one,) = seen(engine, "b")
    assert read(engine) == [(one, "created")]


def test_a_journal_that_is_there_goes_on(
    engine: Engine, journal: rounds.Rounds, place: Place, tmp_path: Path
) -> None:
    (one,) = seen(engine, "a")
    at = feed.newest(engine)
    again = place.open()
    rounds.follow(again, 1, Clocked())
    (two,) = seen(again, "b")
    assert read(engine, at) == [(two, "created")]
    assert read(engine) == [(one, "created"), (two, "created")]
