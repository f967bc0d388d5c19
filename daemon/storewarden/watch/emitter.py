"""Our own inotify emitter under watchdog's API: reads, folds, delivers; never forgets, never grows.

What watchdog's stock emitter does wrong is in docs/adr: it makes objects for each event, and it
rebuilds all watches when the queue overflows, which overflows the queue again. Here an overflow
is one message, "look at the whole root", and no watch is touched.

Threads: the emitter's own thread reads and delivers. `ensure`, `confirm_after_scan`,
`look_again`, `figures` and `blind` may be called by any thread. One lock guards the tree, the fold
and the list of changes; it is held for one batch (some milliseconds; a second or two while
a hundred thousand new directories are walked, during which the queue is emptied all the same).
A second lock guards only the count of undelivered events, so that a consumer never waits.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from watchdog.observers.api import EventEmitter, EventQueue, ObservedWatch

from storewarden.errors import WatchError
from storewarden.model import Blind, Blindness, DirectoryFound, RootDirty
from storewarden.watch.budget import WatchBudget
from storewarden.watch.delivery import Delivery
from storewarden.watch.ears import Ears
from storewarden.watch.fold import Fold, FoldLimits
from storewarden.watch.inotify import (
    ATTRIB,
    CREATE,
    DELETE,
    DELETE_SELF,
    IGNORED,
    MOVE_SELF,
    MOVED_FROM,
    MOVED_TO,
    Q_OVERFLOW,
    UNMOUNT,
    Inotify,
)
from storewarden.watch.table import Node
from storewarden.watch.tree import WatchedTree, WatchSpec
from storewarden.watch.trouble import troubles
from storewarden.watch.upkeep import WAS_ELSEWHERE, Upkeep
from storewarden.watch.usage import UsageCounter
from storewarden.watch.watches import Watches

log = logging.getLogger(__name__)

MOST_BACKLOG: Final = 64 << 20  # bytes of events read during a long walk
_READS: Final = 8  # between two deliveries
_LOST_SECONDS: Final = 1.0  # between two looks whether the root is back
_LAST_SECONDS: Final = 0.5  # to hand over the rest at an orderly end


@dataclass(frozen=True, slots=True)
class EmitterFigures:
    """An emitter's figures; ``events`` and ``overflows`` count since its start."""

    watches: int
    events: dict[str, int]
    overflows: int
    pending: int


class _Stopping(Exception):
    """The emitter was asked to stop in the middle of a walk."""


