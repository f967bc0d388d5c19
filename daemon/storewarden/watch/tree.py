"""The watched directories of one root, kept true to what is really there.

Events about directories are hints too: each makes us look at one name and compare the inode
found there with the node we have. The kernel's watch is the inode's identity, so a directory that
was renamed is recognised wherever it turns up: adding a watch returns the one it has. No order of
events, and none that was lost, can leave a wrong path for longer than until the next look.

A directory that left its place is adrift for a moment: nothing below it is delivered. It turns up
again inside the root, or it is gone and its watches are given up.

Owned by the emitter and guarded by its lock.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from storewarden.model import (
    Change,
    DirectoryDirty,
    DirectoryFound,
    DirectoryGone,
    DirectoryMoved,
    RootDirty,
)
from storewarden.watch.below import open_directory
from storewarden.watch.drift import Drift, Recent, within
from storewarden.watch.exclude import Exclusions
from storewarden.watch.table import Node
from storewarden.watch.watches import Watches

RETRY_SECONDS: Final = 5.0
_RETRY_MOST: Final = 500
_BREATHE: Final = 64  # directories looked at between two reads of the queue
_BREATHE_NAMES: Final = 20_000
_NO_SUBDIRECTORIES: Final = 2  # link count: the name in its parent, and "."
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_NOWHERE: Final = (0, 0)

Names = list[tuple[Node, bytes]]


class RootElsewhere(OSError):
    """What is at the root's path is not the directory that we watch."""


@dataclass(frozen=True, slots=True)
class WatchSpec:
    """What to watch."""

    root: str
    path: bytes  # absolute
    exclusions: Exclusions = field(default_factory=Exclusions)
    counts_links: bool | None = None  # a directory's link count tells how many it holds; None: ask


