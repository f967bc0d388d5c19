"""What goes on, for those who look: metrics at once, the roots' rows once a second if changed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from storewarden.catalogue.counts import Counts
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.roots import Figures as RootFigures
from storewarden.catalogue.roots import LastScan, write_figures, write_scan
from storewarden.catalogue.written import COUNTED
from storewarden.clock import Clock
from storewarden.errors import (
    CatalogueBusy,
    CatalogueCorrupt,
    CatalogueFull,
    CatalogueUnavailable,
    StorewardenError,
)
from storewarden.measure.metrics import Metrics
from storewarden.pipeline.findings import Kept
from storewarden.pipeline.parts import Committed
from storewarden.pipeline.sentinel import Sight
from storewarden.pipeline.state import RootState, ScanTally, Shown
from storewarden.watch.emitter import InotifyEmitter

log = logging.getLogger(__name__)

INTERVAL = 1.0
_MEASURE = 10.0  # a server is asked for its size
_REST = 100  # times as long as measuring took: counting a million files that wait takes 0.2 s
_REASONS: tuple[tuple[type[StorewardenError], str], ...] = (
    (CatalogueBusy, "busy"),
    (CatalogueFull, "full"),
    (CatalogueUnavailable, "unavailable"),
    (CatalogueCorrupt, "corrupt"),
)


class Figures:
    """Turns what the stages report into metrics and rows. Any thread may report."""

    def __init__(
        self,
        metrics: Metrics,
        engine: Engine,
        counts: Counts,
        clock: Clock,
        sights: Mapping[str, Sight],
        roots: Mapping[str, RootState],
        uninspected: Callable[[], Mapping[str, int]],
    ) -> None:
        """Keep the figures of ``roots`` (the recorder's) and ``sights`` (the sentinel's).

        ``uninspected`` reads how many files of each root wait to be looked into.
        """
        self._uninspected = uninspected
        self._metrics = metrics
        self._engine = engine
        self._counts = counts
        self._clock = clock
        self._sights = sights
        self._roots = roots
        self._lock = threading.Lock()
        self._written: dict[str, RootFigures] = {}
        self._events: dict[tuple[str, str], int] = {}
        self._used: dict[tuple[str, str], int] = {}  # by root and kind; "" is what was lost
        self._overflows: dict[str, int] = {}
        self._deaths: dict[str, int] = {}
        self._held: dict[str, int] = {}
        self._stale: set[str] = set()  # roots whose totals changed since they were shown
        self._shown: set[str] = set()  # roots that have figures
        self._failing = ""
        self._measure_at = 0.0
        metrics.catalogue_writable.set(1)
        metrics.worker_restarts_total.labels(worker="emitter")

    # -- reports --------------------------------------------------------------------------

    def committed(self, done: Committed) -> None:
        """Count one round of the recorder."""
        if self._failing:
            log.warning("the catalogue can be written again")
            self._failing = ""
        self._metrics.catalogue_writable.set(1)
        if done.waited:
            self._metrics.record_lag_seconds.observe(done.waited)
        self._metrics.digested_bytes_total.inc(done.digested)
        for root, recorded in done.recorded.items():
            for change in COUNTED:
                count = getattr(recorded, change)
                if count and change != "unchanged":
                    self._metrics.recorded_total.labels(root=root, change=change).inc(count)
        with self._lock:
            self._stale.update(done.recorded)

    def kept(self, kept: Kept) -> None:
        """Show what stored facts changed: the kind of a file may be another than its name said."""
        if kept.stored is not None:
            with self._lock:
                self._stale |= self._shown

    def acted(self, root: str) -> None:
        """Show the totals of a root anew: an act ended there."""
        with self._lock:
            self._stale.add(root)

    def failed(self, error: StorewardenError) -> None:
        """Count a transaction that came to nothing; say so once for each way of failing."""
        reason = next((name for kind, name in _REASONS if isinstance(error, kind)), "other")
        self._metrics.catalogue_error(reason)
        self._metrics.catalogue_writable.set(0)
        if reason != self._failing:
            self._failing = reason
            log.error(
                "the catalogue cannot be written; what happens is kept and tried again",
                extra={"facts": {"reason": reason, "error": str(error)}},
            )

    def scan_begun(self, tally: ScanTally) -> None:
        """Show that a scan runs."""
        self._metrics.scan_running.labels(root=tally.root).set(1)

    def scan_ended(self, tally: ScanTally, seconds: float) -> None:
        """Show what a scan came to and remember it with the root."""
        root, metrics = tally.root, self._metrics
        metrics.scan_running.labels(root=root).set(0)
        metrics.scan_errors_total.labels(root=root).inc(tally.errors)
        if not tally.whole or tally.broken:
            return
        now_ns = self._clock.wall_ns()
        metrics.scan_duration_seconds.labels(root=root).set(seconds)
        metrics.last_scan_timestamp_seconds.labels(root=root).set(now_ns / 1e9)
        metrics.missing_held_files.labels(root=root).set(tally.held)
        write_scan(
            self._engine,
            self._counts.roots[root],
            LastScan(now_ns, seconds, self._counts.present(root), tally.held),
        )
        facts: dict[str, object] = {"root": root, "why": tally.wish.reason}
        facts |= {"files": tally.listed, "seconds": f"{seconds:.2f}"}
        for change in COUNTED[:-1]:
            if getattr(tally.recorded, change):
                facts[change] = getattr(tally.recorded, change)
        if tally.errors:
            facts["errors"] = tally.errors
        log.info("a root was scanned", extra={"facts": facts})
        if tally.held != self._held.get(root, 0):
            self._held[root] = tally.held
            self._say_held(root, tally.held)

    @staticmethod
    def _say_held(root: str, files: int) -> None:
        """Say once that a person is waited for, and not again with every scan."""
        if not files:
            return
        log.error(
            "so many files are gone that a person has to say it is true",
            extra={
                "facts": {
                    "root": root,
                    "files": files,
                    "remedy": f"storewarden scan --accept-missing {root}",
                }
            },
        )

    # -- the worker's step ----------------------------------------------------------------

    def step(self) -> float:
        """Bring metrics and rows up to what is."""
        now = self._clock.monotonic()
        figures: dict[int, RootFigures] = {}
        sights = dict(self._sights)
        self._come_and_gone(sights.keys())
        for name, sight in sights.items():
            present = self._of(name, sight, now)
            self._show(name, sight, present, now)
            if self._written.get(name) != present:
                self._written[name] = present
                figures[self._counts.roots[name]] = present
        self._show_totals()
        self._show_catalogue()
        if figures:
            self._store(figures)
        return INTERVAL

    def _come_and_gone(self, names: AbstractSet[str]) -> None:
        """Forget the figures of roots that are watched no longer, show all of those that came."""
        for name in self._shown - names:
            self._metrics.forget_root(name)
            for memory in (self._written, self._overflows, self._deaths, self._held):
                memory.pop(name, None)
            self._events = {key: count for key, count in self._events.items() if key[0] != name}
            self._used = {key: count for key, count in self._used.items() if key[0] != name}
        with self._lock:
            self._stale |= names - self._shown
        self._shown = set(names)

    def last(self) -> None:
        """Leave rows behind that are true while no daemon runs."""
        self.step()

    def _of(self, name: str, sight: Sight, now: float) -> RootFigures:
        root = self._roots.get(name)
        shown = root.shown if root is not None else Shown()
        watching = sight.emitter.figures() if sight.emitter is not None else None
        state = "blind" if sight.blind and sight.state == "watching" else sight.state
        return RootFigures(
            mode=sight.mode,
            state=state,
            watches=watching.watches if watching else 0,
            pending=shown.pending + (watching.pending if watching else 0),
            oldest_pending_ns=(
                # by the second: else the row would be written anew all the time
                int(self._clock.wall_ns() / 1e9 - (now - shown.oldest)) * 1_000_000_000
                if shown.oldest is not None
                else None
            ),
            overflows=sight.overflows(),
        )

    def _show(self, name: str, sight: Sight, present: RootFigures, now: float) -> None:
        metrics = self._metrics
        metrics.set_watch_mode(name, present.mode)
        metrics.root_blind.labels(root=name).set(bool(sight.blind) or sight.up is None)
        metrics.root_frozen.labels(root=name).set(sight.state == "frozen")
        metrics.watches.labels(root=name).set(present.watches)
        metrics.pending_files.labels(root=name).set(present.pending)
        root = self._roots.get(name)
        oldest = root.shown.oldest if root is not None else None
        metrics.oldest_pending_seconds.labels(root=name).set(now - oldest if oldest else 0)
        lost = present.overflows - self._overflows.get(name, 0)
        self._overflows[name] = present.overflows
        metrics.overflows_total.labels(root=name).inc(max(0, lost))
        died = sight.deaths - self._deaths.get(name, 0)
        self._deaths[name] = sight.deaths
        if died > 0:
            metrics.worker_restarts_total.labels(worker="emitter").inc(died)
        if sight.emitter is not None:
            for kind, count in sight.emitter.figures().events.items():
                new = count - self._events.get((name, kind), 0)
                self._events[name, kind] = count
                metrics.events_total.labels(root=name, type=kind).inc(max(0, new))
            self._show_usage(name, sight.emitter)
        try:
            space = os.statvfs(sight.settings.path)
        except OSError:
            return
        metrics.filesystem_free_bytes.labels(root=name).set(space.f_bavail * space.f_frsize)
        metrics.filesystem_size_bytes.labels(root=name).set(space.f_blocks * space.f_frsize)

    def _show_usage(self, name: str, emitter: InotifyEmitter) -> None:
        if emitter.usage is None:
            return
        figures = emitter.usage.figures()
        for kind, count in figures.events.items():
            new = count - self._used.get((name, kind), 0)
            self._used[name, kind] = count
            self._metrics.usage_events_total.labels(root=name, kind=kind).inc(max(0, new))
        lost = figures.lost - self._used.get((name, ""), 0)
        self._used[name, ""] = figures.lost
        self._metrics.usage_lost_total.labels(root=name).inc(max(0, lost))

    def _show_totals(self) -> None:
        with self._lock:
            stale, self._stale = self._stale, set()
        for name in stale & self._shown:
            totals = {
                (kind, state): figures
                for (root, kind, state), figures in list(self._counts.totals.items())
                if root == name
            }
            self._metrics.set_totals(name, totals)
            rests = sum(size for (_, state), (_, size) in totals.items() if state == "trashed")
            self._metrics.trash_bytes.labels(root=name).set(rests)

    def show_all_totals(self) -> None:
        """Show the totals of every root, for the start."""
        self._shown = set(self._counts.roots)
        with self._lock:
            self._stale |= self._shown
        self._show_totals()

    def _show_catalogue(self) -> None:
        now = self._clock.monotonic()
        if now < self._measure_at:
            return
        try:
            self._metrics.catalogue_bytes.set(self._engine.size())
            self._metrics.catalogue_wal_bytes.set(self._engine.log_size())
            for root, files in self._uninspected().items():
                if root in self._shown:
                    self._metrics.inspection_pending_files.labels(root=root).set(files)
        except StorewardenError as error:
            if not error.transient:
                raise
        took = self._clock.monotonic() - now
        self._measure_at = now + max(_MEASURE, _REST * took)

    def _store(self, figures: Mapping[int, RootFigures]) -> None:
        try:
            write_figures(self._engine, figures, self._clock.wall_ns())
        except StorewardenError as error:
            if not error.transient:
                raise
            self._written.clear()  # metrics have it; the rows follow when they can be written
