"""The deed ``drill``: the newest backup of a database is restored on trial, and compared.

A backup that was never restored is a hope. What does not come back as it was counts no more, and is
said aloud; the age of the last proof is a figure.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from storewarden.catalogue import backups
from storewarden.catalogue.backups import Backup
from storewarden.catalogue.databases import Database
from storewarden.daemon.tending.assembling import assemble, lost, parts_of
from storewarden.daemon.tending.bench import Meter, bench
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.forgetting import go_on
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.meant import failed, meant, passing
from storewarden.daemon.tending.wish import Item, TendResult, TendWish, Told
from storewarden.databases.image.prove import prove
from storewarden.errors import ObjectDamaged, ObjectMissing, PermanentError, StorewardenError

log = logging.getLogger(__name__)

RUNBOOK: Final = "docs/runbooks/failed-drill.md"

_BACK: Final = b"back"
_SHOWN: Final = 3  # tables of which it is told how many rows they lack


def drilling(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Restore the newest backups of databases on trial; without names, of all that have one."""
    began = hands.clock.monotonic()
    databases, items = meant(hands, wish, gone=True)
    go_on(hands, stopping)
    for number, one in enumerate(databases):
        newest = backups.newest_good(hands.engine, one.database.id)
        if newest is None and not wish.databases:
            continue
        at = Told(wish.what, one.database.name, number, len(databases))
        told(at)
        try:
            items.append(_drilled(hands, one.database, newest, Meter(told, stopping, at), stopping))
        except StorewardenError as error:
            items.append(failed(one.database.name, wish.what, passing(error)))
    return TendResult(tuple(items), hands.clock.monotonic() - began)


def _drilled(
    hands: Hands, database: Database, newest: Backup | None, meter: Meter, stopping: Stopping
) -> Item:
    if newest is None:
        remedy = f"storewarden db backup {database.name}"
        return Item(database.name, "drill", "found", "there is no good backup", remedy)
    began = hands.clock.monotonic()
    facts = {
        "backup": newest.id,
        "store": newest.store,
        "key": newest.key,
        "taken_ns": newest.taken_ns,
    }
    try:
        trouble = _trouble(hands, newest, meter, stopping)
    except (ObjectDamaged, ObjectMissing) as error:
        trouble = error.why or error.what
    facts["seconds"] = round(hands.clock.monotonic() - began, 3)
    if not trouble:
        backups.proven(hands.engine, newest.id, hands.now_ns)
        return Item(database.name, "drill", "done", facts=facts)
    log.error(
        "a backup does not come back as it was: see %s",
        RUNBOOK,
        extra={"facts": {"database": database.name, "store": newest.store, "why": trouble}},
    )
    why = f"its newest backup does not come back as it was: {trouble}"
    return Item(database.name, "drill", "found", why, RUNBOOK, facts)


def _trouble(hands: Hands, newest: Backup, meter: Meter, stopping: Stopping) -> str:
    """Restore a backup where nobody sees it; return what is wrong with it, ``""`` when nothing is.

    Raises:
        ObjectDamaged: it does not come back; it counts no more.
        ObjectMissing: it is not there; the same.
        StorewardenError: it cannot be read now, or there is no room for it.
    """
    store = hands.stores.get(newest.store)
    if store is None:
        raise PermanentError(
            "a store is not configured any more",
            where=newest.store,
            remedy="configure it again, or take a backup into another: storewarden db backup",
        )
    parts = parts_of(hands, store, newest.key)
    about = parts[-1].about
    with bench(hands) as place:
        place.require(about.size, "a drill")
        size = sum(part.about.content_bytes for part in parts)
        assemble(hands, store, parts, place, _BACK, meter.expect(size))
        proved = prove(place.descriptor, _BACK, stopping=stopping)
    if about.digest != newest.digest:
        trouble = "what lies in its store is another backup than was recorded"
    elif not proved.sound:
        trouble = "; ".join(proved.problems[:_SHOWN])
    else:
        trouble = _missing(newest.counted, proved.counted)
    if trouble:
        lost(hands, store, newest.key, trouble)
    return trouble


def _missing(recorded: Mapping[str, int], found: Mapping[str, int]) -> str:
    """Return in which tables not as many rows came back as were recorded."""
    others = [
        f"{table}: {found.get(table, 0):,} rows came back, {count:,} were recorded"
        for table, count in recorded.items()
        if found.get(table) != count
    ]
    return "; ".join(others[:_SHOWN])
