"""What is promised of rows, of a SQLite file and of a server's tables alike."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue.engine import Engine
from storewarden.databases.child import run_job
from storewarden.databases.rows.keeping import Wanted as Wish
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.restored import Wanted
from storewarden.databases.rows.tables import Declared
from storewarden.errors import DatabaseUnavailable, PermanentError
from tests.catalogues import furnish, sqlite_place
from tests.keeping import DAY, NOW, Kill, Killed
from tests.tables import Application, Kept, Postgres, Sqlite, fill, kept


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One catalogue for all tests of this file; its journal of rows is emptied for each."""
    with sqlite_place(tmp_path_factory.mktemp("catalogue") / "state") as place:
        engine = place.made()
        furnish(engine)
        yield engine


@pytest.fixture(params=["sqlite", "postgresql"])
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Application:
    """An empty database of an application."""
    if request.param == "sqlite":
        return Sqlite(tmp_path / "app.db")
    return Postgres(request.getfixturevalue("postgres_database"))


@pytest.fixture
def keep(application: Application, tmp_path: Path, engine: Engine) -> Iterator[Kept]:
    """Who keeps its rows."""
    with kept(application, tmp_path, engine) as keeps:
        yield keeps


def test_old_rows_leave_with_their_children_and_come_back_as_they_were(keep: Kept) -> None:
    fill(keep.application)
    before = keep.dump()

    counted = keep.look()
    assert (counted["rows"], counted["children"], counted["of_rows"]) == (8, {"messages": 24}, 12)
    assert counted["bytes"] > 100
    assert keep.dump() == before

    archive = keep.archive()

    assert archive is not None
    assert (archive.state, archive.rows, archive.children) == ("done", 8, {"messages": 24})
    assert (archive.first_ns, archive.last_ns) == (
        (NOW - 11 * 30 * DAY) * 10**9,
        (NOW - 4 * 30 * DAY) * 10**9,
    )
    assert (keep.ids(), len(keep.ids("messages"))) == ({0, 1, 2, 3}, 12)
    assert keep.archive() is None

    done = keep.keeper().restore(archive, Wanted().facts())

    assert done["rows"] == {"talks": 8, "messages": 24}
    assert keep.dump() == before
    again = keep.keeper().restore(archive, Wanted().facts())
    assert sum(again["rows"].values()) == 0
    assert keep.dump() == before


def test_no_more_go_at_once_than_are_wanted(keep: Kept) -> None:
    fill(keep.application)

    one = keep.archive(most=3)

    assert one is not None
    assert (one.rows, one.children, len(keep.ids())) == (3, {"messages": 9}, 9)


def test_rows_come_back_by_key_and_by_time(keep: Kept) -> None:
    fill(keep.application)
    archive = keep.archive()
    assert archive is not None

    done = keep.keeper().restore(archive, Wanted(keys=(("7",), ("99",))).facts())
    assert (done["rows"], done["met"]) == ({"talks": 1, "messages": 3}, 1)
    assert keep.ids() == {0, 1, 2, 3, 7}

    since = (NOW - 10 * 30 * DAY) * 10**9
    upto = (NOW - 9 * 30 * DAY) * 10**9
    keep.keeper().restore(archive, Wanted(from_ns=since, to_ns=upto).facts())
    assert keep.ids() == {0, 1, 2, 3, 7, 9, 10}


def test_what_was_brought_back_is_spared(keep: Kept) -> None:
    fill(keep.application)
    archive = keep.archive()
    assert archive is not None
    keep.keeper().restore(archive, Wanted(keys=(("7",),)).facts())

    spared = keep.keeper().spared("app.talks", 0)

    assert keep.look(keep.aged(spared=spared))["rows"] == 0
    assert keep.look()["rows"] == 1
    assert keep.archive(keep.aged(spared=spared)) is None
    assert 7 in keep.ids()


def test_a_row_whose_place_is_taken_stays_away(keep: Kept) -> None:
    fill(keep.application)
    archive = keep.archive()
    assert archive is not None
    keep.application.do(
        f"INSERT INTO talks VALUES (7, {NOW}, 'another')",
        "INSERT INTO messages VALUES (90, 0, 'somebody else took the number of a message')",
    )

    done = keep.keeper().restore(archive, Wanted().facts())

    assert (done["rows"], done["there"]) == ({"talks": 6, "messages": 18}, 2)
    assert keep.application.ask("SELECT title FROM talks WHERE id = 7") == [("another",)]


