"""The databases of a machine wherever they are: here, or moved to a store, with what goes along."""

from __future__ import annotations

from collections.abc import Iterable
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
_KNOWN = (
    "SELECT d.file_id, d.id, c.outcome, c.good_ns FROM databases d"
    " LEFT JOIN care c ON c.database_id = d.id AND c.what = 'check' WHERE d.file_id IN ({in})"
)


class Movable(NamedTuple):
    """A database, all its files, itself first, and what its last check came to."""

    row: SubjectRow
    files: tuple[FileRow, ...]
    database_id: int | None = None  # as one that is looked after
    damaged: bool = False
    sound_ns: int | None = None  # when a check found nothing wrong

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
    known = {file_id: rest for file_id, *rest in engine.fetch_in(_KNOWN, ids)}
    found = [
        _movable(row, together[row.id].files, *known.get(row.id, (None, None, None)))
        for row in subjects(engine, ids)
        if row.id in together
    ]
    return sorted(found, key=lambda one: (one.row.root, one.row.path))


def moved(engine: Engine, file_ids: Iterable[int]) -> dict[int, str]:
    """Return the store of each of these files that was moved to one."""
    found = engine.fetch_in(
        "SELECT p.file_id, p.store FROM placed p JOIN files f ON f.id = p.file_id"
        " WHERE f.state = 'archived' AND p.store <> 'local' AND p.file_id IN ({in})",
        sorted(file_ids),
    )
    return {int(row[0]): str(row[1]) for row in found}


def _movable(
    row: SubjectRow,
    files: tuple[FileRow, ...],
    database_id: int | None,
    outcome: str | None,
    good_ns: int | None,
) -> Movable:
    return Movable(row, files, database_id, outcome == "found", good_ns)
