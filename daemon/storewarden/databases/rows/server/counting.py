"""How many rows of a server's table are due, and which of them name a file that is gone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from storewarden.databases.rows.counted import Count
from storewarden.databases.rows.fileless import MOST, Gone
from storewarden.databases.rows.picked import Picked
from storewarden.databases.rows.server.asking import equal, listed, named, quoted, time, where
from storewarden.databases.rows.server.tables import Held, Tree, find
from storewarden.databases.rows.server.talking import Server, text

_SAMPLE: Final = 500  # rows whose bytes are counted; the others are taken to be like them


def parent_of(server: Server, picked: Picked) -> Held | None:
    """Return the table whose rows orphans lack."""
    return find(server, picked.parent) if picked.what == "orphans" else None


def count(server: Server, tree: Tree, picks: Iterable[Picked]) -> Iterator[Count]:
    """Yield the figures of each choice of rows of the first table."""
    for picked in picks:
        with server.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
            yield _count(server, tree, picked)


def _count(server: Server, tree: Tree, picked: Picked) -> Count:
    root = tree.root
    meant = where(picked, root, root.typed, parent_of(server, picked))
    counted = Count(
        slow=[f"{t.name}.{', '.join(t.columns_up)}" for t in tree.tables if not t.indexed]
    )
    counted.of_rows = _number(server, f"SELECT count(*) FROM {root.place}")
    if picked.clock:
        shown = time(picked, root.typed, "m")
        of = f"FROM {root.place} m WHERE {meant}"
        ((rows, first, last),) = server.rows(f"SELECT count(*), min({shown}), max({shown}) {of}")
        counted.rows = int(rows or 0)
        counted.first_ns, counted.last_ns = (None if n is None else int(n) for n in (first, last))
        if not picked.since:
            sql = f"SELECT count(*) FROM {root.place} m WHERE {shown} IS NULL"
            counted.timeless = _number(server, sql)
    else:
        counted.rows = _number(server, f"SELECT count(*) FROM {root.place} m WHERE {meant}")
    per_row = _bytes(server, root)
    counted.bytes, counted.of_bytes = counted.rows * per_row, counted.of_rows * per_row
    for at, table, _ in tree.below():
        rows_there = 0
        if counted.rows:
            rows_there = _number(server, f"SELECT count(*) FROM {chain(tree, at)} WHERE {meant}")
        counted.children[table.name] = rows_there
        of_rows = _number(server, f"SELECT count(*) FROM {table.place}")
        per_row = _bytes(server, table)
        counted.bytes += rows_there * per_row
        counted.of_bytes += of_rows * per_row
    return counted


def chain(tree: Tree, at: int) -> str:
    """Return the join from a table up to the first of its tree, which is called ``m``."""
    table = tree.tables[at]
    told = f"{table.place} {_called(at)}"
    while table.parent is not None:
        above = tree.tables[table.parent]
        on = equal(_called(at), table.columns_up, _called(table.parent), above.key)
        told += f" JOIN {above.place} {_called(table.parent)} ON {on}"
        at, table = table.parent, above
    return told


def _called(at: int) -> str:
    return f"t{at}" if at else "m"


def _number(server: Server, sql: str) -> int:
    return server.number(sql) or 0


def _bytes(server: Server, table: Held) -> int:
    """Return about how many bytes a row has."""
    sample = f"SELECT {listed(table.columns)} FROM {table.place} LIMIT {_SAMPLE}"
    return _number(server, f"SELECT avg(pg_column_size(m.*))::bigint FROM ({sample}) m")


def gone(server: Server, tree: Tree, column: str, base: bytes) -> Mapping[str, Any]:
    """Look for the file of each row that names one."""
    told, root = Gone(), tree.root
    there: dict[bytes, bool] = {}
    path = quoted(named(column, root.columns))
    with server.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
        for written, *key in server.copied(
            f"SELECT {path}, {listed(root.key)} FROM {root.place} WHERE {path}::text <> ''"
        ):
            told.rows += 1
            name = os.path.normpath(os.path.join(base, written or b""))
            if os.path.lexists(name) or not all(_plain(part) for part in key):
                continue
            directory = os.path.dirname(name)
            if directory not in there:
                there[directory] = os.path.isdir(directory)
            if not there[directory]:
                told.unknown += 1
            elif len(told.found) < MOST:
                told.found.append([name, [text(part) for part in key]])
    return told.facts()


def _plain(part: bytes | None) -> bool:
    return part is not None and part.isascii() and part.decode("ascii").isprintable()
