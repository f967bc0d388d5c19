"""Are the databases whole, backed up and proven, how do they grow, and what is slow in them?"""

from __future__ import annotations

from typing import Final

from grafana.board import (
    AMBER,
    DATABASE,
    GREEN,
    NOUGHT_IS_BEST,
    NOUGHT_IS_GOOD,
    OF_DATABASE,
    RED,
    Board,
    Section,
    Step,
    bars,
    graph,
    metric,
    rate,
    since,
    stat,
)

DAY, WEEK, MONTH = 86_400, 604_800, 2_592_000
BACKUP_AGES: Final[tuple[Step, ...]] = ((None, GREEN), (2 * DAY, AMBER), (WEEK, RED))
DRILL_AGES: Final[tuple[Step, ...]] = ((None, GREEN), (MONTH, AMBER), (3 * MONTH, RED))
BACKUP: Final = metric("backup_last_success_timestamp_seconds", OF_DATABASE)
DRILL: Final = metric("restore_last_proven_timestamp_seconds", OF_DATABASE)
CHECK: Final = metric("database_last_check_timestamp_seconds", OF_DATABASE)
WHOLE: Final = metric("database_integrity_ok", OF_DATABASE)
WENT_WELL: Final = metric("care_last_success_timestamp_seconds") + " > 0"
QUERIES: Final = rate("query_duration_seconds_bucket")
SIZE: Final = metric("database_bytes", OF_DATABASE)

