"""Files that wait to be read: for their digest, or to be looked into."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, NamedTuple

from storewarden.catalogue.counts import Counts
from storewarden.catalogue.engine import Engine

For = Literal["digest", "inspected_ns"]
"""The column that is empty while a file waits."""

# Each with an index of its own over just these files. CROSS: else SQLite reads and sorts all files
# of a root for each batch.
_WAITING: Final = (
    "SELECT f.id, d.root_id, d.path, f.name, f.inode, f.size, f.modified_ns"
    " FROM files f CROSS JOIN directories d WHERE d.id = f.directory_id"
    " AND f.{column} IS NULL AND f.state = 'present' AND f.growing = 0 AND f.id > ?"
    " AND d.root_id IN ({marks}) ORDER BY f.id LIMIT ?"
)


class Waiting(NamedTuple):
    """A file that waits, and what it was when it was recorded."""

    id: int
    root: str
    path: bytes  # of its directory
    name: bytes
    inode: int
    size: int
    modified_ns: int


def waiting(
    engine: Engine, counts: Counts, column: For, roots: Collection[str], after_id: int, limit: int
) -> list[Waiting]:
    """Return files of ``roots`` that wait, in the order of their ids."""
    names = counts.names
    ids = [counts.roots[root] for root in roots]
    if not ids:
        return []
    sql = _WAITING.format(column=column, marks=", ".join("?" * len(ids)))
    return [
        Waiting(id_, names[root_id], bytes(path), bytes(name), *rest)
        for id_, root_id, path, name, *rest in engine.execute(sql, (after_id, *ids, limit))
    ]
