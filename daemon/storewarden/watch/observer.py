"""All emitters of the daemon under watchdog's observer: attach a root, detach it, ask who died."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers.api import BaseObserver, EventDispatcher, EventQueue, ObservedWatch

from storewarden.watch.budget import WatchBudget
from storewarden.watch.delivery import ChangesEvent
from storewarden.watch.emitter import InotifyEmitter
from storewarden.watch.fold import FoldLimits
from storewarden.watch.mounts import COUNTING_LINKS, MountTable
from storewarden.watch.tree import WatchSpec
from storewarden.watch.usage import UsageCounter

log = logging.getLogger(__name__)

_DRAIN_SECONDS: Final = 0.5


class Handler(FileSystemEventHandler):
    """Hands each event to a function, in the observer's thread."""

    def __init__(self, arrived: Callable[[ChangesEvent], None]) -> None:
        self._arrived = arrived

    def dispatch(self, event: FileSystemEvent) -> None:
        """Take one event; there is only one kind."""
        if isinstance(event, ChangesEvent):
            self._arrived(event)


class WardenObserver(BaseObserver):
    """Dispatches the changes of all roots, in one thread, to their handlers.

    ``_attached`` and the maps of the base class are guarded by the base class's lock.
    """

    def __init__(
        self, budget: WatchBudget | None = None, *, limits: FoldLimits | None = None
    ) -> None:
        super().__init__(InotifyEmitter)
        self.name = "observer"
        self.budget = budget or WatchBudget()
        self.handler_errors = 0  # written by the dispatching thread alone
        self._limits = limits
        self._attached: dict[str, InotifyEmitter] = {}

    def on_thread_start(self) -> None:
        """Start nothing: an emitter is started when it is attached."""

    def attach(
        self,
        spec: WatchSpec,
        handler: FileSystemEventHandler,
        usage: UsageCounter | None = None,
    ) -> InotifyEmitter:
        """Watch a root; returns when its watches stand. Scan it after that.

        ``usage`` counts in the same directories.

        Raises:
            WatchError: the root cannot be watched at all.
        """
        if spec.counts_links is None:
            spec = replace(spec, counts_links=_counts_links(spec.path))
        watch = ObservedWatch(os.fsdecode(spec.path), recursive=True)
        emitter = InotifyEmitter(
            *(self.event_queue, watch),
            spec=spec,
            budget=self.budget,
            limits=self._limits,
            usage=usage,
        )
        with self._lock:
            if spec.root in self._attached:
                raise ValueError(f"{spec.root} is attached already")
            self._add_handler_for_watch(handler, watch)
            self._watches.add(watch)
            self._add_emitter(emitter)
            self._attached[spec.root] = emitter
        try:
            emitter.start()
        except BaseException:
            self.detach(spec.root)
            raise
        return emitter

    def detach(self, root: str, *, heard: bool = False) -> None:
        """Stop watching a root; nothing of it is dispatched after this returns.

        ``heard``: all that it knew of until now is dispatched before.
        """
        emitter = self._attached.get(root)
        if heard and emitter is not None and emitter.is_alive():
            emitter.heard = True
            emitter.stop()
            emitter.join()
            self._drain(_DRAIN_SECONDS)
        with self._lock:
            emitter = self._attached.pop(root, None)
            if emitter is None:
                return
            self._handlers.pop(emitter.watch, None)
            self._watches.discard(emitter.watch)
            self._emitter_for_watch.pop(emitter.watch, None)
            self._emitters.discard(emitter)
        emitter.stop()
        if emitter.is_alive():
            emitter.join()

    def _drain(self, seconds: float) -> None:
        """Wait until what is on its way is dispatched."""
        queue = self.event_queue
        with queue.all_tasks_done:
            queue.all_tasks_done.wait_for(lambda: not queue.unfinished_tasks, seconds)

    def emitter(self, root: str) -> InotifyEmitter | None:
        """Return the emitter of a root."""
        return self._attached.get(root)

    def dead(self) -> list[str]:
        """Return the roots whose emitter ended without being asked to: detach and attach them."""
        with self._lock:
            return [
                root
                for root, emitter in self._attached.items()
                if emitter.ident is not None and not emitter.is_alive()
            ]

    def unschedule_all(self) -> None:
        """Detach every root."""
        for root in list(self._attached):
            self.detach(root)

    def dispatch_events(self, event_queue: EventQueue) -> None:
        """Hand one event to its root's handler; what a handler raises never ends this thread."""
        entry = event_queue.get()
        if entry is not EventDispatcher.stop_event:
            event, watch = entry
            with self._lock:
                handlers = list(self._handlers.get(watch, ()))
            for handler in handlers:
                self._dispatch(handler, event, watch)
        event_queue.task_done()

    def _dispatch(
        self, handler: FileSystemEventHandler, event: ChangesEvent, watch: ObservedWatch
    ) -> None:
        try:
            handler.dispatch(event)
        except Exception:
            self.handler_errors += 1
            log.exception("changes could not be handed over", extra={"facts": {"root": watch.path}})
            event.taken()
            emitter = self._emitter_for_watch.get(watch)
            if isinstance(emitter, InotifyEmitter):
                emitter.distrust("handler-error")


def _counts_links(path: bytes) -> bool:
    """Tell whether the file system at a path counts directories in their parent's links."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return False
    mounts = MountTable()
    try:
        mount = mounts.of(descriptor)
    finally:
        mounts.close()
        os.close(descriptor)
    return mount is not None and mount.fstype in COUNTING_LINKS
