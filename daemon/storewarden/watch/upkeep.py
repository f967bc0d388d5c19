"""What keeps a watched tree true besides events: time, and what a scan of the root met.

Owned by the emitter and guarded by its lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from typing import Final

from storewarden.below import open_directory
from storewarden.model import RootDirty
from storewarden.watch.drift import ADRIFT_SECONDS
from storewarden.watch.ground import NotThere, Place
from storewarden.watch.table import Node
from storewarden.watch.tree import WatchedTree
from storewarden.watch.watches import Watches

RETRY_SECONDS: Final = 5.0
WAS_ELSEWHERE: Final = "root-was-elsewhere"
EXHAUSTED: Final = "watches-exhausted"
_RETRY_MOST: Final = 500  # unreadable directories in one go


class Upkeep:
    """Looks again where a look could not be had, and where a scan says otherwise."""

    def __init__(self, tree: WatchedTree, watches: Watches) -> None:
        self._tree = tree
        self._watches = watches
        self._retry_at = 0.0

    # -- in time ------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Do what is due: give watches up, a slice of them, and try again what could not be."""
        self._tree.drown_overdue(now)
        self._resolve(now)
        self._watches.slice()
        if self._troubled() and now >= self._retry_at:
            self._retry()
            self._retry_at = now + RETRY_SECONDS

    def next_due(self, now: float) -> float | None:
        """Return when something is due next."""
        if self._watches.giving_up():
            return now
        times = [self._tree.drift.next_due(), self._retry_at if self._troubled() else None]
        if self._tree.restless:
            times.append(max(now, next(iter(self._tree.restless.values())) + ADRIFT_SECONDS))
        return min((at for at in times if at is not None), default=None)

    def _troubled(self) -> bool:
        tree = self._tree
        return bool(tree.unreadable or tree.ground.elsewhere or self._watches.ran_out())

    def _resolve(self, now: float) -> None:
        """Find out what became of restless directories that no event put at rest."""
        tree, old = self._tree, now - ADRIFT_SECONDS
        for node in [one for one, since in tree.restless.items() if since <= old]:
            if node not in tree.restless or node.path() is None or tree.look_through(node):
                continue
            for one in reversed(_upwards(node)):
                if not tree.ground.stands(one) and one.parent is not None:
                    tree.look(one.parent, one.name)
                    break

    def _retry(self) -> None:
        """Try again what could not be looked at or watched."""
        tree = self._tree
        if tree.ground.elsewhere and tree.ground.in_place():
            tree.ground.elsewhere = False
            tree.announce(RootDirty(tree.spec.root, WAS_ELSEWHERE))
        for node in list(islice(tree.unreadable, _RETRY_MOST)):
            if node.parent is not None:
                tree.look(node.parent, node.name)
            elif tree.unreadable.pop(node):
                tree.look_through(node)
            if node in tree.unreadable:  # the others come first the next time
                tree.unreadable[node] = tree.unreadable.pop(node)
        if self._watches.ran_out() and self._try_watch():
            tree.grow()
            if not self._watches.ran_out():
                tree.announce(RootDirty(tree.spec.root, EXHAUSTED))

    def _try_watch(self) -> bool:
        """Try the one directory that there was no watch for, before walking them all."""
        path = self._watches.unwatched or b""
        try:
            descriptor = open_directory(self._tree.ground.root(), path)
        except (NotThere, OSError):
            return True  # it went meanwhile
        try:
            return self._watches.try_again(descriptor, path)
        finally:
            os.close(descriptor)

    # -- what a scan tells --------------------------------------------------------------------

    def ensure(self, path: bytes, place: Place) -> bool:
        """Watch a directory that a scan met; true when its watch is new."""
        tree = self._tree
        node = tree.table.find(path)
        if node is not None and node.place == place and node.watch:
            return False
        if not path or tree.aliases.get(path) == place or self._watches.ran_out():
            return False
        above, _, name = path.rpartition(b"/")
        parent = self._way_to(above)
        if parent is None:
            return False
        before = node.watch if node is not None else 0
        tree.look(parent, name, announce=False)
        node = parent.child(name)
        if node is None or node.watch in {0, before}:
            return False
        # What lies in it may have been made after the scan looked, and before the watch stood.
        for child in list(node.children.values()) if node.children else ():
            tree.found(child, path + b"/" + child.name)
        return True

    def _way_to(self, path: bytes) -> Node | None:
        """Return the node of a directory, looking at what is missing on the way to it."""
        node: Node | None = self._tree.table.root
        for name in path.split(b"/") if path else ():
            if node is not None and node.child(name) is None:
                self._tree.look(node, name)
            node = node.child(name) if node is not None else None
        return node

    def confirm(self, visited: Callable[[bytes], bool]) -> None:
        """Look at every directory that a whole scan did not meet."""
        for node in list(self._tree.table.root.below()):
            path = node.path()
            if path and node.parent is not None and not visited(path):
                self._tree.look(node.parent, node.name)


def _upwards(node: Node) -> list[Node]:
    """Return a node and all above it."""
    above: Node | None = node
    way = []
    while above is not None:
        way.append(above)
        above = above.parent
    return way
