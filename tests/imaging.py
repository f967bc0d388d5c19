"""Images of databases in tests: taken, laid over each other, asked for their rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from storewarden.databases.image.increment import apply
from storewarden.databases.image.prove import Proved, prove
from storewarden.databases.image.take import Taken, take


class Ground:
    """A directory with an application's databases, and directories of ours."""

    def __init__(self, top: Path) -> None:
        self.data, self.scratch, self.marks = top / "data", top / "scratch", top / "marks"
        self.kept = top / "kept"
        for path in (self.data, self.scratch, self.marks, self.kept):
            path.mkdir()
        self.data_fd, self.scratch_fd, self.marks_fd = (
            os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            for path in (self.data, self.scratch, self.marks)
        )
        self.backups: list[tuple[Path, Taken]] = []

    def close(self) -> None:
        for one in (self.data_fd, self.scratch_fd, self.marks_fd):
            os.close(one)

    def take(self, name: str = "a.db", base: bytes | None = None, **more: Any) -> Taken:
        """Take an image; where it lies is told by `backups`."""
        path = self.kept / f"{len(self.backups)}"
        out = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600)
        try:
            taken = take(
                self.data_fd,
                os.fsencode(name),
                out,
                self.scratch_fd,
                marks=self.marks_fd,
                base=base,
                **more,
            )
        finally:
            os.close(out)
        self.backups.append((path, taken))
        return taken

    def restored(self, chain: list[tuple[Path, Taken]] | None = None) -> Path:
        """Return a file in the scratch directory made of a chain, by default of all backups."""
        (first, _), *others = chain or self.backups
        path = self.scratch / f"restored-{os.urandom(4).hex()}"
        path.write_bytes(first.read_bytes())
        with path.open("rb+") as onto:
            for other, taken in others:
                with other.open("rb") as increment:
                    image = apply(onto.fileno(), increment.fileno(), str(other))
                assert image == (taken.digest, taken.page_size, taken.pages)
        return path

    def prove(self, path: Path) -> Proved:
        """Check a restored image, and remove it."""
        proved = prove(self.scratch_fd, os.fsencode(path.name))
        path.unlink()
        assert list(self.scratch.iterdir()) == []
        return proved


@contextmanager
def ground(top: Path) -> Iterator[Ground]:
    here = Ground(top)
    try:
        yield here
    finally:
        here.close()


def rows_of(path: Path, sql: str = "SELECT * FROM t ORDER BY 1") -> list[Any]:
    """Return what a query says of a file that nobody uses."""
    connection = apsw.Connection(f"file:{path}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | 0x40)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()
