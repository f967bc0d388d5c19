"""What goes along with files: their sidecars, as far as they are where their owners are."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from storewarden.catalogue.engine import Engine


class Along(NamedTuple):
    """A file that goes where its owner goes."""

    owner: int
    file_id: int
    root: str
    size: int


def of_owners(engine: Engine, ids: Collection[int]) -> list[Along]:
    """Return the sidecars of these files that are in the state of their owner."""
    rows = engine.fetch_in(
        "SELECT s.of_id, s.file_id, r.name, f.size FROM sidecars s JOIN files f ON f.id = s.file_id"
        " JOIN files o ON o.id = s.of_id JOIN directories d ON d.id = f.directory_id"
        " JOIN roots r ON r.id = d.root_id WHERE f.state = o.state AND s.of_id IN ({in})",
        ids,
    )
    return [Along._make(row) for row in rows]
