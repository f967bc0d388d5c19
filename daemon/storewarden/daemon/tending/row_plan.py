"""What policies have due of rows of a declared table, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from storewarden.catalogue import policy_sets, row_archives
from storewarden.config.schema import TableSettings
from storewarden.daemon.tending.row_work import RowWork
from storewarden.databases.rows import plan
from storewarden.databases.rows.keeping import Subject
from storewarden.databases.rows.plan import Kept, Purge, Step
from storewarden.policy.fingerprints import fingerprint
from storewarden.policy.rules import Guard, Policy
from storewarden.policy.run import Limit

UNFIT = "unfit"
"""Stands against what no person can let go on: the policy is nothing for rows."""

Against = tuple[str, str]
"""What stands against something: a limit by its name, and why."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is due: rows that leave, or archives that go; and what stands against it."""

    policy: Policy
    action: str
    rows: int
    size: int
    reason: str
    against: tuple[Against, ...]
    counted: Mapping[str, Any]
    step: Step | None = None
    purges: tuple[Purge, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        told = {
            "policy": self.policy.id,
            "action": self.action,
            "rows": self.rows,
            "bytes": self.size,
            "reason": self.reason,
            "blocked": [words for _, words in self.against],
            "store": self.step.store if self.step else None,
            "archives": [one.archive for one in self.purges],
        }
        names = ("children", "of_rows", "timeless", "slow", "first_ns", "last_ns")
        return told | {name: self.counted[name] for name in names if name in self.counted}


def due(work: RowWork, table: TableSettings) -> list[Due]:
    """Return what is due of a table, and note how much."""
    policies = work.hands.policies
    mine = plan.policies_of(policies, table.name) if policies else ()
    subject = work.subject(table, mine)
    found: list[Due] = []
    for policy in mine:
        found += _leaving(work, table, subject, policy)
        found += _purging(work, table, policy)
    figures = [(table.name, f"due.{one.policy.id}.{one.action}", one.rows) for one in found]
    timeless = [one.counted["timeless"] for one in found if "timeless" in one.counted]
    figures += [(table.name, "timeless", max(timeless))] if timeless else []
    work.note(figures)
    return found


def _leaving(
    work: RowWork, table: TableSettings, subject: Subject, policy: Policy
) -> Iterator[Due]:
    now_ns = work.hands.now_ns
    spared = work.keeper.spared(table.name, now_ns - plan.after_ns(policy))
    for step in plan.steps(policy, table, now_ns, spared):
        (counted,) = work.keeper.look(subject, [step.picked])
        against = [*_against(work, policy)]
        if counted["rows"]:
            figures = (counted[n] for n in ("rows", "bytes", "of_rows", "of_bytes"))
            against += plan.over(policy.guard, *figures)
        yield Due(
            *(policy, step.action, counted["rows"], counted["bytes"], step.reason),
            *(tuple(against), counted, step),
        )


def _purging(work: RowWork, table: TableSettings, policy: Policy) -> Iterator[Due]:
    hands = work.hands
    archives = row_archives.archives(hands.engine, hands.host_id, table.name, ("done",))
    kept = [
        Kept(one.id, one.policy, one.rows, one.stored_bytes, one.last_ns, one.ended_ns)
        for one in archives
    ]
    purges = tuple(plan.purges(policy, kept, hands.now_ns))
    if purges:
        rows, size = sum(one.rows for one in purges), sum(one.size for one in purges)
        guard = Guard(policy.guard.max_objects, policy.guard.max_bytes, None)
        against = (*_against(work, policy), *plan.over(guard, rows, size, 0, 0))
        yield Due(policy, "purge", rows, size, purges[0].reason, against, {}, purges=purges)


def _against(work: RowWork, policy: Policy) -> Iterator[Against]:
    """Yield why a policy may do nothing by itself."""
    if wrong := plan.unfit(policy):
        yield UNFIT, wrong
    stored = policy_sets.policies(work.hands.engine, work.hands.host_id).get(policy.id)
    approved = (
        stored is not None
        and stored.approved_ns is not None
        and stored.fingerprint == fingerprint(policy)
    )
    if policy.observe and not approved:
        yield Limit.OBSERVED.value, "it is only observed until a person applies its first plan"
