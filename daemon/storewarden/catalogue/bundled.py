"""Files with all that goes along with them, as acts are to find them.

What lies in its root goes with its sidecars. What was put away together comes back, or ceases to
be, together: that is told by the act which put it there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from storewarden.catalogue.acts import Identity, Member
from storewarden.catalogue.engine import Engine, Row
from storewarden.catalogue.rules import unfolded

_SELECT = (
    "SELECT f.id, r.id, r.name, d.path, f.name, f.state, f.kind, d.device, f.inode, f.size,"
    " f.modified_ns, f.changed_ns, f.blocks, f.links FROM files f"
    " JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
    " WHERE r.host_id = ? AND f.id IN ({in})"
)
_SIDECARS = "SELECT of_id, file_id FROM sidecars WHERE of_id IN ({in})"
# The newest act that is done and says where a file is now.
_PUT = (
    "SELECT m.file_id, max(a.id) FROM act_files m JOIN acts a ON a.id = m.act_id"
    " WHERE a.state = 'done' AND a.verb <> 'copy' AND a.verb <> 'purge'"
    " AND m.file_id IN ({in}) GROUP BY m.file_id"
)
_WITH = "SELECT act_id, file_id FROM act_files WHERE act_id IN ({in})"
_AWAY = ("archived", "trashed")


class FileRow(NamedTuple):
    """A file as the catalogue has it."""

    id: int
    root_id: int
    root: str
    path: bytes  # relative to the root
    state: str
    kind: str
    identity: Identity
    blocks: int
    links: int

    @property
    def member(self) -> Member:
        """It as a member of an act."""
        return Member(self.path, self.identity, self.id)


class Bundle(NamedTuple):
    """A file and what goes with it, itself first; all of one state."""

    files: tuple[FileRow, ...]

    @property
    def file(self) -> FileRow:
        """The file that it is about."""
        return self.files[0]

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(one.identity.size for one in self.files)


def bundles(engine: Engine, host_id: int, ids: Sequence[int]) -> dict[int, Bundle]:
    """Return each of these files with what goes along; one that is not known is left out."""
    rows = _rows(engine, host_id, ids)
    away = [row.id for row in rows.values() if row.state in _AWAY]
    together = _put_together(engine, away)
    beside = _sidecars(engine, [file_id for file_id in rows if file_id not in together])
    along = {**beside, **together}
    others = {other for each in along.values() for other in each} - rows.keys()
    every = rows | _rows(engine, host_id, others)
    return {
        file_id: _bundle(rows[file_id], along.get(file_id, ()), every)
        for file_id in ids
        if file_id in rows
    }


def _bundle(file: FileRow, along: Sequence[int], rows: Mapping[int, FileRow]) -> Bundle:
    others = (rows[other] for other in along if other in rows and other != file.id)
    return Bundle((file, *(one for one in others if _goes_with(one, file))))


def _goes_with(one: FileRow, file: FileRow) -> bool:
    return (one.state, one.root_id) == (file.state, file.root_id)


def _rows(engine: Engine, host_id: int, ids: Collection[int]) -> dict[int, FileRow]:
    return {row[0]: _row(row) for row in engine.fetch_in(_SELECT, ids, (host_id,))}


def _row(row: Row) -> FileRow:
    file_id, root_id, root, directory, name, state, kind, device, inode, *rest = row
    size, modified_ns, changed_ns, blocks, links = rest
    above, name = bytes(directory), bytes(name)
    path = above + b"/" + name if above else name
    identity = Identity(device, unfolded(inode) or 0, size, modified_ns, changed_ns)
    return FileRow(file_id, root_id, root, path, state, kind, identity, blocks, links)


def _sidecars(engine: Engine, ids: Collection[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for owner, file_id in sorted(engine.fetch_in(_SIDECARS, ids)):
        found[owner].append(file_id)
    return found


def _put_together(engine: Engine, ids: Collection[int]) -> dict[int, list[int]]:
    """Return for files that were put away all that the same act did."""
    acts: dict[int, int] = dict(engine.fetch_in(_PUT, ids))
    with_act: dict[int, list[int]] = defaultdict(list)
    for act_id, file_id in sorted(engine.fetch_in(_WITH, set(acts.values()))):
        with_act[act_id].append(file_id)
    return {file_id: with_act[act_id] for file_id, act_id in acts.items()}
