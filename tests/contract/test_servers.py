"""What a PostgreSQL database is, asked of a real server by a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from storewarden.databases.child import run_job
from storewarden.errors import DatabaseUnavailable
from tests.catalogues import fresh_database


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    """A database of an application."""
    with fresh_database(postgres_url, "storewarden_app") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in (
                b"CREATE TABLE talks (id BIGINT PRIMARY KEY, text TEXT)",
                b'CREATE TABLE "odd ""name" (talk_id BIGINT REFERENCES talks (id))',
                b"CREATE VIEW seen AS SELECT * FROM talks",
                b"INSERT INTO talks SELECT i, 'x' FROM generate_series(1, 1000) i",
                b"ANALYZE talks",
            ):
                connection.execute(statement)
        yield url


def look(url: str) -> dict[str, Any]:
    return dict(run_job("look_server", {"url": url}, seconds=30))


def test_a_database_of_a_server_tells_of_itself(url: str) -> None:
    with psycopg.connect(url):
        told = look(url)

    assert told["bytes"] > 1_000_000
    assert (told["tables"], told["indexes"], told["views"]) == (2, 1, 1)
    assert (told["rows"], told["rows_are"]) == (1000, "unknown")
    assert told["rows_by_table"] == {
        "public.talks": [1000, "analyzed"],
        'public.odd "name': [None, "unknown"],
    }
    assert told["bytes_by_table"]["public.talks"] > 8192
    assert (told["foreign_keys"], told["connections"], told["encoding"]) == ("on", 1, "utf-8")
    assert told["most_connections"] == 60
    assert told["server_version"]


def test_rows_are_analyzed_where_all_tables_were(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(b"ANALYZE")

    assert look(url)["rows_are"] == "analyzed"


def test_a_schema_is_the_same_until_it_is_changed(url: str) -> None:
    before = look(url)["schema_digest"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(b"INSERT INTO talks VALUES (5000, 'y')")
        assert look(url)["schema_digest"] == before
        connection.execute(b"ALTER TABLE talks ADD COLUMN more INTEGER")
        assert look(url)["schema_digest"] != before
        connection.execute(b"ALTER TABLE talks DROP COLUMN more")
        assert look(url)["schema_digest"] == before


def test_nothing_can_be_written_by_looking(url: str) -> None:
    from storewarden.databases import servers

    with psycopg.connect(url, options="-c default_transaction_read_only=on") as connection:
        assert servers.facts(connection)["tables"] == 2


def test_a_server_that_is_away_is_told_without_its_password() -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        look("postgresql://me:hunter2@/app?host=/nowhere")

    told = str(caught.value)
    assert "hunter2" not in told
    assert "/nowhere" in told
