"""What a SQLite database is: its pages, tables and rows, its schema; runs in a child.

Rows are counted only where that is cheap. Else they are what ANALYZE found, else the largest rowid,
which is as many or more: how exact a number is, is told with it. Everything has its time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import apsw
from blake3 import blake3

from storewarden.below import open_below
from storewarden.databases.check import quoted
from storewarden.databases.found import unreadable
from storewarden.databases.jobs import Document, Tell
from storewarden.databases.opening import Opened, read_settled
from storewarden.databases.wire import of_error
from storewarden.errors import StorewardenError, TransientError

SMALL: Final = 8 << 20  # bytes of a database whose rows are simply counted
SECONDS: Final = 10.0  # for all of one database
FOR_ROWS: Final = 2.0
FOR_REFERENCES: Final = 1.0
MOST_TABLES: Final = 100  # whose rows are told one by one

EXACT, ANALYZED, ROWID, UNKNOWN = "exact", "analyzed", "rowid", "unknown"

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_GLANCE: Final = 10_000  # instructions of SQLite between looks at the clock
_ENCODINGS: Final = {"UTF-8": "utf-8", "UTF-16le": "utf-16le", "UTF-16be": "utf-16be"}
_SCHEMA: Final = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY type, name"
_REFERENCES: Final = (
    "SELECT 1 FROM sqlite_schema s, pragma_foreign_key_list(s.name) WHERE s.type = 'table' LIMIT 1"
)

Entry = tuple[Any, Any, Any, Any, Any]


def look(arguments: Document, descriptors: Sequence[int], tell: Tell) -> Document:
    """Look at databases, one after the other; each is told as soon as it was looked at.

    The descriptors are those of directories, the last that of a scratch directory. ``databases``
    are pairs of the number of a directory and a path below it. Told is ``begun`` with its number
    before each, and then ``number`` with what it is as ``look``, or with an ``error``: so it is
    known which one it was, should this process not come to its end.
    """
    *directories, scratch = descriptors
    for number, (at, path) in enumerate(arguments["databases"]):
        tell({"begun": number})
        try:
            tell({"number": number, "look": _looked(directories[at], bytes(path), scratch)})
        except StorewardenError as error:
            again = isinstance(error, TransientError)
            tell({"number": number, "error": of_error(error), "again": again})
    return {}


def _looked(directory: int, path: bytes, scratch: int) -> Document:
    above, _, name = path.rpartition(b"/")
    try:
        parent = open_below(directory, above, _DIRECTORY)
    except OSError as error:
        raise unreadable(name, error.strerror or str(error)) from error
    try:
        return read_settled(parent, name, scratch, facts, seconds=SECONDS)
    finally:
        os.close(parent)


def facts(opened: Opened) -> dict[str, Any]:
    """Return what a database is that was opened for reading."""
    clock = _Clock(opened.connection)
    page_size, pages = _number(opened, "page_size"), _number(opened, "page_count")
    schema = list(_schema(opened.connection))
    keys = _foreign_keys(clock)
    rows = _Rows(clock, small=page_size * pages <= SMALL).of(schema)
    exactness = _least([how for _, how in rows.values()])
    largest = sorted(rows.items(), key=lambda each: (-(each[1][0] or 0), each[0]))[:MOST_TABLES]
    return {
        "page_size": page_size,
        "pages": pages,
        "free_pages": min(_number(opened, "freelist_count"), pages),
        "journal": "wal" if _is_wal(opened) else "rollback",
        "tables": sum(_is_table(one) for one in schema),
        "indexes": sum(one[0] == "index" for one in schema),
        "views": sum(one[0] == "view" for one in schema),
        "triggers": sum(one[0] == "trigger" for one in schema),
        "rows": sum(count or 0 for count, _ in rows.values()),
        "rows_are": exactness,
        "rows_by_table": {name: list(counted) for name, counted in largest},
        "schema_digest": fingerprint(schema),
        "foreign_keys": keys,
        "broken_references": keys == "off",
        "encoding": _ENCODINGS.get(str(_pragma(opened, "encoding"))),
        "user_version": _number(opened, "user_version"),
        "application_id": _number(opened, "application_id"),
        "auto_vacuum": _number(opened, "auto_vacuum"),
        "how": str(opened.how),
    }


def fingerprint(schema: Sequence[Entry]) -> bytes:
    """Return 32 bytes that tell a schema from others: whatever order it was made in."""
    digest = blake3()
    for kind, name, table, _, sql in schema:
        for part in (kind, name, table, sql):
            data = b"\0" if part is None else repr(part).encode("utf-8", "backslashreplace")
            digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


class _Clock:
    """Gives statements of a connection a time of their own; what needs more is interrupted."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection

    def within(self, seconds: float, statement: str) -> list[tuple[Any, ...]] | None:
        """Return the rows of a statement, None when it takes longer, or cannot be carried out."""
        until = time.monotonic() + seconds
        late: Callable[[], bool] = lambda: time.monotonic() > until  # noqa: E731
        self.connection.set_progress_handler(late, _GLANCE)
        try:
            return self.connection.execute(statement).fetchall()
        except (apsw.InterruptError, apsw.SQLError, apsw.AuthError, UnicodeDecodeError):
            return None
        finally:
            self.connection.set_progress_handler(None)


