"""How healthy all of it was: a row for every change, and one a day; kept for a bounded time."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue.engine import Engine

KEPT_NS = 400 * 86_400 * 10**9
MOST = 20_000  # rows of one host
_COLUMNS = "at_ns, until_ns, score, status, profile, deductions"


class Was(NamedTuple):
    """A score, and from when until when it was known to be so; ``deductions`` is JSON."""

    at_ns: int
    until_ns: int
    score: int
    status: str
    profile: str
    deductions: str = "[]"


def last(engine: Engine, host_id: int) -> Was | None:
    """Return what was noted last."""
    rows = engine.execute(
        f"SELECT {_COLUMNS} FROM health_history WHERE host_id = ? ORDER BY at_ns DESC LIMIT 1",
        (host_id,),
    )
    return Was(*rows[0]) if rows else None


def since(engine: Engine, host_id: int, since_ns: int) -> list[Was]:
    """Return what was so at a time and after it, in the order of time."""
    rows = engine.execute(
        f"SELECT {_COLUMNS} FROM health_history WHERE host_id = ? AND until_ns >= ? ORDER BY at_ns",
        (host_id, since_ns),
    )
    return [Was(*row) for row in rows]


def begin(engine: Engine, host_id: int, was: Was) -> None:
    """Note that it is otherwise from now on.

    A clock that was set back does not take the place of what was noted before.
    """
    with engine.joined():
        engine.execute(
            f"INSERT INTO health_history (host_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (host_id, at_ns) DO UPDATE SET until_ns = excluded.until_ns,"
            " score = excluded.score, status = excluded.status, profile = excluded.profile,"
            " deductions = excluded.deductions",
            (host_id, *was),
        )


def go_on(engine: Engine, host_id: int, was: Was) -> None:
    """Note that it is still so, and how that is told now."""
    with engine.joined():
        engine.execute(
            "UPDATE health_history SET until_ns = ?, deductions = ?"
            " WHERE host_id = ? AND at_ns = ?",
            (was.until_ns, was.deductions, host_id, was.at_ns),
        )


def forget(engine: Engine, host_id: int, now_ns: int, most: int = MOST) -> None:
    """Forget what is older than is kept, and the oldest of too many."""
    with engine.joined():
        engine.execute(
            "DELETE FROM health_history WHERE host_id = ? AND (until_ns < ? OR at_ns <="
            " (SELECT at_ns FROM health_history WHERE host_id = ?"
            " ORDER BY at_ns DESC LIMIT 1 OFFSET ?))",
            (host_id, now_ns - KEPT_NS, host_id, most),
        )
