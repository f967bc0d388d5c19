"""The deeds about rows: what is due, its doing, what comes back, children without a parent."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from storewarden import __version__
from storewarden.catalogue import held_back, policy_sets
from storewarden.config.schema import TableSettings
from storewarden.daemon.tending import row_back, row_doing
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.row_plan import due
from storewarden.daemon.tending.row_work import RECOVER, RowWork
from storewarden.daemon.tending.wish import Item, TendResult, TendWish
from storewarden.policy.fingerprints import fingerprint

log = logging.getLogger(__name__)

PLAN: Final = "rows_plan"


def plan_rows(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Tell what is due by policies about rows; nothing is changed."""
    work = RowWork(hands, wish, told, stopping)
    return work.each(lambda table: _planned(work, table))


def apply_rows(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Do what is due by policies about rows.

    The option ``approves`` names policies that a person lets act, whatever limit they meet.
    """
    work = RowWork(hands, wish, told, stopping)
    work.recover()
    _approve(hands, [str(policy) for policy in wish.options.get("approves", ())])
    return work.each(lambda table: row_doing.applied(work, table))


def go_on_with_rows(hands: Hands, stopping: Stopping) -> None:
    """Go on with archives of rows that were under way when somebody was stopped.

    Raises:
        GivenUp: we are to stop.
    """
    wish = TendWish(RECOVER, (), {}, "recovery")
    for one in RowWork(hands, wish, lambda _told: None, stopping).recover():
        facts = {"table": one.database, **one.facts, "why": one.why}
        log.info("an archive of rows that was under way was looked at", extra={"facts": facts})


def restore_rows(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Bring rows back: options ``keys``, ``from_ns``, ``to_ns``, ``archive``, ``dangling``."""
    work = RowWork(hands, wish, told, stopping)
    work.recover()
    return work.each(lambda table: row_back.restored(work, table))


def orphan_rows(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Count children without a parent and rows without their file; with ``clean`` they go.

    They are archived first, like all that goes. The option ``yes`` lets them go beyond limits.
    """
    work = RowWork(hands, wish, told, stopping)
    if wish.options.get("clean"):
        work.recover()
    return work.each(lambda table: row_back.orphans(work, table))


def _planned(work: RowWork, table: TableSettings) -> list[Item]:
    """Return what is due for a table."""
    found = [Item(table.name, PLAN, "done", facts=one.facts()) for one in due(work, table)]
    if not found:
        why = "no policy is about its rows"
        found = [Item(table.name, PLAN, "done", why, facts={"action": None, "rows": 0})]
    return found


def _approve(hands: Hands, policies: Sequence[str]) -> None:
    """Note that a person lets policies act; without a daemon they are put in force for that."""
    if not policies or hands.policies is None:
        return
    known = policy_sets.policies(hands.engine, hands.host_id)
    with hands.engine.transaction():
        if not known.keys() >= set(policies):
            policy_sets.put_in_force(
                *(hands.engine, hands.host_id),
                *(hands.policies.fingerprint, hands.policies.sources),
                {policy.id: fingerprint(policy) for policy in hands.policies.policies},
                hands.now_ns,
                __version__,
            )
        for policy in policies:
            held_back.approve(hands.engine, hands.host_id, policy, hands.now_ns)