def test_what_the_application_changed_or_added_meanwhile_stays_whole(keep: Kept) -> None:
    fill(keep.application)
    keep.meanwhile = {
        "_remove": lambda: keep.application.do(
            "UPDATE talks SET title = 'used again' WHERE id = 7",
            "INSERT INTO messages VALUES (1000, 8, 'one more')",
            "UPDATE messages SET said = NULL WHERE id = 91",
            "DELETE FROM messages WHERE id = 100",
        )
    }

    archive = keep.archive()

    assert archive is not None
    assert (archive.told["removed"]["rows"], archive.told["removed"]["left"]) == (5, 3)
    assert keep.ids() == {0, 1, 2, 3, 7, 8, 9}
    assert len(keep.ids("messages")) == 12 + 10
    keep.meanwhile = {}
    again = keep.archive()
    assert again is not None
    assert (again.rows, keep.ids()) == (3, {0, 1, 2, 3})


def test_children_without_a_foreign_key_go_as_well(keep: Kept) -> None:
    fill(keep.application, firm=False)

    archive = keep.archive()

    assert archive is not None
    assert (keep.ids(), len(keep.ids("messages"))) == ({0, 1, 2, 3}, 12)


def test_what_others_refer_to_stays_with_all_that_hangs_on_it(keep: Kept) -> None:
    fill(keep.application)
    keep.application.do(
        "CREATE TABLE pinned (message INTEGER REFERENCES messages (id))",
        "INSERT INTO pinned VALUES (81)",
    )

    archive = keep.archive()

    assert archive is not None
    assert (archive.rows, archive.told["held"]) == (7, 1)
    assert keep.ids() == {0, 1, 2, 3, 8}
    assert {80, 81, 82} <= keep.ids("messages")


def test_what_comes_to_be_referred_to_meanwhile_stays(keep: Kept) -> None:
    fill(keep.application)
    keep.application.do(
        "CREATE TABLE pinned (talk INTEGER REFERENCES talks (id) ON DELETE CASCADE)"
    )
    keep.meanwhile = {"_remove": lambda: keep.application.do("INSERT INTO pinned VALUES (8)")}

    archive = keep.archive()

    assert archive is not None
    assert archive.told["removed"]["left"] == 1
    assert keep.ids() == {0, 1, 2, 3, 8}
    assert keep.application.ask("SELECT * FROM pinned") == [(8,)]


def test_rows_that_refer_to_each_other_go_together(keep: Kept) -> None:
    keep.declared = Declared("talks", ("id",))
    keep.application.do(
        "CREATE TABLE talks (id INTEGER PRIMARY KEY, at INTEGER, before INTEGER REFERENCES talks)"
    )
    old, new = NOW - 400 * DAY, NOW
    keep.application.do(
        f"INSERT INTO talks VALUES (1, {old}, NULL), (2, {old}, 1), (3, {old}, NULL), (4, {new}, 3)"
    )
    before = keep.dump("talks")

    archive = keep.archive()

    assert archive is not None
    assert keep.ids() == {3, 4}
    keep.keeper().restore(archive, Wanted().facts())
    assert keep.dump("talks") == before


def test_keys_of_several_columns_and_children_of_children(keep: Kept) -> None:
    keep.declared = Declared(
        "talks",
        ("room", "number"),
        ((("r", "n"), Declared("messages", ("id",), ((("m",), Declared("parts", ("id",))),))),),
    )
    keep.application.do(
        "CREATE TABLE talks (room TEXT, number BIGINT, at BIGINT, PRIMARY KEY (room, number))",
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, r TEXT, n BIGINT)",
        "CREATE TABLE parts (id INTEGER PRIMARY KEY, m INTEGER, what TEXT)",
        f"INSERT INTO talks VALUES ('a', {2**62}, {NOW - 400 * DAY}), ('a', 2, {NOW}),"
        f" ('ä''\\\t\n', 1, {NOW - 500 * DAY})",
        f"INSERT INTO messages VALUES (1, 'a', {2**62}), (2, 'a', 2), (3, 'ä''\\\t\n', 1)",
        "INSERT INTO parts VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 3, '\\N'), (4, 3, NULL)",
        "INSERT INTO parts VALUES (5, 3, '')",
    )
    before = keep.dump("talks", "messages", "parts")

    archive = keep.archive()

    assert archive is not None
    assert (archive.rows, archive.children) == (2, {"messages": 2, "parts": 4})
    assert keep.ids("parts") == {2}
    wanted = Wanted(keys=(("a", str(2**62)),))
    assert keep.keeper().restore(archive, wanted.facts())["rows"]["parts"] == 1
    keep.keeper().restore(archive, Wanted().facts())
    assert keep.dump("talks", "messages", "parts") == before


