"""What is no longer where it was: names gone, directories gone or moved; rows stay.

Nothing here looks at the disk: the caller has looked and says what it saw. A file that is gone
keeps its row and its history, and nothing is ever removed elsewhere because of it. What an act of
ours is about to take away is left to that act, and what was put away stays so: it has left already.
Its row goes with its directory, wherever that is moved: there it comes back to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from storewarden.catalogue import acts, bundles, told_links, undecided
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.directories import Directories
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.reconcile import MISSING, PRESENT
from storewarden.catalogue.written import Recorded

# Rows of a whole tree are read and written in slices, so that memory stays flat.
_SLICE = 5_000
_EVER = 2**63 - 1
_NEVER = -(2**63)
_NOTHING: Mapping[bytes, int] = MappingProxyType({})


class Absent(NamedTuple):
    """A present row that a scan did not see, with the place to look at once more."""

    id: int
    path: bytes
    name: bytes


class _Leaving(NamedTuple):
    id: int
    directory_id: int
    kind: str
    size: int
    inode: int
    links: int


_LEAVING = "id, directory_id, kind, size, inode, links"


class Departures:
    """Writes what left its place. Owned by the recorder thread, used inside its batches."""

    def __init__(self, engine: Engine, counts: Counts, directories: Directories) -> None:
        self._engine = engine
        self._counts = counts
        self._directories = directories

    def names(
        self,
        root: str,
        path: bytes,
        names: Sequence[bytes],
        now_ns: int,
        *,
        device: int = 0,
        hidden: Mapping[bytes, int] = _NOTHING,
    ) -> Recorded:
        """Mark names of one directory missing that a look did not find.

        ``device`` is that of the directory that was looked into, 0 when there was none. Another
        than that of the row proves nothing: something was mounted there, or unmounted. ``hidden``
        are the places whose files nobody can see, each with a slash, and since when: what was
        recorded later lies on top and can be seen.
        """
        directory = self._directories.known(self._counts.roots[root], path)
        if directory is None or device not in (0, directory.device):
            return Recorded()
        rows = self._engine.fetch_in(
            f"SELECT {_LEAVING} FROM files"
            " WHERE state = 'present' AND directory_id = ? AND recorded_ns > ? AND name IN ({in})",
            names,
            (directory.id, hidden_until(path, hidden)),
        )
        return self._leave(root, rows, now_ns)

    def absent(self, root: str, ids: Sequence[int]) -> list[Absent]:
        """Return those of ``ids`` that are still present in this root, and where."""
        rows = self._engine.fetch_in(
            "SELECT f.id, d.path, f.name FROM files f JOIN directories d ON d.id = f.directory_id"
            " WHERE d.root_id = ? AND f.state = 'present' AND f.id IN ({in})",
            ids,
            (self._counts.roots[root],),
        )
        return [Absent(id_, bytes(path), bytes(name)) for id_, path, name in rows]

    def files(
        self,
        root: str,
        ids: Sequence[int],
        now_ns: int,
        *,
        recorded_before_ns: int | None = None,
        recorded_after_ns: int = _NEVER,
    ) -> Recorded:
        """Mark rows missing, by id, that were present until now.

        Those recorded since ``recorded_before_ns`` were seen again, or bear the number of a row
        that was deleted meanwhile: SQLite hands it out again. Those not recorded since
        ``recorded_after_ns`` cannot be seen.
        """
        before = _EVER if recorded_before_ns is None else recorded_before_ns
        rows = self._engine.fetch_in(
            f"SELECT {_LEAVING} FROM files"
            " WHERE state = 'present' AND recorded_ns <= ? AND recorded_ns > ? AND id IN ({in})",
            ids,
            (before, recorded_after_ns),
        )
        return self._leave(root, rows, now_ns)

    def present_in(self, directory_id: int) -> list[int]:
        """Return the ids of the present files of one directory."""
        rows = self._engine.execute(
            "SELECT id FROM files WHERE directory_id = ? AND state = 'present'", (directory_id,)
        )
        return [id_ for (id_,) in rows]

    def tree(
        self, root: str, path: bytes, now_ns: int, *, hidden: Mapping[bytes, int] = _NOTHING
    ) -> Recorded:
        """Mark all files below a directory missing that a look showed to be gone.

        But not those that cannot be seen; see ``names``.
        """
        gone = Recorded()
        for directory_id, below in self._directories.below(self._counts.roots[root], path):
            after = hidden_until(below, hidden)
            ids = self.present_in(directory_id)
            for start in range(0, len(ids), _SLICE):
                chunk = ids[start : start + _SLICE]
                left = self.files(root, chunk, now_ns, recorded_after_ns=after)
                gone.add(left)
                gone.linked += left.linked
        return gone

    def inside(self, root: str, path: bytes) -> list[bytes]:
        """Return the paths of the known directories below one, those above before those below."""
        known = self._directories.below(self._counts.roots[root], path)
        return sorted(below for _, below in known if below != path)

    def moved(self, root: str, old: bytes, new: bytes, now_ns: int) -> bool:
        """Give a directory and all below it their new path.

        False when there is more to be looked at: it has no row, or there were rows at its new path.
        """
        root_id = self._counts.roots[root]
        moving = self._directories.below(root_id, old)
        if not moving:
            return False
        stale = {path: id_ for id_, path in self._directories.below(root_id, new)}
        self._directories.forget()
        moved: list[tuple[bytes, bytes, int]] = []
        for directory_id, path in moving:
            target = new + path[len(old) :]
            if target in stale:
                self._merge(root, directory_id, stale[target], now_ns)
            else:
                moved.append((target, b"", directory_id))
        self._engine.update("directories", ("id",), ("path", "stale"), moved)
        undecided.mark_directories(self._engine, [id_ for *_, id_ in moved])
        told_links.seen_below(self._engine, root_id, new, now_ns)
        return not stale

    def _merge(self, root: str, source: int, target: int, now_ns: int) -> None:
        """Move files into a directory that has a row: what that row still holds is stale."""
        self.files(root, self.present_in(target), now_ns)
        self._engine.execute(
            "UPDATE files SET directory_id = ?, inspected_ns ="
            " CASE WHEN state = 'present' OR state = 'missing' THEN NULL ELSE inspected_ns END"
            " WHERE directory_id = ?",
            (target, source),
        )
        self._engine.execute("UPDATE directories SET digest = NULL WHERE id = ?", (target,))
        undecided.mark_directories(self._engine, [target])
        self._engine.execute("DELETE FROM directories WHERE id = ?", (source,))

    def _leave(self, root: str, rows: Iterable[Sequence[Any]], now_ns: int) -> Recorded:
        leaving = [_Leaving(*row) for row in rows]
        # What became of these an act of ours tells, when it is at its end
        ours = acts.removing(self._engine, [row.id for row in leaving])
        leaving = [row for row in leaving if row.id not in ours]
        if not leaving:
            return Recorded()
        ids = [row.id for row in leaving]
        bundles.part(self._engine, ids)
        undecided.drop(self._engine, ids)
        self._engine.update(
            "files",
            ("id",),
            ("state", "gone_ns", "growing", "recorded_ns"),
            [(MISSING, now_ns, 0, now_ns, row.id) for row in leaving],
        )
        self._engine.insert(
            "history",
            ("file_id", "at_ns", "event", "detail"),
            [(row.id, now_ns, MISSING, "{}") for row in leaving],
        )
        for row in leaving:
            self._counts.change(root, row.kind, PRESENT, -1, -row.size)
            self._counts.change(root, row.kind, MISSING, 1, row.size)
        self._directories.void({row.directory_id for row in leaving})
        linked = [row.inode for row in leaving if row.links > 1]
        return Recorded(missing=len(leaving), linked=linked)


def hidden_until(path: bytes, hidden: Mapping[bytes, int]) -> int:
    """Return when the last row was recorded, in a directory, whose file may be hidden."""
    inside = path + b"/"
    return max((at for place, at in hidden.items() if inside.startswith(place)), default=_NEVER)
