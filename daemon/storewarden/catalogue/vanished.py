"""Files that were in the trash and are gone from there by another's hand."""

from __future__ import annotations

import json
from collections.abc import Collection

from storewarden.catalogue import undecided
from storewarden.catalogue.counts import Change, Counts
from storewarden.catalogue.engine import Engine


def from_trash(engine: Engine, counts: Counts, ids: Collection[int], now_ns: int) -> int:
    """Note that trashed files are nowhere any more; return how many were thought to be there.

    They are missing: what is kept of them in stores can still be had.
    """
    if not ids:
        return 0
    changes: list[Change] = []
    with counts.beside(changes):
        rows = engine.fetch_in(
            "SELECT f.id, d.root_id, f.kind, f.size FROM files f"
            " JOIN directories d ON d.id = f.directory_id"
            " WHERE f.state = 'trashed' AND f.id IN ({in})",
            ids,
        )
        for _, root_id, kind, size in rows:
            changes.append((root_id, kind, "trashed", -1, -size))
            changes.append((root_id, kind, "missing", 1, size))
        engine.update(
            "files", ("id",), ("state", "gone_ns"), [("missing", now_ns, row[0]) for row in rows]
        )
        undecided.drop(engine, [row[0] for row in rows])
        detail = json.dumps({"why": "it was removed from the trash, and not by storewarden"})
        engine.insert(
            "history",
            ("file_id", "at_ns", "event", "detail"),
            [(row[0], now_ns, "vanished", detail) for row in rows],
        )
    return len(rows)
