"""Whole-root scans: who wants one, when it runs, and handing what it finds to the recorder.

``step`` runs in the scanner thread and does one scan at a time; the recorder draws a scan's
conclusions and calls ``ended`` when it has.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from storewarden.clock import Clock
from storewarden.errors import StorewardenError
from storewarden.model import Unreadable
from storewarden.pipeline.inbox import Inbox, RootUp, ScanBatch, ScanBegun
from storewarden.pipeline.state import ScanTally, ScanWish
from storewarden.watch.scan import Scan, ScanOrder
from storewarden.watch.walk import PART, Found

log = logging.getLogger(__name__)

_BATCH_FILES = 10_000
_BATCH_DIRECTORIES = 256
# After events were lost the storm may go on: wait until it has been quiet for a moment, but not
# for ever.
_QUIET, _LONGEST_STORM = 1.0, 10.0
_RETRY, _LONGEST_RETRY = 2.0, 300.0
_POLL = 0.25
_GENTLE = 10  # niceness of scans that nobody waits for


@dataclass(slots=True)
class _Wanted:
    wish: ScanWish
    since: float
    not_before: float


class ScanReports(Protocol):
    """Whom the scanner tells about scans."""

    def scan_begun(self, tally: ScanTally) -> None:
        """Hear that a scan starts."""
        ...

    def scan_concluded(self, tally: ScanTally, seconds: float) -> None:
        """Hear that a scan's conclusions are drawn, and how long it took in all."""
        ...


