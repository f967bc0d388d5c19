"""Where nodes really are: opens directories of one root, and checks that they are the ones meant.

A path in the watch table is what events told so far; the tree on disk may be ahead of it. So each
directory is compared by inode before anything below it is believed.

Owned by the emitter and guarded by its lock.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from storewarden.below import DIRECTORY, open_below
from storewarden.watch.table import Node

_HANDLE: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE})
_LONG: Final = 4000  # bytes of path that one system call takes

Place = tuple[int, int]  # device, inode


def place_of(status: os.stat_result) -> Place:
    """Return device and inode."""
    return status.st_dev, status.st_ino


class NotThere(Exception):
    """A directory is not where the table has it; the events that say so are still to come."""


class Ground:
    """Descriptors of a root and of one directory in it, lent for a batch: they hold up unmounts."""

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.place: Place = (0, 0)  # of the root, once it is watched
        self.elsewhere = False  # the root was not at its path when something was to be looked at
        self._root_fd = -1
        self._held: Node | None = None
        self._held_fd = -1

    def root(self) -> int:
        """Return a descriptor of the root.

        Raises:
            NotThere: another directory, or none, is at its path.
        """
        if self._root_fd < 0:
            try:
                descriptor = os.open(self.path, _HANDLE)
            except OSError:
                self.elsewhere = True
                raise NotThere from None
            if place_of(os.fstat(descriptor)) != self.place:
                os.close(descriptor)
                self.elsewhere = True
                raise NotThere
            self._root_fd = descriptor
        return self._root_fd

    def in_place(self) -> bool:
        """Tell whether the root's path leads to the directory that we watch."""
        try:
            return place_of(os.stat(self.path)) == self.place
        except OSError:
            return False

    def hold(self, node: Node) -> int:
        """Return a descriptor to open what is in a directory; ours, and lent until the next call.

        Raises:
            NotThere: it is not where the table has it.
        """
        if self._held is not node:
            descriptor = self.open(node, _HANDLE)
            self._let_go()
            self._held, self._held_fd = node, descriptor
        return self._held_fd

    def holds(self, node: Node, name: bytes, place: Place) -> bool:
        """Tell whether a name in a directory is this one.

        Raises:
            NotThere: the directory is not where the table has it.
        """
        held = self.hold(node)
        try:
            return place_of(os.stat(name, dir_fd=held, follow_symlinks=False)) == place
        except FileNotFoundError:
            return False

    def open(self, node: Node, flags: int = DIRECTORY) -> int:
        """Open a directory; the caller closes it.

        Raises:
            NotThere: it is not where the table has it.
            OSError: it is there, but may not be opened.
        """
        path = node.path()
        if path is None:
            raise NotThere
        try:
            descriptor = open_below(self.root(), path, flags)
        except OSError as error:
            if error.errno in _ABSENT:
                raise NotThere from None
            raise
        if place_of(os.fstat(descriptor)) != node.place:
            os.close(descriptor)
            raise NotThere
        return descriptor

    def stands(self, node: Node) -> bool:
        """Tell whether a directory is where the table has it."""
        path = node.path()
        if path is None:
            return False
        try:
            if len(path) < _LONG:
                status = os.stat(path or b".", dir_fd=self.root(), follow_symlinks=False)
                return place_of(status) == node.place
            os.close(self.open(node, _HANDLE))
        except (OSError, NotThere):
            return False
        return True

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held_fd)
            self._held = None

    def rest(self) -> None:
        """Give all descriptors back; to be called when a batch of work is done."""
        self._let_go()
        if self._root_fd >= 0:
            os.close(self._root_fd)
            self._root_fd = -1
