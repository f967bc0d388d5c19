"""What looking after databases comes to, as metrics: kept in step, a scrape counts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from storewarden.catalogue import care_figures
from storewarden.catalogue.care_figures import Size
from storewarden.catalogue.databases import known_databases
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.subjects import tops
from storewarden.clock import Clock
from storewarden.daemon.tending.put_off import MIGRATE, waiting
from storewarden.daemon.tending.wish import OUTCOMES, Item
from storewarden.databases import schedule
from storewarden.databases.filled import System, growths, systems
from storewarden.databases.growth import WINDOW, growth
from storewarden.databases.history import days_of
from storewarden.databases.sample import day_of
from storewarden.measure import labels as bounded
from storewarden.measure.metrics import Metrics

QUERIES: Final = "queries"
_SECOND: Final = 1_000_000_000
_EVERY: Final = 5.0
_FULL_EVERY: Final = 3600.0
_COUNTING: Final = 20  # databases whose applications count slow statements; the others together
_REST: Final = 1000  # times as long as it took


class CareFigures:
    """Shows the figures of databases. Used by the tender's thread alone."""

    def __init__(self, engine: Engine, host_id: int, metrics: Metrics, clock: Clock) -> None:
        self._engine, self._host_id = engine, host_id
        self._metrics, self._clock = metrics, clock
        self._show_at = float("-inf")
        self._full_at = float("-inf")
        self._counting: set[str] = set()  # labels of databases whose slow statements are counted
        self.systems: Sequence[System] = ()  # as they were found within the last hour
        for what in schedule.KINDS:
            for outcome in OUTCOMES:
                metrics.care_runs_total.labels(what=what, outcome=outcome)

    def ended(self, item: Item) -> None:
        """Count what came of a deed for one database."""
        if item.what == QUERIES:
            self._count_slow(item)
            return
        self._metrics.care_runs_total.labels(what=item.what, outcome=item.outcome).inc()
        self._show_at = float("-inf")

    def _count_slow(self, item: Item) -> None:
        label = bounded.label(item.database)
        if label not in self._counting and len(self._counting) >= _COUNTING:
            label = bounded.OTHER
        self._counting.add(label)
        self._metrics.slow_queries_total.labels(database=label).inc(item.facts.get("slow", 0))

    def show(self) -> None:
        """Bring the figures up to what is, the more seldom the longer that takes."""
        began = self._clock.monotonic()
        if began < self._show_at:
            return
        every = care_figures.sizes(self._engine, self._host_id)
        labels = bounded.labels(one.name for one in every)
        self._show_sizes(every, labels)
        self._show_growth(every, labels)
        self._show_care(every, labels)
        self._show_waits()
        self._show_rows()
        self._show_full()
        self._metrics.looked_for("databases", self._clock.wall_ns())
        now = self._clock.monotonic()
        self._show_at = now + max(_EVERY, _REST * (now - began))

    def _show_sizes(self, every: list[Size], labels: dict[str, str]) -> None:
        metrics = self._metrics
        metrics.databases_known.set(len(every))
        sizes = {one.name: one.bytes for one in every if one.bytes is not None}
        logs = {one.name: one.wal_bytes for one in every if one.wal_bytes is not None}
        free = {
            one.name: one.free_pages / one.pages
            for one in every
            if one.pages and one.free_pages is not None
        }
        metrics.show("database_bytes", bounded.folded(sizes, labels, _sum))
        metrics.show("database_wal_bytes", bounded.folded(logs, labels, _sum))
        metrics.show("database_free_ratio", bounded.folded(free, labels, max))

    def _show_growth(self, every: list[Size], labels: dict[str, str]) -> None:
        today = day_of(self._clock.wall_ns())
        days = days_of(self._engine, [one.id for one in every], today - WINDOW)
        rates = {}
        for one in every:
            rate = growth(days.get(one.id, {}), today).per_day
            if rate is not None:
                rates[one.name] = rate
        found = bounded.folded(rates, labels, lambda one, other: one + other)
        self._metrics.show("database_growth_bytes_per_day", found)

    def _show_full(self) -> None:
        """Show when file systems are full; all files are gone through for that, so once an hour."""
        if self._clock.monotonic() < self._full_at:
            return
        self._full_at = self._clock.monotonic() + _FULL_EVERY
        engine, host, now_ns = self._engine, self._host_id, self._clock.wall_ns()
        grown = growths(engine, known_databases(engine, host), now_ns)
        found = systems(engine, host, tops(engine, host), grown, now_ns)
        self.systems = found
        times: dict[tuple[str, ...], float] = {
            (root,): one.full.at_ns / _SECOND
            for one in found
            for root in one.roots
            if one.full.at_ns is not None
        }
        self._metrics.show("filesystem_full_timestamp_seconds", times)

    def _show_care(self, every: list[Size], labels: dict[str, str]) -> None:
        checked = care_figures.checked(self._engine, self._host_id)
        backed = care_figures.backed(self._engine, self._host_id)
        times: dict[str, dict[str, int]] = {"check": {}, "taken": {}, "proven": {}}
        well: dict[str, int] = {}
        for one in every:
            if one.id in checked:
                times["check"][one.name], well[one.name] = checked[one.id]
            found = backed.get(one.id)
            if found is not None and found.taken_ns is not None:
                times["taken"][one.name] = found.taken_ns
            if found is not None and found.proven_ns is not None:
                times["proven"][one.name] = found.proven_ns
        self._metrics.show("database_integrity_ok", bounded.folded(well, labels, min))
        for figure, name in (
            ("check", "database_last_check_timestamp_seconds"),
            ("taken", "backup_last_success_timestamp_seconds"),
            ("proven", "restore_last_proven_timestamp_seconds"),
        ):
            oldest = bounded.folded(times[figure], labels, min)
            self._metrics.show(name, {key: at / _SECOND for key, at in oldest.items()})

    def _show_waits(self) -> None:
        now_ns = self._clock.wall_ns()
        found = care_figures.waits(self._engine, self._host_id, now_ns)
        waits = {what: found.get(what, care_figures.Waits(what)) for what in schedule.KINDS}
        metrics = self._metrics
        due: dict[tuple[str, ...], float] = {(what,): one.due for what, one in waits.items()}
        due[MIGRATE,] = len(waiting(self._engine, self._host_id))  # put off, and tried again
        metrics.show("care_due", due)
        metrics.show("care_failures", {(what,): one.failing for what, one in waits.items()})
        metrics.show("care_found", {(what,): one.found for what, one in waits.items()})
        well = {what: one.good_ns for what, one in waits.items()}
        metrics.show(
            "care_last_success_timestamp_seconds",
            {(what,): at_ns / _SECOND for what, at_ns in well.items() if at_ns is not None},
        )
        metrics.show(
            "care_overdue_seconds",
            {
                (what,): 0.0 if one.oldest_ns is None else (now_ns - one.oldest_ns) / _SECOND
                for what, one in waits.items()
            },
        )

    def _show_rows(self) -> None:
        counted = care_figures.counted_rows(self._engine, self._host_id)
        for figure, name in (("due", "due_rows"), ("orphans", "orphaned_rows")):
            found = counted.get(figure, {})
            labels = bounded.labels(sorted(found))
            self._metrics.show(name, bounded.folded(found, labels, _sum))


def _sum(one: int, other: int) -> int:
    return one + other
