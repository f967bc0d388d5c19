"""Every metric of ours: one table, from which the registry, the reference page and tests are made.

Labels are bounded: root names come from the configuration, everything else from the lists below.
Nothing with a path in it is ever a label value.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

from storewarden.measure.labels import MOST

PREFIX = "storewarden_"
KINDS = (
    "image",
    "video",
    "audio",
    "text",
    "subtitle",
    "document",
    "archive",
    "model",
    "database",
    "workflow",
    "other",
)
LAG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
# From a picture whose headers lie in its first page to the time after which a look is ended.
INSPECTION_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)

# From a row found by its key to a count that a person waits for; what is above 0.1 is slow.
QUERY_BUCKETS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)

Type = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True)
class Row:
    """One metric: its name without the prefix, its type, what it tells, its labels."""

    name: str
    type: Type
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()  # of a histogram

    @property
    def full_name(self) -> str:
        """The name as Prometheus stores it."""
        return PREFIX + self.name


TABLE = (
    Row("build_info", "gauge", "Always 1; the labels say what runs.", ("version", "python")),
    Row("ready", "gauge", "1 once every root's watches stand (or it is known why not), else 0."),
    Row(
        "files",
        "gauge",
        "Files in the catalogue, by root, kind and state (present, missing, archived, ...).",
        ("root", "kind", "state"),
    ),
    Row(
        "bytes",
        "gauge",
        "Size of the files in the catalogue, by root, kind and state.",
        ("root", "kind", "state"),
    ),
    Row(
        "events_total",
        "counter",
        "Hints that arrived from the file system, after exclusions and before folding.",
        ("root", "type"),
    ),
    Row(
        "overflows_total",
        "counter",
        "Times the kernel's event queue overflowed; a scan of the root follows each.",
        ("root",),
    ),
    Row(
        "watch_mode",
        "gauge",
        "1 for the way in which the root is watched (inotify, poll or none), 0 for the others.",
        ("root", "mode"),
    ),
    Row(
        "root_blind",
        "gauge",
        "Reasons for which the root or a part of it cannot be seen; 0 when all of it is seen.",
        ("root",),
    ),
    Row(
        "root_frozen",
        "gauge",
        "1 while what lies at the root's path is not the root it was; nothing is recorded then.",
        ("root",),
    ),
    Row(
        "usage_events_total",
        "counter",
        "Ends of files' use that were counted, by kind: open (only to read), write (to write), "
        "own (our own reads, which count for nothing).",
        ("root", "kind"),
    ),
    Row(
        "usage_lost_total",
        "counter",
        "Times counts of use were lost: the second event queue overflowed, too many files were "
        "used at once, or no watch was left.",
        ("root",),
    ),
    Row("watches", "gauge", "Inotify watches that the root holds, one a directory.", ("root",)),
    Row("watches_limit", "gauge", "Inotify watches we may hold: our share of the user's limit."),
    Row(
        "pending_files",
        "gauge",
        "Names that were seen changing and are not yet recorded.",
        ("root",),
    ),
    Row(
        "oldest_pending_seconds",
        "gauge",
        "How long the oldest of the pending names has waited; 0 when none waits.",
        ("root",),
    ),
    Row(
        "record_lag_seconds",
        "histogram",
        "Time from a file's settling to the commit of its row.",
        buckets=LAG_BUCKETS,
    ),
    Row(
        "recorded_total",
        "counter",
        "Rows committed, by what had happened (added, changed, renamed, gone, ...).",
        ("root", "change"),
    ),
    Row("scan_duration_seconds", "gauge", "How long the last whole scan took.", ("root",)),
    Row(
        "last_scan_timestamp_seconds",
        "gauge",
        "When the last whole scan ended; 0 before the first.",
        ("root",),
    ),
    Row(
        "scan_errors_total",
        "counter",
        "Directories that a scan could not list; what lies below them is unknown, not gone.",
        ("root",),
    ),
    Row("scan_running", "gauge", "1 while the root is being scanned.", ("root",)),
    Row(
        "missing_held_files",
        "gauge",
        "Files a scan did not find, too many at once to believe it: a person must say so.",
        ("root",),
    ),
    Row(
        "rescan_interval_seconds",
        "gauge",
        "How often the whole root is to be scanned, as it is configured.",
        ("root",),
    ),
    Row("digested_bytes_total", "counter", "Bytes read to take files' digests."),
    Row(
        "inspections_total",
        "counter",
        "Files that were looked into, by who looked and what came of it (read, partly, refused, "
        "nothing).",
        ("inspector", "outcome"),
    ),
    Row(
        "inspection_seconds",
        "histogram",
        "How long the look into one file took, in the process that looks.",
        buckets=INSPECTION_BUCKETS,
    ),
    Row(
        "inspection_pending_files",
        "gauge",
        "Recorded files that still wait to be looked into.",
        ("root",),
    ),
    Row(
        "inspection_children_died_total",
        "counter",
        "Times a process that looks into files ended: time (it did not answer), processor (it "
        "computed without end), signal, exit, nonsense (its answer was none), start, other; each "
        "costs one file one attempt.",
        ("reason",),
    ),
    Row(
        "provenance_total",
        "counter",
        "Files that say which tool made them, by tool and whether all it says was understood.",
        ("tool", "understood"),
    ),
    Row(
        "generated_files",
        "gauge",
        "Present files that say how they were made, by tool and model: the 50 most common pairs,"
        " the other models of a tool as `other`, files that tell none as `unknown`.",
        ("tool", "model"),
    ),
    Row("generated_bytes", "gauge", "Size of these files, likewise.", ("tool", "model")),
    Row(
        "filesystem_free_bytes",
        "gauge",
        "Free space on the root's file system for users without privileges.",
        ("root",),
    ),
    Row(
        "catalogue_errors_total",
        "counter",
        "Transactions that failed, by reason (busy, full, unavailable, corrupt, other).",
        ("reason",),
    ),
    Row("catalogue_writable", "gauge", "0 while the catalogue cannot be written; rows wait."),
    Row("catalogue_bytes", "gauge", "Size of the catalogue."),
    Row("catalogue_wal_bytes", "gauge", "Size of SQLite's write-ahead log; 0 on PostgreSQL."),
    Row(
        "worker_restarts_total",
        "counter",
        "Times a worker died and was started again.",
        ("worker",),
    ),
    Row(
        "worker_stuck",
        "gauge",
        "1 while a worker is late for longer than its work can take, else 0.",
        ("worker",),
    ),
    Row(
        "schedule_last_success_timestamp_seconds",
        "gauge",
        "When what is due was last looked for without an error, by work (policies, databases, "
        "stores, tidying, health); 0 before the first time.",
        ("work",),
    ),
    Row(
        "config_reload_success",
        "gauge",
        "1 when the last configuration that was read is in use, 0 when it was wrong.",
    ),
    Row(
        "config_last_reload_success_timestamp_seconds",
        "gauge",
        "When the configuration in use was read.",
    ),
    Row(
        "policies_reload_success",
        "gauge",
        "1 when the policies that were read last are in force, 0 when they were wrong.",
    ),
    Row(
        "policies_last_reload_success_timestamp_seconds",
        "gauge",
        "When the policies in force were read.",
    ),
    Row("policy_files", "gauge", "Present files for which a policy is decisive.", ("policy",)),
    Row(
        "uncovered_files",
        "gauge",
        "Present files of which no policy says where they belong or how long they stay, by kind.",
        ("kind",),
    ),
    Row(
        "due_files",
        "gauge",
        "Files of which something is due that nothing keeps back, by policy and action.",
        ("policy", "action"),
    ),
    Row(
        "overdue_seconds",
        "gauge",
        "For how long the oldest of what is due has been so; 0 when nothing is.",
        ("policy",),
    ),
    Row(
        "late_seconds",
        "gauge",
        "For how long the oldest of what is due should have been done, by the times at which its "
        "policy acts; 0 where it waits for that time, or for want of room.",
        ("policy",),
    ),
    Row(
        "blocked_files",
        "gauge",
        "Files of which something is due, by what keeps it back (held, pinned, required, unknown, "
        "sidecar, growing).",
        ("why",),
    ),
    Row("undecided_files", "gauge", "Files that wait to be decided by the policies in force."),
    Row("store_up", "gauge", "1 while a store answers, 0 while it does not.", ("store",)),
    Row("store_objects", "gauge", "Copies of this host's files in a store.", ("store",)),
    Row("store_bytes", "gauge", "Bytes of these copies, as they are stored.", ("store",)),
    Row(
        "store_last_verified_timestamp_seconds",
        "gauge",
        "When that copy was read to its end which was not read for longest.",
        ("store",),
    ),
    Row(
        "store_unverified_copies",
        "gauge",
        "Copies that were not read for longer than the store's `scrub` allows, or were damaged"
        " then.",
        ("store",),
    ),
    Row(
        "store_damaged_copies",
        "gauge",
        "Copies that were damaged when they were last read, each the last of its file.",
        ("store",),
    ),
    Row(
        "scrubbed_bytes_total",
        "counter",
        "Bytes of stored objects that were read again.",
        ("store",),
    ),
    Row(
        "scrub_damaged_total",
        "counter",
        "Copies that were found missing or damaged when they were read again.",
        ("store",),
    ),
    Row(
        "clock_jump_seconds",
        "gauge",
        "By how much the wall clock jumped (back: below 0) while nobody confirmed it, else 0; "
        "nothing is removed meanwhile.",
    ),
    Row(
        "actions_total",
        "counter",
        "Acts that ended, by policy (`person` for people), action and outcome (done, refused,"
        " failed, undone); those of earlier lives too.",
        ("policy", "action", "outcome"),
    ),
    Row("action_bytes_total", "counter", "Bytes of files of acts that were done.", ("action",)),
    Row("freed_bytes_total", "counter", "Blocks on disks of roots that acts freed, in bytes."),
    Row("jobs", "gauge", "What people asked the daemon to do to files, by state.", ("state",)),
    Row(
        "held_back_files",
        "gauge",
        "Files of which something is due that a guard holds back, by policy and guard.",
        ("policy", "guard"),
    ),
    Row("open_acts", "gauge", "Acts that were begun and have not ended."),
    Row("put_off_acts", "gauge", "Open acts that wait to be tried again."),
    Row("trash_bytes", "gauge", "Bytes of files in the trash of a root.", ("root",)),
    Row(
        "filesystem_size_bytes",
        "gauge",
        "Size of the root's file system.",
        ("root",),
    ),
    Row("last_act_timestamp_seconds", "gauge", "When an act ended last; 0 when none did yet."),
    Row("database_bytes", "gauge", "Size of a database, without its log.", ("database",)),
    Row(
        "database_free_ratio",
        "gauge",
        "Share of a database's pages that hold nothing, from 0 to 1.",
        ("database",),
    ),
    Row("database_wal_bytes", "gauge", "Size of a database's write-ahead log.", ("database",)),
    Row(
        "database_growth_bytes_per_day",
        "gauge",
        "By how much a database grew each day of the last month; what happened once is left out.",
        ("database",),
    ),
    Row(
        "filesystem_full_timestamp_seconds",
        "gauge",
        "When the root's file system will be full by what grows there; none while not in sight.",
        ("root",),
    ),
    Row(
        "database_integrity_ok",
        "gauge",
        "1 when the last whole check of a database found nothing wrong, else 0.",
        ("database",),
    ),
    Row(
        "database_last_check_timestamp_seconds",
        "gauge",
        "When a database was last checked as a whole.",
        ("database",),
    ),
    Row(
        "backup_last_success_timestamp_seconds",
        "gauge",
        "Of what time the newest backup of a database is that was read back and found good.",
        ("database",),
    ),
    Row(
        "restore_last_proven_timestamp_seconds",
        "gauge",
        "When a backup of a database was last restored on trial, and was whole.",
        ("database",),
    ),
    Row("databases_known", "gauge", "Databases that are there and looked after."),
    Row(
        "care_runs_total",
        "counter",
        "What was done for databases, by what (look, check, backup, drill, analyze, vacuum) and "
        "outcome (done, found, refused, failed, put_off).",
        ("what", "outcome"),
    ),
    Row("care_due", "gauge", "Databases for which something is due, by what.", ("what",)),
    Row(
        "care_overdue_seconds",
        "gauge",
        "For how long the oldest of what is due for databases has been so; 0 when nothing is.",
        ("what",),
    ),
    Row(
        "care_failures",
        "gauge",
        "Databases for which something failed when it was last tried, by what.",
        ("what",),
    ),
    Row(
        "care_found",
        "gauge",
        "Databases with which something was found wrong when it was last tried, by what.",
        ("what",),
    ),
    Row(
        "care_last_success_timestamp_seconds",
        "gauge",
        "When something was last done for a database and went well, by what; none before the "
        "first time.",
        ("what",),
    ),
    Row("due_rows", "gauge", "Rows of a declared table that a policy wants to go.", ("table",)),
    Row(
        "orphaned_rows",
        "gauge",
        "Rows of a declared table's children whose parent is gone.",
        ("table",),
    ),
    Row(
        "query_duration_seconds",
        "histogram",
        "How long our own statements to the catalogue took.",
        buckets=QUERY_BUCKETS,
    ),
    Row(
        "slow_queries_total",
        "counter",
        "Statements that took more than 0.1 s: of `catalogue`, ours, and of applications that "
        "count theirs, by database.",
        ("database",),
    ),
    Row(
        "health_score",
        "gauge",
        "How healthy all of it is, from 100 down to 0: healthy from 80, warning from 60, critical"
        " below.",
    ),
    Row(
        "health_deduction_points",
        "gauge",
        "Points that are lost, by reason (integrity, foreign_keys, orphans, slow_queries, blind, "
        "disk_full, drill, backup, jobs, behind); 0 for what is as it should be.",
        ("reason",),
    ),
    Row(
        "api_cost_total",
        "counter",
        "What calls of services cost, as applications told; since ever, of the 10 providers and 3 "
        "currencies that were told first. Other providers are `other`; currencies are never added "
        "together.",
        ("provider", "currency"),
    ),
    Row(
        "api_calls_total",
        "counter",
        "Calls of services, as applications told; since ever.",
        ("provider",),
    ),
    Row(
        "api_errors_total",
        "counter",
        "Times applications told that a call ended with an error.",
        ("provider",),
    ),
    Row(
        "api_tokens_total",
        "counter",
        "Tokens that calls took, by direction: in, out.",
        ("provider", "direction"),
    ),
    Row(
        "api_call_seconds_total",
        "counter",
        "How long calls took, all together, where applications told it.",
        ("provider",),
    ),
    Row(
        "api_timed_calls_total",
        "counter",
        "Times applications told how long a call took.",
        ("provider",),
    ),
    Row(
        "listener_events_total",
        "counter",
        "Events that a listener of the configuration took.",
        ("listener",),
    ),
    Row(
        "listener_failures_total",
        "counter",
        "Times it could not be told, or refused what it was sent.",
        ("listener",),
    ),
    Row(
        "listener_dead_letters",
        "gauge",
        "Events that it refuses and that are kept until somebody decides.",
        ("listener",),
    ),
    Row(
        "listener_lag_seconds",
        "gauge",
        "For how long the oldest that was recorded has waited to be told to it, 0 for nothing.",
        ("listener",),
    ),
    Row(
        "user_bytes",
        "gauge",
        "Size of the files that a user was told to have and of which anything is kept.",
        ("user",),
    ),
    Row("user_files", "gauge", "How many files these are.", ("user",)),
    Row(
        "user_quota_bytes",
        "gauge",
        "How much a user may have; none for who may have as much as it likes. More is kept, and "
        "nothing more is taken in.",
        ("user",),
    ),
    Row("user_quota_files", "gauge", "How many files a user may have, likewise.", ("user",)),
    Row(
        "http_requests_total",
        "counter",
        "Requests below /api that were answered, by what they were about (telling, asking, events, "
        "users, about; none: what there is not) and by the class of the status: 2xx, 4xx, 5xx.",
        ("about", "status"),
    ),
    Row(
        "http_request_duration_seconds",
        "histogram",
        "How long these took, from the last byte of a request to the first of its answer.",
        buckets=QUERY_BUCKETS,
    ),
    Row("http_connections", "gauge", "Open connections of applications; there may be 128."),
)

INTRODUCTION = """\
# Metrics

