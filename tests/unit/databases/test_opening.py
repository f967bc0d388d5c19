"""An application's database is read, whatever state it is in, and nothing of it changes by that."""

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from storewarden.databases import opening, walls
from storewarden.databases.found import How, Identity
from storewarden.databases.opening import Opened, read_settled, reading
from storewarden.errors import (
    DatabaseBusy,
    DatabaseChanged,
    DatabaseDamaged,
    DatabaseUnusable,
)
from tests.applications import application, lying, made

COUNT = "SELECT count(*) FROM t"
MANY = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
    " INSERT INTO t (text) SELECT hex(randomblob(200)) FROM n"
)


class Place:
    """A directory with databases, and a scratch directory of ours."""

    def __init__(self, top: Path) -> None:
        self.path, self.scratch = top / "data", top / "scratch"
        self.path.mkdir()
        self.scratch.mkdir()
        self.parent_fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        self.scratch_fd = os.open(self.scratch, os.O_RDONLY | os.O_DIRECTORY)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def asked(self, sql: str = COUNT, name: bytes = b"a.db", **more: Any) -> tuple[How, Any]:
        """Return how a database was read and what a query said; all is as it was."""
        before = lying(self.path)
        with reading(self.parent_fd, name, self.scratch_fd, **more) as opened:
            told = opened.how, opened.connection.execute(sql).fetchall()
        assert lying(self.path) == before
        assert list(self.scratch.iterdir()) == []
        return told


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(walls, "limit_heap", lambda: None)  # it would last for all tests
    here = Place(tmp_path)
    yield here
    os.close(here.parent_fd)
    os.close(here.scratch_fd)


@pytest.mark.parametrize("mode", ["wal", "delete", "truncate", "persist", "memory"])
def test_at_rest_it_is_read_as_it_lies(place: Place, mode: str) -> None:
    made(place / "a.db", mode)
    names = set(os.listdir(place.path))

    assert place.asked() == (How.AT_REST, [(100,)])
    assert set(os.listdir(place.path)) == names


def test_names_of_any_bytes_are_opened(place: Place) -> None:
    name = b"a b?c=1&d#e%41'\"\xff\n.db"
    os.rename(made(place / "a.db", "wal"), os.path.join(os.fsencode(place.path), name))

    assert place.asked(name=name) == (How.AT_REST, [(100,)])


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_an_idle_application_is_not_noticed(place: Place, mode: str) -> None:
    made(place / "a.db", mode)
    with application(place / "a.db", COUNT, "INSERT INTO t (text) VALUES ('more')") as one:
        how, told = place.asked()
        assert one.tell("INSERT INTO t (text) VALUES ('still')") == []

    assert told == [(101,)]
    assert how is (How.WAL if mode == "wal" else How.AT_REST)


def test_a_log_is_read_while_its_writer_goes_on(place: Place) -> None:
    made(place / "a.db", "wal")
    with application(place / "a.db", "INSERT INTO t (text) VALUES ('one')") as one:
        with reading(place.parent_fd, b"a.db", place.scratch_fd) as opened:
            for _ in range(3):
                assert one.tell(MANY) == []
                assert one.tell("PRAGMA wal_checkpoint(PASSIVE)")[0][0] == 0
                assert opened.connection.execute(COUNT).get == 101
        assert place.asked() == (How.WAL, [(60_101,)])
        assert one.tell("PRAGMA integrity_check") == [["ok"]]


def test_a_log_that_was_just_begun_can_be_read(place: Place) -> None:
    made(place / "a.db", "wal")
    with application(place / "a.db", "PRAGMA wal_checkpoint(TRUNCATE)", COUNT):
        assert place.asked() == (How.WAL, [(100,)])
    with application(place / "b.db", "PRAGMA journal_mode = wal", "CREATE TABLE t (a)"):
        assert place.asked(name=b"b.db") == (How.WAL, [(0,)])


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_an_open_transaction_is_not_seen(place: Place, mode: str) -> None:
    made(place / "a.db", mode)
    with application(place / "a.db", "BEGIN IMMEDIATE", "DELETE FROM t WHERE id < 50") as one:
        how, told = place.asked()
        assert one.tell("COMMIT") == []
        assert place.asked()[1] == [(51,)]

    assert (how, told) == (How.WAL if mode == "wal" else How.ROLLBACK, [(100,)])


