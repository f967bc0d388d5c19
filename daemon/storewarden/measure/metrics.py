"""The figures the pipeline keeps up to date, and their exposition. A scrape counts nothing."""

from __future__ import annotations

import builtins
import gzip
import math
import platform
from collections.abc import Collection, Iterable, Mapping

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.exposition import (
    CONTENT_TYPE_PLAIN_0_0_4,
    choose_encoder,
    generate_latest,
)

from storewarden.measure.observed import Observed
from storewarden.measure.table import KINDS, PREFIX, TABLE, Row

MODES = ("inotify", "poll", "none")
REASONS = ("busy", "full", "unavailable", "corrupt", "other")
# Of a process that looks into files.
DEATHS = ("time", "processor", "signal", "exit", "nonsense", "start", "other")
# What is looked for again and again, whether or not there is anything to do.
WORKS = ("policies", "databases", "stores", "tidying", "health")
# Of each root from the start, so that a rate or an alert need not wait for the first time.
FROM_ZERO = (
    "overflows_total",
    "usage_lost_total",
    "root_blind",
    "root_frozen",
    "watches",
    "pending_files",
    "oldest_pending_seconds",
    "last_scan_timestamp_seconds",
    "scan_errors_total",
    "scan_running",
    "missing_held_files",
    "inspection_pending_files",
    "trash_bytes",
)


