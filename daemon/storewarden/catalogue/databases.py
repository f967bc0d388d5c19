"""The databases that are recorded on a machine."""

from __future__ import annotations

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.subjects import SubjectRow, subjects

_OF_HOST = (
    "SELECT f.id FROM files f JOIN directories d ON d.id = f.directory_id"
    " JOIN roots r ON r.id = d.root_id"
    " WHERE r.host_id = ? AND f.kind = 'database' AND f.state = 'present'"
)
# what belongs to a database (a log, a lock) goes with it, and is none itself
_ITSELF = " AND NOT EXISTS (SELECT 1 FROM sidecars x WHERE x.file_id = f.id)"


def databases(engine: Engine, host_id: int, name: bytes | None = None) -> list[SubjectRow]:
    """Return the databases of a host that are there, or those of one name."""
    named, params = ("", ()) if name is None else (" AND f.name = ?", (name,))
    ids = [row[0] for row in engine.execute(_OF_HOST + _ITSELF + named, (host_id, *params))]
    return sorted(subjects(engine, ids), key=lambda row: (row.root, row.path))
