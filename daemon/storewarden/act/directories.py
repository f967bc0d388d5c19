"""Directories of files that many acts are about, opened once for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from storewarden.act.giveback import make_way
from storewarden.act.kernel import DIRECTORY, Kernel
from storewarden.act.members import is_plain, modes_above, split

_OPEN_AT_ONCE: Final = 64


class Directories:
    """Directories of files, open as long as there are not too many of them."""

    def __init__(self, root_fd: int, kernel: Kernel) -> None:
        self.kernel, self._root_fd = kernel, root_fd
        self.device = kernel.fstat(root_fd).st_dev
        self._open: dict[bytes, int] = {}
        self._modes: dict[bytes, tuple[int, ...]] = {}

    def of(self, path: bytes) -> tuple[int, bytes]:
        """Return the directory of a path, open, and the name in it.

        Raises:
            Stop: it is no path below the root.
            OSError: it cannot be opened.
        """
        directory, _, name = path.rpartition(b"/")
        found = self._open.get(directory)
        if found is None or not is_plain(name):
            directory, name = split(path)
            found = self._open.get(directory)
        if found is None:
            found = self.kernel.open_below(self._root_fd, directory, DIRECTORY)
            self._open[directory] = found
        return found, name

    def made(self, path: bytes, modes: Sequence[int]) -> tuple[int, bytes]:
        """Return the same, made with these modes where it is not there."""
        try:
            return self.of(path)
        except FileNotFoundError:
            make_way(self._root_fd, path, modes, self.kernel)
            return self.of(path)

    def modes(self, path: bytes) -> tuple[int, ...]:
        """Return the modes of the directories of a path."""
        directory, _, _ = path.rpartition(b"/")
        if directory not in self._modes:
            self._modes[directory] = modes_above(self._root_fd, path, self.kernel)
        return self._modes[directory]

    def sync(self) -> None:
        """Make durable what was moved out of those that are open, or into them."""
        for descriptor in self._open.values():
            self.kernel.sync(descriptor)

    def spare(self, *, sync: bool) -> None:
        """Close all, if there are many."""
        if len(self._open) >= _OPEN_AT_ONCE:
            if sync:
                self.sync()
            self.close()

    def close(self) -> None:
        while self._open:
            _, descriptor = self._open.popitem()
            self.kernel.close(descriptor)
        self._modes.clear()


@contextmanager
def open_directories(root_fd: int, kernel: Kernel) -> Iterator[Directories]:
    """Lend none at first, and close all at the end."""
    directories = Directories(root_fd, kernel)
    try:
        yield directories
    finally:
        directories.close()
