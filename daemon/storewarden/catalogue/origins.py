"""Which row a file carries on: a rename told apart from one more link and a reused inode."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from storewarden.catalogue.counts import Counts
from storewarden.catalogue.directories import Directory
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.reconcile import FILE_ROW, MISSING, PRESENT, Look, Row, same_content
from storewarden.model import Entry

Name = tuple[int, bytes]  # directory id and name


class Origin(NamedTuple):
    """A row that may go on in another place, with its root and its directory's path."""

    row: Row
    root: str
    path: bytes


class Strangers(NamedTuple):
    """Names of one directory whose inode is new there: renamed from elsewhere, replaced, new."""

    path: bytes
    directory: Directory
    rows: Mapping[bytes, Row]  # what the directory's names were until now
    looks: Sequence[Look]


class Origins:
    """Finds where files came from."""

    def __init__(
        self,
        engine: Engine,
        counts: Counts,
        still_there: Callable[[str, bytes, bytes, int], bool],
    ) -> None:
        self._engine = engine
        self._counts = counts
        self._still_there = still_there

    def of(self, strangers: Sequence[Strangers], root: str, taken: set[int]) -> dict[Name, Origin]:
        """Return, by name, the row that goes on there; those rows are added to ``taken``.

        All names of one batch are traced before any of them is written: in a rotation or an
        exchange a row's old name is at once another file's new one.
        """
        came: dict[Name, Origin] = {}
        candidates = self._candidates(strangers)
        for one in strangers:
            for entry, _ in one.looks:
                of_inode = candidates.get((one.directory.device, entry[1]), ())
                for origin in of_inode:
                    here = (root, one.path, entry[0])
                    if origin.row.id not in taken and self._carries_on(origin, entry, here):
                        taken.add(origin.row.id)
                        came[one.directory.id, entry[0]] = origin
                        break
        return came

    def _candidates(self, strangers: Iterable[Strangers]) -> dict[tuple[int, int], list[Origin]]:
        """Return rows that hold the inodes of ``strangers`` on the same device."""
        inodes: dict[int, list[int]] = defaultdict(list)
        for one in strangers:
            inodes[one.directory.device] += [entry[1] for entry, _ in one.looks]
        found: dict[tuple[int, int], list[Origin]] = defaultdict(list)
        for device, wanted in inodes.items():
            for *fields, root_id, path in self._engine.fetch_in(
                f"SELECT {FILE_ROW}, d.root_id, d.path FROM files f"
                " JOIN directories d ON d.id = f.directory_id"
                " WHERE d.device = ? AND f.inode IN ({in})",
                wanted,
                (device,),
            ):
                row = Row._make(fields)
                if root_id in self._counts.names:
                    origin = Origin(row, self._counts.names[root_id], path)
                    found[device, row.inode].append(origin)
        return found

    def _carries_on(self, origin: Origin, entry: Entry, here: tuple[str, bytes, bytes]) -> bool:
        """Tell whether the file of a row is what is seen ``here``, and no longer where it was."""
        row = origin.row
        if not same_content(row, entry):
            return False
        if row.state != PRESENT:
            return row.state == MISSING
        place = (origin.root, origin.path, row.name)
        return place != here and not self._still_there(*place, row.inode)
