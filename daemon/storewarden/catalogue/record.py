"""What was seen on disk becomes rows, counts and history; the only writer of files.

Everything here is idempotent: seeing the same again writes nothing. One thread calls it, inside
``batch()``; when a batch fails nothing of it is kept, and the caller looks again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from storewarden.catalogue.counts import Counts
from storewarden.catalogue.directories import Directories, Directory
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.placing import Placing
from storewarden.catalogue.reconcile import (
    AWAY,
    OF_NAME,
    PRESENT,
    ROW,
    Difference,
    Look,
    Row,
    difference,
    newest,
    same_content,
)
from storewarden.catalogue.told import places
from storewarden.catalogue.written import Recorded, Writes
from storewarden.errors import CatalogueRefused
from storewarden.model import Entry, Listing

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Compared:
    """What came of comparing listings with rows."""

    recorded: Recorded
    visited: list[int]  # directories whose listing is complete
    absent: list[int]  # rows that are not in the listing; nothing is concluded from it here
    restless: dict[bytes, list[bytes]]  # names by directory that may still be written to

    def add(self, other: Compared) -> None:
        """Take in what came of comparing others."""
        self.recorded.add(other.recorded)
        self.recorded.linked += other.recorded.linked
        self.visited += other.visited
        self.absent += other.absent
        for path, names in other.restless.items():
            self.restless.setdefault(path, []).extend(names)


class _How(NamedTuple):
    """How listings are to be recorded; see ``Recorder.listings``."""

    quiet_before_ns: int
    now_ns: int
    origins: bool
    stale: Collection[bytes]


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
        # Record listings so that a file which is refused keeps no other out. SQLite takes twice the
        # time for it, so it is set only after something was refused.
        self.careful = False
        self._engine = engine
        self._counts = counts
        self._directories = directories
        self._placing = Placing(engine, counts, kind_of=kind_of, still_there=still_there)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make what happens inside one transaction; when it fails, memory forgets it too."""
        try:
            with self._engine.transaction():
                places.begin_seeing(self._engine)
                self._counts.begin()
                yield
                self._counts.write()
        except BaseException:
            self.doubt()
            raise
        self._counts.committed()

    def doubt(self) -> None:
        """Forget what memory holds of the catalogue: it may hold something else."""
        self._counts.forget()
        self._directories.forget()

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
        self._placing.reconcile(path, directory, rows, looks, writes, origins=self._counts.any())
        self._placing.place_all(writes)
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
        ``stale``: recorded since they were listed, rows may be newer than the listing. So is what
        was listed before an act of ours took it away, for all that can be told.
        ``origins`` false: no file can have come from a place that has a row (the first scan of an
        empty catalogue). When ``careful``, a file that the catalogue refuses is left out.
        """
        how = _How(quiet_before_ns, now_ns, origins, stale)
        if not self.careful:
            return self._listings(root, listings, how)
        try:
            with self._part():
                return self._listings(root, listings, how)
        except CatalogueRefused:
            compared = Compared(Recorded(), [], [], {})
            if len(listings) == 1:
                self._without_refused(root, listings[0], how, compared)
                return compared
        for listing in listings:
            compared.add(self.listings(root, [listing], **how._asdict()))
        return compared

    @contextmanager
    def _part(self) -> Iterator[None]:
        """Make a part of the batch; when the catalogue refuses it, memory forgets it too."""
        counted = self._counts.so_far()
        try:
            with self._engine.savepoint():
                yield
        except CatalogueRefused:
            self._counts.back_to(counted)
            self._directories.forget()
            raise

    def _without_refused(self, root: str, listing: Listing, how: _How, compared: Compared) -> None:
        """Record a listing of which the catalogue refuses something, but for that."""
        entries, accessed = listing.unpack()
        place = (listing.device, listing.inode)
        quiet = [
            look
            for look in zip(entries, accessed, strict=True)
            if look[0][9] < how.quiet_before_ns and listing.path not in how.stale
        ]
        refused = self._by_halves(root, listing.path, place, quiet, how.now_ns, compared)
        directory = self._directories.ensure(self._counts.roots[root], {listing.path: place})[
            listing.path
        ]
        self._suspect(listing, directory, compared)
        restless = [name for name in compared.restless.get(listing.path, ()) if name not in refused]
        compared.restless = {listing.path: restless} if restless else {}
        self._directories.void([directory.id])
        if listing.last:
            compared.visited.append(directory.id)

    def _by_halves(
        self,
        root: str,
        path: bytes,
        place: tuple[int, int],
        looks: Sequence[Look],
        now_ns: int,
        compared: Compared,
    ) -> set[bytes]:
        """Record what can be; return the names of what cannot."""
        try:
            with self._part():
                recorded = self.names(root, path, place, looks, now_ns=now_ns)
        except CatalogueRefused as error:
            if len(looks) > 1:
                middle = len(looks) // 2
                first = self._by_halves(root, path, place, looks[:middle], now_ns, compared)
                second = self._by_halves(root, path, place, looks[middle:], now_ns, compared)
                return first | second
            name = looks[0][0][0]
            where = os.fsdecode(path + b"/" + name if path else name)
            facts = {"root": root, "path": where, "why": error}
            log.error("a file cannot be recorded", extra={"facts": facts})  # noqa: TRY400
            return {name}
        compared.recorded.add(recorded)
        compared.recorded.linked += recorded.linked
        return set()

    def _listings(self, root: str, listings: Sequence[Listing], how: _How) -> Compared:
        now_ns, stale = how.now_ns, how.stale
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
                agrees = self._compare(listing, directory, how, writes, compared)
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
        self._placing.place_all(writes)
        writes.flush(self._engine, self._directories)
        self._directories.agree([pair for pair in agreed if pair[1] not in writes.undigested])
        return compared

    def _compare(
        self,
        listing: Listing,
        directory: Directory,
        how: _How,
        writes: Writes,
        compared: Compared,
    ) -> bool:
        """Compare one listing, or a part of one, with its rows; true when they now agree."""
        entries, accessed = listing.unpack()
        rows = {} if directory.new else self._rows_between(directory, listing)
        looks: list[Look] = list(zip(entries, accessed, strict=True))
        young = [entry for entry in entries if entry[9] >= how.quiet_before_ns]
        restless = {entry[0] for entry in young if not _as_recorded(rows.get(entry[0]), entry)}
        restless |= self._left_meanwhile(listing.root, directory, rows, entries)
        if restless:
            compared.restless.setdefault(listing.path, []).extend(restless)
            looks = [look for look in looks if look[0][0] not in restless]
        self._placing.reconcile(listing.path, directory, rows, looks, writes, origins=how.origins)
        if not rows:
            return not restless
        shown = {entry[0] for entry in entries}
        absent = [r.id for r in rows.values() if r.state == PRESENT and r.name not in shown]
        compared.absent += absent
        return not restless and not absent

    def _left_meanwhile(
        self,
        root: str,
        directory: Directory,
        rows: Mapping[bytes, Row],
        entries: Sequence[Entry],
    ) -> set[bytes]:
        """Return names whose files an act of ours took away, it seems, since they were listed."""
        if directory.new or not self._counts.away(root):
            return set()
        unknown = {entry[0]: entry for entry in entries if entry[0] not in rows}
        states = " OR ".join(f"state = '{state}'" for state in AWAY)
        found = self._engine.fetch_in(
            f"SELECT {ROW} FROM files WHERE ({states}) AND directory_id = ? AND name IN ({{in}})",
            unknown,
            (directory.id,),
        )
        away = (Row._make(row) for row in found)
        return {row.name for row in away if same_content(row, unknown[row.name])}

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
                f"SELECT {ROW} FROM files WHERE {OF_NAME}"
                " AND directory_id = ? AND name IN ({in})",
                names,
                (directory_id,),
            )
        )

    def _rows_between(self, directory: Directory, listing: Listing) -> dict[bytes, Row]:
        """Read the rows that a part of a directory has to be compared with."""
        sql = f"SELECT {ROW} FROM files WHERE {OF_NAME} AND directory_id = ?"
        parameters: list[object] = [directory.id]
        if listing.after:
            sql += " AND name > ?"
            parameters.append(listing.after)
        if listing.until:
            sql += " AND name <= ?"
            parameters.append(listing.until)
        return newest(self._engine.execute(sql, parameters))


def _as_recorded(row: Row | None, entry: Entry) -> bool:
    """Tell whether there is nothing to record."""
    return row is not None and difference(row, entry, growing=False) is Difference.SAME