class _Rows:
    """Counts rows, or says how many there may be."""

    def __init__(self, clock: _Clock, *, small: bool) -> None:
        self._clock = clock
        self._small = small
        self._until = time.monotonic() + FOR_ROWS
        self._analyzed: dict[str, int] = {}

    def of(self, schema: Sequence[Entry]) -> dict[str, tuple[int | None, str]]:
        """Return for each table how many rows it has, and how exact that is."""
        names = [one[1] for one in schema if _is_table(one) and one[3]]
        if not self._small and any(one[1] == "sqlite_stat1" for one in schema):
            self._analyzed = self._read_analyzed()
        return {name: self._table(name) for name in names}

    def _table(self, name: str) -> tuple[int | None, str]:
        if name in self._analyzed:
            return self._analyzed[name], ANALYZED
        if self._small:
            counted = self._ask(f"SELECT count(*) FROM {quoted(name)}")  # noqa: S608  # quoted
            if counted is not None:
                return counted, EXACT
        statement = f"SELECT coalesce(max(rowid), 0) FROM {quoted(name)}"  # noqa: S608  # quoted
        largest = self._ask(statement)
        return (None, UNKNOWN) if largest is None else (max(0, largest), ROWID)

    def _ask(self, statement: str) -> int | None:
        rows = self._clock.within(max(0.0, self._until - time.monotonic()), statement)
        return rows[0][0] if rows and isinstance(rows[0][0], int) else None

    def _read_analyzed(self) -> dict[str, int]:
        """Return the rows of each table as the last ANALYZE found them."""
        rows = self._clock.within(
            max(0.0, self._until - time.monotonic()), "SELECT tbl, stat FROM sqlite_stat1"
        )
        found: dict[str, int] = {}
        for table, stat in rows or ():
            first = str(stat).partition(" ")[0]
            if isinstance(table, str) and first.isascii() and first.isdigit():
                found[table] = max(found.get(table, 0), min(int(first), 2**62))
        return found


def _schema(connection: apsw.Connection) -> Iterator[Entry]:
    yield from connection.execute(_SCHEMA)


def _is_table(entry: Entry) -> bool:
    kind, name = entry[:2]
    return kind == "table" and isinstance(name, str) and not name.startswith("sqlite_")


def _foreign_keys(clock: _Clock) -> str:
    """Say whether there are foreign keys, and whether somebody wrote without minding them."""
    if not clock.within(FOR_REFERENCES, _REFERENCES):
        return "none"
    broken = clock.within(FOR_REFERENCES, "SELECT 1 FROM pragma_foreign_key_check LIMIT 1")
    return "off" if broken else "declared"


def _least(known: Sequence[str]) -> str:
    """Return how exact a sum is: as exact as the least exact of its parts."""
    order = (EXACT, ANALYZED, ROWID, UNKNOWN)
    return max(known, key=order.index, default=EXACT)


def _is_wal(opened: Opened) -> bool:
    return os.pread(opened.descriptor, 1, 18) == b"\2"


def _number(opened: Opened, name: str) -> int:
    value = _pragma(opened, name)
    return value if isinstance(value, int) else 0


def _pragma(opened: Opened, name: str) -> Any:
    rows = opened.connection.execute(f"PRAGMA {name}").fetchall()
    return rows[0][0] if rows else None
