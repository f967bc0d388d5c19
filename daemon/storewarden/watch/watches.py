"""The kernel's watches of one root: paid from the budget, given up a few hundred at a time.

Owned by the emitter and guarded by its lock.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from storewarden.watch.budget import WatchBudget
from storewarden.watch.inotify import DIRECTORY_MASK, ROOT_MASK, Inotify
from storewarden.watch.table import Node, WatchTable
from storewarden.watch.usage import UsageCounter

# Each watch that is given up queues an event: more at once than the queue holds would overflow it.
SLICE: Final = 500


class Watches:
    """Which watches stand, which are to be given up, and whether they ran out."""

    def __init__(
        self, inotify: Inotify, budget: WatchBudget, usage: UsageCounter | None = None
    ) -> None:
        """Watch by ``inotify``; ``usage`` counts in the same directories, while there is room."""
        self._inotify = inotify
        self._budget = budget
        self._usage = usage
        self._doomed: dict[int, None] = {}
        self.table: WatchTable
        self.unwatched: bytes | None = None  # the first directory there was no watch for
        self.error = 0  # what the kernel said then; 0: our own share is used up

    def plant(self, path: bytes) -> WatchTable:
        """Watch the root itself, and start the table with it.

        Raises:
            OSError: it is not there, cannot be read, or there is no watch left even for it.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not self._budget.take():
                raise OSError(errno.ENOSPC, "no watches left")
            try:
                watch = self._inotify.add(descriptor, ROOT_MASK)
            except OSError:
                self._budget.give()
                raise
            status = os.fstat(descriptor)
            if self._usage is not None:
                self._usage.add(descriptor, watch)
        finally:
            os.close(descriptor)
        self.table = WatchTable(watch, (status.st_dev, status.st_ino))
        return self.table

    def stand(self, descriptor: int, path: bytes) -> int:
        """Return the watch of an open directory, 0 when there is none to be had."""
        if not self._budget.take():
            self._run_out(path, 0)
            return 0
        try:
            watch = self._add(descriptor)
        except OSError as error:
            self._budget.give()
            self._run_out(path, error.errno or errno.EIO)
            return 0
        if self._usage is not None:
            self._usage.add(descriptor, watch)
        if watch in self.table.by_watch or watch in self._doomed:
            self._budget.give()
            self._doomed.pop(watch, None)
        return watch

    def _add(self, descriptor: int) -> int:
        try:
            return self._inotify.add(descriptor, DIRECTORY_MASK)
        except OSError as error:
            if error.errno != errno.ENOSPC or not self._budget.make_way():
                raise
        return self._inotify.add(descriptor, DIRECTORY_MASK)

    def ran_out(self) -> bool:
        """Tell whether some directory has no watch because there was none to be had."""
        return self.unwatched is not None

    def _run_out(self, path: bytes, error: int) -> None:
        if self.unwatched is None:
            self.unwatched, self.error = path, error

    def try_again(self, descriptor: int, path: bytes) -> bool:
        """Tell whether there are watches to be had again, by taking one for this directory."""
        self.unwatched = None
        watch = self.stand(descriptor, path)
        if watch and watch not in self.table.by_watch:
            self._doomed[watch] = None
        return watch != 0

    def give_up(self, watches: list[int]) -> None:
        """Have these watches given up, bit by bit."""
        self._doomed.update(dict.fromkeys(watches))

    def slice(self) -> None:
        """Give up some of them."""
        for watch in list(self._doomed)[:SLICE]:
            del self._doomed[watch]
            self._inotify.remove(watch)
            self._budget.give()
            if self._usage is not None:
                self._usage.remove(watch)

    def giving_up(self) -> bool:
        """Tell whether there are more to give up."""
        return bool(self._doomed)

    def ignored(self, watch: int) -> Node | None:
        """Take note that the kernel gave up a watch; return its node when we did not ask for it."""
        if watch in self._doomed:
            del self._doomed[watch]
            self._budget.give()
            return None
        node = self.table.drop_watch(watch)
        if node is not None:
            self._budget.give()
        return node

    def close(self) -> None:
        """Count all as given up: the instance is closed."""
        self._budget.give(len(self.table.by_watch) + len(self._doomed))
        self.table.by_watch.clear()
        self._doomed.clear()
