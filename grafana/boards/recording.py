"""Is everything that happens seen and written down, and how soon?"""

from __future__ import annotations

from typing import Final

from grafana.board import (
    AMBER,
    GREEN,
    IN_ROOT,
    NOUGHT_IS_BEST,
    NOUGHT_IS_GOOD,
    ONE_IS_GOOD,
    RED,
    ROOT,
    SELECTOR,
    Board,
    Section,
    graph,
    metric,
    rate,
    since,
    stat,
)

WATCHES: Final = metric("watches")
LIMIT: Final = metric("watches_limit")
LAST_SCAN: Final = metric("last_scan_timestamp_seconds", IN_ROOT)
MINUTE: Final = ((None, GREEN), (10, AMBER), (60, RED))


def quantiles(histogram: str) -> list[tuple[str, str]]:
    """Return the expressions of the half, of nine in ten, and of ninety-nine in a hundred."""
    return [
        (f"histogram_quantile({share}, sum by (le) ({rate(f'{histogram}_bucket')}))", legend)
        for share, legend in ((0.5, "half"), (0.9, "9 in 10"), (0.99, "99 in 100"))
    ]


NOW: Final = Section(
    "Now",
    (
        stat(
            "Recorded",
            f"sum({rate('recorded_total', IN_ROOT)})",
            "Rows written each second. Nought while files come: look at pending, and at the "
            "catalogue below.",
            unit="cps",
        ),
        stat(
            "Pending",
            f"sum({metric('pending_files', IN_ROOT)})",
            "Names that changed and are not yet recorded. It rises in a burst and must fall after.",
            steps=((None, GREEN), (10_000, AMBER), (100_000, RED)),
        ),
        stat(
            "Oldest pending",
            f"max({metric('oldest_pending_seconds', IN_ROOT)})",
            "How long the oldest of them waits. Files that are still written wait on purpose; "
            "more than a minute for all costs health: `storewarden status` tells what holds it.",
            unit="s",
            steps=MINUTE,
        ),
        stat(
            "Overflows, 1 day",
            f"sum({since('overflows_total', IN_ROOT, window='1d')})",
            "The kernel's event queue overflowed; a scan follows by itself, nothing is lost. If "
            "it is often: raise fs.inotify.max_queued_events, `storewarden doctor` tells to what.",
            steps=NOUGHT_IS_BEST,
        ),
        stat(
            "Blind roots",
            f"sum({metric('root_blind', IN_ROOT)} > bool 0)",
            "Roots of which something cannot be seen. `storewarden status` says what to do.",
            steps=NOUGHT_IS_GOOD,
        ),
        stat(
            "Ready",
            f"min({metric('ready')})",
            "Whether the watches of all roots stand. Not yet: it starts; for long: "
            "`journalctl -u storewarden -n 50`.",
            unit="none",
            steps=ONE_IS_GOOD,
            words=((0, "not yet", RED), (1, "ready", GREEN)),
        ),
    ),
)
EVENTS: Final = Section(
    "Events and rows",
    (
        graph(
            "Events",
            [(f"sum by (type) ({rate('events_total', IN_ROOT)})", "{{type}}")],
            "Hints of the file system by type. Many for few rows: a program that writes the same "
            "file again and again; exclude what nobody wants recorded.",
            unit="eps",
        ),
        graph(
            "Rows recorded",
            [(f"sum by (change) ({rate('recorded_total', IN_ROOT)})", "{{change}}")],
            "Rows by what had happened. Many that are gone at once: was a folder removed? "
            "`storewarden files state=missing` lists them.",
            unit="cps",
        ),
        graph(
            "Lag of recording",
            quantiles("record_lag_seconds"),
            "From a file's settling to its row. Above a few seconds for long: the catalogue's "
            "disk is slow or busy (see below).",
            unit="s",
        ),
        graph(
            "Pending",
            [(f"sum by (root) ({metric('pending_files', IN_ROOT)})", "{{root}}")],
            "Names that wait, by root. What does not fall after a burst is explained by "
            "`storewarden status`.",
        ),
        graph(
            "Oldest pending",
            [(f"max by (root) ({metric('oldest_pending_seconds', IN_ROOT)})", "{{root}}")],
            "How long the oldest name waits. One that rises evenly is a file that is written "
            "without end.",
            unit="s",
            steps=MINUTE,
            marked=True,
        ),
        graph(
            "Uses of files",
            [(f"sum by (kind) ({rate('usage_events_total', IN_ROOT)})", "{{kind}}")],
            "Files that were opened, where `usage` is configured; `own` are our own reads and "
            "count for nothing. None while files are used: policies by last use are blind.",
            unit="eps",
            none="usage is not counted",
        ),
    ),
)
SIGHT: Final = Section(
    "Sight",
    (
        graph(
            "Blind and frozen roots",
            [
                (f"max by (root) ({metric('root_blind', IN_ROOT)})", "{{root}} blind"),
                (f"max by (root) ({metric('root_frozen', IN_ROOT)})", "{{root}} frozen"),
            ],
            "1 while something of a root cannot be seen, or while something else lies in its "
            "place. Nothing there is acted on meanwhile. `storewarden status` has the remedy.",
            unit="none",
            most=1,
        ),
        graph(
            "Overflows",
            [(f"sum by (root) ({since('overflows_total', IN_ROOT)})", "{{root}}")],
            "Overflows of the event queue within an hour, each answered by a scan. Raise "
            "fs.inotify.max_queued_events where they are frequent.",
            steps=NOUGHT_IS_BEST,
        ),
        graph(
            "Use lost",
            [(f"sum by (root) ({since('usage_lost_total', IN_ROOT)})", "{{root}}")],
            "Times within an hour that counts of use got lost. Policies by last use wait for a "
            "time without gaps; raise the limits that `storewarden doctor` names.",
        ),
        graph(
            "Watches used",
            [
                (
                    f"sum by (instance) ({WATCHES}) / max by (instance) ({LIMIT})",
                    "{{instance}}",
                )
            ],
            "Share of the inotify watches we may hold. Near 100 %: raise "
            "fs.inotify.max_user_watches; `storewarden doctor` tells the command.",
            unit="percentunit",
            most=1,
            steps=((None, GREEN), (0.8, AMBER), (0.95, RED)),
            marked=True,
        ),
        graph(
            "Roots by way of watching",
            [(f"sum by (mode) ({metric('watch_mode', IN_ROOT)})", "{{mode}}")],
            "inotify tells at once; poll looks from time to time (network file systems); none is "
            "blind: `storewarden status`.",
        ),
        graph(
            "Missing, held",
            [(f"sum by (root) ({metric('missing_held_files', IN_ROOT)})", "{{root}}")],
            "Files a scan did not find, too many to believe it. Look whether the disk is whole, "
            "then `storewarden scan --accept-missing`.",
        ),
    ),
)
SCANS: Final = Section(
    "Scans",
    (
        graph(
            "Time of the last scan",
            [(f"max by (root) ({metric('scan_duration_seconds', IN_ROOT)})", "{{root}}")],
            "How long a whole scan takes. A jump: the disk is busy, or the cache was cold.",
            unit="s",
        ),
        graph(
            "Since the last scan",
            [
                (
                    f"time() - max by (root) ({LAST_SCAN} > 0)",
                    "{{root}}",
                ),
                (
                    f"max by (root) ({metric('rescan_interval_seconds', IN_ROOT)})",
                    "{{root}} wanted",
                ),
            ],
            "It falls to nought with each scan; above what is wanted for long, scans do not end: "
            "`storewarden scan` tells why.",
            unit="s",
        ),
        graph(
            "Scans",
            [
                (f"max by (root) ({metric('scan_running', IN_ROOT)})", "{{root}} runs"),
                (f"sum by (root) ({since('scan_errors_total', IN_ROOT)})", "{{root}} errors, 1 h"),
            ],
            "Whether one runs, and directories that could not be listed within an hour: what lies "
            "below them is unknown, not gone. The log names each: `journalctl -u storewarden`.",
        ),
    ),
)
LOOKS: Final = Section(
    "Looks into files",
    (
        graph(
            "Files looked into",
            [(f"sum by (outcome) ({rate('inspections_total')})", "{{outcome}}")],
            "By what came of it. Many refused: broken or strange files, "
            "`storewarden files outcome=refused` lists them.",
            unit="cps",
        ),
        graph(
            "Time of a look",
            quantiles("inspection_seconds"),
            "How long one file takes. A tail of seconds is a file that is large or hostile; after "
            "the configured time a look is ended.",
            unit="s",
        ),
        graph(
            "Waiting to be looked into",
            [
                (
                    f"sum by (root) ({metric('inspection_pending_files', IN_ROOT)})",
                    "{{root}}",
                )
            ],
            "Recorded files of which nothing more is known yet. It falls whenever recording has "
            "nothing to do.",
        ),
        graph(
            "Processes that died of a file",
            [
                (
                    f"sum by (reason) ({since('inspection_children_died_total')})",
                    "{{reason}}",
                )
            ],
            "Within an hour, by reason. Each costs one file one attempt and nothing else; the log "
            "names the file.",
        ),
        graph(
            "Read for digests",
            [(rate("digested_bytes_total"), "{{instance}}")],
            "Bytes a second that are read to know files by their content. It rests while a burst "
            "is recorded.",
            unit="Bps",
        ),
        graph(
            "Workers restarted or stuck",
            [
                (f"sum by (worker) ({since('worker_restarts_total')})", "{{worker}} restarted"),
                (f"max by (worker) ({metric('worker_stuck')})", "{{worker}} stuck"),
            ],
            "Threads that died within an hour and were started again, and such as are late. "
            "Either is a defect: keep `journalctl -u storewarden` and report it.",
        ),
    ),
)
CATALOGUE: Final = Section(
    "Catalogue and process",
    (
        graph(
            "Size of the catalogue",
            [
                (metric("catalogue_bytes"), "{{instance}}"),
                (metric("catalogue_wal_bytes"), "{{instance}} log"),
            ],
            "The log grows in bursts and is folded in after. One that does not shrink: somebody "
            "holds the catalogue open for long.",
            unit="bytes",
        ),
        graph(
            "Transactions that failed",
            [(f"sum by (reason) ({since('catalogue_errors_total')})", "{{reason}}")],
            "Within an hour; rows wait and are written later. `full`: make room on the "
            "catalogue's disk; `corrupt`: docs/runbooks says what to do.",
        ),
        graph(
            "Time of our statements",
            quantiles("query_duration_seconds"),
            "How long the catalogue takes to answer. `storewarden db slow` lists slow ones.",
            unit="s",
        ),
        graph(
            "Processor",
            [(f"rate(process_cpu_seconds_total{{{SELECTOR}}}[$__rate_interval])", "{{instance}}")],
            "Share of one processor. At rest nearly nothing; a whole one for long without events "
            "is a defect.",
            unit="percentunit",
            width=6,
        ),
        graph(
            "Memory",
            [(f"process_resident_memory_bytes{{{SELECTOR}}}", "{{instance}}")],
            "Resident memory of the daemon. It grows with the number of directories, not of files.",
            unit="bytes",
            width=6,
        ),
        graph(
            "Open files",
            [
                (
                    f"process_open_fds{{{SELECTOR}}} / process_max_fds{{{SELECTOR}}}",
                    "{{instance}}",
                )
            ],
            "Share of the descriptors that it may hold. Near 100 %: raise LimitNOFILE= in the "
            "unit.",
            unit="percentunit",
            width=6,
            most=1,
        ),
        graph(
            "Catalogue and settings in order",
            [
                (f"min({metric('catalogue_writable')})", "catalogue writable"),
                (f"min({metric('config_reload_success')})", "configuration"),
                (f"min({metric('policies_reload_success')})", "policies"),
            ],
            "0: the catalogue cannot be written, or what was read last was wrong and the one "
            "before is in use. `storewarden doctor`, `storewarden policy check`.",
            unit="none",
            width=6,
            most=1,
        ),
    ),
)

APPLICATIONS: Final = Section(
    "Applications",
    (
        graph(
            "Requests of applications",
            [(f"sum by (about, status) ({rate('http_requests_total')})", "{{about}} {{status}}")],
            "What applications tell and ask over HTTP, a second. 4xx: they say or ask what cannot "
            "be, or have no token that holds; 5xx: the catalogue cannot be written, see the log.",
            unit="cps",
        ),
        graph(
            "Time of answers to applications",
            quantiles("http_request_duration_seconds"),
            "From a whole request to its answer. What is told is answered once it is durable: a "
            "slow disk shows here first.",
            unit="s",
        ),
        graph(
            "Connections of applications",
            [(metric("http_connections"), "{{instance}}")],
            "Each has a thread. When 128 are open, the one that is idle for longest makes way for "
            "the next.",
        ),
    ),
)
RECORDING: Final = Board(
    "storewarden-recording",
    "Storewarden / Recording",
    "Is everything that happens seen and written down, and how soon.",
    (NOW, EVENTS, SIGHT, SCANS, LOOKS, APPLICATIONS, CATALOGUE),
    (ROOT,),
    "now-6h",
)
