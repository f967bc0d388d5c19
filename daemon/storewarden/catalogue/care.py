"""What is done for databases: where each kind of care stands, what is due, and what was done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from storewarden.catalogue.engine import Engine

Key = tuple[int, str]
"""A database, and a kind of care."""

_LARGEST = 16_000  # characters of JSON: what is told of a run is read by people


class Known(NamedTuple):
    """A database as care needs it; ``policy`` is whose care of it wins, by what is decided."""

    id: int
    name: str
    place: bytes
    engine: str
    there: bool
    first_seen_ns: int
    file_id: int | None
    bytes: int | None
    policy: str | None


class Stands(NamedTuple):
    """Where one kind of care for a database stands."""

    database_id: int
    what: str
    last_ns: int | None = None
    good_ns: int | None = None
    next_try_ns: int | None = None
    failures: int = 0
    due_ns: int | None = None
    outcome: str | None = None
    mark: str = ""
    detail: str = "{}"


class Open(NamedTuple):
    """A run that began and of which nothing is known since."""

    id: int
    database_id: int
    what: str
    began_ns: int


def known(engine: Engine, host_id: int) -> list[Known]:
    """Return all databases of a host."""
    rows = engine.execute(
        "SELECT d.id, d.name, d.place, d.engine, d.there, d.first_seen_ns, d.file_id, d.bytes,"
        " p.name FROM databases d"
        " LEFT JOIN schedule s ON s.file_id = d.file_id AND s.care > 0"
        " LEFT JOIN policies p ON p.id = s.care WHERE d.host_id = ? ORDER BY d.id",
        (host_id,),
    )
    return [Known._make((*row[:2], bytes(row[2]), row[3], bool(row[4]), *row[5:])) for row in rows]


def files(engine: Engine, host_id: int) -> int:
    """Return how many files of a host's roots are databases, as the recorder keeps it."""
    rows = engine.execute(
        "SELECT coalesce(sum(t.files), 0) FROM totals t JOIN roots r ON r.id = t.root_id"
        " WHERE r.host_id = ? AND t.kind = 'database' AND t.state = 'present'",
        (host_id,),
    )
    return int(rows[0][0])


def stands(engine: Engine, host_id: int) -> dict[Key, Stands]:
    """Return where all care of a host's databases stands."""
    columns = ", ".join(f"c.{name}" for name in Stands._fields)
    rows = engine.execute(
        f"SELECT {columns} FROM care c JOIN databases d ON d.id = c.database_id"
        " WHERE d.host_id = ?",
        (host_id,),
    )
    return {(row[0], row[1]): Stands(*row) for row in rows}


def due(engine: Engine, host_id: int, now_ns: int) -> list[Stands]:
    """Return what is due, that which waits longest first; what rests after a failure is left out.

    Only what is due is gone through, by an index.
    """
    columns = ", ".join(f"c.{name}" for name in Stands._fields)
    rows = engine.execute(
        # SQLite joins in this order: left to itself it goes through all care of the host
        f"SELECT {columns} FROM care c CROSS JOIN databases d"
        " WHERE c.due_ns <= ? AND d.id = c.database_id AND d.host_id = ?"
        " AND (c.next_try_ns IS NULL OR c.next_try_ns <= ?)"
        " ORDER BY c.due_ns, c.database_id, c.what",
        (now_ns, host_id, now_ns),
    )
    return [Stands(*row) for row in rows]


def write(engine: Engine, rows: Iterable[Stands]) -> None:
    """Remember where care stands, in place of where it stood."""
    names = Stands._fields
    sets = ", ".join(f"{name} = excluded.{name}" for name in names[2:])
    values = list(rows)
    if not values:
        return
    with engine.joined():
        engine.executemany(
            f"INSERT INTO care ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            f" ON CONFLICT (database_id, what) DO UPDATE SET {sets}",
            values,
        )


def begin(
    engine: Engine,
    databases: Sequence[int],
    what: str,
    policy: str | None,
    asked_by: str,
    now_ns: int,
) -> dict[int, int]:
    """Note that something is begun for databases; return the number of the run of each."""
    runs = {}
    with engine.joined():
        for database_id in databases:
            rows = engine.execute(
                "INSERT INTO care_runs (database_id, what, policy, asked_by, began_ns)"
                " VALUES (?, ?, ?, ?, ?) RETURNING id",
                (database_id, what, policy, asked_by, now_ns),
            )
            runs[database_id] = int(rows[0][0])
    return runs


def end(engine: Engine, run_id: int, outcome: str, detail: Mapping[str, Any], now_ns: int) -> None:
    """Note what came of a run."""
    with engine.joined():
        engine.execute(
            "UPDATE care_runs SET ended_ns = ?, outcome = ?, detail = ? WHERE id = ?",
            (now_ns, outcome, as_text(detail), run_id),
        )


def left_open(engine: Engine, host_id: int) -> list[Open]:
    """Return the runs of a host that began and did not end."""
    rows = engine.execute(
        "SELECT r.id, r.database_id, r.what, r.began_ns FROM care_runs r"
        " JOIN databases d ON d.id = r.database_id"
        " WHERE r.ended_ns IS NULL AND d.host_id = ? ORDER BY r.id",
        (host_id,),
    )
    return [Open(*row) for row in rows]


def forget(engine: Engine, before_ns: int, most: int) -> int:
    """Forget runs that ended before a time, at most so many at once; return how many."""
    find = "SELECT id FROM care_runs WHERE ended_ns < ? ORDER BY id LIMIT ?"
    with engine.joined():
        rows = engine.execute(
            f"DELETE FROM care_runs WHERE id IN ({find}) RETURNING id", (before_ns, most)
        )
    return len(rows)


def as_text(detail: Mapping[str, Any]) -> str:
    """Return what is told of a run as JSON; of very much only why."""
    text = json.dumps(detail)
    if len(text) <= _LARGEST:
        return text
    return json.dumps({"why": str(detail.get("why", ""))[: _LARGEST // 8]})
