"""Is all well, what is there, and when is the disk full?"""

from __future__ import annotations

from typing import Final

from grafana.board import (
    AMBER,
    GREEN,
    IN_ROOT,
    NOUGHT_IS_GOOD,
    RED,
    ROOT,
    SELECTOR,
    Board,
    Section,
    bars,
    graph,
    metric,
    rate,
    since,
    stat,
)

PRESENT: Final = 'state="present"'
ADDED: Final = 'change="added"'
FAILED: Final = 'outcome="failed"'
WEEK, MONTH = 604_800, 2_592_000
SCORE: Final = ((None, RED), (60, AMBER), (80, GREEN))
BYTES: Final = metric("bytes", PRESENT, IN_ROOT)
HOUR: Final = metric("bytes", PRESENT, IN_ROOT, over="1h")
FULL: Final = metric("filesystem_full_timestamp_seconds", IN_ROOT)
FREE: Final = metric("filesystem_free_bytes", IN_ROOT)
SIZE: Final = metric("filesystem_size_bytes", IN_ROOT)

NOW: Final = Section(
    "Now",
    (
        stat(
            "Health",
            f"min({metric('health_score')})",
            "100 when nothing is wrong; healthy from 80, warning from 60, critical below. "
            "`storewarden health` names every lost point and the command that mends it.",
            unit="none",
            steps=SCORE,
            least=0,
            most=100,
        ),
        stat(
            "Daemon",
            f"min(up{{{SELECTOR}}})",
            "Whether Prometheus reaches the daemon. Gone: `systemctl status storewarden`, then "
            "`journalctl -u storewarden -n 50`.",
            unit="none",
            steps=((None, RED), (1, GREEN)),
            words=((0, "gone", RED), (1, "up", GREEN)),
        ),
        stat(
            "Files",
            f"sum({metric('files', PRESENT, IN_ROOT)})",
            "Files that are present in the chosen roots. `storewarden files` lists them.",
        ),
        stat(
            "Bytes",
            f"sum({BYTES})",
            "Size of the files that are present in the chosen roots. `storewarden same` finds "
            "what is there twice.",
            unit="bytes",
        ),
        stat(
            "First disk full in",
            f"min({FULL}) - time()",
            "By how the last month grew. Below a week the score of health drops: let policies "
            "archive or trash more (`storewarden plan`), or add room.",
            unit="s",
            steps=((None, RED), (WEEK, AMBER), (MONTH, GREEN)),
            none="not in sight",
        ),
        stat(
            "Freed so far",
            f"sum({metric('freed_bytes_total')})",
            "Blocks on disks of roots that acts freed, in bytes, because policies or people "
            "said so.",
            unit="bytes",
        ),
    ),
)
HEALTH: Final = Section(
    "Health",
    (
        graph(
            "Health over time",
            [(metric("health_score"), "{{instance}}")],
            "The score of each daemon; the lines are at 80 and 60. After a drop, "
            "`storewarden health --since 7d` says what was lost when.",
            unit="none",
            width=12,
            steps=SCORE,
            marked=True,
            most=100,
        ),
        graph(
            "Points lost, by reason",
            [(f"sum by (reason) ({metric('health_deduction_points')}) > 0", "{{reason}}")],
            "Every deduction by its name; empty while nothing is lost. `storewarden health` names "
            "the object and the remedy.",
            unit="none",
            width=12,
            stacked=True,
            none="nothing is lost",
        ),
    ),
)
SPACE: Final = Section(
    "Space",
    (
        graph(
            "Bytes by kind",
            [(f"sum by (kind) ({BYTES}) > 0", "{{kind}}")],
            "What fills the roots. A kind that grows and has no policy is one to write one for: "
            "see the dashboard of policies, “without a policy”.",
            unit="bytes",
            width=12,
            stacked=True,
        ),
        graph(
            "Bytes by tier",
            [
                (f"sum({BYTES})", "in the roots"),
                (f"sum({metric('trash_bytes', IN_ROOT)})", "in the trash"),
                (f"sum by (store) ({metric('store_bytes')})", "store {{store}}"),
            ],
            "Where bytes lie. What a policy archives moves from the roots to a store; what it "
            "trashes comes back with `storewarden restore` until it is purged.",
            unit="bytes",
            width=12,
            stacked=True,
        ),
        graph(
            "Growth per day",
            [
                (
                    f"sum by (root) (deriv({HOUR})) * 86400",
                    "{{root}}",
                )
            ],
            "By how much each root would grow in a day as it did in the last hour; below nought "
            "it shrinks. Sudden growth: `storewarden files 'modified<1h'` shows what came.",
            unit="bytes",
            least=None,
        ),
        graph(
            "Free share of file systems",
            [(f"min by (root) ({FREE} / {SIZE})", "{{root}}")],
            "Free space of the roots' file systems. Below 5 % the score of health drops and "
            "policies with a trigger by pressure begin to act.",
            unit="percentunit",
            most=1,
            steps=((None, RED), (0.05, AMBER), (0.15, GREEN)),
            marked=True,
        ),
        bars(
            "Days until the disk is full",
            f"(min by (root) ({FULL}) - time()) / 86400",
            "{{root}}",
            "By how the last month grew; roots that do not grow are not shown. Below a week, act: "
            "`storewarden plan`, then `storewarden apply`.",
            unit="d",
            decimals=1,
            steps=((None, RED), (7, AMBER), (30, GREEN)),
            none="not in sight",
        ),
        graph(
            "Saved",
            [
                (f"sum({metric('freed_bytes_total')})", "freed for good"),
                (f"sum by (action) ({metric('action_bytes_total')})", "{{action}}"),
            ],
            "Bytes of all acts that were done, by what was done, and what thereby left the roots "
            "for good. Flat for long: are policies in force? `storewarden policy list` tells.",
            unit="bytes",
            width=12,
        ),
        graph(
            "Files that come",
            [(f"sum by (root) ({rate('recorded_total', IN_ROOT, ADDED)})", "{{root}}")],
            "New files a second. None where some should come: is the root blind (dashboard of "
            "recording)?",
            unit="cps",
            width=12,
        ),
    ),
)
TROUBLE: Final = Section(
    "What wants a person",
    (
        stat(
            "Blind roots",
            f"sum({metric('root_blind', IN_ROOT)} > bool 0)",
            "Roots of which something cannot be seen. `storewarden status` says what to do.",
            steps=NOUGHT_IS_GOOD,
        ),
        stat(
            "Frozen roots",
            f"sum({metric('root_frozen', IN_ROOT)})",
            "Roots at whose path something else lies than before: mount what belongs there.",
            steps=NOUGHT_IS_GOOD,
        ),
        stat(
            "Missing, held",
            f"sum({metric('missing_held_files', IN_ROOT)})",
            "Files that a scan did not find, too many at once to believe it. Look whether the "
            "disk is whole, then `storewarden scan --accept-missing`.",
            steps=NOUGHT_IS_GOOD,
        ),
        stat(
            "Clock jump",
            f"max(abs({metric('clock_jump_seconds')}))",
            "By how much the wall clock jumped. Nothing is removed until a person confirms the "
            "time: `storewarden policy accept-clock`.",
            unit="s",
            steps=NOUGHT_IS_GOOD,
        ),
        stat(
            "Stores that answer",
            f"sum({metric('store_up')}) / count({metric('store_up')})",
            "Share of the stores that answer; acts that need another wait. "
            "`storewarden store check` says why one does not.",
            unit="percentunit",
            steps=((None, RED), (1, GREEN)),
            none="no stores",
        ),
        stat(
            "Acts that failed, 1 day",
            f"sum({since('actions_total', FAILED, window='1d')}) or vector(0)",
            "Acts that failed within a day. `storewarden history --troubles` tells each and why.",
            steps=NOUGHT_IS_GOOD,
        ),
    ),
)

OVERVIEW: Final = Board(
    "storewarden-overview",
    "Storewarden / Overview",
    "Is all well, what is there, when is the disk full, what was saved.",
    (NOW, HEALTH, SPACE, TROUBLE),
    (ROOT,),
)
