"""What happens to a server happens to a PostgreSQL catalogue: each is named, and survived."""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest

from storewarden.catalogue import migrate, postgres, refusals
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.postgres import PostgresEngine
from storewarden.errors import (
    CatalogueBusy,
    CatalogueCorrupt,
    CatalogueFull,
    CatalogueRefused,
    CatalogueUnavailable,
    StorewardenError,
)
from tests.catalogues import COLUMNS, Place, file_row, names
from tests.missing import missing
from tests.servers import own
from tests.servers.own import OwnServer


@pytest.fixture
def place(postgres_database: str, tmp_path: Path) -> Iterator[Place]:
    place = Place(postgres_database, tmp_path / "state")
    yield place
    place.close()


@pytest.fixture
def engine(place: Place) -> Engine:
    return place.furnished()


def insert(engine: Engine, *rows: bytes) -> None:
    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row(name) for name in rows])


def end_sessions(place: Place) -> None:
    """Do to the sessions of a catalogue what an administrator does before he stops the server."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'storewarden test' AND datname = current_database()"
        )


def with_options(url: str, **settings: str) -> str:
    """Return the address with settings of the session in it."""
    parts = urlsplit(url)
    options = quote(" ".join(f"-c {key}={value}" for key, value in settings.items()))
    return urlunsplit(parts._replace(query=f"{parts.query}&options={options}"))


# -- the server goes away --------------------------------------------------------------------------


def test_a_session_that_ended_between_transactions_is_not_noticed(
    engine: Engine, place: Place
) -> None:
    insert(engine, b"before")
    end_sessions(place)
    insert(engine, b"after")
    end_sessions(place)

    assert names(engine) == [b"before", b"after"]


def test_a_session_that_ends_in_the_middle_fails_once(engine: Engine, place: Place) -> None:
    def lose() -> None:
        with engine.transaction():
            engine.insert("files", COLUMNS, [file_row(b"lost")])
            end_sessions(place)
            engine.insert("files", COLUMNS, [file_row(b"lost too")])

    with pytest.raises(CatalogueUnavailable, match="cannot be reached"):
        lose()
    insert(engine, b"after")

    assert names(engine) == [b"after"]


def test_an_error_that_somebody_swallows_does_not_commit_on_a_new_session(
    engine: Engine, place: Place
) -> None:
    def swallow() -> None:
        with engine.transaction():
            engine.insert("files", COLUMNS, [file_row(b"first half")])
            end_sessions(place)
            with contextlib.suppress(CatalogueUnavailable):
                engine.insert("files", COLUMNS, [file_row(b"second half")])
            assert engine.execute("SELECT 1") == [(1,)]

    with pytest.raises(CatalogueRefused, match="cannot be committed"):
        swallow()
    assert names(engine) == []


def test_a_stream_that_breaks_is_told(engine: Engine, place: Place) -> None:
    insert(engine, *(b"%d" % number for number in range(5000)))
    rows = engine.stream("SELECT name FROM files", size=10)
    next(rows)
    end_sessions(place)
    with pytest.raises(CatalogueUnavailable):
        list(rows)

    assert len(names(engine)) == 5000


@pytest.fixture
def own_server() -> Iterator[OwnServer]:
    with own.own_server() as lent:
        yield lent


@pytest.mark.timeout(120)
def test_a_server_that_restarts_is_found_again(own_server: OwnServer, tmp_path: Path) -> None:
    place = Place(own_server.url, tmp_path)
    engine = place.furnished()
    insert(engine, b"before")
    other = place.open()
    assert names(other) == [b"before"]

    since = engine.incarnation()
    own_server.control("restart", "-m", "fast")
    insert(engine, b"after a restart")
    assert len(names(other)) == 2
    assert engine.incarnation() not in {"", since}

    own_server.control("stop", "-m", "immediate")
    for _ in range(3):
        with pytest.raises(CatalogueUnavailable, match="cannot be reached"):
            insert(engine, b"while it is down")
        with pytest.raises(CatalogueUnavailable):
            other.execute("SELECT 1")
    with pytest.raises(CatalogueUnavailable):
        place.open()
    own_server.control("start")
    insert(engine, b"after a crash")

    assert names(other)[-1] == b"after a crash"
    place.close()


# -- waits have an end -----------------------------------------------------------------------------


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"postgresql://me:secret@127.0.0.1:{port}/catalogue?connect_timeout=2"
        with pytest.raises(CatalogueUnavailable) as caught:
            open_catalogue(url, tmp_path, role="test")

    assert "timeout" in caught.value.why
    assert "secret" not in str(caught.value)


def test_a_statement_that_takes_too_long_is_given_up(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    hasty = postgres._SESSION.replace("statement_timeout = '60s'", "statement_timeout = '50ms'")
    assert hasty != postgres._SESSION
    monkeypatch.setattr(postgres, "_SESSION", hasty)
    other = place.open()
    with pytest.raises(CatalogueBusy, match="took too long"):
        other.execute("SELECT pg_sleep(10)")
    with other.transaction():
        other.no_time_limit()
        other.execute("SELECT pg_sleep(0.1)")

    assert names(other) == []


def test_a_lock_that_is_not_to_be_had_is_given_up(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    monkeypatch.setattr(
        postgres, "_SESSION", postgres._SESSION.replace("lock_timeout = '5s'", "lock_timeout = 20")
    )
    other = place.open()
    with engine.transaction():
        engine.execute("UPDATE roots SET pending = 1")
        with pytest.raises(CatalogueBusy, match="lock"), other.transaction():
            other.execute("UPDATE roots SET pending = 2")
    with other.transaction():
        other.execute("UPDATE roots SET pending = 3")

    assert engine.execute("SELECT pending FROM roots") == [(3,)]


def test_a_program_that_stands_still_inside_a_transaction_loses_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    limit = "idle_in_transaction_session_timeout = "
    monkeypatch.setattr(
        postgres, "_SESSION", postgres._SESSION.replace(f"{limit}'15s'", f"{limit}50")
    )
    other = place.open()

    def stand_still() -> None:
        with other.transaction():
            other.execute("UPDATE roots SET pending = 2")
            threading.Event().wait(0.3)
            other.execute("UPDATE roots SET pending = 3")

    with pytest.raises(CatalogueUnavailable):
        stand_still()
    assert other.execute("SELECT pending FROM roots") == [(0,)]


def test_two_that_wait_for_each_other_are_told(engine: Engine, place: Place) -> None:
    other = place.open()
    outcomes: list[str] = []
    meet = threading.Barrier(2)

    def go(each: Engine, first: str, second: str) -> None:
        try:
            with each.transaction():
                each.execute(f"UPDATE {first} SET id = id")
                meet.wait()
                each.execute(f"UPDATE {second} SET id = id")
            outcomes.append("went through")
        except CatalogueBusy:
            outcomes.append("told")

    with engine.transaction():
        engine.insert("files", COLUMNS, [file_row()])
    pairs = [(engine, "hosts", "files"), (other, "files", "hosts")]
    threads = [threading.Thread(target=go, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["told", "went through"]


# -- who may come in -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"path": "/no_such_catalogue"}, "make the database: createdb"),
        ({"netloc": "nobody_here:secret@"}, "secret"),
    ],
)
def test_what_keeps_us_out_is_told(
    postgres_url: str, tmp_path: Path, change: dict[str, str], told: str
) -> None:
    url = urlunsplit(urlsplit(postgres_url)._replace(**change))
    with pytest.raises(CatalogueUnavailable) as caught:
        open_catalogue(url, tmp_path, role="test")

    assert (told in str(caught.value)) == (told != "secret")


def test_an_address_that_cannot_be_read_shows_no_password(tmp_path: Path) -> None:
    with pytest.raises(CatalogueUnavailable) as caught:
        open_catalogue("postgresql://me:secret@host:port:more/x?nonsense=1", tmp_path, role="test")

    assert "secret" not in str(caught.value)
    assert "postgresql://" in str(caught.value)


def test_a_full_server_is_busy(own_server: OwnServer, tmp_path: Path) -> None:
    guest = own_server.url.replace("postgres@", "guest@")
    with psycopg.connect(own_server.url, autocommit=True) as admin:
        admin.execute("CREATE ROLE guest LOGIN CONNECTION LIMIT 1")
    with psycopg.connect(guest), pytest.raises(CatalogueBusy, match="no more connections"):
        open_catalogue(guest, tmp_path, role="test")


def test_a_reader_is_read_only_for_the_server_too(engine: Engine, place: Place) -> None:
    reader = place.open(readonly=True)

    assert reader.execute("SHOW transaction_read_only") == [("on",)]
    assert engine.execute("SHOW transaction_read_only") == [("on",)]


def test_a_standby_is_told_as_such() -> None:
    error = psycopg.errors.ReadOnlySqlTransaction("cannot set transaction read-write mode")
    translated = refusals.translate(error, "postgresql://standby")

    assert isinstance(translated, CatalogueUnavailable)
    assert "name the primary" in str(translated)


def test_the_session_says_who_it_is(engine: Engine, place: Place) -> None:
    assert engine.execute("SHOW application_name") == [("storewarden test",)]
    engine.close()
    named = urlsplit(place.url)
    url = urlunsplit(named._replace(query=f"{named.query}&application_name=mine"))
    other = Place(url, place.state)
    assert other.open().execute("SHOW application_name") == [("mine",)]
    other.close()


def test_settings_in_the_address_reach_the_session(place: Place) -> None:
    other = Place(with_options(place.url, work_mem="7MB"), place.state)

    assert other.open().execute("SHOW work_mem") == [("7MB",)]
    other.close()


def test_stale_sessions_are_replaced(engine: Engine) -> None:
    before = engine.execute("SELECT pg_backend_pid()")
    assert engine.execute("SELECT pg_backend_pid()") == before
    assert isinstance(engine, PostgresEngine)
    engine._pool._stale_timeout = 0.001
    threading.Event().wait(0.01)

    assert engine.execute("SELECT pg_backend_pid()") != before


# -- full ------------------------------------------------------------------------------------------


@pytest.fixture
def small(own_server: OwnServer, tmp_path: Path) -> Iterator[tuple[Place, Path]]:
    """A database in a table space of a few megabytes."""
    if os.geteuid() != 0:
        missing("the right to mount", "run as root")
    point = Path(own_server.server.directory) / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", point], check=True)
    try:
        owner = Path(own_server.server.directory).stat()
        (point / "space").mkdir()
        os.chown(point / "space", owner.st_uid, owner.st_gid)
        with psycopg.connect(own_server.url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{point}/space'".encode())
            connection.execute("CREATE DATABASE small TABLESPACE small TEMPLATE template0")
        url = urlunsplit(urlsplit(own_server.url)._replace(path="/small"))
        place = Place(url, tmp_path / "state")
        yield place, point
        place.close()
    finally:
        own_server.control("stop", "-m", "immediate")
        subprocess.run(["umount", "-l", point], check=True)
        shutil.rmtree(point, ignore_errors=True)


@pytest.mark.timeout(120)
def test_a_full_disk_under_the_server(small: tuple[Place, Path]) -> None:
    place, point = small
    engine = place.furnished()
    ballast = point / "ballast"
    ballast.write_bytes(b"\0" * 6_000_000)
    kept = 0

    def fill() -> None:
        nonlocal kept
        for number in range(200):
            insert(engine, *(b"%d-%d" % (number, each) for each in range(1000)))
            kept += 1000

    with pytest.raises(CatalogueFull, match="no space"):
        fill()
    assert len(names(engine)) == kept > 0
    ballast.unlink()
    insert(engine, b"after")
    assert len(names(engine)) == kept + 1
    assert migrate.version(engine) == migrate.newest()


# -- what codes mean -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.errors.DiskFull("x"), CatalogueFull),
        (psycopg.errors.DataCorrupted("x"), CatalogueCorrupt),
        (psycopg.errors.IndexCorrupted("x"), CatalogueCorrupt),
        (psycopg.errors.IoError("x"), CatalogueUnavailable),
        (psycopg.errors.AdminShutdown("x"), CatalogueUnavailable),
        (psycopg.errors.CrashShutdown("x"), CatalogueUnavailable),
        (psycopg.errors.CannotConnectNow("x"), CatalogueUnavailable),
        (psycopg.errors.OutOfMemory("x"), CatalogueUnavailable),
        (psycopg.errors.TooManyConnections("x"), CatalogueBusy),
        (psycopg.errors.SerializationFailure("x"), CatalogueBusy),
        (psycopg.errors.InvalidPassword("x"), CatalogueUnavailable),
        (psycopg.errors.NumericValueOutOfRange("x"), CatalogueRefused),
        (psycopg.errors.UndefinedTable("x"), CatalogueRefused),
        (psycopg.errors.InsufficientPrivilege("x"), CatalogueRefused),
        (psycopg.OperationalError("the connection is lost"), CatalogueUnavailable),
        (psycopg.DataError("NUL in text"), CatalogueRefused),
        (OverflowError("int too big"), CatalogueRefused),
    ],
)
def test_each_code_has_its_meaning(error: Exception, kind: type[StorewardenError]) -> None:
    translated = refusals.translate(error, "postgresql://somewhere")

    assert type(translated) is kind
    assert "postgresql://somewhere" in str(translated)