class Metrics:
    """Every metric of the table as a member, on a registry of its own; thread-safe.

    ``metrics.events_total.labels(root="uploads", type="closed").inc(3)``
    """

    build_info: Gauge
    ready: Gauge
    files: Gauge
    bytes: Gauge
    events_total: Counter
    overflows_total: Counter
    watch_mode: Gauge
    root_blind: Gauge
    root_frozen: Gauge
    usage_events_total: Counter
    usage_lost_total: Counter
    watches: Gauge
    watches_limit: Gauge
    pending_files: Gauge
    oldest_pending_seconds: Gauge
    record_lag_seconds: Observed
    recorded_total: Counter
    scan_duration_seconds: Gauge
    last_scan_timestamp_seconds: Gauge
    scan_errors_total: Counter
    scan_running: Gauge
    missing_held_files: Gauge
    rescan_interval_seconds: Gauge
    digested_bytes_total: Counter
    inspections_total: Counter
    inspection_seconds: Observed
    inspection_pending_files: Gauge
    inspection_children_died_total: Counter
    provenance_total: Counter
    generated_files: Gauge
    generated_bytes: Gauge
    filesystem_free_bytes: Gauge
    catalogue_errors_total: Counter
    catalogue_writable: Gauge
    catalogue_bytes: Gauge
    catalogue_wal_bytes: Gauge
    worker_restarts_total: Counter
    worker_stuck: Gauge
    schedule_last_success_timestamp_seconds: Gauge
    config_reload_success: Gauge
    config_last_reload_success_timestamp_seconds: Gauge
    policies_reload_success: Gauge
    policies_last_reload_success_timestamp_seconds: Gauge
    policy_files: Gauge
    uncovered_files: Gauge
    due_files: Gauge
    overdue_seconds: Gauge
    late_seconds: Gauge
    blocked_files: Gauge
    undecided_files: Gauge
    store_up: Gauge
    store_objects: Gauge
    store_bytes: Gauge
    store_last_verified_timestamp_seconds: Gauge
    store_unverified_copies: Gauge
    store_damaged_copies: Gauge
    scrubbed_bytes_total: Counter
    scrub_damaged_total: Counter
    clock_jump_seconds: Gauge
    actions_total: Counter
    action_bytes_total: Counter
    freed_bytes_total: Counter
    jobs: Gauge
    held_back_files: Gauge
    open_acts: Gauge
    put_off_acts: Gauge
    trash_bytes: Gauge
    filesystem_size_bytes: Gauge
    last_act_timestamp_seconds: Gauge
    database_bytes: Gauge
    database_free_ratio: Gauge
    database_wal_bytes: Gauge
    database_growth_bytes_per_day: Gauge
    filesystem_full_timestamp_seconds: Gauge
    database_integrity_ok: Gauge
    database_last_check_timestamp_seconds: Gauge
    backup_last_success_timestamp_seconds: Gauge
    restore_last_proven_timestamp_seconds: Gauge
    databases_known: Gauge
    care_runs_total: Counter
    care_due: Gauge
    care_overdue_seconds: Gauge
    care_failures: Gauge
    care_found: Gauge
    care_last_success_timestamp_seconds: Gauge
    due_rows: Gauge
    orphaned_rows: Gauge
    query_duration_seconds: Observed
    slow_queries_total: Counter
    health_score: Gauge
    health_deduction_points: Gauge
    api_cost_total: Counter
    api_calls_total: Counter
    api_errors_total: Counter
    api_tokens_total: Counter
    api_call_seconds_total: Counter
    api_timed_calls_total: Counter
    listener_events_total: Counter
    listener_failures_total: Counter
    listener_dead_letters: Gauge
    listener_lag_seconds: Gauge
    user_bytes: Gauge
    user_files: Gauge
    user_quota_bytes: Gauge
    user_quota_files: Gauge
    http_requests_total: Counter
    http_request_duration_seconds: Observed
    http_connections: Gauge

    def __init__(self, version: str) -> None:
        # One more series for each counter, telling what process_start_time_seconds tells.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        for row in TABLE:
            setattr(self, row.name, _make(row, self.registry))
        ProcessCollector(registry=self.registry)
        self.build_info.labels(version=version, python=platform.python_version()).set(1)
        for reason in REASONS:
            self.catalogue_errors_total.labels(reason=reason)
        self.health_score.set(math.nan)  # nobody knows yet; 0 would wake somebody up
        for reason in DEATHS:
            self.inspection_children_died_total.labels(reason=reason)
        for work in WORKS:
            self.schedule_last_success_timestamp_seconds.labels(work=work)
        self._totals: dict[str, set[tuple[str, str]]] = {}
        self._shown: dict[str, set[tuple[str, ...]]] = {}

    def begin_root(self, root: str, rescan: float = 0) -> None:
        """Show a root's figures as 0 until they are known, and how often it is to be scanned."""
        self.rescan_interval_seconds.labels(root=root).set(rescan)
        for name in FROM_ZERO:
            getattr(self, name).labels(root=root)
        self.set_watch_mode(root, "none")

    def forget_root(self, root: str) -> None:
        """Remove every figure of a root that is no longer in the configuration."""
        self._totals.pop(root, None)
        for row in TABLE:
            if "root" in row.labels:
                getattr(self, row.name).remove_by_labels({"root": root})

    def set_watch_mode(self, root: str, mode: str) -> None:
        """Say how the root is watched: inotify, poll or none."""
        for one in MODES:
            self.watch_mode.labels(root=root, mode=one).set(one == mode)

    def set_totals(self, root: str, totals: Mapping[tuple[str, str], tuple[int, int]]) -> None:
        """Set files and bytes of a root by (kind, state); what is no longer named becomes 0."""
        folded: dict[tuple[str, str], tuple[int, int]] = {}
        for (name, state), (files, size) in totals.items():
            key = (kind(name), state)
            before = folded.get(key, (0, 0))
            folded[key] = (before[0] + files, before[1] + size)
        known = self._totals.setdefault(root, set())
        known.update(folded)
        for key in sorted(known):
            labels = {"root": root, "kind": key[0], "state": key[1]}
            files, size = folded.get(key, (0, 0))
            self.files.labels(**labels).set(files)
            self.bytes.labels(**labels).set(size)

    def show(self, name: str, values: Mapping[tuple[str, ...], float]) -> None:
        """Show a gauge with these labels, in the order of the table, and with no others."""
        gauge: Gauge = getattr(self, name)
        for gone in self._shown.get(name, set()) - values.keys():
            gauge.remove(*gone)
        for labels, value in values.items():
            gauge.labels(*labels).set(value)
        self._shown[name] = set(values)

    def catalogue_error(self, reason: str) -> None:
        """Count a transaction that failed; an unknown reason counts as ``other``."""
        self.catalogue_errors_total.labels(reason=reason if reason in REASONS else "other").inc()

    def child_died(self, reason: str) -> None:
        """Count a process that ended while it looked into a file; any other reason is ``other``."""
        known = reason if reason in DEATHS else "other"
        self.inspection_children_died_total.labels(reason=known).inc()

    def inspected(self, inspector: str, outcome: str, files: int = 1) -> None:
        """Count files that were looked into and recorded so."""
        self.inspections_total.labels(inspector=inspector, outcome=outcome).inc(files)

    def provenance(self, tool: str, *, understood: bool, files: int = 1) -> None:
        """Count recorded files that say how they were made; ``tool`` is one of a fixed list."""
        told = "yes" if understood else "no"
        self.provenance_total.labels(tool=tool, understood=told).inc(files)

    def looked_for(self, work: str, now_ns: int) -> None:
        """Note that what is due was looked for without an error; ``work`` is one of WORKS."""
        self.schedule_last_success_timestamp_seconds.labels(work=work).set(now_ns / 1e9)

    def rise(self, name: str, labels: tuple[str, ...], by: float) -> None:
        """Let a counter with these labels, in the order of the table, rise."""
        counter: Counter = getattr(self, name)
        counter.labels(*labels).inc(by)

    def show_stuck(self, workers: Iterable[str], stuck: Collection[str]) -> None:
        """Show of all workers which are stuck; none of them waits to be counted for its death."""
        for worker in workers:
            self.worker_restarts_total.labels(worker=worker)
            self.worker_stuck.labels(worker=worker).set(worker in stuck)

    def expose(self, accept: str = "", names: Iterable[str] = ()) -> tuple[str, builtins.bytes]:
        """Return content type and text in the format that ``accept`` asks for."""
        try:
            encoder, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # a version that is no number
            encoder, content_type = generate_latest, CONTENT_TYPE_PLAIN_0_0_4
        wanted = list(names)
        registry = self.registry.restricted_registry(wanted) if wanted else self.registry
        return content_type, encoder(registry)


def kind(name: str) -> str:
    """Return the kind as a label value: itself when it is one of ours, else ``other``."""
    return name if name in KINDS else "other"


def compressed(body: bytes) -> bytes:
    """Return the body in gzip form: the fastest level already makes it a tenth."""
    return gzip.compress(body, compresslevel=1, mtime=0)


def _make(row: Row, registry: CollectorRegistry) -> Gauge | Counter | Observed:
    name = PREFIX + row.name
    if row.type == "gauge":
        return Gauge(name, row.help, row.labels, registry=registry)
    if row.type == "counter":
        return Counter(name, row.help, row.labels, registry=registry)
    return Observed(name, row.help, row.buckets, registry)
