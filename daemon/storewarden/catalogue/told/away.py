"""Whether what an application names was put away by us, and is no loss."""

from __future__ import annotations

from storewarden.catalogue.engine import Engine


def away(engine: Engine, root_id: int, path: bytes) -> str | None:
    """Return how a file that is not in its place is kept: ``archived``, ``trashed`` or ``held``."""
    directory, _, name = path.rpartition(b"/")
    rows = engine.execute(
        "SELECT f.state FROM directories d JOIN files f ON f.directory_id = d.id"
        " WHERE d.root_id = ? AND d.path = ? AND f.name = ?"
        " AND f.state IN ('archived', 'trashed', 'held') ORDER BY f.state LIMIT 1",
        (root_id, directory, name),
    )
    return str(rows[0][0]) if rows else None
