"""A root with files, a store, and what stands between them and a test."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storewarden.act.copying import Source
from storewarden.act.identity import Identity
from storewarden.act.landing import Place
from storewarden.store.contract import Opened

MARK = "abcdefgh234567aa"
MADE = 1_800_000_000_000_000_000
MIB = 1 << 20


class Root:
    """A directory that is a root, open."""

    def __init__(self, directory: Path) -> None:
        self.directory = os.fsencode(directory)
        self.descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def path(self, name: bytes) -> bytes:
        return self.directory + b"/" + name

    def write(self, name: bytes, content: bytes) -> bytes:
        """Make a file, its directories too; return its name."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return name

    def read(self, name: bytes) -> bytes:
        with open(self.path(name), "rb") as file:
            return file.read()

    def status(self, name: bytes) -> os.stat_result:
        return os.lstat(self.path(name))

    def identity(self, name: bytes) -> Identity:
        return Identity.of(self.status(name))

    def source(self, name: bytes) -> Source:
        """Return a file as it is now."""
        return Source("host", "renders", "uuid", self.descriptor, name, self.identity(name))

    def place(self, name: bytes) -> Place:
        return Place(self.descriptor, name, f"renders: {name!r}")

    def names(self) -> list[bytes]:
        """Return all files and directories, those in our own folder as well."""
        found = []
        for above, directories, files in os.walk(self.directory):
            found += [os.path.join(above, name) for name in directories + files]
        return sorted(os.path.relpath(path, self.directory) for path in found)

    def close(self) -> None:
        os.close(self.descriptor)


@contextmanager
def root_at(directory: Path) -> Iterator[Root]:
    """Make a root, and close it."""
    directory.mkdir(parents=True, exist_ok=True)
    root = Root(directory)
    try:
        yield root
    finally:
        root.close()


class Bytes(Opened):
    """An object that is given as bytes, read in pieces as small as a test wants them."""

    def __init__(self, content: bytes, most: int = MIB) -> None:
        self.left, self.most, self.closed = memoryview(content), most, False

    def read(self, size: int, /) -> bytes:
        piece = self.left[: min(size, self.most)]
        self.left = self.left[len(piece) :]
        return bytes(piece)

    def close(self) -> None:
        self.closed = True


def words(size: int) -> bytes:
    """Return text that can be packed to about half."""
    lines = (
        b"%08x frame %d of a render, seed %d\n" % (n * 2654435761 % 2**32, n, n * 7919)
        for n in range(size // 30 + 1)
    )
    return b"".join(lines)[:size]


def noise(size: int, seed: int = 1) -> bytes:
    """Return bytes that cannot be packed, the same from the same seed."""
    return random.Random(seed).randbytes(size)
