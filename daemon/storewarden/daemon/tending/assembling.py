"""A backup is put together in a place of ours; one that turns out to be damaged counts no more."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from storewarden.catalogue import backups
from storewarden.daemon.tending.bench import Bench
from storewarden.daemon.tending.hands import Hands
from storewarden.databases import restoring
from storewarden.databases.objects import Progress
from storewarden.errors import ObjectDamaged, ObjectMissing
from storewarden.store.contract import Store

log = logging.getLogger(__name__)


def parts_of(hands: Hands, store: Store, key: str) -> list[restoring.Part]:
    """Return what a backup is put together of, the whole one first.

    Raises:
        ObjectMissing: a part of it is not there: it counts no more.
        ObjectDamaged: a part of it is another than it was: the same.
        StorewardenError: the store cannot be read now.
    """
    try:
        return restoring.chain(store, key)
    except (ObjectMissing, ObjectDamaged) as error:
        below = error.where.removeprefix(f"{store.name}: ")
        for one in (below, key):  # what is built on it is lost with it
            lost(hands, store, one, error.why or error.what)
        raise


def assemble(  # what is put together, where, and who hears of it
    hands: Hands,
    store: Store,
    parts: Sequence[restoring.Part],
    place: Bench,
    name: bytes,
    passed: Progress,
) -> None:
    """Put a database together in a new file of ours, just as it was when it was backed up.

    Raises:
        ObjectMissing: a part of it is not there any more: it counts no more.
        ObjectDamaged: a part of it is not what it was: the same.
        StorewardenError: the store cannot be read now.
        OSError: there is no room.
    """
    try:
        restoring.assemble(store, parts, place.descriptor, name, passed)
    except (ObjectMissing, ObjectDamaged) as error:
        damaged = restoring.first_damaged(store, parts) or parts[-1]
        lost(hands, store, damaged.stored.key, error.why or error.what)
        raise


def lost(hands: Hands, store: Store, key: str, why: str) -> None:
    """Count on a backup no more, nor on what is built on it, and say so aloud."""
    for one in backups.of_keys(hands.engine, store.name, [key]).values():
        counted = backups.bad(hands.engine, one.id, why, hands.now_ns)
        facts = {"store": store.name, "key": key, "why": why, "backups": len(counted)}
        log.error("a backup is lost: see docs/runbooks/failed-drill.md", extra={"facts": facts})