class Scanner:
    """Runs scans. ``want`` and ``ended`` may be called from any thread."""

    def __init__(
        self,
        inbox: Inbox,
        roots: Mapping[str, RootUp],
        clock: Clock,
        reports: ScanReports,
        large_digests: Callable[[str], Mapping[bytes, bytes]],
        *,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Scan ``roots`` (those that are up, kept by the sentinel)."""
        self._inbox = inbox
        self._roots = roots
        self._clock = clock
        self._reports = reports
        self._large_digests = large_digests
        self._jitter = jitter
        self._lock = threading.Lock()
        self._wanted: dict[str, _Wanted] = {}
        self._next: dict[str, float] = {}  # when the timer asks for a scan
        self._retries: dict[str, float] = {}
        self._running: ScanTally | None = None
        # Of the worker that runs ``step``, set when there is one.
        self.wake: Callable[[], None] = lambda: None
        self.beat: Callable[[], None] = lambda: None
        self.stopping: Callable[[], bool] = lambda: False

    def want(self, root: str, wish: ScanWish, *, settled: bool = True) -> None:
        """Ask for a scan; not ``settled``: events are being lost, let the storm pass first."""
        now = self._clock.monotonic()
        with self._lock:
            wanted = self._wanted.get(root)
            if wanted is None:
                wanted = self._wanted[root] = _Wanted(wish, now, now)
            else:
                wanted.wish = wanted.wish.joined(wish)
            if wish.jobs or wish.accept_missing:
                wanted.not_before = now
            elif not settled:
                wanted.not_before = min(now + _QUIET, wanted.since + _LONGEST_STORM)
        self.wake()

    def forget(self, root: str) -> None:
        """Drop what was wanted of a root: it went away, and its return brings a scan.

        Who asked for one gets the answer then.
        """
        with self._lock:
            wanted = self._wanted.get(root)
            if wanted is not None and not wanted.wish.jobs:
                del self._wanted[root]
            self._next.pop(root, None)

    def is_wanted(self, root: str) -> bool:
        """Tell whether another scan of the root is asked for already."""
        with self._lock:
            return root in self._wanted

    def running(self) -> ScanTally | None:
        """Return the scan under way."""
        return self._running

    def step(self) -> float:
        """Run the scan that is due, if one is; return how long to wait."""
        now = self._clock.monotonic()
        if self._running is not None:
            return _POLL  # the recorder has not drawn the last one's conclusions
        self._by_timer(now)
        due = self._take_due(now)
        if due is None:
            with self._lock:
                times = [w.not_before for name, w in self._wanted.items() if name in self._roots]
                times += self._next.values()
            return max(0.05, min(times, default=now + 60.0) - now)
        self.scan(*due)
        return 0.0

    def _by_timer(self, now: float) -> None:
        for name, up in list(self._roots.items()):
            with self._lock:
                at = self._next.get(name)
                if at is None:
                    self._next[name] = now + self._interval(up)
            if at is not None and at <= now:
                self.want(name, ScanWish("timer"))
                with self._lock:
                    self._next[name] = now + self._interval(up)

    def _interval(self, up: RootUp) -> float:
        if up.watches is None:
            return up.settings.poll
        # Many roots, or many machines on one server, must not all walk at the same moment.
        return up.settings.rescan * self._jitter(0.75, 1.25)

    def _take_due(self, now: float) -> tuple[RootUp, ScanWish] | None:
        with self._lock:
            for name, wanted in self._wanted.items():
                up = self._roots.get(name)
                if up is not None and wanted.not_before <= now:
                    del self._wanted[name]
                    return up, wanted.wish
        return None

    def scan(self, up: RootUp, wish: ScanWish) -> None:
        """Walk a root and hand over what is found; its end follows from the recorder."""
        name = up.settings.name
        tally = ScanTally(name, wish, self._clock.monotonic())
        self._running = tally
        self._reports.scan_begun(tally)
        self._inbox.put(ScanBegun(tally))
        try:
            self._walk(up, tally)
        except StorewardenError as error:
            tally.broken = str(error)
        except BaseException as error:
            tally.broken = f"the scanner failed: {error!r}"
            raise
        finally:  # else the recorder never says that it ended, and no other scan begins
            self._end(tally)

    def _walk(self, up: RootUp, tally: ScanTally) -> None:
        name, wish = tally.root, tally.wish
        order = ScanOrder(
            root=name,
            path=up.settings.path,
            exclude=up.settings.exclude,
            large=self._large_digests(name),
            nice=0 if wish.jobs or wish.reason == "start" else _GENTLE,
        )
        scan = Scan(order)
        self._hand_over(scan, tally)
        if scan.place != up.place and not tally.broken:
            tally.broken = "another directory was in the root's place"
        tally.whole = scan.whole

    def _end(self, tally: ScanTally) -> None:
        while not self._inbox.put_scan(ScanBatch(tally, (), ended=True), 1.0):
            self.beat()
            if self.stopping():
                return

    def _hand_over(self, scan: Scan, tally: ScanTally) -> None:
        batch: list[Found] = []
        files = 0
        for found in scan:
            batch.append(found)
            files += 0 if isinstance(found, Unreadable) else found.count
            if files >= min(_BATCH_FILES, PART) or len(batch) >= _BATCH_DIRECTORIES:
                if not self._put(ScanBatch(tally, batch)):
                    return
                batch, files = [], 0
        self._put(ScanBatch(tally, batch))

    def _put(self, batch: ScanBatch) -> bool:
        """Hand a batch over, waiting for the recorder; false when there is no more use in it."""
        while not self._inbox.put_scan(batch, 0.5):
            self.beat()
            if self.stopping() or batch.tally.broken:
                return False
        self.beat()
        return not batch.tally.broken

    def ended(self, tally: ScanTally) -> None:
        """Take the recorder's word that a scan's conclusions are drawn."""
        now = self._clock.monotonic()
        if self._running is tally:
            self._running = None
        name = tally.root
        if tally.broken or not tally.whole:
            pause = self._retries.get(name, _RETRY)
            self._retries[name] = min(pause * 2, _LONGEST_RETRY)
            log.warning(
                "a scan could not be finished and is tried again",
                extra={
                    "facts": {"root": name, "why": tally.broken or "it ended early", "in": pause}
                },
            )
            with self._lock:
                wanted = self._wanted.get(name)
                if wanted is not None:
                    wanted.wish = wanted.wish.joined(tally.wish)
                elif name in self._roots or tally.wish.jobs:
                    self._wanted[name] = _Wanted(tally.wish, now, now + pause)
        else:
            self._retries.pop(name, None)
        self._reports.scan_concluded(tally, now - tally.started)
        self.wake()