def test_who_has_it_for_himself_is_waited_for_and_then_left_alone(place: Place) -> None:
    made(place / "a.db", "delete")
    with application(place / "a.db", "BEGIN EXCLUSIVE", "DELETE FROM t") as one:
        with pytest.raises(DatabaseBusy, match=r"a database is in use: a\.db"):
            place.asked(patience=0.2)
        assert one.tell("COMMIT") == []
    made(place / "b.db", "wal")
    with (
        application(place / "b.db", "PRAGMA locking_mode = EXCLUSIVE", "DELETE FROM t"),
        pytest.raises(DatabaseBusy, match="for itself"),
    ):
        place.asked(name=b"b.db", patience=0.2)


@pytest.mark.parametrize("mode", ["wal", "delete", "truncate", "persist"])
def test_what_a_killed_program_left_is_read_from_a_copy(place: Place, mode: str) -> None:
    made(place / "a.db", mode)
    with application(place / "a.db", "INSERT INTO t (text) VALUES ('kept')") as one:
        one.tell("PRAGMA cache_size = 10")  # so that much is written before the commit
        one.tell("BEGIN")
        one.tell("UPDATE t SET text = 'lost'")
        one.tell(MANY)
        one.kill()

    assert place.asked("SELECT count(*), max(text = 'lost') FROM t") == (How.COPY, [(101, 0)])
    with (
        pytest.raises(DatabaseBusy, match="may not be copied"),
        reading(place.parent_fd, b"a.db", None),
    ):
        raise AssertionError


def test_a_copy_has_the_holes_of_what_it_is_a_copy_of(place: Place) -> None:
    made(place / "a.db", "wal")
    with application(place / "a.db", "INSERT INTO t (text) VALUES ('kept')") as one:
        one.kill()
    os.truncate(place / "a.db", 1 << 36)
    with reading(place.parent_fd, b"a.db", place.scratch_fd) as opened:
        assert opened.connection.execute(COUNT).fetchall() == [(101,)]
        copy = os.stat(opened.path)
        assert copy.st_size == 1 << 36
        assert copy.st_blocks * 512 < 1 << 20


def test_a_copy_that_takes_too_long_is_given_up(place: Place) -> None:
    made(place / "a.db", "wal")
    with application(place / "a.db", "INSERT INTO t (text) VALUES ('kept')") as one:
        one.kill()
    with pytest.raises(DatabaseUnusable, match="was not complete in time"):
        place.asked(seconds=0)
    assert list(place.scratch.iterdir()) == []


def test_a_program_that_is_killed_at_any_time_leaves_what_it_had_committed(place: Place) -> None:
    made(place / "a.db", "wal", rows=1)
    made(place / "b.db", "delete", rows=1)
    for name in (b"a.db", b"b.db"):
        rows = 1
        for _ in range(4):
            with application(place / os.fsdecode(name)) as one:
                for _ in range(5):
                    assert one.tell("INSERT INTO t (text) VALUES (hex(randomblob(5000)))") == []
                    rows += 1
                one.begin("INSERT INTO t (text) VALUES (hex(randomblob(5000)))")
                one.kill()
            _, [(found,)] = place.asked(name=name)
            assert found in {rows, rows + 1}
            rows = found


def test_a_change_meanwhile_makes_what_was_read_worthless(place: Place) -> None:
    made(place / "a.db", "delete")
    with application(place / "a.db", COUNT) as one:
        with pytest.raises(DatabaseChanged), reading(place.parent_fd, b"a.db", None):
            one.tell("DELETE FROM t WHERE id = 1")
        with pytest.raises(DatabaseChanged), reading(place.parent_fd, b"a.db", None):
            one.tell("PRAGMA journal_mode = wal")

        tries = []

        def disturbed(opened: Opened) -> object:
            tries.append(opened.how)
            if len(tries) == 1:
                one.tell("PRAGMA journal_mode = delete")
            return opened.connection.execute(COUNT).get

        assert read_settled(place.parent_fd, b"a.db", None, disturbed) == 99
        assert len(tries) == 2 or tries == [How.WAL]


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
def test_links_are_never_followed(place: Place, ending: str) -> None:
    elsewhere = made(place / "elsewhere.db", "wal")
    if ending:
        made(place / "a.db", "wal")
    (place / f"a.db{ending}").symlink_to(elsewhere)

    with pytest.raises(DatabaseUnusable, match="no regular file"):
        place.asked()


