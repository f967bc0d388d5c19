"""What was seen on disk becomes rows, counts and history; the only writer of files.

Everything here is idempotent: seeing the same again writes nothing. One thread calls it, inside
``batch()``; when a batch fails nothing of it is kept, and the caller looks again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from storewarden.catalogue.counts import Counts
from storewarden.catalogue.directories import Directories, Directory
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.origins import Name, Origin, Origins, Strangers
from storewarden.catalogue.reconcile import (
    PRESENT,
    ROW,
    Difference,
    Look,
    Row,
    difference,
    newest,
)
from storewarden.catalogue.written import Recorded, Writes
from storewarden.model import Entry, Listing


@dataclass(slots=True)
class Compared:
    """What came of comparing listings with rows."""

    recorded: Recorded
    visited: list[int]  # directories whose listing is complete
    absent: list[int]  # rows that are not in the listing; nothing is concluded from it here
    restless: dict[bytes, list[bytes]]  # names by directory that may still be written to


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
        self._origins = Origins(engine, counts, still_there)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make what happens inside one transaction; when it fails, memory forgets it too."""
        try:
            with self._engine.transaction():
                self._counts.begin()
                yield
                self._counts.write()
        except BaseException:
            self._counts.forget()
            self._directories.forget()
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
        writes = Writes(root, now_ns, growing)
        self._reconcile(path, directory, rows, looks, writes, origins=self._counts.any())
        self._place_all(writes)
        if writes.any():
            writes.undigested.add(directory.id)
        directory.new = False
        return writes.flush(self._engine, self._directories)

    def links(self, root: str, inodes: Sequence[int]) -> list[tuple[bytes, bytes]]:
        """Return directory and name of all present files of the root with one of ``inodes``."""
        rows = self._engine.fetch_in(
            "SELECT d.path, f.name FROM files f JOIN directories d ON d.id = f.directory_id"
            " WHERE d.root_id = ? AND f.state = 'present' AND f.inode IN ({in})",
            inodes,
            (self._counts.roots[root],),
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
        writes = Writes(root, now_ns)
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
            directory.new = False
            if listing.part == 0:
                directory.agreeing = listing.taken
            if not agrees:
                directory.agreeing = None
            if listing.last:
                if directory.agreeing == listing.taken:
                    agreed.append((listing.digest, directory.id))
                else:
                    writes.undigested.add(directory.id)
        self._place_all(writes)
        writes.flush(self._engine, self._directories)
        self._directories.agree([pair for pair in agreed if pair[1] not in writes.undigested])
        return compared

    def _compare(
        self,
        listing: Listing,
        directory: Directory,
        quiet_before_ns: int,
        writes: Writes,
        compared: Compared,
        *,
        origins: bool,
    ) -> bool:
        """Compare one listing, or a part of one, with its rows; true when they now agree."""
        entries, accessed = listing.unpack()
        rows = {} if directory.new else self._rows_between(directory, listing)
        looks: list[Look] = list(zip(entries, accessed, strict=True))
        young = [entry for entry in entries if entry[9] >= quiet_before_ns]
        restless = {entry[0] for entry in young if not _as_recorded(rows.get(entry[0]), entry)}
        if restless:
            compared.restless.setdefault(listing.path, []).extend(restless)
            looks = [look for look in looks if look[0][0] not in restless]
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
        differing = [
            entry[0] for entry in entries if not _as_recorded(rows.pop(entry[0], None), entry)
        ]
        if differing:
            compared.restless.setdefault(listing.path, []).extend(differing)
        compared.absent += [row.id for row in rows.values() if row.state == PRESENT]
        return False

    def _rows_named(self, directory_id: int, names: Sequence[bytes]) -> dict[bytes, Row]:
        return newest(
            self._engine.fetch_in(
                f"SELECT {ROW} FROM files WHERE directory_id = ? AND name IN ({{in}})",
                names,
                (directory_id,),
            )
        )

    def _rows_between(self, directory: Directory, listing: Listing) -> dict[bytes, Row]:
        """Read the rows that a part of a directory has to be compared with."""
        sql = f"SELECT {ROW} FROM files WHERE directory_id = ?"
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
        writes: Writes,
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
        if not strangers:
            return
        if origins:
            writes.strangers.append(Strangers(path, directory, rows, strangers))
        else:
            self._place(Strangers(path, directory, rows, strangers), {}, writes)

    def _place_all(self, writes: Writes) -> None:
        """Record the names whose inodes are new in their directories."""
        if writes.strangers:
            came = self._origins.of(writes.strangers, writes.root, writes.taken)
            for strangers in writes.strangers:
                self._place(strangers, came, writes)

    def _place(self, strangers: Strangers, came: Mapping[Name, Origin], writes: Writes) -> None:
        """Record names as renamed from elsewhere, replaced, or new.

        A name that was left by one file and taken by another is a new file then, and not the old
        one with new content.
        """
        directory, rows = strangers.directory, strangers.rows
        kind_of, change, root = self._kind_of, self._counts.change, writes.root
        for look in strangers.looks:
            entry = look[0]
            here = rows.get(entry[0])
            origin = came and came.get((directory.id, entry[0]))
            if origin:
                self._move(directory, here, origin, look, writes)
                continue
            if here is not None and here.id not in writes.taken:
                self._rewrite(directory, here, look, difference(here, entry, growing=False), writes)
                continue
            kind = kind_of(entry[0])
            writes.insert(directory, look, kind)
            change(root, kind, PRESENT, 1, entry[6])
            writes.result.added += 1

    def _move(
        self, directory: Directory, here: Row | None, origin: Origin, look: Look, writes: Writes
    ) -> None:
        """Give the file of ``origin`` its new place; ADR 6 says why there are two cases."""
        row, old_root, old_path = origin
        writes.undigested.update((row.directory_id, directory.id))
        was = os.fsdecode(old_path + b"/" + row.name if old_path else row.name)
        if here is not None and here.state == PRESENT and here.id in writes.taken:
            writes.leave(here.id)
        elif here is not None and here.state == PRESENT:
            # An atomic save: the new content was written beside and renamed over the old.
            self._rewrite(directory, here, look, Difference.CHANGED, writes)
            writes.absorb(row.id, here.id)
            writes.tell(here.id, "saved-over", written_as=was)
            self._counts.change(old_root, row.kind, row.state, -1, -row.size)
            return
        kind = self._kind_of(look[0][0])
        writes.tell(row.id, "renamed", was=was, root=old_root)
        self._counts.change(old_root, row.kind, row.state, -1, -row.size)
        self._counts.change(writes.root, kind, PRESENT, 1, look[0][6])
        writes.update(row.id, directory, look, kind, row.generation, keep_digest=True)
        writes.result.renamed += 1

    def _rewrite(
        self, directory: Directory, row: Row, look: Look, how: Difference, writes: Writes
    ) -> None:
        """Bring a row up to what was seen in its place."""
        writes.taken.add(row.id)
        kind = self._kind_of(row.name)
        self._counts.change(writes.root, row.kind, row.state, -1, -row.size)
        self._counts.change(writes.root, kind, PRESENT, 1, look[0][6])
        generation = row.generation + how.new_content
        keep = how in (Difference.TOUCHED, Difference.RETURNED)
        writes.update(row.id, directory, look, kind, generation, keep_digest=keep)
        if row.links > 1 and row.inode != look[0][1]:
            writes.result.linked.append(row.inode)  # one of its names has gone
        if how.new_content:
            past = {"generation": row.generation, "size": row.size, "modified_ns": row.modified_ns}
            writes.tell(row.id, how.value, **past)
            writes.result.changed += 1
        elif how is Difference.RETURNED:
            writes.tell(row.id, how.value)
            writes.result.returned += 1
        else:
            writes.result.touched += 1


def _as_recorded(row: Row | None, entry: Entry) -> bool:
    """Tell whether there is nothing to record."""
    return row is not None and difference(row, entry, growing=False) is Difference.SAME