class InotifyEmitter(EventEmitter):
    """Watches one root and delivers its changes as `ChangesEvent`."""

    def __init__(
        self,
        event_queue: EventQueue,
        watch: ObservedWatch,
        *,
        spec: WatchSpec,
        budget: WatchBudget,
        limits: FoldLimits | None = None,
        usage: UsageCounter | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(event_queue, watch)
        self.name = f"emitter-{spec.root}"
        self.spec = spec
        self.heard = False  # whether somebody waits for what it knows at its end
        self.failure: BaseException | None = None  # set once, by the emitter's thread, when it dies
        self.usage = usage  # counts the use of files beside us, where it is wanted
        self._budget = budget
        self._clock = clock
        self._lock = threading.RLock()
        self._inotify: Inotify  # these are made by `on_thread_start`
        self._tree: WatchedTree
        self._watches: Watches
        self._upkeep: Upkeep
        self._open = False  # between start and end; guarded by the lock
        self._fold = Fold(limits)
        self._ears = Ears()
        self._delivery = Delivery(spec, self._fold, self._ears.wake)
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0
        self._ends_at = 0.0  # when a stop ends even a walk
        self._lost: Blindness | None = None  # the root is not where it was: nothing is reported
        self._overflows = 0
        self._overflowed = False  # since the last whole scan
        self._next_tick: float | None = clock()  # the emitter's thread alone

    # -- life ---------------------------------------------------------------------------------

    @property
    def place(self) -> tuple[int, int]:
        """Device and inode of the root that is watched."""
        return self._tree.table.root.place

    def on_thread_start(self) -> None:
        """Place all watches; runs in the caller's thread, so that they stand when it returns.

        Raises:
            WatchError: not even the root can be watched. Running out later shows in `blind`.
        """
        with self._lock:
            try:
                self._inotify = Inotify()
            except OSError as error:
                raise self._no_instance(error) from error
            try:
                self._open = True
                if self.usage is not None:
                    self.usage.open()
                self._watches = Watches(self._inotify, self._budget, self.usage)
                self._tree = WatchedTree(
                    self.spec,
                    self._watches,
                    announce=self._delivery.announce,
                    breathe=self._breathe,
                    clock=self._clock,
                )
                self._upkeep = Upkeep(self._tree, self._watches)
                self._tree.grow()
                self._tree.ground.rest()
            except OSError as error:
                self._shut()
                raise self._no_root(error) from error
            except _Stopping:
                self._shut()
                raise WatchError("watching was stopped", where=self.spec.root) from None
            self._delivery.forget()  # who starts an emitter scans the root afterwards
            self._ears.listen(self._inotify)
            if self.usage is not None:
                self.usage.start(self._tree.table.by_watch, self._paths)

    def _no_instance(self, error: OSError) -> WatchError:
        why = os.strerror(error.errno or errno.EIO)
        remedy = "sudo sysctl -w fs.inotify.max_user_instances=512"
        return WatchError("no events to be had", where=self.spec.root, why=why, remedy=remedy)

    def _no_root(self, error: OSError) -> WatchError:
        why = os.strerror(error.errno or errno.EIO)
        remedy = self._budget.remedy() if error.errno == errno.ENOSPC else ""
        return WatchError(
            "the root cannot be watched", where=self.spec.root, why=why, remedy=remedy
        )

    def run(self) -> None:
        """Read and deliver until stopped; an error ends the thread and is kept in ``failure``."""
        try:
            while self.should_keep_running():
                self.queue_events(self.timeout)
            if self.heard:
                self._say_the_rest()
        except _Stopping:
            pass
        except BaseException as error:
            self.failure = error
            log.exception("an emitter died", extra={"facts": {"root": self.spec.root}})
        finally:
            if self.usage is not None:
                self.usage.stop()
            with self._lock:
                self._shut()

    def _say_the_rest(self) -> None:
        """Read once more and deliver all there is, as far as the consumer takes it in time."""
        self._ends_at = self._clock() + _LAST_SECONDS
        with self._lock:
            self._read()
        while self._clock() < self._ends_at:
            with self._lock:
                self._tick(self._clock())
                event = self._delivery.next(self._tree, self._clock())
                waiting = self._delivery.pending()
                self._tree.ground.rest()
            if event is not None:
                self.queue_event(event)
            if not waiting:
                return
            self._ears.pause()

    def on_thread_stop(self) -> None:
        """Wake the thread, which ends itself; without a thread, give everything back here."""
        self._ears.wake()
        if not self.is_alive():
            with self._lock:
                self._shut()

    def _shut(self) -> None:
        if self._open:
            self._open = False
            if hasattr(self, "_tree"):
                self._tree.close()
            self._inotify.close()
        if self.usage is not None:
            self.usage.close()
        self._ears.close()

    # -- the loop -----------------------------------------------------------------------------

    def queue_events(self, timeout: float) -> None:  # noqa: ARG002 -- watchdog's signature
        """Wait for events, fold a batch of them, deliver what the consumer has room for."""
        left = None if self._next_tick is None else self._next_tick - self._clock()
        self._ears.wait(left)
        with self._lock:
            self._read()
            self._tick(self._clock())
            event = self._delivery.next(self._tree, self._clock())
            self._next_tick = self._next_due(self._clock())
            self._tree.ground.rest()
        if event is not None:
            self.queue_event(event)

    def _tick(self, now: float) -> None:
        if self._lost is None:
            self._upkeep.tick(now)
        elif self._lost is Blindness.MOVED_AWAY and self._tree.ground.in_place():
            self._lost = None
            self._delivery.announce(RootDirty(self.spec.root, WAS_ELSEWHERE))

    def _next_due(self, now: float) -> float | None:
        if self._backlog:
            return now
        return self._upkeep.next_due(now) if self._lost is None else now + _LOST_SECONDS

    def _read(self) -> None:
        tree, fold = self._tree, self._fold
        for _ in range(_READS):
            buffer = self._backlog.popleft() if self._backlog else self._inotify.read()
            if not buffer:
                break
            fold.take(buffer, tree.table.by_watch, self._structure)
            tree.settle_accounts()
        if not self._backlog:
            self._backlog_bytes = 0
        if self._lost is not None:
            self._delivery.forget()

    def _breathe(self) -> None:
        """Empty the kernel's queue in the middle of a long walk, for later."""
        if self.stopped_event.is_set() and self._clock() >= self._ends_at:
            raise _Stopping
        buffer = self._inotify.read()
        if not buffer:
            return
        self._backlog.append(buffer)
        self._backlog_bytes += len(buffer)
        if self._backlog_bytes > MOST_BACKLOG:
            self._backlog.clear()
            self._backlog_bytes = 0
            self._overflow()

    # -- what the kernel says -----------------------------------------------------------------

    def _structure(self, watch: int, mask: int, name: bytes) -> None:
        """Take an event about a directory, a watch or the queue."""
        tree = self._tree
        if mask & Q_OVERFLOW:
            self._overflow()
            return
        node = tree.table.by_watch.get(watch)
        if node is tree.table.root and mask & (MOVE_SELF | DELETE_SELF | UNMOUNT | IGNORED):
            self._root_event(mask)
        if mask & IGNORED:
            tree.ignored(watch)
            self._fold.drop(watch)
        elif node is not None and mask & UNMOUNT:
            tree.unmount(node)
        elif node is not None and name:
            self._directory_event(node, mask, name)

    def _directory_event(self, node: Node, mask: int, name: bytes) -> None:
        if mask & (CREATE | MOVED_TO | ATTRIB):
            self._tree.look(node, name)
        elif mask & MOVED_FROM:
            self._tree.moved_away(node, name)
        elif mask & DELETE:
            self._tree.deleted(node, name)

    def _root_event(self, mask: int) -> None:
        """The root itself moved or went: report nothing more, as it may come from elsewhere."""
        if mask & MOVE_SELF and self._tree.ground.in_place():
            self._delivery.announce(RootDirty(self.spec.root, WAS_ELSEWHERE))
            return
        if self._lost is not None and not mask & UNMOUNT:
            return  # the first reason says most
        reason = Blindness.NOT_THERE
        if mask & UNMOUNT:
            reason = Blindness.NOT_MOUNTED
        elif mask & MOVE_SELF:
            reason = Blindness.MOVED_AWAY
        self._lost = reason
        self._delivery.forget()

    def _overflow(self) -> None:
        self._overflows += 1
        if not self._overflowed:
            log.warning(
                "events were lost, the whole root is scanned",
                extra={"facts": {"root": self.spec.root, "reason": Blindness.QUEUE_OVERFLOW}},
            )
        self._overflowed = True
        self._delivery.announce(RootDirty(self.spec.root, Blindness.QUEUE_OVERFLOW.value))

    # -- for the pipeline ---------------------------------------------------------------------

    def ensure(self, path: bytes, device: int, inode: int) -> bool:
        """Watch a directory that a scan met, if it is not.

        True when its watch is new, or had to be placed again after events were lost: then it
        must be listed again, as it changed unseen between the listing and now.
        """
        with self._lock:
            return self._working() and self._guarded(
                lambda: self._upkeep.ensure(path, (device, inode))
            )

    def confirm_after_scan(self, visited: Callable[[bytes], bool]) -> None:
        """Drop the watches of directories that are no more, after a whole scan of the root.

        Args:
            visited: tells whether the scan met a directory; the others are looked at.
        """

        def confirm() -> bool:
            self._upkeep.confirm(visited)
            return True

        with self._lock:
            if self._working() and self._guarded(confirm):
                self._overflowed = self._delivery.root_dirty()
                self._ears.wake()

    def look_again(self, path: bytes) -> None:
        """Look at one directory as if an event had told of it: something was mounted there."""
        above, _, name = path.rpartition(b"/")

        def look() -> bool:
            node = self._tree.table.find(above)
            if node is not None and name:
                self._tree.look(node, name)
            return True

        with self._lock:
            if self._working():
                self._guarded(look)
                self._ears.wake()

    def mounts_changed(self, path: bytes, *, covered: bool, left: bool) -> None:
        """Look at a directory where something was mounted or unmounted, and at all below it.

        ``covered``: known files below are hidden by it; ``left``: known files went with it.
        """
        with self._lock:
            if not self._working():
                return
            for places, held in ((self._tree.covered, covered), (self._tree.unmounted, left)):
                (places.add if held else places.discard)(path)
            self.look_again(path)
            self._delivery.announce(DirectoryFound(self.spec.root, path))
            self._ears.wake()

    def believe_gone(self) -> None:
        """Take what is hidden by mounts, or went with them, for gone: a person said so."""
        with self._lock:
            if self._open:
                self._tree.covered.clear()
                self._tree.unmounted.clear()

    def distrust(self, reason: str) -> None:
        """Have the whole root scanned: what was delivered may have been lost."""
        with self._lock:
            if self._open:
                self._delivery.announce(RootDirty(self.spec.root, reason))
                self._ears.wake()

    def _paths(self, watches: Iterable[int]) -> dict[int, bytes | None]:
        """Return where directories are, for who counts in them; None: not known just now."""
        with self._lock:
            if not self._working():
                return dict.fromkeys(watches)
            known = self._tree.table.by_watch
            return {watch: known[watch].path() for watch in watches if watch in known}

    def _working(self) -> bool:
        return self._open and self._lost is None

    def _guarded(self, work: Callable[[], bool]) -> bool:
        """Do a piece of work for another thread; a stop in the middle of it is no error there."""
        try:
            return work()
        except _Stopping:
            return False
        finally:
            self._tree.ground.rest()

    def figures(self) -> EmitterFigures:
        """Return the figures of this moment."""
        with self._lock:
            return EmitterFigures(
                watches=len(self._tree.table) if self._open else 0,
                events=self._fold.counted(),
                overflows=self._overflows,
                pending=self._delivery.pending(),
            )

    def blind(self) -> tuple[Blind, ...]:
        """Return what of this root cannot be seen now, with a remedy for each."""
        with self._lock:
            if self.failure is not None:
                detail = f"{type(self.failure).__name__}: {self.failure}"
                return (Blind(self.spec.root, Blindness.EMITTER_DEAD, b"", detail, ""),)
            if not self._open:
                return ()
            return troubles(
                self._tree,
                self._watches,
                self._budget,
                lost=self._lost,
                overflowed=self._overflowed,
            )
