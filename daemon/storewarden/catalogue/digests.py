"""Digests of contents, and the moves that only they can tell: from one file system to another."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from storewarden.catalogue import acts, bundles, copies, told_links, undecided
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.reconcile import MISSING
from storewarden.catalogue.usage import carry
from storewarden.catalogue.waiting import Waiting, waiting

# A move across file systems is a copy and a deletion: the new file is seen about when the old one
# goes. Equal contents that are further apart are two files, whatever their digests say.
_MOVE_WINDOW_NS = 24 * 3600 * 1_000_000_000

_CARRIED = (
    *("directory_id", "name", "inode", "mode", "links", "uid", "gid", "size", "blocks"),
    *("modified_ns", "changed_ns", "accessed_ns", "kind", "state", "growing", "recorded_ns"),
    *("digest", "digested_ns"),
)


class Digested(NamedTuple):
    """The digest of a file, and what the file was while it was read."""

    id: int
    inode: int
    size: int
    modified_ns: int
    digest: bytes


class _Gone(NamedTuple):
    """A missing file with a known digest."""

    id: int
    digest: bytes
    size: int
    kind: str
    name: bytes
    path: bytes
    root_id: int
    gone_ns: int


class Digests:
    """Reads what is to be digested (any thread) and writes digests (the recorder thread)."""

    def __init__(self, engine: Engine, counts: Counts) -> None:
        self._engine = engine
        self._counts = counts

    def wanted(self, roots: Collection[str], after_id: int, limit: int) -> list[Waiting]:
        """Return files of ``roots`` without a digest, in the order of their ids."""
        return waiting(self._engine, self._counts, "digest", roots, after_id, limit)

    def store(self, digested: Sequence[Digested], now_ns: int) -> int:
        """Store digests of files that are still what was read; return how many were moves."""
        self._engine.executemany(
            "UPDATE files SET digest = ?, digested_ns = ? WHERE id = ?"
            " AND inode = ? AND size = ? AND modified_ns = ? AND state = 'present'",
            [(d.digest, now_ns, d.id, d.inode, d.size, d.modified_ns) for d in digested],
        )
        copies.outdate_unlike(self._engine, [d.id for d in digested], now_ns)
        arrived = {d.digest: d for d in digested if d.size}
        return sum(
            self._carry_on(arrived[gone.digest], gone, now_ns) for gone in self._gone(arrived)
        )

    def _gone(self, digests: dict[bytes, Digested]) -> Iterator[_Gone]:
        rows = self._engine.fetch_in(
            "SELECT f.id, f.digest, f.size, f.kind, f.name, d.path, d.root_id, f.gone_ns"
            " FROM files f JOIN directories d ON d.id = f.directory_id"
            " WHERE f.state = 'missing' AND f.digest IN ({in})",
            list(digests),
        )
        ours = acts.removing(self._engine, [row[0] for row in rows])  # these did not move
        for id_, digest, size, kind, name, path, root_id, gone_ns in rows:
            if root_id in self._counts.names and id_ not in ours:
                names = bytes(name), bytes(path)
                yield _Gone(id_, bytes(digest), size, kind, *names, root_id, gone_ns)

    def _carry_on(self, digested: Digested, gone: _Gone, now_ns: int) -> bool:
        """Let the missing file's row, with its history, go on in the place of the new file's."""
        arrived = self._engine.execute(
            f"SELECT first_seen_ns, generation, {', '.join(_CARRIED)} FROM files"
            " WHERE id = ? AND state = 'present' AND digest = ?",
            (digested.id, digested.digest),
        )
        if not arrived:
            return False
        first_seen_ns, generation, *carried = arrived[0]
        if generation != 1 or abs(first_seen_ns - gone.gone_ns) > _MOVE_WINDOW_NS:
            return False
        bundles.part(self._engine, [digested.id])
        carry(self._engine, digested.id, gone.id)
        copies.carry(self._engine, digested.id, gone.id)
        told_links.carry(self._engine, digested.id, gone.id, now_ns)
        self._engine.execute("DELETE FROM files WHERE id = ?", (digested.id,))
        undecided.recede(self._engine, [digested.id])
        # the path is another one: what was found out beside and below it need not hold
        anew = (*_CARRIED, "gone_ns", "inspected_ns")
        self._engine.update("files", ("id",), anew, [(*carried, None, None, gone.id)])
        undecided.mark(self._engine, [gone.id])
        root = self._counts.names[gone.root_id]
        was = os.fsdecode(gone.path + b"/" + gone.name if gone.path else gone.name)
        self._engine.insert(
            "history",
            ("file_id", "at_ns", "event", "detail"),
            [(gone.id, now_ns, "renamed", json.dumps({"was": was, "root": root}))],
        )
        self._counts.change(root, gone.kind, MISSING, -1, -gone.size)
        return True
