"""What goes from an emitter to its consumer: few events, each with all that changed meanwhile.

At most two events are on their way at a time. Until the consumer has taken one, changes are folded
on this side, so that a slow consumer costs neither memory nor events.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final

from watchdog.events import FileSystemEvent

from storewarden.model import Change, DirectoryDirty, Hint, RootDirty, Touched
from storewarden.watch.changes import pruned
from storewarden.watch.fold import Fold
from storewarden.watch.table import Node
from storewarden.watch.tree import WatchedTree, WatchSpec

MOST_OUT: Final = 2
MOST_CHANGES: Final = 20_000
TOO_MUCH: Final = "too-many-changes"


class ChangesEvent(FileSystemEvent):
    """What changed under one root, in order; call `taken` when it is in your hands."""

    def __init__(self, path: str, changes: tuple[Change, ...], taken: Callable[[], None]) -> None:
        super().__init__(path)
        self.event_type = "changes"
        self.is_directory = True
        self.changes = changes
        self._taken: Callable[[], None] | None = taken

    # No two are the same: watchdog's queue drops an event that equals the one before it.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def taken(self) -> None:
        """Let the emitter deliver the next; calling it again does nothing."""
        taken, self._taken = self._taken, None
        if taken is not None:
            taken()


class Delivery:
    """Changes that wait, in order; guarded by the emitter's lock, except for the count of events.

    That has a lock of its own, so that a consumer never waits for an emitter at work.
    """

    def __init__(self, spec: WatchSpec, fold: Fold, wake: Callable[[], None]) -> None:
        self._spec = spec
        self._fold = fold
        self._wake = wake
        self._changes: list[Change] = []
        self._count = threading.Lock()
        self._out = 0

    def announce(self, change: Change) -> None:
        """Add a change to what is delivered next; a dirty root comes before all else."""
        if isinstance(change, RootDirty) and change in self._changes[:1]:
            return
        if len(self._changes) >= MOST_CHANGES:
            self._changes.clear()
            change = RootDirty(self._spec.root, TOO_MUCH)
        if isinstance(change, RootDirty):
            self._changes.insert(0, change)
        else:
            self._changes.append(change)

    def root_dirty(self) -> bool:
        """Tell whether it waits to be said that the whole root is to be scanned."""
        return any(isinstance(change, RootDirty) for change in self._changes)

    def pending(self) -> int:
        """Return how many names and changes wait."""
        return self._fold.pending() + len(self._changes)

    def forget(self) -> None:
        """Drop all that waits: it may come from elsewhere."""
        self._fold.clear()
        self._changes.clear()

    def next(self, tree: WatchedTree, now: float) -> ChangesEvent | None:
        """Return an event with all that waits, if there is something and room for it."""
        if not (self._changes or self._fold):
            return None
        with self._count:
            if self._out >= MOST_OUT:
                return None
        changes = (*pruned(self._changes), *self._dirty(tree, now), *self._touched(tree))
        self._changes.clear()
        if not changes:
            return None
        with self._count:
            self._out += 1
        return ChangesEvent(os.fsdecode(self._spec.path), changes, self._taken)

    def _taken(self) -> None:
        with self._count:
            self._out -= 1
        self._wake()

    def _dirty(self, tree: WatchedTree, now: float) -> list[Change]:
        """Take the directories that are to be listed instead of naming what changed in them."""
        root, fold = self._spec.root, self._fold
        changes: list[Change] = []
        if fold.too_much:
            fold.clear()
            changes.append(RootDirty(root, TOO_MUCH))
        for watch in list(fold.dirty):
            node = tree.table.by_watch.get(watch)
            path = _path_now(tree, node)
            if node is None or path is not None:
                fold.drop(watch)
            if node is not None and path is not None:
                changes.append(DirectoryDirty(root, path))
                node.said_dirty = now
        return changes

    def _touched(self, tree: WatchedTree) -> list[Change]:
        """Take the folded names, except where the directory's path is not known just now."""
        names = self._fold.names
        touched: dict[bytes, dict[bytes, Hint]] = {}
        for watch in list(names):
            node = tree.table.by_watch.get(watch)
            path = _path_now(tree, node)
            if node is not None and path is None:
                continue
            hints = names.pop(watch)
            if path is not None and (wanted := self._wanted(path, hints)):
                touched[path] = wanted
        return [Touched(self._spec.root, touched)] if touched else []

    def _wanted(self, path: bytes, hints: dict[bytes, Hint]) -> dict[bytes, Hint]:
        exclusions = self._spec.exclusions
        if exclusions.trivial and path:
            return hints
        excluded = exclusions.file
        return {name: hint for name, hint in hints.items() if not excluded(path, name)}


def _path_now(tree: WatchedTree, node: Node | None) -> bytes | None:
    """Return a directory's path if it is true; else there is an event on its way about it."""
    if node is None:
        return None
    if tree.ground.stands(node):
        return node.path()
    tree.unsettle(node)
    return None
