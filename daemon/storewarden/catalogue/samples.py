"""How large databases were: samples of the last days, and what the days before came to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from storewarden.catalogue.engine import Engine

_SAMPLE = ("database_id", "at_ns", "bytes", "free_bytes", "wal_bytes", "rows", "connections")
_DAY = (
    *("database_id", "day", "samples", "first_bytes", "last_bytes", "most_bytes"),
    *("most_wal_bytes", "last_free_bytes", "last_rows", "most_connections"),
)
_NEWEST = (
    f"SELECT {', '.join(f's.{column}' for column in _SAMPLE)} FROM database_samples s"
    " JOIN (SELECT database_id AS of_id, max(at_ns) AS newest FROM database_samples"
    " GROUP BY database_id) n ON n.of_id = s.database_id AND n.newest = s.at_ns"
    " WHERE s.database_id IN ({in})"
)


class Sample(NamedTuple):
    """How large a database was at a time."""

    at_ns: int
    bytes: int
    free_bytes: int | None = None
    wal_bytes: int | None = None
    rows: int | None = None
    connections: int | None = None


class Day(NamedTuple):
    """What the samples of one day came to; days are counted from 1970, in UTC."""

    day: int
    samples: int
    first_bytes: int
    last_bytes: int
    most_bytes: int
    most_wal_bytes: int | None = None
    last_free_bytes: int | None = None
    last_rows: int | None = None
    most_connections: int | None = None


def add(engine: Engine, samples: Iterable[tuple[int, Sample]]) -> None:
    """Keep a sample for each database; a second one of the same time takes the place of the first.

    Inside a transaction.
    """
    rows = [(database_id, *sample) for database_id, sample in samples]
    engine.executemany(
        "DELETE FROM database_samples WHERE database_id = ? AND at_ns = ?",
        [row[:2] for row in rows],
    )
    engine.insert("database_samples", _SAMPLE, rows)


def newest(engine: Engine, ids: Iterable[int]) -> dict[int, Sample]:
    """Return the newest sample of each of these databases that has one."""
    return {row[0]: Sample(*row[1:]) for row in engine.fetch_in(_NEWEST, ids)}


def samples(
    engine: Engine, ids: Iterable[int], before_ns: int | None = None
) -> dict[int, list[Sample]]:
    """Return the samples of these databases, oldest first; all, or those before a time."""
    until, params = ("", ()) if before_ns is None else (" at_ns < ? AND", (before_ns,))
    rows = engine.fetch_in(
        f"SELECT {', '.join(_SAMPLE)} FROM database_samples WHERE{until} database_id IN ({{in}})",
        ids,
        params,
    )
    found: dict[int, list[Sample]] = defaultdict(list)
    for database_id, *sample in rows:
        found[database_id].append(Sample(*sample))
    return {database_id: sorted(some) for database_id, some in found.items()}


def sampled_before(engine: Engine, before_ns: int, most: int) -> list[int]:
    """Return databases that have samples of before a time, at most so many."""
    rows = engine.execute(
        "SELECT DISTINCT database_id FROM database_samples WHERE at_ns < ?"
        " ORDER BY database_id LIMIT ?",
        (before_ns, most),
    )
    return [int(row[0]) for row in rows]


def days(engine: Engine, ids: Iterable[int], since: int) -> dict[int, dict[int, Day]]:
    """Return what was folded to days of these databases, from a day on."""
    rows = engine.fetch_in(
        f"SELECT {', '.join(_DAY)} FROM database_days WHERE day >= ? AND database_id IN ({{in}})",
        ids,
        (since,),
    )
    found: dict[int, dict[int, Day]] = defaultdict(dict)
    for database_id, *day in rows:
        found[database_id][day[0]] = Day(*day)
    return dict(found)


def replace(
    engine: Engine,
    folded: Mapping[int, Sequence[Day]],
    before_ns: int,
) -> None:
    """Put days in the place of all samples before a time, of the databases that have days here.

    Inside a transaction.
    """
    engine.executemany(
        "DELETE FROM database_samples WHERE database_id = ? AND at_ns < ?",
        [(database_id, before_ns) for database_id in folded],
    )
    rows = [(database_id, *day) for database_id, some in folded.items() for day in some]
    engine.executemany(
        "DELETE FROM database_days WHERE database_id = ? AND day = ?", [row[:2] for row in rows]
    )
    engine.insert("database_days", _DAY, rows)


def forget(engine: Engine, before: int) -> None:
    """Forget days before a day. Inside a transaction."""
    engine.execute("DELETE FROM database_days WHERE day < ?", (before,))