def test_rows_that_are_marked_as_deleted_go_by_the_time_of_that(keep: Kept) -> None:
    keep.declared, keep.clocks = Declared("talks", ("id",)), ("at", "gone")
    keep.application.do(
        "CREATE TABLE talks (id INTEGER PRIMARY KEY, at BIGINT, gone TEXT)",
        f"INSERT INTO talks VALUES (1, {NOW - 400 * DAY}, NULL), (2, {NOW - 400 * DAY}, 'true'),"
        f" (3, {NOW}, 'yes'), (4, {NOW}, '2020-01-01'), (5, {NOW - 300 * DAY}, 'false')",
    )

    keep.archive(keep.aged(clock="gone", since="at"))

    assert keep.ids() == {1, 3, 5}


def test_orphans_leave_unless_their_parent_came(keep: Kept) -> None:
    fill(keep.application, talks=2, firm=False)
    keep.application.do(
        "INSERT INTO messages VALUES (91, 50, 'lost'), (92, 60, 'lost'), (93, NULL, '')"
    )
    keep.declared, keep.clocks = Declared("messages", ()), ()
    picked = Picked(what="orphans", parent="talks", parent_key=("id",), columns=("talk",))
    keep.meanwhile = {
        "_remove": lambda: keep.application.do(f"INSERT INTO talks VALUES (60, {NOW}, 'late')")
    }

    assert keep.look(picked)["rows"] == 2
    archive = keep.archive(picked)

    assert archive is not None
    assert keep.ids("messages") == {0, 1, 2, 10, 11, 12, 92, 93}
    keep.keeper().restore(archive, Wanted(dangling=True).facts())
    assert 91 in keep.ids("messages")


