"""What is due, what was done, what is kept back and by what, and what no policy knows."""

from __future__ import annotations

from typing import Final

from grafana.board import (
    AMBER,
    GREEN,
    IN_ROOT,
    NOUGHT_IS_BEST,
    NOUGHT_IS_GOOD,
    RED,
    ROOT,
    Board,
    Section,
    bars,
    graph,
    metric,
    rate,
    since,
    stat,
)

DAY, WEEK = 86_400, 604_800
AGES: Final = ((None, GREEN), (DAY, AMBER), (WEEK, RED))
SETTINGS_READ: Final = metric("config_last_reload_success_timestamp_seconds")
POLICIES_READ: Final = metric("policies_last_reload_success_timestamp_seconds")
LOOKED_FOR: Final = metric("schedule_last_success_timestamp_seconds") + " > 0"
DONE_WELL: Final = 'outcome="done"'
DUE: Final = metric("due_files")
UNVERIFIED: Final = metric("store_last_verified_timestamp_seconds")

NOW: Final = Section(
    "Now",
    (
        stat(
            "Due",
            f"sum({DUE}) or vector(0)",
            "Files of which something is due that nothing keeps back. `storewarden plan` lists "
            "them, `storewarden apply` does it now.",
        ),
        stat(
            "Late",
            f"max({metric('late_seconds')}) or vector(0)",
            "For how long the oldest should have been done by its policy's own times. More than a "
            "day costs health: `storewarden status` says what waits.",
            unit="s",
            steps=AGES,
        ),
        stat(
            "Held back",
            f"sum({metric('held_back_files')}) or vector(0)",
            "Files that a guard holds back: too many at once, a store that does not answer. "
            "`storewarden plan` names the guard.",
            steps=NOUGHT_IS_BEST,
        ),
        stat(
            "Without a policy",
            f"sum({metric('uncovered_files')}) or vector(0)",
            "Present files of which no policy says where they belong or how long they stay. "
            "`storewarden policy coverage` tells which.",
            steps=NOUGHT_IS_BEST,
        ),
        stat(
            "Undecided",
            f"sum({metric('undecided_files')})",
            "Files that wait to be decided by the policies in force; it falls by itself after "
            "policies changed.",
        ),
        stat(
            "Last act",
            f"clamp_min(time() - max({metric('last_act_timestamp_seconds')} > 0), 0)",
            "How long ago something was done. Long, while much is due: `storewarden status`.",
            unit="s",
            none="none yet",
        ),
    ),
)
DUES: Final = Section(
    "Due",
    (
        graph(
            "Due, by policy and action",
            [(f"sum by (policy, action) ({DUE}) > 0", "{{policy}}: {{action}}")],
            "What waits to be done. It rises until a policy's timer and falls then; what only "
            "rises has none: add a trigger, or `storewarden apply`.",
            width=12,
            stacked=True,
            none="nothing is due",
        ),
        graph(
            "For how long it is due",
            [
                (f"max by (policy) ({metric('overdue_seconds')})", "{{policy}}"),
                (f"max by (policy) ({metric('late_seconds')}) > 0", "{{policy}} late"),
            ],
            "The oldest of what is due, by policy; late is what its policy's own times should "
            "have done. Late for more than a day: `storewarden plan` says what holds it.",
            unit="s",
            width=12,
        ),
        graph(
            "Held back, by guard",
            [(f"sum by (policy, guard) ({metric('held_back_files')})", "{{policy}}: {{guard}}")],
            "What guards stop: they want a person to look first. `storewarden plan`, and then "
            "`storewarden apply` with the word it tells.",
            none="nothing is held back",
        ),
        graph(
            "Kept, by reason",
            [(f"sum by (why) ({metric('blocked_files')}) > 0", "{{why}}")],
            "Files of which something is due and that stay all the same. `unknown` means that a "
            "fact is missing: `storewarden why` tells which.",
            none="nothing is kept",
        ),
        graph(
            "Jobs and open acts",
            [
                (f"sum by (state) ({metric('jobs')})", "jobs {{state}}"),
                (f"sum({metric('open_acts')})", "open acts"),
                (f"sum({metric('put_off_acts')})", "put off"),
            ],
            "What people asked for, and acts that were begun. Put off: a store is away or a file "
            "in use; they are tried again by themselves.",
        ),
    ),
)
DONE: Final = Section(
    "Done",
    (
        graph(
            "Acts within an hour",
            [
                (
                    f"sum by (action, outcome) ({since('actions_total')}) > 0",
                    "{{action}}: {{outcome}}",
                )
            ],
            "What ended, by what came of it. Refused is prudence (a file changed meanwhile); "
            "failed wants a look: `storewarden history --troubles`.",
            width=12,
            stacked=True,
            none="nothing was done",
        ),
        graph(
            "Bytes of acts so far",
            [(f"sum by (action) ({metric('action_bytes_total')})", "{{action}}")],
            "Size of the files that were acted on. `storewarden history` tells each.",
            unit="bytes",
            width=12,
        ),
        bars(
            "Acts so far, by policy",
            f"topk(15, sum by (policy) ({metric('actions_total', DONE_WELL)}))",
            "{{policy}}",
            "Who asks for what is done; `person` are people. A policy you expect here and do not "
            "find matches nothing: `storewarden policy coverage`.",
        ),
        graph(
            "In the trash",
            [(f"sum by (root) ({metric('trash_bytes', IN_ROOT)})", "{{root}}")],
            "What can still be had back from the trash. One that only grows: no policy purges it.",
            unit="bytes",
        ),
        graph(
            "Freed for good",
            [(f"sum({metric('freed_bytes_total')})", "freed")],
            "Bytes that left the roots, each after its proof. `storewarden free` makes room at "
            "once where that is not enough.",
            unit="bytes",
        ),
    ),
)
COVER: Final = Section(
    "Coverage",
    (
        bars(
            "Files, by decisive policy",
            f"topk(20, sum by (policy) ({metric('policy_files')}))",
            "{{policy}}",
            "For how many present files a policy decides. None: it matches nothing, or others "
            "come first; `storewarden policy coverage` tells which.",
        ),
        graph(
            "Without a policy, by kind",
            [(f"sum by (kind) ({metric('uncovered_files')})", "{{kind}}")],
            "Files that nobody decides about: they stay for ever. Write a policy, or one that "
            "says so.",
            stacked=True,
            none="all are covered",
        ),
        graph(
            "Since it was read or looked for",
            [
                (f"time() - max({SETTINGS_READ})", "configuration read"),
                (f"time() - max({POLICIES_READ})", "policies read"),
                (f"time() - max by (work) ({LOOKED_FOR})", "{{work}} looked for"),
            ],
            "Reading: `storewarden policy list` says what is in force. Looking for work happens "
            "every few seconds to minutes; what only rises is silent: `storewarden status`.",
            unit="s",
        ),
    ),
)
STORES: Final = Section(
    "Stores",
    (
        graph(
            "Bytes in stores",
            [(f"sum by (store) ({metric('store_bytes')})", "{{store}}")],
            "Bytes as they are stored, compressed. `storewarden store list` tells more.",
            unit="bytes",
            none="no stores",
        ),
        graph(
            "Copies in stores",
            [
                (f"sum by (store) ({metric('store_objects')})", "{{store}}"),
                (f"sum by (store) ({metric('store_unverified_copies')}) > 0", "{{store}} unread"),
                (f"sum by (store) ({metric('store_damaged_copies')}) > 0", "{{store}} damaged"),
            ],
            "Unread: not read again for longer than `scrub` allows. Damaged: the last copy of its "
            "file was not as it should be; `storewarden store scrub` looks again.",
            none="no stores",
        ),
        graph(
            "Stores that answer",
            [(f"min by (store) ({metric('store_up')})", "{{store}}")],
            "0 while a store does not answer: what needs it waits. `storewarden store check` "
            "says why.",
            unit="none",
            most=1,
            none="no stores",
        ),
        graph(
            "Since the oldest copy was read",
            [(f"time() - min by (store) ({UNVERIFIED})", "{{store}}")],
            "What is never read again may be lost without a word. Rising for ever: give the "
            "store a `scrub` share.",
            unit="s",
            none="no copies yet",
        ),
        graph(
            "Read again",
            [(f"sum by (store) ({rate('scrubbed_bytes_total')})", "{{store}}")],
            "Bytes a second that are read from stores and compared with what they were.",
            unit="Bps",
            none="no stores",
        ),
        stat(
            "Damaged copies found, 1 day",
            f"sum({since('scrub_damaged_total', window='1d')}) or vector(0)",
            "Copies that were missing or damaged when they were read again: the store or its "
            "disk is not to be trusted. docs/runbooks says what to do.",
            steps=NOUGHT_IS_GOOD,
            width=8,
            height=8,
        ),
    ),
)

POLICIES: Final = Board(
    "storewarden-policies",
    "Storewarden / Policies",
    "What is due, what was done, what is held back, what no policy knows, and the stores.",
    (NOW, DUES, DONE, COVER, STORES),
    (ROOT,),
)
