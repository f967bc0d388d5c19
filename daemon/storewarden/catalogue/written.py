"""What one operation of the recorder writes, gathered so that each table is written once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from storewarden.catalogue import acts, bundles, copies, told_links, undecided
from storewarden.catalogue.directories import Directories, Directory
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.origins import Strangers
from storewarden.catalogue.reconcile import MISSING, PRESENT, Look

COUNTED = ("added", "changed", "touched", "renamed", "returned", "missing", "unchanged")

_PLACED = (
    *("directory_id", "name", "inode", "mode", "links", "uid", "gid", "size", "blocks"),
    *("modified_ns", "changed_ns", "accessed_ns", "kind", "state", "growing", "generation"),
    "recorded_ns",
)
_INSERTED = (*_PLACED, "first_seen_ns")
_KEPT = (*_PLACED, "gone_ns")
_ANEW = (*_KEPT, "inspected_ns")
_RENEWED = (*_ANEW, "digest", "digested_ns")


@dataclass(slots=True)
class Recorded:
    """How many files one or more operations changed, and how."""

    added: int = 0
    changed: int = 0
    touched: int = 0
    renamed: int = 0
    returned: int = 0
    missing: int = 0
    unchanged: int = 0
    # Inodes with several names that were written: the other names show the change too.
    linked: list[int] = field(default_factory=list)

    def written(self) -> int:
        """Return how many rows were written."""
        return sum(getattr(self, name) for name in COUNTED[:-1])

    def add(self, other: Recorded) -> None:
        """Count ``other`` in; its linked inodes are the caller's to look at."""
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Writes:
    """Rows to be written, and what they come to."""

    root: str
    now_ns: int
    growing: frozenset[bytes] = frozenset()
    result: Recorded = field(default_factory=Recorded)
    undigested: set[int] = field(default_factory=set)  # directories whose digest is void
    strangers: list[Strangers] = field(default_factory=list)  # not placed yet
    taken: set[int] = field(default_factory=set)  # rows that are written already
    _inserted: list[tuple[object, ...]] = field(default_factory=list)
    _kept: list[tuple[object, ...]] = field(default_factory=list)
    _anew: list[tuple[object, ...]] = field(default_factory=list)
    _renewed: list[tuple[object, ...]] = field(default_factory=list)
    _parting: list[int] = field(default_factory=list)
    _leaving: list[int] = field(default_factory=list)
    _absorbed: list[tuple[int, int]] = field(default_factory=list)
    _outdated: list[int] = field(default_factory=list)
    _brought_back: list[int] = field(default_factory=list)
    _history: list[tuple[int, int, str, str]] = field(default_factory=list)

    def any(self) -> bool:
        """Tell whether a file's row is among them."""
        return bool(self._inserted or self._kept or self._anew or self._renewed)

    def insert(self, directory: Directory, look: Look, kind: str) -> None:
        """Write a new file."""
        self._inserted.append((*self._placed(directory, look, kind, 1), self.now_ns))

    def update(
        self,
        row_id: int,
        directory: Directory,
        look: Look,
        kind: str,
        generation: int,
        *,
        keep_digest: bool,
        keep_facts: bool,
    ) -> None:
        """Write a row anew; present, wherever and whatever it was.

        Facts hold as long as content and path do, digests as long as the content.
        """
        placed = self._placed(directory, look, kind, generation)
        if keep_facts:
            self._kept.append((*placed, None, row_id))
        elif keep_digest:
            self._anew.append((*placed, None, None, row_id))
        else:
            self._renewed.append((*placed, None, None, None, None, row_id))

    def leave(self, row_id: int) -> None:
        """Free the name of a row that gets another one: a third row takes it."""
        self._leaving.append(row_id)

    def absorb(self, gone: int, stays: int) -> None:
        """Delete a row whose content another row took over; its history goes there too."""
        self._absorbed.append((gone, stays))
        self._parting.append(gone)

    def outdate(self, row_id: int) -> None:
        """Forget the copies of a row whose content is another one now."""
        self._outdated.append(row_id)

    def bring_back(self, act_id: int) -> None:
        """Note that somebody took a file out of the trash that an act put there."""
        self._brought_back.append(act_id)

    def part(self, row_id: int) -> None:
        """Undo what a file was together with beside its old name."""
        self._parting.append(row_id)

    def tell(self, file_id: int, event: str, **detail: object) -> None:
        """Add a line to a file's history."""
        self._history.append((file_id, self.now_ns, event, json.dumps(detail)))

    def _placed(
        self, directory: Directory, look: Look, kind: str, generation: int
    ) -> tuple[object, ...]:
        entry, accessed = look
        if entry[3] > 1:
            self.result.linked.append(entry[1])
        grows = int(entry[0] in self.growing)
        return (
            *(directory.id, *entry, accessed, kind),
            *(PRESENT, grows, generation, self.now_ns),
        )

    def flush(self, engine: Engine, directories: Directories) -> Recorded:
        """Write it all; rows that leave a name go first, so that it is free."""
        if self._leaving:  # a name has one row, beside any number that are missing
            away = [(MISSING, self.now_ns, row_id) for row_id in self._leaving]
            engine.update("files", ("id",), ("state", "gone_ns"), away)
        bundles.part(engine, self._parting)
        copies.outdate(engine, self._outdated, self.now_ns)
        acts.take_back(engine, self._brought_back, self.now_ns)
        for gone, stays in self._absorbed:
            engine.execute("UPDATE history SET file_id = ? WHERE file_id = ?", (stays, gone))
            copies.carry(engine, gone, stays)
            told_links.carry(engine, gone, stays, self.now_ns)
            engine.execute("DELETE FROM files WHERE id = ?", (gone,))
        if self._absorbed:
            undecided.recede(engine, [gone for gone, _ in self._absorbed])
        if self._kept:
            engine.update("files", ("id",), _KEPT, self._kept)
        if self._anew:
            engine.update("files", ("id",), _ANEW, self._anew)
        if self._renewed:
            engine.update("files", ("id",), _RENEWED, self._renewed)
        undecided.mark(engine, self._updated())
        if self._inserted:
            engine.insert("files", _INSERTED, self._inserted)
        if self._history:
            engine.insert("history", ("file_id", "at_ns", "event", "detail"), self._history)
        directories.void(self.undigested)
        told_links.seen(engine, self._came(), self.now_ns)
        return self.result

    def _came(self) -> list[tuple[int, bytes]]:
        """Return directory and name of the files that are new in their places."""
        rows = (row for written in (self._inserted, self._anew, self._renewed) for row in written)
        return [(row[0], row[1]) for row in rows]  # type: ignore[misc]  # as _placed has them

    def _updated(self) -> list[int]:
        """Return the rows of which something changes that policies may ask for."""
        rows = (row for written in (self._kept, self._anew, self._renewed) for row in written)
        return [row[-1] for row in rows]  # type: ignore[misc]  # an id is a row's last value
