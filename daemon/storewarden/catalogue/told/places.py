"""Places of which something was told, and the files that are known by them.

A place names the file that is there now; else one that was archived from there, or is missing; else
what shall come. A file that left a place otherwise, renamed or into the trash, is not meant by it
any more: what is told of the next file there is not written to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.rules import LARGEST

_LOCK: Final = (0x53746F72, 8)  # "Stor": who tells of a file, and who sees it, at the same moment
_COLUMNS: Final = (
    *("id", "file_id", "waiting", "owner_id", "workflow_id", "scene_id", "file_type", "title"),
    *("metadata", "public", "pinned", "rating", "tags", "cost_nano", "cost_currency", "told_ns"),
)
_TOLD: Final = ", ".join(f"t.{column}" for column in _COLUMNS)


class Place(NamedTuple):
    """Where a file is, or shall be; ``directory`` is relative to the root."""

    root_id: int
    directory: bytes
    name: bytes


class ToldRow(NamedTuple):
    """What was told of a place, as it is stored."""

    id: int
    file_id: int | None
    waiting: int
    owner_id: int | None
    workflow_id: int | None
    scene_id: int | None
    file_type: str | None
    title: str | None
    metadata: str
    public: int
    pinned: int | None
    rating: float | None
    tags: str
    cost_nano: int | None
    cost_currency: str | None
    told_ns: int

    def with_cost(self, nano: int | None, currency: str | None) -> dict[str, Any]:
        """Return the columns that say what it cost, with so much more."""
        if nano is None:
            return {}
        mixed = self.cost_nano is not None and self.cost_currency != currency
        total = min(LARGEST, nano + (self.cost_nano or 0))
        return {"cost_nano": total, "cost_currency": "" if mixed else currency}


class Known(NamedTuple):
    """What there is of a place: the file that it names, and what was told of it."""

    file_id: int | None = None
    told: ToldRow | None = None


class Made(NamedTuple):
    """What is told of a place, and whether its row was made for it."""

    file_id: int | None
    told: ToldRow
    created: bool


def known(engine: Engine, place: Place) -> Known:
    """Return what there is of a place."""
    found = _seen(engine, place)
    if found is not None:
        return found
    rows = engine.execute(
        f"SELECT {_TOLD} FROM told_files t"
        " WHERE t.root_id = ? AND t.directory = ? AND t.name = ? AND t.waiting = 1",
        place,
    )
    return Known(None, ToldRow._make(rows[0]) if rows else None)


def made(engine: Engine, place: Place, now_ns: int) -> Made:
    """Return what is told of a place, having made a row for it where there was none.

    Inside a transaction that began with ``begin_telling``.
    """
    there = known(engine, place)
    if there.told is not None:
        return Made(there.file_id, there.told, created=False)
    waiting = int(there.file_id is None)
    rows = engine.execute(
        "INSERT INTO told_files"
        " (root_id, directory, name, waiting, file_id, first_told_ns, told_ns)"
        f" VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {', '.join(_COLUMNS)}",
        (*place, waiting, there.file_id, now_ns, now_ns),
    )
    return Made(there.file_id, ToldRow._make(rows[0]), created=True)


def of_file(engine: Engine, file_id: int) -> ToldRow | None:
    """Return what was told of a file."""
    rows = engine.execute(f"SELECT {_TOLD} FROM told_files t WHERE t.file_id = ?", (file_id,))
    return ToldRow._make(rows[0]) if rows else None


def change(engine: Engine, told_id: int, values: Mapping[str, Any], now_ns: int) -> None:
    """Set columns of a row."""
    columns = ", ".join(f"{column} = ?" for column in (*values, "told_ns"))
    engine.execute(
        f"UPDATE told_files SET {columns} WHERE id = ?", (*values.values(), now_ns, told_id)
    )


def by_ids(engine: Engine, ids: Collection[int]) -> list[ToldRow]:
    """Return rows of what was told."""
    rows = engine.fetch_in(f"SELECT {_TOLD} FROM told_files t WHERE t.id IN ({{in}})", ids)
    return [ToldRow._make(row) for row in rows]


def begin_telling(engine: Engine) -> None:
    """Let no file be recorded until the transaction ends, of which this is the beginning.

    Else a place could be told of and its file be seen at the same moment, and neither would learn
    of the other. The writer of SQLite is alone anyway.
    """
    if engine.dialect == "postgresql":
        engine.execute("SELECT pg_advisory_xact_lock(?, ?)", _LOCK)


def begin_seeing(engine: Engine) -> None:
    """Let no place be told of until the transaction ends, of which this is the beginning."""
    if engine.dialect == "postgresql":
        engine.execute("SELECT pg_advisory_xact_lock_shared(?, ?)", _LOCK)


def _seen(engine: Engine, place: Place) -> Known | None:
    rows = engine.execute(
        f"SELECT f.id, f.state, {_TOLD} FROM directories d"
        " JOIN files f ON f.directory_id = d.id LEFT JOIN told_files t ON t.file_id = f.id"
        " WHERE d.root_id = ? AND d.path = ? AND f.name = ?"
        " AND f.state <> 'trashed' AND f.state <> 'purged'",
        place,
    )
    if not rows:
        return None
    file_id, _, *told = max(rows, key=lambda row: (row[1] in {"present", "held"}, row[0]))
    return Known(file_id, None if told[0] is None else ToldRow._make(told))
