"""The deed ``forget``: backups that no rule of their policy keeps are removed."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from storewarden.catalogue.backups import Backup
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.acting.standing import jumped
from storewarden.daemon.tending.bench import Meter
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.meant import Meant, failed, meant, passing
from storewarden.daemon.tending.wish import Item, TendResult, TendWish, Told
from storewarden.databases.backups import Left, forget, plan, recover
from storewarden.databases.keep import Kept
from storewarden.errors import StorewardenError, TransientError, WorkStopped
from storewarden.policy.rules import Keep
from storewarden.policy.timing import machine_zone

log = logging.getLogger(__name__)


def forgetting(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Remove what nothing keeps; with the option ``dry_run``, only tell what that is."""
    began = hands.clock.monotonic()
    databases, items = meant(hands, wish, gone=True)
    dry_run, zone = bool(wish.options.get("dry_run")), machine_zone(os.environ)
    if not dry_run:
        go_on(hands, stopping)
    for number, one in enumerate(databases):
        told(Told(wish.what, one.database.name, number, len(databases)))
        try:
            items.append(_forgotten(hands, one, zone, stopping, dry_run=dry_run))
        except StorewardenError as error:
            items.append(failed(one.database.name, wish.what, passing(error)))
    return TendResult(tuple(items), hands.clock.monotonic() - began)


def go_on(hands: Hands, stopping: Stopping) -> None:
    """Go on with backups that were being written, or removed, when somebody was stopped.

    Raises:
        GivenUp: we are to stop.
    """
    passed = Meter(lambda _told: None, stopping, Told()).expect(0)
    try:
        found = recover(hands.engine, hands.stores, hands.host_id, lambda: hands.now_ns, passed)
    except WorkStopped as error:
        raise GivenUp from error
    for one, became in found:
        facts = {"store": one.store, "key": one.key, "was": one.state, "became": became}
        log.info("a backup that was under way was looked at", extra={"facts": facts})


def forget_of(hands: Hands, one: Meant, stopping: Stopping) -> list[Left]:
    """Remove what nothing keeps of one database; without rules that is nothing.

    Raises:
        StorewardenError: the newest good backup could not be met, or the clock is in doubt: nothing
            was removed.
    """
    jump = jumped(hands.engine, hands.host_id)
    if jump:
        raise TransientError(
            "no backup is removed now",
            where=one.database.name,
            why=jump,
            remedy="set the clock right, or confirm it: storewarden status",
        )
    planned = _plan(hands, one, machine_zone(os.environ))
    left = forget(hands.engine, hands.stores, planned, lambda: hands.now_ns, stopping)
    gone = [each.backup.key for each in left if each.gone]
    if gone:
        facts = {"database": one.database.name, "backups": len(gone)}
        log.info("backups that nothing keeps were removed", extra={"facts": facts})
    return left


def _plan(hands: Hands, one: Meant, zone: tzinfo) -> list[Kept[Backup]]:
    keep = one.backup.keep if one.backup is not None else Keep()
    return plan(hands.engine, one.database.id, keep, hands.now_ns, zone)


def _forgotten(
    hands: Hands, one: Meant, zone: tzinfo, stopping: Stopping, *, dry_run: bool
) -> Item:
    planned = _plan(hands, one, zone)
    facts = _facts(planned)
    name = one.database.name
    if dry_run:
        return Item(name, "forget", "done", facts=facts | {"dry_run": True})
    left = forget_of(hands, one, stopping)
    stays = [each for each in left if not each.gone]
    facts |= {"gone": len(left) - len(stays), "dry_run": False}
    if stays:
        why = f"{len(stays)} stay for now: {stays[0].why}"
        return Item(name, "forget", "put_off", why, facts=facts)
    return Item(name, "forget", "done", facts=facts)


def _facts(planned: Sequence[Kept[Backup]]) -> dict[str, Any]:
    kept = [one for one in planned if one.keep]
    going = [one.backup for one in planned if not one.keep]
    return {
        "kept": len(kept),
        "going": len(going),
        "going_bytes": sum(one.stored_bytes or 0 for one in going),
        "backups": [
            {
                "taken_ns": one.backup.at_ns,
                "kind": one.backup.kind,
                "store": one.backup.store,
                "key": one.backup.key,
                "keep": one.keep,
                "reasons": list(one.reasons),
            }
            for one in planned
        ],
    }
