"""What the sentinel watches with: the observer of all roots, the mounts, the way to the inbox."""

from __future__ import annotations

import logging
import os

from storewarden.clock import Clock
from storewarden.config.schema import RootSettings
from storewarden.model import UsageCount
from storewarden.pipeline.inbox import Arrived, Inbox, UsageReady
from storewarden.watch.canary import prove
from storewarden.watch.delivery import ChangesEvent
from storewarden.watch.emitter import InotifyEmitter
from storewarden.watch.exclude import Exclusions
from storewarden.watch.mounts import MountTable
from storewarden.watch.observer import Handler, WardenObserver
from storewarden.watch.own import OwnReads
from storewarden.watch.tree import WatchSpec
from storewarden.watch.usage import KEPT_SECONDS, Back, UsageCounter, UsageSpec

log = logging.getLogger(__name__)


class InotifyEyes:
    """Watches by inotify. ``open`` and ``close`` are called by the sentinel thread."""

    def __init__(self, observer: WardenObserver, inbox: Inbox, clock: Clock, own: OwnReads) -> None:
        """Hand changes to ``inbox``; ``own`` is what is no use of files by others."""
        self.mounts = MountTable()
        self._observer = observer
        self._handler = Handler(self._arrived)
        self._inbox = inbox
        self._clock = clock
        self._own = own

    def _arrived(self, event: ChangesEvent) -> None:
        """Take changes over from the observer thread."""
        self._inbox.put(Arrived(event.changes, self._clock.monotonic(), event.taken))

    def open(self, root: RootSettings) -> InotifyEmitter | None:
        """Watch a root; None when no events come from its file system."""
        spec = WatchSpec(root.name, root.path, Exclusions(root.exclude))
        usage = self._counter(root, spec) if root.usage else None
        emitter = self._observer.attach(spec, self._handler, usage)
        if root.watch == "auto" and prove(root.path) is False:
            self._observer.detach(root.name)
            log.warning(
                "no events come from this file system: it is polled",
                extra={"facts": {"root": root.name, "path": os.fsdecode(root.path)}},
            )
            return None
        return emitter

    def _counter(self, root: RootSettings, spec: WatchSpec) -> UsageCounter:
        counted = UsageSpec(
            root.name, excluded=spec.exclusions.file, kept=root.settle_cap + KEPT_SECONDS
        )

        def tell(name: str, counts: tuple[UsageCount, ...], back: Back) -> None:
            self._inbox.put(UsageReady(name, counts, back))

        return UsageCounter(
            counted, self._own, tell, self._observer.budget, wall_ns=self._clock.wall_ns
        )

    def close(self, root: str, *, heard: bool = False) -> None:
        """Stop watching a root; ``heard``: what it knew of until now comes into the inbox."""
        self._observer.detach(root, heard=heard)

    def dead(self) -> list[str]:
        """Return the roots whose watching thread died."""
        return self._observer.dead()
