"""What was done for databases, when, and what came of it."""

from __future__ import annotations

from storewarden.catalogue.engine import Engine


def forget(engine: Engine, before_ns: int, most: int) -> int:
    """Forget runs that ended before a time, at most so many at once; return how many."""
    find = "SELECT id FROM care_runs WHERE ended_ns < ? ORDER BY id LIMIT ?"
    with engine.joined():
        rows = engine.execute(
            f"DELETE FROM care_runs WHERE id IN ({find}) RETURNING id", (before_ns, most)
        )
    return len(rows)