def test_a_directory_that_is_exchanged_while_it_is_opened_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite goes by the name that the directory has at that moment."""
    made(place / "a.db", "delete")
    other = place.path.with_name("other")
    other.mkdir()
    made(other / "a.db", "delete", rows=3)
    connected = opening._connected

    def exchanged(*arguments: Any) -> Any:
        os.rename(place / "a.db", place / "kept.db")
        (place / "a.db").symlink_to(other / "a.db")
        return connected(*arguments)

    monkeypatch.setattr(opening, "_connected", exchanged)
    with pytest.raises(DatabaseChanged), reading(place.parent_fd, b"a.db", None):
        raise AssertionError


def test_what_is_no_database_is_told_from_what_is_damaged(place: Place) -> None:
    (place / "text.db").write_text("no database " * 100)
    (place / "directory.db").mkdir()
    os.mkfifo(place / "fifo.db")
    (place / "empty.db").write_bytes(b"")
    damaged = bytearray(made(place / "damaged.db", "delete").read_bytes())
    damaged[100:4096] = os.urandom(3996)
    (place / "damaged.db").write_bytes(damaged)
    (place / "short.db").write_bytes(damaged[:50])

    for name in (b"text.db", b"directory.db", b"fifo.db", b"missing.db"):
        with pytest.raises(DatabaseUnusable):
            place.asked(name=name)
    with pytest.raises(DatabaseDamaged):
        place.asked(name=b"short.db")
    assert place.asked("SELECT count(*) FROM sqlite_schema", name=b"empty.db")[1] == [(0,)]
    with pytest.raises(DatabaseDamaged, match=r"damaged\.db"):
        place.asked(name=b"damaged.db")


def test_what_a_database_says_of_itself_is_not_carried_out(place: Place) -> None:
    made(place / "a.db", "delete")
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT * FROM n"
    with application(place / "a.db", f"CREATE VIEW v AS {endless}") as one:
        one.close()
    with pytest.raises(DatabaseUnusable, match="no such table"):
        place.asked("SELECT * FROM v")
    began = time.monotonic()
    with pytest.raises(DatabaseUnusable, match="too long"):
        place.asked(f"SELECT count(*) FROM ({endless})", seconds=0.3)
    assert time.monotonic() - began < 10
    with pytest.raises(DatabaseUnusable):
        place.asked("ATTACH 'x.db' AS x")
    with pytest.raises(DatabaseChanged):
        place.asked("DELETE FROM t")


@pytest.mark.parametrize("there", [True, False])
def test_a_journal_removes_no_other_file(place: Place, tmp_path: Path, *, there: bool) -> None:
    """One of a transaction over several databases names a file, which SQLite removes afterwards."""
    made(place / "a.db", "persist")
    with application(place / "a.db", "PRAGMA cache_size = 5", "BEGIN", MANY) as one:
        one.kill()
    precious = tmp_path / "precious"
    if there:
        precious.write_bytes(b"precious\0")
    name = os.fsencode(precious)
    journal = place / "a.db-journal"
    with journal.open("ab") as file:
        file.write(struct.pack(">I", 1 + 0x40000000 // 4096) + name)
        file.write(struct.pack(">II", len(name), sum(name) & 0xFFFFFFFF))
        file.write(bytes.fromhex("d9d505f920a163d7"))

    if there:
        assert place.asked() == (How.COPY, [(100,)])
        assert precious.read_bytes() == b"precious\0"
    else:  # it was committed as far as that file tells: what lies there is what is read
        how, _ = place.asked("PRAGMA page_count")
        assert how is How.COPY


def test_a_file_that_was_just_written_may_look_the_same_after_another_write() -> None:
    now = 1_700_000_000_000_000_000
    for age, settled in ((0, False), (19_999_999, False), (20_000_000, True), (-1, True)):
        for fields in ((now - age, 0), (0, now - age)):
            assert Identity(1, 2, 3, *fields).is_settled(now) == settled


def test_a_schema_that_is_no_text_is_told_as_that(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "app.db"))
    connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY)")
    connection.close()
    content = (tmp_path / "app.db").read_bytes()
    (tmp_path / "app.db").write_bytes(content.replace(b"PRIMARY", b"P\xd2IMARY"))
    parent = os.open(tmp_path, os.O_RDONLY)

    try:
        with pytest.raises(DatabaseUnusable, match="what it tells of itself is no text"):
            read_settled(
                *(parent, b"app.db", parent),
                lambda opened: opened.connection.execute(
                    "SELECT sql FROM sqlite_schema"
                ).fetchall(),
                seconds=10.0,
            )
    finally:
        os.close(parent)
