"""What the catalogue knows of what may be wrong: a few statements, none of which counts files."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.query_times import CATALOGUE

DAY_NS = 86_400 * 10**9
_ORPHANS = "orphans."


class Found(NamedTuple):
    """A database whose last whole check found it wrong; ``detail`` is JSON."""

    database: str
    detail: str


class Undone(NamedTuple):
    """Care that is due, or fails; ``detail`` is JSON."""

    database: str
    what: str
    due_ns: int
    failures: int
    outcome: str | None
    detail: str


class Kept(NamedTuple):
    """Where the backups of a database stand that a policy wants."""

    database: str
    last_ns: int | None  # when one was last tried, and came to an end
    due_ns: int
    taken_ns: int | None
    proven_ns: int | None


class Tried(NamedTuple):
    """Acts that go on though they were tried again and again."""

    policy: str
    files: int
    error: str


def damaged(engine: Engine, host_id: int) -> list[Found]:
    """Return the databases that are there and were found damaged when last checked as a whole."""
    rows = engine.execute(
        "SELECT d.name, c.detail FROM care c JOIN databases d ON d.id = c.database_id"
        " WHERE c.what = 'check' AND c.outcome = 'found' AND d.host_id = ? AND d.there = 1"
        " AND (c.good_ns IS NULL OR c.good_ns <> c.last_ns) ORDER BY d.name",
        (host_id,),
    )
    return [Found(*row) for row in rows]


def unheeded(engine: Engine, host_id: int) -> list[str]:
    """Return the databases whose declared foreign keys their application does not heed."""
    rows = engine.execute(
        "SELECT name FROM databases WHERE host_id = ? AND there = 1 AND foreign_keys = 'off'"
        " ORDER BY name",
        (host_id,),
    )
    return [name for (name,) in rows]


def orphans(engine: Engine, host_id: int) -> list[tuple[str, str, int]]:
    """Return child tables with rows without a parent: the declared table, the child, how many."""
    rows = engine.execute(
        "SELECT name, figure, value FROM row_figures WHERE host_id = ? AND value > 0"
        " ORDER BY value DESC, name, figure",
        (host_id,),
    )
    return [
        (name, figure.removeprefix(_ORPHANS), int(value))
        for name, figure, value in rows
        if figure.startswith(_ORPHANS)
    ]


def slow(engine: Engine, host_id: int, now_ns: int) -> dict[str, float]:
    """Return how many statements of each application's database were slow within the last day.

    Whole days are counted: of yesterday's as large a share as is left of it within a day.
    """
    today, gone = divmod(now_ns, DAY_NS)
    rows = engine.execute(
        "SELECT source, day, slow FROM query_days"
        " WHERE host_id = ? AND day >= ? AND day <= ? AND slow > 0 AND source <> ?",
        (host_id, today - 1, today, CATALOGUE),
    )
    found: dict[str, float] = {}
    for source, day, count in rows:
        share = 1.0 if day == today else 1 - gone / DAY_NS
        found[source] = found.get(source, 0.0) + count * share
    return found


def kept(engine: Engine, host_id: int) -> list[Kept]:
    """Return where backups stand of the databases that are there and of which some are wanted."""
    rows = engine.execute(
        "SELECT d.name, c.last_ns, c.due_ns, max(b.taken_ns), max(b.proven_ns)"
        " FROM care c JOIN databases d ON d.id = c.database_id"
        " LEFT JOIN backups b ON b.database_id = d.id AND b.state = 'good'"
        " WHERE c.what = 'backup' AND c.due_ns IS NOT NULL AND d.there = 1 AND d.host_id = ?"
        " GROUP BY d.id, d.name, c.last_ns, c.due_ns ORDER BY d.name",
        (host_id,),
    )
    return [Kept(*row) for row in rows]


def undone(engine: Engine, host_id: int, failures: int, before_ns: int) -> list[Undone]:
    """Return care that failed so often in a row, or was due before a time."""
    rows = engine.execute(
        "SELECT d.name, c.what, c.due_ns, c.failures, c.outcome, c.detail"
        " FROM care c JOIN databases d ON d.id = c.database_id"
        " WHERE c.due_ns IS NOT NULL AND (c.failures >= ? OR c.due_ns < ?)"
        " AND d.host_id = ? AND d.there = 1 ORDER BY c.failures DESC, c.due_ns, d.name, c.what",
        (failures, before_ns, host_id),
    )
    return [Undone(*row) for row in rows]


def tried(engine: Engine, host_id: int, attempts: int) -> list[Tried]:
    """Return acts that go on and were tried so often, by policy; of people's it is empty."""
    rows = engine.execute(
        "SELECT coalesce(a.policy, ''), count(*), max(a.error)"
        " FROM acts a JOIN roots r ON r.id = a.root_id"
        " WHERE a.ended_ns IS NULL AND a.attempts >= ? AND r.host_id = ?"
        " GROUP BY coalesce(a.policy, '') ORDER BY 1",
        (attempts, host_id),
    )
    return [Tried(*row) for row in rows]
