"""Which row a file carries on: a rename told apart from one more link and a reused inode."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from storewarden.catalogue import acts
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.directories import Directory
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.reconcile import (
    FILE_ROW,
    MISSING,
    PRESENT,
    TRASHED,
    Look,
    Row,
    same_content,
)
from storewarden.model import Entry

Name = tuple[int, bytes]  # directory id and name


class Origin(NamedTuple):
    """A row that may go on in another place, with its root and its directory's path.

    ``trashed_by`` is the act that put it into the trash, when it came from there.
    """

    row: Row
    root: str
    path: bytes
    trashed_by: int | None = None


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
                for candidate in of_inode:
                    here = (root, one.path, entry[0])
                    if candidate.row.id in taken:
                        continue
                    origin = self._carries_on(candidate, entry, here)
                    if origin is not None:
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

    def _carries_on(
        self, origin: Origin, entry: Entry, here: tuple[str, bytes, bytes]
    ) -> Origin | None:
        """Return the origin if its file is what is seen ``here``, and no longer where it was.

        What is archived or purged never is: its bytes are gone, whatever has its inode now.
        """
        row = origin.row
        if not same_content(row, entry):
            return None
        if row.state == TRASHED:
            return self._out_of_the_trash(origin)
        if row.state != PRESENT:
            return origin if row.state == MISSING else None
        place = (origin.root, origin.path, row.name)
        there = place == here or self._still_there(*place, row.inode)
        return None if there else origin

    def _out_of_the_trash(self, origin: Origin) -> Origin | None:
        """Return the origin if its file lies in the trash no more: somebody took it out."""
        act = acts.trashing(self._engine, origin.row.id)
        if act is None or act.place is None:
            return None
        (name,) = (one.lies for one in act.members if one.file_id == origin.row.id)
        if name is None or self._still_there(act.root, act.place, name, origin.row.inode):
            return None
        return origin._replace(trashed_by=act.id)
