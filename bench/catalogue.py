"""A look at the catalogue from outside: its totals, its rows, and whether they equal the tree."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw

from bench.tree import walk

_POLL = 0.01


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a catalogue differs from the tree."""

    files: int = 0
    unrecorded: int = 0  # files without a row, or with one that shows another file
    ghosts: int = 0  # rows that are said to be present and are not

    @property
    def equal(self) -> bool:
        """Tell whether they are the same."""
        return not self.unrecorded and not self.ghosts

    @property
    def share(self) -> float:
        """Return the per cent of the files that are recorded."""
        return 100 * (1 - self.unrecorded / max(1, self.files))


class Catalogue:
    """A read-only connection of our own."""

    def __init__(self, path: Path) -> None:
        self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        self._connection.set_busy_timeout(5000)

    def present(self) -> int:
        """Return how many files it says there are."""
        sql = "SELECT coalesce(sum(files), 0) FROM totals WHERE state = 'present'"
        return int(self._connection.execute(sql).get)

    def inspected(self) -> int:
        """Return how many files were looked into."""
        return int(self._connection.execute("SELECT count(*) FROM facts").get)

    def rows(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield path, inode and size of each file that is present."""
        sql = (
            "SELECT d.path, f.name, f.inode, f.size FROM files f"
            " JOIN directories d ON d.id = f.directory_id WHERE f.state = 'present'"
        )
        for path, name, inode, size in self._connection.execute(sql):
            yield (path + b"/" + name if path else name), inode, size

    def compare(self, root: Path) -> Comparison:
        """Compare all rows with a walk."""
        there = {path: (status.st_ino, status.st_size) for path, status in walk(root)}
        files = len(there)
        ghosts = 0
        for path, inode, size in self.rows():
            known = there.get(path)
            if known == (inode, size):
                del there[path]
            elif known is None:
                ghosts += 1
        return Comparison(files, len(there), ghosts)

    def wait_for(self, files: int, seconds: float) -> float:
        """Wait until so many are present, or the time is over; return when that was."""
        deadline = time.monotonic() + seconds
        while self.present() != files and time.monotonic() < deadline:
            time.sleep(_POLL)
        return time.monotonic()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
