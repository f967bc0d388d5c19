"""What tables of an application's database hold: their columns, and their rows; runs in a child.

Rows are written into a file of ours, a line of JSON each, so that the database is read in one go
and whoever writes into it waits for no one. What a value is stays what it is: bytes stay bytes, and
text that is none is bytes too. A value longer than anybody takes is told by its length alone.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final

import apsw

from storewarden.databases.jobs import Document, Tell
from storewarden.databases.opening import Opened, read_settled
from storewarden.databases.rows.pieces import first, listed, quoted
from storewarden.errors import DatabaseUnusable

LONGEST: Final = 4 << 20  # bytes of a value; all longer ones are told by their length
BYTES, LONG = "__bytes__", "__long__"

_STEP: Final = 2_000  # rows that are read under one lock
_TELL: Final = 20_000  # rows between two words of how far it is
_SECONDS: Final = 20.0
_ROWIDS: Final = ("rowid", "_rowid_", "oid")
_MOST_TABLES: Final = 2_000
_ENCODINGS: Final = {"UTF-8": "utf-8", "UTF-16le": "utf-16-le", "UTF-16be": "utf-16-be"}


def shape(asked: Document, given: Sequence[int], _tell: Tell) -> Document:
    """Return tables with their columns, and by which of these a row is found at once."""
    parent, scratch = given
    return read_settled(parent, asked["file"], scratch, _shape, seconds=_SECONDS)


def spool(asked: Document, given: Sequence[int], tell: Tell) -> Document:
    """Write the rows of tables into the file of the second descriptor; return how many of each.

    ``tables`` are documents with ``table``, ``columns`` (names, or ``[column, table, key, taken]``
    for what another table has where its key is our column; three more go on from there). A line is
    the number of the table, what tells its row from others, and the values in the order of the
    columns.
    """
    parent, out, scratch = given
    return read_settled(
        parent,
        asked["file"],
        scratch,
        lambda opened: {"rows": _spooled(opened, asked["tables"], out, tell)},
        seconds=float(asked["seconds"]),
    )


# -- which tables there are ---------------------------------------------------------------------


def _shape(opened: Opened) -> dict[str, Any]:
    connection = opened.connection
    sql = "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    tables = [
        (name, bool(without))
        for name, without in connection.execute(f"{sql} ORDER BY name").fetchall()
        if isinstance(name, str) and not name.startswith("sqlite_")
    ]
    if len(tables) > _MOST_TABLES:
        why = f"it has {len(tables):,} tables"
        raise DatabaseUnusable("a database has more tables than are looked at", why=why)
    return {"tables": {name: _table(connection, name, without=without) for name, without in tables}}


def _table(connection: apsw.Connection, name: str, *, without: bool) -> dict[str, Any]:
    columns = [
        (str(column), int(primary))
        for _, column, _, _, _, primary, _ in connection.execute(
            "SELECT * FROM pragma_table_xinfo(?)", (name,)
        )
    ]
    names = [column for column, _ in columns]
    primary = [column for place, column in sorted((p, column) for column, p in columns if p)]
    found = {
        str(first(connection, "SELECT name FROM pragma_index_info(?) WHERE seqno = 0", (index,))[0])
        for (index,) in connection.execute(
            "SELECT name FROM pragma_index_list(?) WHERE NOT partial", (name,)
        ).fetchall()
    }
    rowid = next((one for one in _ROWIDS if one not in map(str.lower, names)), None)
    return {
        "columns": names,
        "key": primary if without or rowid is None else [rowid],
        # the primary key of a table with rowids may be the rowid itself, without an index
        "indexed": sorted(found | set(primary[:1])),
    }


# -- their rows ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """A table to read; its key comes first in each row."""

    table: str
    key: tuple[str, ...]
    values: tuple[str, ...]  # SQL of each

    @classmethod
    def of(cls, one: Mapping[str, Any]) -> _Asked:
        """Return what was asked for."""
        values = tuple(
            f"t.{quoted(column)}" if isinstance(column, str) else _looked_up(*column)
            for column in one["columns"]
        )
        return cls(one["table"], tuple(one["key"]), values)


def _looked_up(column: str, *way: str) -> str:
    """Return the SQL of what other tables have for a value of ours; NULL where one has nothing."""
    value = f"t.{quoted(column)}"
    for number, (table, key, taken) in enumerate(zip(way[::3], way[1::3], way[2::3], strict=True)):
        x = f"x{number}"
        value = (
            f"(SELECT {x}.{quoted(taken)} FROM main.{quoted(table)} {x}"  # noqa: S608
            f" WHERE {x}.{quoted(key)} = {value} LIMIT 1)"
        )
    return value


def _spooled(
    opened: Opened, tables: Sequence[Mapping[str, Any]], out: int, tell: Tell
) -> list[int]:
    os.ftruncate(out, 0)  # what was read of it before it changed counts for nothing
    os.lseek(out, 0, os.SEEK_SET)
    reader = _Reader(opened.connection)
    counts, before = [], 0
    with open(out, "wb", closefd=False) as file:
        for number, one in enumerate(tables):
            asked, count = _Asked.of(one), 0
            for key, values in reader.rows(asked):
                line = json.dumps([number, key, values], default=_as_text)
                file.write(line.encode() + b"\n")
                count += 1
                if not (before + count) % _TELL:
                    tell({"rows": before + count})
            counts.append(count)
            before += count
    return counts


class _Reader:
    """Reads rows in the order of their keys, a few thousand under one lock."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._mark = f"long-{token_hex(16)}-"  # no value can know it
        told = connection.execute("PRAGMA encoding").fetchall()
        self._encoding = _ENCODINGS.get(str(told[0][0]), "utf-8")

    def rows(self, asked: _Asked) -> Iterator[tuple[list[Any], list[Any]]]:
        """Yield the key and the values of each row."""
        after: list[Any] = []
        while True:
            count = 0
            for key, values in self._page(asked, after):
                count += 1
                after = key
                yield key, values
            if count < _STEP:
                return

    def _page(self, asked: _Asked, after: list[Any]) -> Iterator[tuple[list[Any], list[Any]]]:
        """Yield the next rows; those in which a text is none are read again, as bytes."""
        width, left = len(asked.key), _STEP
        try:
            for row in self._connection.execute(*self._query(asked, after, left, as_bytes=False)):
                left -= 1
                after = list(row[:width])
                yield after, [self._value(value) for value in row[width:]]
        except UnicodeDecodeError:
            query = self._query(asked, after, left, as_bytes=True)
            for row in self._connection.execute(*query):
                key = [self._key(*pair) for pair in _pairs(row[: 2 * width])]
                values = [self._decoded(*pair) for pair in _pairs(row[2 * width :])]
                yield key, [self._value(value) for value in values]

    def _query(
        self, asked: _Asked, after: list[Any], most: int, *, as_bytes: bool
    ) -> tuple[str, list[Any]]:
        keys = [f"t.{quoted(name)}" for name in asked.key]
        values = [
            f"CASE WHEN octet_length({one}) > {LONGEST}"
            f" THEN '{self._mark}' || octet_length({one}) ELSE {one} END"
            for one in asked.values
        ]
        wanted = [*keys, *values]
        if as_bytes:
            wanted = [
                part
                for one in wanted
                for part in (
                    f"typeof({one})",
                    f"CASE typeof({one}) WHEN 'text' THEN CAST({one} AS BLOB) ELSE {one} END",
                )
            ]
        row = listed(asked.key, "t")
        since = f" WHERE ({row}) > ({', '.join('?' * len(after))})" if after else ""
        sql = f"SELECT {', '.join(wanted)} FROM main.{quoted(asked.table)} t{since}"  # noqa: S608
        return f"{sql} ORDER BY {row} LIMIT {most}", after

    def _key(self, kind: str, value: Any) -> Any:
        """Return what a row is known by; rows that follow it could not be found by other bytes."""
        key = self._decoded(kind, value)
        if kind == "text" and isinstance(key, bytes):
            why = f"the key {key!r} of a row is no text"
            raise DatabaseUnusable("a table cannot be read", why=why)
        return key

    def _decoded(self, kind: str, value: Any) -> Any:
        if kind != "text" or not isinstance(value, bytes):
            return value
        try:
            return value.decode(self._encoding)
        except UnicodeDecodeError:
            return value

    def _value(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith(self._mark):
            return {LONG: int(value.removeprefix(self._mark))}
        return value


def _pairs(row: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    return zip(row[::2], row[1::2], strict=True)


def _as_text(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {BYTES: b64encode(value).decode("ascii")}
    raise TypeError(f"{type(value).__name__} does not travel")
