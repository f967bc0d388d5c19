"""Rows of directories, and the digest that says which of them need not be compared again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.rules import folded

# 20,000 directories of memory are about 6 MB; what does not fit is read again.
_CACHED = 20_000


@dataclass(slots=True)
class Directory:
    """A directory as the catalogue knows it; ``digest`` is None when its rows may disagree."""

    id: int
    device: int
    inode: int
    digest: bytes | None
    new: bool = False  # made just now: no file can have a row in it yet
    # When the walk began whose parts have all agreed with the rows so far, None when none has.
    # Whatever is recorded meanwhile by another way ends that.
    agreeing: float | None = None


class Directories:
    """Finds and makes directory rows. Owned by the recorder thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._by_path: dict[tuple[int, bytes], Directory] = {}
        self._by_id: dict[int, Directory] = {}

    def forget(self) -> None:
        """Empty the memory: a transaction failed, or directories moved."""
        self._by_path.clear()
        self._by_id.clear()

    def ensure(
        self, root_id: int, wanted: Mapping[bytes, tuple[int, int]]
    ) -> dict[bytes, Directory]:
        """Return a row for each path of ``wanted`` (path to device and inode)."""
        if len(self._by_path) > _CACHED:
            self.forget()
        found = self._cached(root_id, wanted)
        wanted = {path: (folded(place[0]), folded(place[1])) for path, place in wanted.items()}
        self._read(root_id, [path for path in wanted if path not in found], found, new=False)
        absent = [path for path in wanted if path not in found]
        if absent:
            self._engine.insert(
                "directories",
                ("root_id", "path", "device", "inode"),
                [(root_id, path, *wanted[path]) for path in absent],
            )
            self._read(root_id, absent, found, new=True)
        moved = []
        for path, place in wanted.items():
            directory = found[path]
            if (directory.device, directory.inode) != place:
                directory.device, directory.inode = place
                moved.append((*place, directory.id))
        if moved:
            self._engine.update("directories", ("id",), ("device", "inode"), moved)
        return found

    def known(self, root_id: int, path: bytes) -> Directory | None:
        """Return the row of a directory if there is one."""
        found = self._cached(root_id, (path,))
        self._read(root_id, [path] if not found else [], found, new=False)
        return found.get(path)

    def below(self, root_id: int, path: bytes) -> list[tuple[int, bytes]]:
        """Return ids and paths of a directory and of all below it."""
        if path == b"":
            rows = self._engine.execute(
                "SELECT id, path FROM directories WHERE root_id = ?", (root_id,)
            )
        else:
            rows = self._engine.execute(
                "SELECT id, path FROM directories"
                " WHERE root_id = ? AND (path = ? OR (path >= ? AND path < ?))",
                (root_id, path, path + b"/", path + b"0"),  # "0" follows "/" in ASCII
            )
        return [(id_, path) for id_, path in rows]

    def void(self, directory_ids: Iterable[int]) -> None:
        """Forget the digests of directories whose rows changed since they were listed."""
        stale = []
        for directory_id in directory_ids:
            directory = self._by_id.get(directory_id)
            if directory is None or directory.digest is not None:
                stale.append((None, directory_id))
            if directory is not None:
                directory.digest = directory.agreeing = None
        if stale:
            self._engine.update("directories", ("id",), ("digest",), stale)

    def agree(self, digests: Sequence[tuple[bytes, int]]) -> None:
        """Note that rows and listing (digest, id) are the same: no need to compare them again."""
        if digests:
            self._engine.update("directories", ("id",), ("digest",), digests)
        for digest, directory_id in digests:
            directory = self._by_id.get(directory_id)
            if directory is not None:
                directory.digest = digest

    def large_digests(self, root_id: int, at_least: int) -> dict[bytes, bytes]:
        """Return the digests of directories with very many files, for the walk to compare.

        One pass over an index: 60 ms for a million files, once in a scan of a whole root.
        """
        rows = self._engine.execute(
            "SELECT d.path, d.digest FROM directories d WHERE d.root_id = ?"
            " AND d.digest IS NOT NULL AND"
            " (SELECT count(*) FROM files f WHERE f.directory_id = d.id) >= ?",
            (root_id, at_least),
        )
        return {path: bytes(digest) for path, digest in rows}

    def _cached(self, root_id: int, paths: Iterable[bytes]) -> dict[bytes, Directory]:
        by_path = self._by_path
        return {
            path: directory
            for path in paths
            if (directory := by_path.get((root_id, path))) is not None
        }

    def _read(
        self, root_id: int, paths: Sequence[bytes], found: dict[bytes, Directory], *, new: bool
    ) -> None:
        if not paths:
            return
        for id_, path, device, inode, digest in self._engine.fetch_in(
            "SELECT id, path, device, inode, digest FROM directories"
            " WHERE root_id = ? AND path IN ({in})",
            paths,
            (root_id,),
        ):
            directory = Directory(id_, device, inode, digest, new)
            found[path] = self._by_path[root_id, path] = self._by_id[id_] = directory