NOW: Final = Section(
    "Now",
    (
        stat(
            "Databases",
            f"sum({metric('databases_known')})",
            "Databases that are there and looked after. `storewarden db list` tells each; one you "
            "miss lies outside of the roots, or is no database.",
        ),
        stat(
            "Damaged",
            f"count({WHOLE} == 0) or vector(0)",
            "Databases in which the last whole check found something wrong. Stop what writes to "
            "it, then docs/runbooks; `storewarden db check` shows what.",
            steps=NOUGHT_IS_GOOD,
        ),
        stat(
            "Oldest backup",
            f"time() - min({BACKUP})",
            "Age of the newest good backup of that database where it is oldest. "
            "`storewarden db backup` makes one now.",
            unit="s",
            steps=BACKUP_AGES,
            none="no backups",
        ),
        stat(
            "Without a backup",
            f"count({SIZE} unless on (instance, database) {BACKUP}) or vector(0)",
            "Databases of which there is no good backup: give them a policy with `care: backup`, "
            "or `storewarden db backup`.",
            steps=NOUGHT_IS_BEST,
        ),
        stat(
            "Oldest proof",
            f"time() - min({DRILL})",
            "When a backup was last restored on trial, where that is longest ago. "
            "`storewarden db drill` does it now.",
            unit="s",
            steps=DRILL_AGES,
            none="never proven",
        ),
        stat(
            "Care that fails",
            f"sum({metric('care_failures')})",
            "Databases for which something failed when it was last tried. The log and "
            "`storewarden health` name each.",
            steps=NOUGHT_IS_GOOD,
        ),
    ),
)
SIZES: Final = Section(
    "Size and growth",
    (
        graph(
            "Size",
            [(f"topk(20, {SIZE})", "{{database}}")],
            "The twenty largest, without their logs. `storewarden db recommend` says which belong "
            "elsewhere.",
            unit="bytes",
            width=12,
        ),
        bars(
            "Growth per day",
            f"topk(20, {metric('database_growth_bytes_per_day', OF_DATABASE)})",
            "{{database}}",
            "As each day of the last month went, what happened once left out; it takes days to be "
            "known. `storewarden db growth` tells when the disk is full.",
            unit="bytes",
            width=12,
            none="known after some days",
        ),
        graph(
            "Empty share",
            [(f"topk(20, {metric('database_free_ratio', OF_DATABASE)})", "{{database}}")],
            "Share of a database that holds nothing. Above a half, `storewarden db vacuum` pays.",
            unit="percentunit",
            most=1,
            steps=((None, GREEN), (0.5, AMBER)),
            marked=True,
        ),
        graph(
            "Write-ahead logs",
            [(f"topk(20, {metric('database_wal_bytes', OF_DATABASE)})", "{{database}}")],
            "One that only grows: an application keeps a transaction open, or never checkpoints.",
            unit="bytes",
        ),
        graph(
            "Rows of tables",
            [
                (f"topk(10, {metric('due_rows')})", "{{table}} due"),
                (f"topk(10, {metric('orphaned_rows')})", "{{table}} orphaned"),
            ],
            "Rows that a policy wants to go, and such as hang on nothing. `storewarden rows plan` "
            "and `storewarden rows orphans` list them.",
            none="no tables declared",
        ),
    ),
)
SAFE: Final = Section(
    "Whole, backed up, proven",
    (
        bars(
            "Age of the newest backup",
            f"topk(20, time() - {BACKUP})",
            "{{database}}",
            "Of the twenty whose backup is oldest. Older than twice its schedule costs health: "
            "`storewarden db backup`, and look why the last one failed.",
            unit="s",
            steps=BACKUP_AGES,
            none="no backups",
        ),
        bars(
            "Since it was proven",
            f"topk(20, time() - {DRILL})",
            "{{database}}",
            "When a backup was restored on trial and was whole. A backup that was never restored "
            "is a hope: `storewarden db drill`.",
            unit="s",
            steps=DRILL_AGES,
            none="never proven",
        ),
        bars(
            "Since it was checked",
            f"topk(20, time() - {CHECK})",
            "{{database}}",
            "When all of a database was last read and compared. `storewarden db check` does it.",
            unit="s",
            steps=DRILL_AGES,
            none="never checked",
        ),
        graph(
            "Databases found whole",
            [
                (f"sum({WHOLE})", "whole"),
                (f"count({WHOLE} == 0)", "damaged"),
            ],
            "Of those that were checked. Damaged: stop what writes to it, then docs/runbooks.",
        ),
        graph(
            "Care within an hour",
            [
                (
                    f"sum by (what, outcome) ({since('care_runs_total')}) > 0",
                    "{{what}}: {{outcome}}",
                )
            ],
            "Looks, checks, backups, trials, by what came of them. Put off: the database was "
            "busy; it is tried again. Failed: the log says why.",
            stacked=True,
            none="nothing was done",
        ),
        graph(
            "Due for databases",
            [
                (f"sum by (what) ({metric('care_due')})", "{{what}}"),
                (f"sum by (what) ({metric('care_failures')}) > 0", "{{what}} failing"),
                (f"sum by (what) ({metric('care_found')}) > 0", "{{what}} found wrong"),
            ],
            "How many databases wait for what. What rises and never falls: see “overdue”, and "
            "whether the daemon is busy all the time.",
        ),
    ),
)
SLOW: Final = Section(
    "Late and slow",
    (
        graph(
            "Overdue",
            [(f"max by (what) ({metric('care_overdue_seconds')})", "{{what}}")],
            "For how long the oldest of what is due has been so. Hours are fine, days are not: "
            "`storewarden status`.",
            unit="s",
            width=6,
        ),
        graph(
            "Since care went well",
            [(f"time() - max by (what) ({WENT_WELL})", "{{what}}")],
            "When each kind of care last ended well. What only rises does not happen: is there a "
            "policy with `care`, and does `storewarden health` tell of failures?",
            unit="s",
            width=6,
        ),
        graph(
            "Slow statements within an hour",
            [(f"topk(10, {since('slow_queries_total', OF_DATABASE)})", "{{database}}")],
            "Statements above 0.1 s: of the catalogue, and of applications that count theirs. "
            "`storewarden db slow` shows them; `storewarden db analyze` often helps.",
            width=6,
        ),
        graph(
            "Time of our statements",
            [
                (
                    f"histogram_quantile({share}, sum by (le) ({QUERIES}))",
                    legend,
                )
                for share, legend in ((0.5, "half"), (0.99, "99 in 100"))
            ],
            "How long our own catalogue takes to answer. Seconds: its disk is slow, or it wants "
            "`storewarden db analyze`.",
            unit="s",
            width=6,
        ),
    ),
)

DATABASES: Final = Board(
    "storewarden-databases",
    "Storewarden / Databases",
    "Are databases whole, backed up and proven; how they grow; what is slow.",
    (NOW, SIZES, SAFE, SLOW),
    (DATABASE,),
)
