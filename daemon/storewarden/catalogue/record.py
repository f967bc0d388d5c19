"""What was seen on disk becomes rows, counts and history; the only writer of files.

Everything here is idempotent: seeing the same again writes nothing. One thread calls it, inside
``batch()``; when a batch fails nothing of it is kept, and the caller looks again.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from storewarden.catalogue.counts import Counts
from storewarden.catalogue.directories import Directories, Directory
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.reconcile import (
    MISSING,
    PRESENT,
    Difference,
    Row,
    difference,
    newest,
    same_content,
)
from storewarden.model import Entry, Listing

_ROW = (
    "id, directory_id, name, inode, mode, links, uid, gid, size, blocks, modified_ns, changed_ns,"
    " kind, state, growing, generation, recorded_ns"
)
_FILE_ROW = ", ".join("f." + column.strip() for column in _ROW.split(","))
_PLACED = (
    *("directory_id", "name", "inode", "mode", "links", "uid", "gid", "size", "blocks"),
    *("modified_ns", "changed_ns", "accessed_ns", "kind", "state", "growing", "generation"),
    "recorded_ns",
)
_INSERTED = (*_PLACED, "first_seen_ns")
_KEPT = (*_PLACED, "gone_ns")
_RENEWED = (*_KEPT, "digest", "digested_ns")

Look = tuple[Entry, int]  # what was seen, and its access time
Origin = tuple[Row, str, bytes]  # a row, its root and its directory's path


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
    linked: list[int] = field(default_factory=list)  # inodes whose other names show it too

    def written(self) -> int:
        """Return how many rows were written."""
        return sum(getattr(self, name) for name in COUNTED[:-1])

    def add(self, other: Recorded) -> None:
        """Count ``other`` in."""
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))


COUNTED = ("added", "changed", "touched", "renamed", "returned", "missing", "unchanged")


@dataclass(slots=True)
class Compared:
    """What came of comparing listings with rows."""

    recorded: Recorded
    visited: list[int]  # directories whose listing is complete
    absent: list[int]  # rows that are not in the listing; nothing is concluded from it here
    restless: dict[bytes, list[bytes]]  # names by directory that may still be written to


@dataclass(slots=True)
class _Writes:
    """What one operation will write, gathered so that each table is written once."""

    root: str
    now_ns: int
    growing: frozenset[bytes] = frozenset()
    inserts: list[tuple[object, ...]] = field(default_factory=list)
    kept: list[tuple[object, ...]] = field(default_factory=list)  # updates that keep the digest
    renewed: list[tuple[object, ...]] = field(default_factory=list)  # and those that drop it
    absorbed: list[tuple[int, int]] = field(default_factory=list)  # (row that goes, that stays)
    history: list[tuple[int, int, str, str]] = field(default_factory=list)
    undigested: set[int] = field(default_factory=set)  # directories whose digest is void
    taken: set[int] = field(default_factory=set)  # rows that were given a new place already
    result: Recorded = field(default_factory=Recorded)

    def tell(self, file_id: int, event: str, **detail: object) -> None:
        """Add a line to a file's history."""
        self.history.append((file_id, self.now_ns, event, json.dumps(detail)))

    def placed(
        self, directory: Directory, look: Look, kind: str, generation: int
    ) -> tuple[object, ...]:
        """Return the values of the columns ``_PLACED``."""
        entry, accessed = look
        grows = int(entry[0] in self.growing)
        return (
            *(directory.id, *entry, accessed, kind),
            *(PRESENT, grows, generation, self.now_ns),
        )