<!-- Written by `python -m storewarden.measure.table`; a test holds it in step with the code. -->

`GET /metrics` answers in Prometheus' text format, or in OpenMetrics when asked for it. All figures
are kept up to date while the daemon works; a scrape reads them and counts nothing, so that it costs
the same at a million files as at none. Units are seconds and bytes. No label ever holds a path:
`root` and `table` are names from the configuration; `database` is one, or the name of a file, where
that is a plain one, else a digest of it; beyond {most} databases the others are `other`, together:
sizes as a sum, everything else as what is worst. `kind` is one of """

PROCESS = """
Besides these, the usual figures of the process itself, under their usual names:
`process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_virtual_memory_bytes`,
`process_open_fds`, `process_max_fds`, `process_start_time_seconds`.
"""


def markdown() -> str:
    """Return docs/reference/metrics.md."""
    kinds = ", ".join(f"`{kind}`" for kind in KINDS)
    head = "| name | type | labels | tells |\n|---|---|---|---|\n"
    rows = (
        f"| `{row.full_name}` | {row.type} | {', '.join(row.labels)} | {row.help} |\n"
        for row in TABLE
    )
    introduction = INTRODUCTION.format(most=MOST)
    return f"{introduction}\n{kinds}.\n\n{head}{''.join(rows)}{PROCESS}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