class WatchedTree:
    """All directories of one root and the watches on them."""

    def __init__(
        self,
        spec: WatchSpec,
        watches: Watches,
        *,
        announce: Callable[[Change], None],
        breathe: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self.spec = spec
        self._watches = watches
        self._announce = announce
        self._breathe = breathe
        self._clock = clock
        self._root_fd = -1
        self.table = watches.plant(spec.path)
        self.drift = Drift()
        self.recent = Recent()
        self._lost: list[Node] = []  # the kernel gave up their watches
        self._unmounting: set[Node] = set()
        self._aliases: dict[bytes, tuple[int, int]] = {}  # second paths, by bind mounts
        self.unreadable: dict[Node, int] = {}  # with their errno
        self.unmounted: set[bytes] = set()  # where a file system inside the root went away
        self.elsewhere = False  # something could not be looked at, as the root was not there
        self._retry_at = 0.0
        self._looks = 0

    # -- the root -----------------------------------------------------------------------------

    def _root(self) -> int:
        """Return a descriptor of the root; it is lent until `rest`, as it holds up an unmount."""
        if self._root_fd < 0:
            try:
                descriptor = os.open(self.spec.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError as error:
                self.elsewhere = True
                raise RootElsewhere(errno.ESTALE, "the root is not there") from error
            status = os.fstat(descriptor)
            if (status.st_dev, status.st_ino) != self.table.root.place:
                os.close(descriptor)
                self.elsewhere = True
                raise RootElsewhere(errno.ESTALE, "another directory is in the root's place")
            self._root_fd = descriptor
        return self._root_fd

    def rest(self) -> None:
        """Give the root's descriptor back; to be called when a batch of work is done."""
        if self._root_fd >= 0:
            os.close(self._root_fd)
            self._root_fd = -1

    def in_place(self) -> bool:
        """Tell whether the root's path still leads to the directory that we watch."""
        try:
            status = os.stat(self.spec.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self.table.root.place

    # -- looking ------------------------------------------------------------------------------

    def grow(self, top: Node | None = None) -> None:
        """Watch every directory in and below one that is watched."""
        for node in list((top or self.table.root).below()):
            for name in self._names_in(node):
                if node.child(name) is None:
                    self.look(node, name, announce=False)

    def look(self, parent: Node, name: bytes, *, announce: bool = True) -> None:
        """Make the watches true to what is really at one name, and to all below it if it is new."""
        stack = self._visit(parent, name, announce=announce)
        while stack:
            above, below = stack.pop()
            stack += self._visit(above, below, announce=False)

    def _visit(self, parent: Node, name: bytes, *, announce: bool) -> Names:
        """Look at one name; return the directories in it that are to be looked at next."""
        self._looks += 1
        if self._looks % _BREATHE == 0:
            self._breathe()
        path = _join(parent.path(), name)
        if path is None:
            self.drift.mark_stale(parent)
            return []
        if self.spec.exclusions.directory(path):
            self._absent(parent, name)
            return []
        try:
            descriptor = open_directory(self._root(), path)
        except RootElsewhere:
            return []
        except OSError as error:
            if error.errno in _ABSENT:
                self._absent(parent, name)
            else:
                node = parent.child(name) or self.table.add(parent, name, 0, _NOWHERE)
                self.unreadable[node] = error.errno or errno.EIO
            return []
        try:
            return self._opened(parent, name, path, descriptor, announce=announce)
        finally:
            os.close(descriptor)

    def _absent(self, parent: Node, name: bytes) -> None:
        known = parent.child(name)
        if known is not None:
            self.drift.cast_off(self.table, known, self._clock())

    def _opened(
        self, parent: Node, name: bytes, path: bytes, descriptor: int, *, announce: bool
    ) -> Names:
        """Take what is really there: known, moved here, or new."""
        place = _place(os.fstat(descriptor))
        known = parent.child(name)
        if known is not None and known.place == place and known.watch:
            if self.unreadable.pop(known, None) is not None:
                self._found(known, path)
            return []
        if known is not None and known.place not in {place, _NOWHERE}:
            self._evict(known, path)
            known = None
        if place[0] != parent.device:
            self.unmounted.discard(path)
        watch = self._watches.stand(descriptor, path)
        existing = self.table.by_watch.get(watch)
        if existing is not None and existing is not known:
            if not self._is_alias(existing, parent, path):
                self._turned_up(existing, parent, name, path)
            return []
        if watch:
            known = self._watched(known, parent, name, watch, place)
            announce = self.unreadable.pop(known, None) is not None or announce
        if announce:
            self._found(known, path)
        # Listed only now: what is made from here on is an event.
        return [(known, one) for one in self._subdirectories(descriptor)] if known and watch else []

    def _watched(
        self, known: Node | None, parent: Node, name: bytes, watch: int, place: tuple[int, int]
    ) -> Node:
        if known is None:
            return self.table.add(parent, name, watch, place)
        self.table.set_watch(known, watch, place)
        return known

    def _found(self, node: Node | None, path: bytes) -> None:
        self._announce(DirectoryFound(self.spec.root, path))
        if node is not None:
            self.recent.add(node, self._clock())

    def _names_in(self, node: Node) -> list[bytes]:
        """Return the names of the directories in a directory; what cannot be read has none."""
        path = node.path()
        if path is None:
            return []
        try:
            descriptor = open_directory(self._root(), path)
        except OSError:
            return []  # an event or the next look says why
        try:
            return self._subdirectories(descriptor)
        finally:
            os.close(descriptor)

    def _subdirectories(self, descriptor: int) -> list[bytes]:
        status = os.fstat(descriptor)
        counts = self.spec.counts_links and status.st_dev == self.table.root.device
        if counts and status.st_nlink == _NO_SUBDIRECTORIES:
            return []
        names = []
        try:
            with os.scandir(descriptor) as entries:
                for count, entry in enumerate(entries, 1):
                    if count % _BREATHE_NAMES == 0:
                        self._breathe()
                    if entry.is_dir(follow_symlinks=False):
                        names.append(os.fsencode(entry.name))
        except OSError:
            self._announce(RootDirty(self.spec.root, "directory-not-read"))
        return names

    # -- coming and going ---------------------------------------------------------------------

    def _is_alias(self, existing: Node, parent: Node, path: bytes) -> bool:
        """Tell whether a directory still is where we know it, so that this is a second path."""
        standing = existing.path()
        if standing is None:
            return False
        try:
            descriptor = (
                open_directory(self._root(), standing) if standing else os.dup(self._root())
            )
        except OSError:
            return False
        try:
            there = _place(os.fstat(descriptor)) == existing.place
        finally:
            os.close(descriptor)
        if there or within(parent, existing):
            self._aliases[path] = existing.place
            return True
        return False

    def _turned_up(self, node: Node, parent: Node, name: bytes, path: bytes) -> None:
        """Take a directory that we know from elsewhere to where it is now."""
        old = _join(node.parent.path(), node.name) if node.parent is not None else None
        told, stale = self.drift.told(node), self.drift.stale(node)
        self.drift.forget(node)
        standing = parent.child(name)
        if standing is not None:  # a place kept for what could not be watched
            self._remove(standing)
        self.table.move(node, parent, name)
        if old is None or told:
            self._found(node, path)
        elif old != path:
            self._announce(DirectoryMoved(self.spec.root, old, path))
            self._say_again(node)
        if stale or self.spec.exclusions.by_path:
            self._refit(node, path)

    def _refit(self, node: Node, path: bytes) -> None:
        """Look at all directories below one that moved: who knows what happened to them."""
        for one in list(node.below()):
            if one is not node and one.parent is not None:
                self.look(one.parent, one.name, announce=False)
        self.grow(node)
        self._found(node, path)

    def _say_again(self, moved: Node) -> None:
        for node, dirty in self.recent.below(moved, self._clock()):
            path = node.path()
            if path is not None:
                kind = DirectoryDirty if dirty else DirectoryFound
                self._announce(kind(self.spec.root, path))

    def moved_away(self, parent: Node, name: bytes) -> None:
        """Take note of a directory that left its name."""
        known = parent.child(name)
        if known is None or known.path() is None:
            self._gone(parent, name)
        else:
            self.drift.cast_off(self.table, known, self._clock())

    def deleted(self, parent: Node, name: bytes) -> None:
        """Take note of a deleted directory; another may bear its name by now."""
        known = parent.child(name)
        if known is None:
            self._gone(parent, name)
            return
        self.look(parent, name)
        if known in self.drift:
            self._drown(known)

    def _gone(self, parent: Node, name: bytes) -> None:
        path = _join(parent.path(), name)
        if path is None:
            self.drift.mark_stale(parent)
        elif not self.spec.exclusions.directory(path):
            self._announce(DirectoryGone(self.spec.root, path))

    def _evict(self, node: Node, path: bytes) -> None:
        """Another directory is in this one's place: say that it is gone, whatever became of it."""
        self.drift.cast_off(self.table, node, self._clock(), told=True)
        self._announce(DirectoryGone(self.spec.root, path))

    def _drown(self, node: Node) -> None:
        """Give a directory up that is adrift and did not turn up."""
        if not self.drift.told(node) and node.parent is not None:
            self._gone(node.parent, node.name)
        self._remove(node)

    def _remove(self, node: Node) -> None:
        self.drift.forget(node)
        for one in node.below():
            self.unreadable.pop(one, None)
        self._watches.give_up(self.table.remove(node))

    # -- what the kernel says about watches ---------------------------------------------------

    def ignored(self, watch: int) -> None:
        """Take note that the kernel gave up a watch; it is looked into at the end of the batch."""
        node = self._watches.ignored(watch)
        if node is not None and node is not self.table.root:
            self._lost.append(node)

    def unmount(self, node: Node) -> None:
        """Take note that a file system inside the root went away."""
        while node.parent is not None and node.parent.device == node.device:
            node = node.parent
        if node is not self.table.root:
            self._unmounting.add(node)

    def settle_accounts(self) -> None:
        """Look at the directories whose watches the kernel gave up."""
        unmounting, self._unmounting = self._unmounting, set()
        lost, self._lost = self._lost, []
        for node in unmounting:
            path, parent = node.path(), node.parent
            if path is None or parent is None:
                continue
            # Its files are not gone, they cannot be seen: nothing is announced.
            self._remove(node)
            self.unmounted.add(path)
            self.look(parent, node.name, announce=False)
        for node in lost:
            if node.parent is not None and node.path() is not None and not node.watch:
                self.look(node.parent, node.name)

    # -- in slices ----------------------------------------------------------------------------

    def tick(self, now: float) -> float | None:
        """Do what is due: give watches up, try again; return when something is due next."""
        while (node := self.drift.overdue(now)) is not None:
            self._drown(node)
        if self._watches.slice():
            return now
        troubled = bool(self.unreadable or self.elsewhere or self._watches.ran_out())
        if troubled and now >= self._retry_at:
            self._retry()
            self._retry_at = now + RETRY_SECONDS
        times = [self.drift.next_due(), self._retry_at if troubled else None]
        return min((at for at in times if at is not None), default=None)

    def _retry(self) -> None:
        """Try again what could not be looked at or watched."""
        if self.elsewhere and self.in_place():
            self.elsewhere = False
            self._announce(RootDirty(self.spec.root, "root-was-elsewhere"))
        for node in list(islice(self.unreadable, _RETRY_MOST)):
            if node.parent is not None:
                self.look(node.parent, node.name)
            if node in self.unreadable:  # the others come first the next time
                self.unreadable[node] = self.unreadable.pop(node)
        if self._watches.ran_out() and self._has_watches():
            self.grow()
            if not self._watches.ran_out():
                self._announce(RootDirty(self.spec.root, "watches-exhausted"))

    def _has_watches(self) -> bool:
        """Try the one directory that there was no watch for, before walking them all."""
        try:
            descriptor = open_directory(self._root(), self._watches.unwatched or b"")
        except OSError as error:
            return error.errno in _ABSENT
        try:
            return self._watches.try_again(descriptor)
        finally:
            os.close(descriptor)

    # -- what a scan tells --------------------------------------------------------------------

    def ensure(self, path: bytes, place: tuple[int, int]) -> bool:
        """Watch a directory that a scan met; true when its watch is new."""
        node = self.table.find(path)
        if node is not None and node.place == place and node.watch:
            return False
        known = self._aliases.get(path) == place or self._watches.ran_out()
        if not path or known:
            return False
        *way, last = path.split(b"/")
        parent: Node | None = self.table.root
        for name in way:
            if parent is not None and parent.child(name) is None:
                self.look(parent, name)
            parent = parent.child(name) if parent is not None else None
        if parent is None:
            return False
        before = node.watch if node is not None else 0
        self.look(parent, last, announce=False)
        node = parent.child(last)
        if node is None or node.watch in {0, before}:
            return False
        for child in list(node.children.values()) if node.children else ():
            self._found(child, _join(path, child.name) or b"")
        return True

    def confirm(self, visited: Callable[[bytes], bool]) -> None:
        """Look at every directory that a whole scan did not meet."""
        for node in list(self.table.root.below()):
            path = node.path()
            if path and node.parent is not None and not visited(path):
                self.look(node.parent, node.name)

    def close(self) -> None:
        """Count all watches as given up."""
        self.rest()
        self._watches.close()


def _join(above: bytes | None, name: bytes) -> bytes | None:
    if above is None:
        return None
    return above + b"/" + name if above else name


def _place(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