class Recorder:
    """Writes what was seen. Owned by the recorder thread."""

    def __init__(
        self,
        engine: Engine,
        counts: Counts,
        directories: Directories,
        *,
        kind_of: Callable[[bytes], str],
        still_there: Callable[[str, bytes, bytes, int], bool],
    ) -> None:
        """Record for the roots that ``counts`` knows.

        ``still_there(root, directory, name, inode)`` looks whether that name still holds that
        inode: it tells a rename from one more hard link.
        """
        self._engine = engine
        self._counts = counts
        self._directories = directories
        self._kind_of = kind_of
        self._still_there = still_there
        self._disagreeing: set[tuple[int, float]] = set()  # walks in which a part differs

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make what happens inside one transaction; when it fails, memory forgets it too."""
        self._counts.forget()
        try:
            with self._engine.transaction():
                yield
                self._counts.write()
        except BaseException:
            self._counts.forget()
            self._directories.forget()
            self._disagreeing.clear()
            raise
        self._counts.committed()

    def bulk(self) -> AbstractContextManager[None]:
        """Load an empty catalogue: what only readers need is made at the end."""
        return self._engine.bulk()

    def names(
        self,
        root: str,
        path: bytes,
        place: tuple[int, int],
        looks: Sequence[Look],
        *,
        growing: frozenset[bytes] = frozenset(),
        now_ns: int,
    ) -> Recorded:
        """Record files of the directory ``path`` (at ``place``: device, inode), just looked at."""
        root_id = self._counts.roots[root]
        directory = self._directories.ensure(root_id, {path: place})[path]
        names = [entry[0] for entry, _ in looks]
        rows = {} if directory.new else self._rows_named(directory.id, names)
        writes = _Writes(root, now_ns, growing)
        self._reconcile(path, directory, rows, looks, writes, origins=self._counts.any())
        if writes.inserts or writes.kept or writes.renewed:
            writes.undigested.add(directory.id)
            writes.result.linked = [entry[1] for entry, _ in looks if entry[3] > 1]
        directory.new = False
        return self._flush(writes)

    def links(self, root: str, device: int, inodes: Sequence[int]) -> list[tuple[bytes, bytes]]:
        """Return directory and name of all present files of the root with one of ``inodes``."""
        rows = self._engine.fetch_in(
            "SELECT d.path, f.name FROM files f JOIN directories d ON d.id = f.directory_id"
            " WHERE d.root_id = ? AND d.device = ? AND f.state = 'present' AND f.inode IN ({in})",
            inodes,
            (self._counts.roots[root], device),
        )
        return [(bytes(path), bytes(name)) for path, name in rows]

    def listings(
        self,
        root: str,
        listings: Sequence[Listing],
        *,
        quiet_before_ns: int,
        now_ns: int,
        origins: bool = True,
        stale: Collection[bytes] = (),
    ) -> Compared:
        """Record what a walk found.

        Entries whose ctime is not before ``quiet_before_ns`` may still be written to: they are
        left out and returned as restless. So is all that differs in directories that are
        ``stale``: recorded since they were listed, rows may be newer than the listing.
        ``origins`` false: no file can have come from a place that has a row (the first scan of an
        empty catalogue).
        """
        writes = _Writes(root, now_ns)
        compared = Compared(writes.result, [], [], {})
        agreed: list[tuple[bytes, int]] = []
        directories = self._directories.ensure(
            self._counts.roots[root],
            {listing.path: (listing.device, listing.inode) for listing in listings},
        )
        for listing in listings:
            directory = directories[listing.path]
            if listing.last:
                compared.visited.append(directory.id)
            if listing.unchanged or (listing.part == 0 and directory.digest == listing.digest):
                writes.result.unchanged += listing.count
                continue
            if listing.path in stale:
                agrees = self._suspect(listing, directory, compared)
            else:
                agrees = self._compare(
                    listing, directory, quiet_before_ns, writes, compared, origins=origins
                )
            walk = (directory.id, listing.taken)  # one directory may be listed twice at a time
            if not agrees:
                self._disagreeing.add(walk)
            if listing.last:
                directory.new = False
                if walk not in self._disagreeing:
                    agreed.append((listing.digest, directory.id))
                else:
                    self._disagreeing.discard(walk)
                    writes.undigested.add(directory.id)
        self._flush(writes)
        self._directories.agree([pair for pair in agreed if pair[1] not in writes.undigested])
        return compared

    def _compare(
        self,
        listing: Listing,
        directory: Directory,
        quiet_before_ns: int,
        writes: _Writes,
        compared: Compared,
        *,
        origins: bool,
    ) -> bool:
        """Compare one listing, or a part of one, with its rows; true when they now agree."""
        entries, accessed = listing.unpack()
        rows = {} if directory.new else self._rows_between(directory, listing)
        looks: list[Look] = list(zip(entries, accessed, strict=True))
        restless = [entry[0] for entry in entries if entry[9] >= quiet_before_ns]
        if restless:
            compared.restless.setdefault(listing.path, []).extend(restless)
            looks = [look for look in looks if look[0][9] < quiet_before_ns]
        self._reconcile(listing.path, directory, rows, looks, writes, origins=origins)
        if not rows:
            return not restless
        shown = {entry[0] for entry in entries}
        absent = [r.id for r in rows.values() if r.state == PRESENT and r.name not in shown]
        compared.absent += absent
        return not restless and not absent

    def _suspect(self, listing: Listing, directory: Directory, compared: Compared) -> bool:
        """Find the names in which a stale listing and the rows differ; record nothing."""
        entries, _ = listing.unpack()
        rows = {} if directory.new else self._rows_between(directory, listing)
        differing = []
        for entry in entries:
            row = rows.pop(entry[0], None)
            if row is None or row[2:12] != entry or row.state != PRESENT:
                differing.append(entry[0])
        if differing:
            compared.restless.setdefault(listing.path, []).extend(differing)
        compared.absent += [row.id for row in rows.values() if row.state == PRESENT]
        return False

    def _rows_named(self, directory_id: int, names: Sequence[bytes]) -> dict[bytes, Row]:
        return newest(
            self._engine.fetch_in(
                f"SELECT {_ROW} FROM files WHERE directory_id = ? AND name IN ({{in}})",
                names,
                (directory_id,),
            )
        )

    def _rows_between(self, directory: Directory, listing: Listing) -> dict[bytes, Row]:
        """Read the rows that a part of a directory has to be compared with."""
        sql = f"SELECT {_ROW} FROM files WHERE directory_id = ?"
        parameters: list[object] = [directory.id]
        if listing.after:
            sql += " AND name > ?"
            parameters.append(listing.after)
        if listing.until:
            sql += " AND name <= ?"
            parameters.append(listing.until)
        return newest(self._engine.execute(sql, parameters))

    def _reconcile(
        self,
        path: bytes,
        directory: Directory,
        rows: Mapping[bytes, Row],
        looks: Sequence[Look],
        writes: _Writes,
        *,
        origins: bool,
    ) -> None:
        strangers: Sequence[Look] = looks
        if rows:
            strangers = []
            for look in looks:
                entry = look[0]
                row = rows.get(entry[0])
                if row is None:
                    strangers.append(look)
                    continue
                how = difference(row, entry, growing=entry[0] in writes.growing)
                if how is Difference.SAME:
                    writes.result.unchanged += 1
                elif how.new_content and row.inode != entry[1]:
                    strangers.append(look)
                else:
                    self._rewrite(directory, row, look, how, writes)
        if strangers:
            self._strangers(path, directory, rows, strangers, writes, origins=origins)

    def _strangers(
        self,
        path: bytes,
        directory: Directory,
        rows: Mapping[bytes, Row],
        looks: Sequence[Look],
        writes: _Writes,
        *,
        origins: bool,
    ) -> None:
        """Record names whose inode is new here: renamed from elsewhere, replaced, or new."""
        found = self._origins(directory, looks) if origins else {}
        kind_of, insert, root = self._kind_of, writes.inserts.append, writes.root
        for look in looks:
            entry = look[0]
            here = rows.get(entry[0])
            origin = found and self._origin(found.get(entry[1], ()), entry, path, writes)
            if origin:
                self._move(directory, here, origin, look, writes)
            elif here is not None:
                self._rewrite(directory, here, look, difference(here, entry, growing=False), writes)
            else:
                kind = kind_of(entry[0])
                insert((*writes.placed(directory, look, kind, 1), writes.now_ns))
                self._counts.change(root, kind, PRESENT, 1, entry[6])
                writes.result.added += 1

    def _origins(self, directory: Directory, looks: Sequence[Look]) -> dict[int, list[Origin]]:
        """Return rows that hold the inodes of ``looks`` on the same device."""
        origins: dict[int, list[Origin]] = defaultdict(list)
        for *fields, root_id, path in self._engine.fetch_in(
            f"SELECT {_FILE_ROW}, d.root_id, d.path FROM files f"
            " JOIN directories d ON d.id = f.directory_id"
            " WHERE d.device = ? AND f.inode IN ({in})",
            [entry[1] for entry, _ in looks],
            (directory.device,),
        ):
            row = Row._make(fields)
            if root_id in self._counts.names:
                origins[row.inode].append((row, self._counts.names[root_id], path))
        return origins

    def _origin(
        self, candidates: Iterable[Origin], entry: Entry, path: bytes, writes: _Writes
    ) -> Origin | None:
        """Return the row that ``entry`` carries on, if it is a rename and not one more link."""
        for row, root, old_path in candidates:
            if row.id in writes.taken or not same_content(row, entry):
                continue
            if row.state not in (PRESENT, MISSING):
                continue
            here = (root, old_path, row.name) == (writes.root, path, entry[0])
            if here and row.state == PRESENT:
                continue
            if row.state == PRESENT and self._still_there(root, old_path, row.name, row.inode):
                continue
            return row, root, old_path
        return None

    def _move(
        self, directory: Directory, here: Row | None, origin: Origin, look: Look, writes: _Writes
    ) -> None:
        """Give the file of ``origin`` its new place; ADR 6 says why there are two cases."""
        row, old_root, old_path = origin
        writes.taken.add(row.id)
        writes.undigested.update((row.directory_id, directory.id))
        was = os.fsdecode(old_path + b"/" + row.name if old_path else row.name)
        if here is not None and here.state == PRESENT:
            # An atomic save: the new content was written beside and renamed over the old.
            self._rewrite(directory, here, look, Difference.CHANGED, writes)
            writes.absorbed.append((row.id, here.id))
            writes.tell(here.id, "saved-over", written_as=was)
            self._counts.change(old_root, row.kind, row.state, -1, -row.size)
            return
        kind = self._kind_of(look[0][0])
        writes.tell(row.id, "renamed", was=was, root=old_root)
        self._counts.change(old_root, row.kind, row.state, -1, -row.size)
        self._counts.change(writes.root, kind, PRESENT, 1, look[0][6])
        writes.kept.append((*writes.placed(directory, look, kind, row.generation), None, row.id))
        writes.result.renamed += 1

    def _rewrite(
        self, directory: Directory, row: Row, look: Look, how: Difference, writes: _Writes
    ) -> None:
        """Bring a row up to what was seen in its place."""
        kind = self._kind_of(row.name)
        self._counts.change(writes.root, row.kind, row.state, -1, -row.size)
        self._counts.change(writes.root, kind, PRESENT, 1, look[0][6])
        generation = row.generation + how.new_content
        placed = writes.placed(directory, look, kind, generation)
        if how in (Difference.TOUCHED, Difference.RETURNED):
            writes.kept.append((*placed, None, row.id))
        else:
            writes.renewed.append((*placed, None, None, None, row.id))
        if how.new_content:
            past = {"generation": row.generation, "size": row.size, "modified_ns": row.modified_ns}
            writes.tell(row.id, how.value, **past)
            writes.result.changed += 1
        elif how is Difference.RETURNED:
            writes.tell(row.id, how.value)
            writes.result.returned += 1
        else:
            writes.result.touched += 1

    def _flush(self, writes: _Writes) -> Recorded:
        """Write what was gathered; rows that leave a name go first, so that it is free."""
        for gone, stays in writes.absorbed:
            self._engine.execute("UPDATE history SET file_id = ? WHERE file_id = ?", (stays, gone))
            self._engine.execute("DELETE FROM files WHERE id = ?", (gone,))
        if writes.kept:
            self._engine.update("files", ("id",), _KEPT, writes.kept)
        if writes.renewed:
            self._engine.update("files", ("id",), _RENEWED, writes.renewed)
        if writes.inserts:
            self._engine.insert("files", _INSERTED, writes.inserts)
        if writes.history:
            self._engine.insert("history", ("file_id", "at_ns", "event", "detail"), writes.history)
        self._directories.void(writes.undigested)
        return writes.result
