"""The databases of a machine wherever they are: here, or moved to a store, with what goes along."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue.bundled import FileRow, bundles
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.subjects import SubjectRow, subjects

_HERE = (
    "SELECT f.id FROM files f JOIN directories d ON d.id = f.directory_id"
    " JOIN roots r ON r.id = d.root_id WHERE r.host_id = ? AND f.kind = 'database'"
    " AND (f.state = 'present' OR f.state = 'held' OR (f.state = 'archived'"
    " AND EXISTS (SELECT 1 FROM placed p WHERE p.file_id = f.id AND p.store <> 'local')))"
    " AND NOT EXISTS (SELECT 1 FROM sidecars x WHERE x.file_id = f.id)"
)
_FOUND_WRONG = (
    "SELECT d.file_id FROM databases d JOIN care c ON c.database_id = d.id"
    " WHERE c.what = 'check' AND c.outcome = 'found' AND d.file_id IN ({in})"
)


class Movable(NamedTuple):
    """A database, all its files, itself first, and whether its last check found it damaged."""

    row: SubjectRow
    files: tuple[FileRow, ...]
    damaged: bool

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(one.identity.size for one in self.files)

    @property
    def written_ns(self) -> int:
        """When one of them was last written."""
        return max(one.identity.modified_ns for one in self.files)


def movable(engine: Engine, host_id: int) -> list[Movable]:
    """Return the databases of a host that are here, or were moved to a store, by their places."""
    ids = [row[0] for row in engine.execute(_HERE, (host_id,))]
    together = bundles(engine, host_id, ids)
    wrong = {file_id for (file_id,) in engine.fetch_in(_FOUND_WRONG, ids)}
    found = [
        Movable(row, together[row.id].files, row.id in wrong)
        for row in subjects(engine, ids)
        if row.id in together
    ]
    return sorted(found, key=lambda one: (one.row.root, one.row.path))
