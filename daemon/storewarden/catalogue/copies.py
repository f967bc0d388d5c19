"""Which objects hold which files: the only writer of ``copies`` and of what they come to.

Rows of files are deleted when two turn out to be one; whoever does that lets go of their copies
here first, for the figures are kept and never counted. The objects themselves are not touched.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from storewarden.catalogue import undecided
from storewarden.catalogue.engine import Engine, Row

_COLUMNS = (
    *("file_id", "store", "bytes", "digest", "verified_ns", "key", "codec", "stored_bytes"),
    *("version", "scrubbed_ns"),
)
_LIST = ", ".join(_COLUMNS)
_SET = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[2:])
# In this order: all that is outside of the times that are asked for stays unread.
OF_HOST = (
    "FROM copies c CROSS JOIN files f CROSS JOIN directories d CROSS JOIN roots r"
    " WHERE c.store = ? AND f.id = c.file_id AND d.id = f.directory_id AND r.id = d.root_id"
    " AND r.host_id = ?"
)


class Copy(NamedTuple):
    """A file in a store, as it was verified there."""

    file_id: int
    store: str
    size: int  # of the content
    digest: bytes  # of the content
    verified_ns: int
    key: str | None  # None where it was not noted
    codec: str  # empty: the object is the content
    stored_bytes: int
    version: str
    scrubbed_ns: int  # when it was last read to its end; below 0: when that found it damaged


class Stored(NamedTuple):
    """How many copies a host has in a store, and their bytes before and after packing."""

    store: str
    files: int
    size: int
    stored_bytes: int


def of_files(engine: Engine, ids: Collection[int]) -> dict[int, list[Copy]]:
    """Return the copies of files, by the name of the store; of one without any, nothing."""
    found: dict[int, list[Copy]] = defaultdict(list)
    for row in engine.fetch_in(f"SELECT {_LIST} FROM copies WHERE file_id IN ({{in}})", ids):
        found[row[0]].append(_copy(row))
    return {file_id: sorted(each, key=lambda one: one.store) for file_id, each in found.items()}


def at(engine: Engine, store: str, key: str) -> Copy | None:
    """Return whose copy an object is; None when no file knows it."""
    rows = engine.execute(f"SELECT {_LIST} FROM copies WHERE store = ? AND key = ?", (store, key))
    return _copy(rows[0]) if rows else None


def to_scrub(
    engine: Engine, host_id: int, store: str, before_ns: int, limit: int, *, after_ns: int = -1
) -> list[Copy]:
    """Return copies of a host's files that were last read before a time, those of long ago first.

    One whose object is not known cannot be read, and is left out; so is one that was damaged when
    it was last read, unless ``after_ns`` is below zero: see ``scrubbed``.
    """
    columns = ", ".join(f"c.{name}" for name in _COLUMNS)
    rows = engine.execute(
        f"SELECT {columns} {OF_HOST} AND c.scrubbed_ns > ? AND c.scrubbed_ns < ?"
        " AND c.key IS NOT NULL ORDER BY c.scrubbed_ns LIMIT ?",
        (store, host_id, after_ns, before_ns, limit),
    )
    return [_copy(row) for row in rows]


def stored(engine: Engine, host_id: int) -> list[Stored]:
    """Return what a host has in each store; kept, not counted."""
    rows = engine.execute(
        "SELECT store, files, bytes, stored_bytes FROM store_totals"
        " WHERE host_id = ? AND files > 0 ORDER BY store",
        (host_id,),
    )
    return [Stored(*row) for row in rows]


# -- writing, inside the open transaction ----------------------------------------------------------


def put(engine: Engine, copies: Sequence[Copy]) -> list[Copy]:
    """Note copies; return those whose place they took: other objects, that nobody knows any more.

    No two may be of one file in one store.
    """
    wanted = {(one.file_id, one.store) for one in copies}
    there = _rows(engine, {one.file_id for one in copies})
    replaced = [one for one in there if (one.file_id, one.store) in wanted]
    _count(engine, [*((one, 1) for one in copies), *((one, -1) for one in replaced)])
    marks = ", ".join("?" * len(_COLUMNS))
    engine.executemany(
        f"INSERT INTO copies ({_LIST}) VALUES ({marks})"
        f" ON CONFLICT (file_id, store) DO UPDATE SET {_SET}",
        copies,
    )
    kept = {(one.store, one.key) for one in copies}
    return [one for one in replaced if one.key and (one.store, one.key) not in kept]


def drop(engine: Engine, copies: Sequence[Copy]) -> None:
    """Forget copies."""
    _count(engine, [(one, -1) for one in copies])
    engine.executemany(
        "DELETE FROM copies WHERE file_id = ? AND store = ?",
        [(one.file_id, one.store) for one in copies],
    )


def carry(engine: Engine, from_id: int, to_id: int) -> None:
    """Let one row have the copies of another that is to be deleted: both are of one content.

    Of two in one store the other row's own stays, and its history tells of this one.
    """
    there = {one.store for one in _rows(engine, [to_id])}
    coming = _rows(engine, [from_id])
    drop(engine, coming)
    put(engine, [one._replace(file_id=to_id) for one in coming if one.store not in there])
    _tell(engine, "copy-replaced", [(to_id, one) for one in coming if one.store in there], None)


def outdate(engine: Engine, ids: Collection[int], now_ns: int) -> None:
    """Forget the copies of files whose content is another now; their histories tell of them."""
    old = _rows(engine, ids)
    if old:
        drop(engine, old)
        _tell(engine, "copy-outdated", [(one.file_id, one) for one in old], now_ns)


def outdate_unlike(engine: Engine, ids: Collection[int], now_ns: int) -> None:
    """Forget the copies that do not hold what their files turned out to be."""
    unlike = engine.fetch_in(
        "SELECT c.file_id, c.store FROM copies c JOIN files f ON f.id = c.file_id"
        " WHERE f.digest <> c.digest AND c.file_id IN ({in})",
        ids,
    )
    if unlike:
        pairs = set(unlike)
        old = _rows(engine, {file_id for file_id, _ in pairs})
        old = [one for one in old if (one.file_id, one.store) in pairs]
        drop(engine, old)
        _tell(engine, "copy-outdated", [(one.file_id, one) for one in old], now_ns)
        undecided.mark(engine, {one.file_id for one in old})


def _rows(engine: Engine, ids: Collection[int]) -> list[Copy]:
    return [one for each in of_files(engine, ids).values() for one in each]


def _copy(row: Row) -> Copy:
    return Copy._make(row)._replace(digest=bytes(row[3]))


def _tell(
    engine: Engine, event: str, copies: Iterable[tuple[int, Copy]], now_ns: int | None
) -> None:
    """Add where objects lie that no row tells of any more to the histories of files."""
    engine.insert(
        "history",
        ("file_id", "at_ns", "event", "detail"),
        [
            (
                *(file_id, one.verified_ns if now_ns is None else now_ns, event),
                json.dumps({"store": one.store, "key": one.key}),
            )
            for file_id, one in copies
        ],
    )


def _count(engine: Engine, changes: Sequence[tuple[Copy, int]]) -> None:
    """Bring the figures up to what changes."""
    hosts: dict[int, int] = dict(
        engine.fetch_in(
            "SELECT f.id, r.host_id FROM files f JOIN directories d ON d.id = f.directory_id"
            " JOIN roots r ON r.id = d.root_id WHERE f.id IN ({in})",
            {one.file_id for one, _ in changes},
        )
    )
    sums: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one, sign in changes:
        sum_ = sums[hosts[one.file_id], one.store]
        for at_, amount in enumerate((1, one.size, one.stored_bytes)):
            sum_[at_] += sign * amount
    engine.executemany(
        "INSERT INTO store_totals (host_id, store, files, bytes, stored_bytes)"
        " VALUES (?, ?, 0, 0, 0) ON CONFLICT (host_id, store) DO NOTHING",
        list(sums),
    )
    engine.executemany(
        "UPDATE store_totals SET files = files + ?, bytes = bytes + ?,"
        " stored_bytes = stored_bytes + ? WHERE host_id = ? AND store = ?",
        [(*sum_, *key) for key, sum_ in sums.items()],
    )
