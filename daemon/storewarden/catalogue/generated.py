"""How many present files which tool made with which model, as the files themselves tell."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue.engine import Engine

UNKNOWN = "unknown"
"""In place of a model that is not told."""
OTHER = "other"
"""In place of a model that is not among the most common ones."""


class Generated(NamedTuple):
    """What one tool made with one model."""

    tool: str
    model: str
    files: int
    bytes: int


def most_common(engine: Engine, host_id: int, most: int) -> list[Generated]:
    """Return the pairs of tool and model of which there are most, the rest of each tool together.

    A picture that is told of by a sidecar counts, its sidecar does not. However many models there
    are said to be, what is returned is ``most`` and at most two more for each tool.
    """
    rows = engine.execute(
        "WITH made AS ("
        " SELECT p.tool, p.model, COUNT(*) AS files, SUM(f.size) AS bytes FROM prompts p"
        " JOIN files f ON f.id = p.file_id JOIN directories d ON d.id = f.directory_id"
        " WHERE f.state = 'present' AND d.root_id IN (SELECT id FROM roots WHERE host_id = ?)"
        " AND NOT EXISTS (SELECT 1 FROM sidecars s WHERE s.file_id = p.file_id)"
        " GROUP BY p.tool, p.model"
        "), ranked AS ("
        " SELECT tool, model, files, bytes, row_number() OVER"
        " (ORDER BY CASE WHEN model IS NULL THEN 1 ELSE 0 END, files DESC, tool, model) AS place"
        " FROM made"
        "), named AS ("
        " SELECT tool, files, bytes,"
        " CASE WHEN model IS NULL THEN ? WHEN place <= ? THEN model ELSE ? END AS model"
        " FROM ranked"
        ") SELECT tool, model, CAST(SUM(files) AS BIGINT), CAST(SUM(bytes) AS BIGINT) FROM named"
        " GROUP BY tool, model",
        (host_id, UNKNOWN, most, OTHER),
    )
    return [Generated(*row) for row in rows]