def test_rows_whose_file_is_gone_are_told_by_their_keys(keep: Kept, tmp_path: Path) -> None:
    (tmp_path / "there.mp4").touch()
    keep.declared, keep.clocks, keep.file = Declared("talks", ("id",)), (), "video"
    keep.application.do(
        "CREATE TABLE talks (id INTEGER PRIMARY KEY, video TEXT)",
        "INSERT INTO talks VALUES (1, 'there.mp4'), (2, 'gone.mp4'), (3, 'no/such.mp4'), (4, NULL)",
    )

    gone = keep.keeper().gone(keep.subject, bytes(tmp_path))

    assert (gone["rows"], gone["unknown"]) == (3, 1)
    ((path, key),) = gone["found"]
    assert path == bytes(tmp_path / "gone.mp4")
    keep.archive(Picked(what="fileless", keys=(tuple(key),)))
    assert keep.ids() == {1, 3, 4}


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (Declared("talk", ("id",)), "there is no table talk (is talks meant?)"),
        (Declared("shown", ("id",)), "shown is no table but a view"),
        (Declared("talks", ("nr",)), "talks has no column nr"),
        (Declared("talks", ("at",)), "at does not tell rows of talks apart: id"),
        (Declared("talks", ("id",), ((("of",), Declared("messages", ())),)), "messages has no col"),
        (Declared("talks", ("id",), ((("talk",), Declared("mesages", ())),)), "is messages meant"),
        (Declared("bare", ("id",)), "bare"),
        (Declared("messages", ("id",), ((("talk",), Declared("messages", ())),)), "is there twice"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_touched(
    keep: Kept, declared: Declared, told: str
) -> None:
    fill(keep.application, talks=6)
    keep.application.do(
        "CREATE VIEW shown AS SELECT * FROM talks", "CREATE TABLE bare (id INTEGER, at INTEGER)"
    )
    before, keep.declared = keep.dump(), declared

    for does in (keep.look, keep.archive):
        with pytest.raises(PermanentError) as caught:
            does()
        assert told in str(caught.value)
        assert "here" in str(caught.value)

    assert (keep.dump(), keep.archives()) == (before, [])


def test_a_clock_that_is_not_there_is_told(keep: Kept) -> None:
    fill(keep.application)
    keep.clocks = ("at", "updated")

    with pytest.raises(PermanentError) as caught:
        keep.look()

    assert "talks has no column updated" in str(caught.value)


def test_names_are_taken_as_the_database_writes_them(keep: Kept) -> None:
    fill(keep.application)
    keep.declared = Declared("TALKS", ("ID",), ((("TALK",), Declared("Messages", ())),))
    keep.clocks = ("AT",)

    assert keep.look(keep.aged(clock="AT"))["rows"] == 8


TEXTS = {
    "2023-01-02T03:04:05": 1672628645,
    "2023-01-02 03:04:05Z": 1672628645,
    "2023-01-02 03:04:05+00": 1672628645,
    "2023-01-02 03:04:05.250+0000": 1672628645.25,
    "2023-01-02T05:04:05+02:00": 1672628645,
    "2023-01-02T05:04:05+0200": 1672628645,
    "2023-01-02 05:04:05.5+02": 1672628645.5,
    "2023-01-01 21:34:05-0530": 1672628645,
    "2023-01-02 01:04:05 -02": 1672628645,
    "2023-01-02": 1672617600,
    "2023-01-02 03:04": 1672628640,
    "1672628645": 1672628645,
    "1672628645000": 1672628645,
    "2023-13-02": None,
    "2023-01-02 25:00:00": None,
    "2023-01-02-05": None,
    "yesterday": None,
    "1979-01-02": None,
    "": None,
}


def test_times_that_are_texts_are_read_as_people_write_them(keep: Kept) -> None:
    keep.declared = Declared("talks", ("id",))
    keep.application.do(
        "CREATE TABLE talks (id INTEGER PRIMARY KEY, at TEXT)", "INSERT INTO talks VALUES (1, '')"
    )
    for text, seconds in TEXTS.items():
        keep.application.do(f"UPDATE talks SET at = '{text}'")

        counted = keep.look(keep.aged(0))

        if seconds is None:
            assert (counted["rows"], counted["timeless"]) == (0, 1), text
        else:
            assert counted["first_ns"] == int(seconds * 100) * 10**7, text


def test_killed_at_each_call_of_archiving_nothing_is_lost(keep: Kept) -> None:
    fill(keep.application)
    before = keep.dump()
    for point in range(0, 60, 1 if keep.application.url is None else 2):
        keep.kill = Kill(at=point)
        try:
            keep.archive()
        except Killed:
            pass
        else:
            break
        keep.recovered()
        keep.archive()
        assert not keep.archives("planned", "written", "verified", "deleting")
        assert keep.ids() == {0, 1, 2, 3}
        assert len(list(keep.store.list())) == len(keep.archives("done"))
        for one in keep.archives("done"):
            keep.keeper().restore(one, Wanted().facts())
            keep.keeper().purge(one)
        assert keep.dump() == before, keep.kill.names
    assert point >= 20


def test_an_archive_is_purged_for_good(keep: Kept) -> None:
    fill(keep.application)
    archive = keep.archive()
    assert archive is not None

    keep.keeper().purge(archive)

    assert [one.state for one in keep.archives()] == ["purged"]
    assert list(keep.store.list()) == []
    with pytest.raises(PermanentError, match="it is purged"):
        keep.keeper().restore(keep.archives()[0], Wanted().facts())


def test_a_password_is_seen_by_nobody(
    tmp_path: Path, engine: Engine, postgres_database: str
) -> None:
    """The server of the tests takes any password; the job runs in a process of its own."""
    application = Postgres(postgres_database.replace("postgres@", "postgres:s3cret@", 1))
    seen: list[bytes] = []

    def run(kind: str, arguments: Any, **given: Any) -> Any:
        def look() -> bool:
            pids = [one for one in os.listdir("/proc") if one.isdigit()]
            seen.extend(_command(pid) for pid in pids)
            return False

        return run_job(kind, arguments, **{**given, "stopping": look})

    with kept(application, tmp_path, engine) as keep:
        fill(application)
        keeper = keep.keeper()
        keeper.run = run
        wanted = Wish(keep.aged(), "backups", "old", "policy", "because", 100)
        archive = keeper.archive(keep.subject, wanted)

        assert archive is not None
        assert archive.place.startswith(b"postgresql://postgres:***@")
        assert keep.ids() == {0, 1, 2, 3}
        assert any(b"storewarden.databases.child" in one for one in seen)
        assert not any(b"s3cret" in one for one in seen)
        rows = engine.execute("SELECT place, told, key, reason FROM row_archives")
        assert "s3cret" not in repr(rows)

        keep.application = Postgres(application.url.replace("/storewarden_", "/no_such_"))
        with pytest.raises(DatabaseUnavailable) as caught:
            keep.keeper().look(keep.subject, [keep.aged()])
        assert "***@" in str(caught.value)
        assert "s3cret" not in str(caught.value)


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
