"""What is only so at a server: its types, its encodings, its triggers, and who waits for whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from storewarden.catalogue.engine import Engine
from storewarden.databases.rows.restored import Wanted
from storewarden.databases.rows.tables import Declared
from storewarden.errors import PermanentError
from tests.catalogues import furnish, sqlite_place
from tests.tables import Kept, Postgres, fill, kept

ALONE = Declared("talks", ("id",))
VALUES = {
    "numeric": (
        "1.0",
        "1.00",
        "-0.000000000000000000000001",
        "123456789012345678901234567890",
        "NaN",
    ),
    "bigint": (str(2**63 - 1), str(-(2**63))),
    "double precision": ("0.1", "-0", "5e-324", "1.7976931348623157e308", "NaN", "-Infinity"),
    "real": ("0.1", "1e-45"),
    "timestamptz": ("2023-01-02 03:04:05.123456+05:30", "infinity", "0044-03-15 00:00:00+00 BC"),
    "timestamp": ("294276-12-31 23:59:59.999999", "-infinity"),
    "date": ("5874897-12-31", "2000-02-29"),
    "timetz": ("03:04:05.1-07:30",),
    "interval": ("-1 years -2 mons +3 days -04:05:06.789",),
    "json": ('{"a":  1, "a": 2}', '"\\\\u00e4"'),
    "jsonb": ('{"b": [1, 1.0, null], "a": "x"}', "null"),
    "bytea": ("\\\\x00ff5c0a09", "\\\\x"),
    "text": ("", "\\\\N", "NULL", "tab\tline\nreturn\r\\\\.", " ä😀 "),
    "char(5)": ("a", ""),
    "text[]": ('{NULL,"NULL","a,b","\\\\"",{}}'.replace(",{}", ""), "{}", '[0:1]={x,"y\\\\\\\\z"}'),
    "integer[][]": ("{{1,2},{3,NULL}}",),
    "boolean": ("t", "f"),
    "uuid": ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",),
    "inet": ("192.168.1.1", "192.168.1.0/24", "::1"),
    "bit(3)": ("101",),
    "money": ("-12.34",),
    "point": ("(1.5,-2)",),
    "tsvector": ("'a':1A 'b''c':2",),
    "int4range": ("[1,5)", "empty"),
    "mood": ("so so",),
    "pair": ('(1,"a ""b"",\\\\\\\\")', "(,)"),
    "positive": ("7",),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One catalogue for all tests of this file; its journal of rows is emptied for each."""
    with sqlite_place(tmp_path_factory.mktemp("catalogue") / "state") as place:
        engine = place.made()
        furnish(engine)
        yield engine


@pytest.fixture
def keep(postgres_database: str, tmp_path: Path, engine: Engine) -> Iterator[Kept]:
    """Who keeps rows of an empty database."""
    with kept(Postgres(postgres_database), tmp_path, engine) as keeps:
        yield keeps


def test_values_of_every_type_come_back_as_they_were(keep: Kept) -> None:
    keep.declared = ALONE
    columns = [f"c{number} {type_}" for number, type_ in enumerate(VALUES)]
    keep.application.do(
        "CREATE TYPE mood AS ENUM ('so so', 'fine')",
        "CREATE TYPE pair AS (a integer, b text)",
        "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
        "CREATE TABLE talks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz,"
        f' "odd ""name" text, {", ".join(columns)},'
        " twice bigint GENERATED ALWAYS AS (id * 2) STORED)",
        "INSERT INTO talks (at) VALUES ('2020-01-01Z')",
    )
    for number, texts in enumerate(VALUES.values()):
        for text in texts:
            value = "E'" + text.replace("'", "''") + "'"
            keep.application.do(
                f"INSERT INTO talks (at, c{number}) VALUES ('2020-01-01Z', {value})"
            )
    before = keep.dump("talks")

    archive = keep.archive()

    assert archive is not None
    assert archive.told["removed"]["left"] == 0
    assert keep.ids() == set()
    keep.keeper().restore(archive, Wanted().facts())
    assert keep.dump("talks") == before


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP", "SQL_ASCII", "EUC_TW"])
def test_texts_in_any_encoding_of_the_server_come_back_as_they_were(
    postgres_url: str, tmp_path: Path, engine: Engine, encoding: str
) -> None:
    name = f"storewarden_rows_{encoding.lower()}"
    texts = {
        "LATIN1": b"\xe4\xff\xc3\xa4",
        "EUC_JP": "日本語".encode("euc_jp"),
        "SQL_ASCII": b"\xff\xfe\x80 \\ \t",
        "EUC_TW": b"\xc4\xe3\xa1\xa1",
    }
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        form = f"TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
        connection.execute(f"CREATE DATABASE {name} {form}".encode())
    url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
    try:
        with kept(Postgres(url), tmp_path, engine) as keep:
            keep.declared = ALONE
            with psycopg.connect(url, autocommit=True, client_encoding="SQL_ASCII") as connection:
                connection.execute(b"CREATE TABLE talks (id int PRIMARY KEY, at date, said text)")
                said = b"'" + texts[encoding] + b"'"
                connection.execute(b"INSERT INTO talks VALUES (1, '2020-01-01', " + said + b")")
            before = keep.dump("talks")
            archive = keep.archive()
            assert archive is not None
            assert keep.ids() == set()
            keep.keeper().restore(archive, Wanted(keys=(("1",),)).facts())
            assert keep.dump("talks") == before
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("DELETE FROM logs; RETURN OLD;", "deletes rows of logs, which are not archived"),
        ("RETURN NULL;", "8 rows of talks were to go and 0 went"),
    ],
)
def test_what_triggers_do_besides_keeps_all_as_it_was(keep: Kept, body: str, told: str) -> None:
    fill(keep.application)
    keep.application.do(
        "CREATE TABLE logs (id integer)",
        "INSERT INTO logs VALUES (1)",
        f"CREATE FUNCTION does() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} END$$",
        "CREATE TRIGGER does BEFORE DELETE ON talks FOR EACH ROW EXECUTE FUNCTION does()",
    )
    before = keep.dump("talks", "messages", "logs")

    with pytest.raises(PermanentError) as caught:
        keep.archive()

    assert told in str(caught.value)
    assert keep.dump("talks", "messages", "logs") == before


def test_what_an_application_holds_is_waited_for(keep: Kept) -> None:
    fill(keep.application)
    held, ended = threading.Event(), threading.Event()

    def hold() -> None:
        assert keep.application.url is not None
        with psycopg.connect(keep.application.url) as connection:
            connection.execute(b"UPDATE talks SET title = 'held' WHERE id = 9")
            held.set()
            ended.wait(1.0)

    holder = threading.Thread(target=hold)

    def wait() -> None:
        holder.start()
        held.wait(10.0)

    keep.meanwhile = {"_remove": wait}

    archive = keep.archive()
    holder.join()

    assert archive is not None
    assert archive.told["removed"]["waits"] > 0
    assert archive.told["removed"]["left"] == 1
    assert keep.ids() == {0, 1, 2, 3, 9}


def test_children_without_a_key_are_told(keep: Kept) -> None:
    fill(keep.application)
    keep.application.do("CREATE TABLE parts (message integer, what text)")
    below = Declared("messages", (), ((("message",), Declared("parts", ())),))
    keep.declared = Declared("talks", ("id",), ((("talk",), below),))

    with pytest.raises(PermanentError, match="parts has no key: nothing tells its rows apart"):
        keep.look()
