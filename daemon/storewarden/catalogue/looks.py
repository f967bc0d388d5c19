"""What was seen of databases when they were looked at, as it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from storewarden.catalogue.engine import Engine

_SEEN = (
    *("mark", "trouble", "there", "bytes", "page_size", "pages", "free_pages", "wal_bytes"),
    *("journal", "tables", "rows", "schema_digest", "foreign_keys", "connections", "told"),
    "looked_ns",
)
_TROUBLE = ("mark", "trouble", "there", "bytes", "wal_bytes", "connections", "looked_ns")
Octets = bytes  # one of the columns is called bytes


class Looked(NamedTuple):
    """What a database is, as it was seen."""

    mark: str
    bytes: int | None
    wal_bytes: int | None
    page_size: int | None = None
    pages: int | None = None
    free_pages: int | None = None
    journal: str | None = None
    tables: int | None = None
    rows: int | None = None
    schema_digest: Octets | None = None
    foreign_keys: str | None = None
    connections: int | None = None
    told: Mapping[str, Any] = {}


class Trouble(NamedTuple):
    """Why a database could not be looked at; what was seen of it before stays."""

    mark: str  # "": it is tried again though nobody writes into it
    trouble: str
    bytes: int | None
    wal_bytes: int | None
    connections: int | None = None
    there: bool = True


def write_looked(engine: Engine, looked: Iterable[tuple[int, Looked]], now_ns: int) -> None:
    """Keep what was seen of databases. Inside a transaction."""
    rows = [
        (
            *(one.mark, "", 1, one.bytes, one.page_size, one.pages, one.free_pages),
            *(one.wal_bytes, one.journal, one.tables, one.rows, one.schema_digest),
            *(one.foreign_keys, one.connections, json.dumps(dict(one.told)), now_ns, database_id),
        )
        for database_id, one in looked
    ]
    engine.update("databases", ("id",), _SEEN, rows)


def write_trouble(engine: Engine, troubles: Iterable[tuple[int, Trouble]], now_ns: int) -> None:
    """Keep why databases could not be looked at. Inside a transaction."""
    rows = [
        (
            *(one.mark, one.trouble, int(one.there), one.bytes, one.wal_bytes),
            *(one.connections, now_ns, database_id),
        )
        for database_id, one in troubles
    ]
    engine.update("databases", ("id",), _TROUBLE, rows)


def write_unchanged(
    engine: Engine, unchanged: Iterable[tuple[int, int | None, Mapping[str, Any]]], now_ns: int
) -> None:
    """Keep that databases are as they were, how many programs have them open, and what is told.

    Inside a transaction.
    """
    rows = [
        (connections, json.dumps(dict(told)), now_ns, database_id)
        for database_id, connections, told in unchanged
    ]
    engine.update("databases", ("id",), ("connections", "told", "looked_ns"), rows)
