"""How many present files which tool made with which model, as the files themselves tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from storewarden.catalogue.engine import Engine

SLICE: Final = 20_000
"""Files that one statement goes through: tens of milliseconds."""


class Generated(NamedTuple):
    """What one tool made with one model; None, where the files tell none."""

    tool: str
    model: str | None
    files: int
    bytes: int


def slices(engine: Engine, host_id: int, size: int = SLICE) -> Iterator[list[Generated]]:
    """Go through all files by their ids, so many with each statement; between two one may rest.

    A picture that is told of by a sidecar counts, its sidecar does not.
    """
    ((last,),) = engine.execute("SELECT coalesce(max(file_id), 0) FROM prompts")
    for begin in range(0, last, size):
        rows = engine.execute(
            "SELECT p.tool, p.model, COUNT(*), CAST(SUM(f.size) AS BIGINT) FROM prompts p"
            " CROSS JOIN files f CROSS JOIN directories d"  # in this order: SQLite takes another
            " WHERE p.file_id > ? AND p.file_id <= ?"
            " AND f.id = p.file_id AND d.id = f.directory_id AND f.state = 'present'"
            " AND d.root_id IN (SELECT id FROM roots WHERE host_id = ?)"
            " AND NOT EXISTS (SELECT 1 FROM sidecars s WHERE s.file_id = p.file_id)"
            " GROUP BY p.tool, p.model",
            (begin, begin + size, host_id),
        )
        yield [Generated(*row) for row in rows]
