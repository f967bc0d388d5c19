"""The watched directories of one root, kept true to what is really there.

Events about directories are hints too. Each makes us look at one name in one directory, which is
first compared by inode with the one meant, and set the table right. The kernel's watch is the
inode's identity: adding a watch to a directory that was renamed returns the watch it has, so it is
recognised wherever it turns up. Every change of a name is followed by an event, so every name is
looked at after its last change; and a directory that could not be looked into, because the table's
path for it is behind the truth, is restless: it is looked through when its path is known again.

A directory that left its name is adrift for a moment: nothing below it is delivered. It turns up
again inside the root, or it is gone and its watches are given up.

Owned by the emitter and guarded by its lock.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from storewarden.model import (
    Change,
    DirectoryDirty,
    DirectoryFound,
    DirectoryGone,
    DirectoryMoved,
    RootDirty,
)
from storewarden.watch.drift import Drift, within
from storewarden.watch.exclude import Exclusions
from storewarden.watch.ground import Ground, NotThere, Place, place_of
from storewarden.watch.table import Node
from storewarden.watch.watches import Watches

RECENT_SECONDS: Final = 600.0  # a consumer that is further behind than this scans anyway
_BREATHE: Final = 64  # directories looked at between two reads of the queue
_BREATHE_NAMES: Final = 20_000
_OPEN_MOST: Final = 64  # directories held open during a walk; the others are opened again
_NO_SUBDIRECTORIES: Final = 2  # link count: the name in its parent, and "."
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_NOWHERE: Final = (0, 0)
_CHILD: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Stack = list[tuple[Node, int]]  # directories to look through; -1: not open


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
        self.announce = announce
        self._breathe = breathe
        self._clock = clock
        self.table = watches.plant(spec.path)
        self.ground = Ground(spec.path)
        self.ground.place = self.table.root.place
        self.drift = Drift()
        self.unreadable: dict[Node, int] = {}  # with their errno
        self.unmounted: set[bytes] = set()  # where a file system inside the root went away
        self.covered: set[bytes] = set()  # where one was mounted over files that are known
        self.restless: dict[Node, float] = {}  # to be looked through, and since when
        self._strayed: set[Node] = set()  # said to have left their names, and not looked for yet
        self._lost: list[Node] = []  # the kernel gave up their watches
        self._unmounting: set[Node] = set()
        self.aliases: dict[bytes, Place] = {}  # second paths, by bind mounts
        self._looks = 0

    # -- looking ------------------------------------------------------------------------------

    def look(self, parent: Node, name: bytes, *, announce: bool = True) -> None:
        """Make the table true to what is really at one name, and to all below it if it is new."""
        try:
            held = self.ground.hold(parent)
        except (NotThere, OSError):
            self.unsettle(parent)
            return
        stack: Stack = []
        self._visit(parent, held, name, stack, announce=announce)
        self._walk(stack)

    def look_through(self, node: Node, *, announce: bool = True) -> bool:
        """Make the table true to all directories in one; false when it is not where we have it."""
        try:
            descriptor = self.ground.open(node)
        except NotThere:
            self.unsettle(node)
            return False
        except OSError as error:
            self.restless.pop(node, None)
            self._unreadable(node, error)
            return True
        self.restless.pop(node, None)
        stack: Stack = []
        try:
            for name in {*self._subdirectories(descriptor), *(node.children or ())}:
                self._visit(node, descriptor, name, stack, announce=announce)
        finally:
            os.close(descriptor)
        self._walk(stack)
        return True

    def grow(self) -> None:
        """Watch every directory that is not watched yet."""
        for node in list(self.table.root.below()):
            self.look_through(node, announce=False)

    def unsettle(self, node: Node) -> None:
        """Note that a directory is to be looked through as soon as its path is known again."""
        self.restless.setdefault(node, self._clock())

    def _walk(self, stack: Stack) -> None:
        try:
            while stack:
                node, descriptor = stack.pop()
                if descriptor < 0:
                    self.look_through(node, announce=False)
                    continue
                try:
                    for name in self._subdirectories(descriptor):
                        self._visit(node, descriptor, name, stack, announce=False)
                finally:
                    os.close(descriptor)
        finally:
            for _, descriptor in stack:
                if descriptor >= 0:
                    os.close(descriptor)

    def _visit(self, parent: Node, held: int, name: bytes, stack: Stack, *, announce: bool) -> None:
        """Look at one name in an open directory; put it on the stack when it is new."""
        self._looks += 1
        if self._looks % _BREATHE == 0:
            self._breathe()
        path = _join(parent.path(), name)
        if path is None:
            self.unsettle(parent)
            return
        if self.spec.exclusions.directory(path):
            self._absent(parent, name)
            return
        try:
            descriptor = os.open(name, _CHILD, dir_fd=held)
        except OSError as error:
            if error.errno in _ABSENT:
                self._absent(parent, name)
            else:
                node = parent.child(name) or self.table.add(parent, name, 0, _NOWHERE)
                self._unreadable(node, error)
            return
        new = None
        try:
            new = self._opened(parent, name, path, descriptor, announce=announce)
        finally:
            if new is None or len(stack) >= _OPEN_MOST:
                os.close(descriptor)
                descriptor = -1
        if new is not None:
            stack.append((new, descriptor))

    def _absent(self, parent: Node, name: bytes) -> None:
        known = parent.child(name)
        if known is not None:
            self.drift.cast_off(self.table, known, self._clock())

    def _unreadable(self, node: Node, error: OSError) -> None:
        self.unreadable[node] = error.errno or errno.EIO

    def _opened(
        self, parent: Node, name: bytes, path: bytes, descriptor: int, *, announce: bool
    ) -> Node | None:
        """Take what is really there: known, moved here, or new; return what is to be walked."""
        place = place_of(os.fstat(descriptor))
        known = parent.child(name)
        if known is not None and known.place == place and known.watch:
            self._met_again(known, path)
            return None
        if known is not None and known.place not in {place, _NOWHERE}:
            hidden = path in self.covered or path in self.unmounted
            self._evict(known, path, covered=hidden or known.device != place[0])
            known = None
        if place[0] != parent.device:
            self.unmounted.discard(path)
        watch = self._watches.stand(descriptor, path)
        existing = self.table.by_watch.get(watch)
        if existing is not None:
            if not self._is_alias(existing, parent, path):
                self._turned_up(existing, parent, name, path)
            return None
        if not watch:
            if announce:
                self.announce(DirectoryFound(self.spec.root, path))
            return None
        if known is None:
            known = self.table.add(parent, name, watch, place)
        else:
            self.table.set_watch(known, watch, place)
            announce = self.unreadable.pop(known, None) is not None or announce
        if announce:
            self.found(known, path)
        return known if self._may_hold_directories(descriptor) else None

    def _met_again(self, known: Node, path: bytes) -> None:
        if known in self._strayed:
            self._back(known)
        if self.unreadable.pop(known, None) is not None:
            self.found(known, path)
            self.unsettle(known)

    def found(self, node: Node, path: bytes) -> None:
        """Announce a directory, and remember that it was."""
        self.announce(DirectoryFound(self.spec.root, path))
        node.said_found = self._clock()

    def _may_hold_directories(self, descriptor: int) -> bool:
        """Ask only after the watch stands: what is made from then on is an event."""
        status = os.fstat(descriptor)
        counts = self.spec.counts_links and status.st_dev == self.table.root.device
        return not counts or status.st_nlink != _NO_SUBDIRECTORIES

    def _subdirectories(self, descriptor: int) -> list[bytes]:
        names: list[bytes] = []
        if not self._may_hold_directories(descriptor):
            return names
        try:
            with os.scandir(descriptor) as entries:
                for count, entry in enumerate(entries, 1):
                    if count % _BREATHE_NAMES == 0:
                        self._breathe()
                    if entry.is_dir(follow_symlinks=False):
                        names.append(os.fsencode(entry.name))
        except OSError:
            self.announce(RootDirty(self.spec.root, "directory-not-read"))
        return names

    # -- coming and going ---------------------------------------------------------------------

    def _is_alias(self, existing: Node, parent: Node, path: bytes) -> bool:
        """Tell whether a directory still is where we know it, so that this is a second path."""
        if existing.path() is None:
            return False
        if self.ground.stands(existing):
            self.aliases[path] = existing.place
            return True
        if within(parent, existing):  # the table is behind: nothing can lie in itself
            self.unsettle(parent)
            return True
        return False

    def _turned_up(self, node: Node, parent: Node, name: bytes, path: bytes) -> None:
        """Take a directory that we know from elsewhere to where it is now."""
        old = _join(node.parent.path(), node.name) if node.parent is not None else None
        told = self.drift.told(node)
        self.drift.forget(node)
        self._strayed.discard(node)
        standing = parent.child(name)
        if standing is not None:  # a place kept for what could not be watched
            self._remove(standing)
        self.table.move(node, parent, name)
        # Back at its own name: another may have had it meanwhile, and be what was told of there.
        if old is None or told or old == path:
            self.found(node, path)
        else:
            self.announce(DirectoryMoved(self.spec.root, old, path, *node.place))
            self._say_again(node)
        if self.spec.exclusions.by_path:
            self.found(node, path)
            for one in node.below():
                self.unsettle(one)
        self._calm(node)

    def _calm(self, moved: Node) -> None:
        """Look through what was restless below a directory whose path is known again."""
        for node in [one for one in self.restless if within(one, moved)]:
            self.look_through(node)

    def _say_again(self, moved: Node) -> None:
        """Announce anew what lies below a moved directory and was announced a while ago.

        Whoever was told may not have looked yet, and finds nothing at the old path.
        """
        since = self._clock() - RECENT_SECONDS
        for node in moved.below():
            path = node.path()
            if path is not None and node.said_found > since:
                self.announce(DirectoryFound(self.spec.root, path))
            elif path is not None and node.said_dirty > since:
                self.announce(DirectoryDirty(self.spec.root, path))

    def moved_away(self, parent: Node, name: bytes) -> None:
        """Take note of a directory that left its name."""
        known = parent.child(name)
        if known is None:
            self._gone(parent, name)
            return
        # It may be back, and in an exchange the other one comes before this one is told to go.
        try:
            there = self.ground.holds(parent, name, known.place)
        except (NotThere, OSError):
            self.unsettle(parent)
            self._strayed.add(known)
            return
        if there:
            self._back(known)
        else:
            self.drift.cast_off(self.table, known, self._clock())

    def _back(self, node: Node) -> None:
        """Announce anew what was away from its name for a moment, if it was announced lately.

        Whoever was told of it, or of what it is in, may have looked just then.
        """
        self._strayed.discard(node)
        since, path = self._clock() - RECENT_SECONDS, node.path()
        above: Node | None = node
        while above is not None and above.said_found <= since:
            above = above.parent
        if above is not None and path is not None:
            self.found(node, path)
        else:
            self._say_again(node)

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
        if path is not None and not self.spec.exclusions.directory(path):
            self.announce(DirectoryGone(self.spec.root, path))

    def _evict(self, node: Node, path: bytes, *, covered: bool) -> None:
        """Another directory is in this one's place: say that it is gone, whatever became of it.

        Unless it is ``covered`` by another file system: then its files are not gone, they cannot
        be seen.
        """
        self.drift.cast_off(self.table, node, self._clock(), told=True)
        if not covered:
            self.announce(DirectoryGone(self.spec.root, path))

    def drown_overdue(self, now: float) -> None:
        """Give up what is adrift and did not turn up in time."""
        while (node := self.drift.overdue(now)) is not None:
            self._drown(node)

    def _drown(self, node: Node) -> None:
        """Give a directory up that is adrift and did not turn up."""
        if not self.drift.told(node) and node.parent is not None:
            self._gone(node.parent, node.name)
        self._remove(node)

    def _remove(self, node: Node) -> None:
        self.drift.forget(node)
        for one in node.below():
            self.unreadable.pop(one, None)
            self.restless.pop(one, None)
            self._strayed.discard(one)
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

    def close(self) -> None:
        """Count all watches as given up."""
        self.ground.rest()
        self._watches.close()


def _join(above: bytes | None, name: bytes) -> bytes | None:
    if above is None:
        return None
    return above + b"/" + name if above else name
