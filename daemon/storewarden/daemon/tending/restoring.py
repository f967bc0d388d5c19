"""The deed ``restore``: a database comes back as it was at a time, to a place that is free.

One that was moved to a store comes back from there as it went, unless a backup is asked for.

Options: ``at_ns`` (the newest backup of that time or before; none: the newest), ``to`` (a path),
``store`` (what lies there is asked, and not the catalogue), ``host`` (of whom, from a store).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Final, NamedTuple

from storewarden.catalogue import backups
from storewarden.catalogue.databases import find_databases
from storewarden.catalogue.roots import this_machine
from storewarden.daemon.tending.assembling import assemble, parts_of
from storewarden.daemon.tending.bench import Meter, bench
from storewarden.daemon.tending.bringing_back import bring_back
from storewarden.daemon.tending.deeds import Stopping, Tell
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.meant import failed, passing
from storewarden.daemon.tending.wish import Item, TendResult, TendWish, Told
from storewarden.databases import restoring
from storewarden.databases.about import About
from storewarden.databases.image.prove import prove
from storewarden.errors import (
    DatabaseDamaged,
    ObjectMissing,
    PermanentError,
    PlaceTaken,
    StorewardenError,
    UsageError,
)
from storewarden.store.contract import Store

_BACK: Final = b"back"


class _Chosen(NamedTuple):
    """One backup: in which store, under which key, and the place of its database."""

    store: Store
    key: str
    place: bytes
    next_ns: int | None  # of which time the next one is


def restore(hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /) -> TendResult:
    """Bring databases back, each to a place where nothing is; the backups stay what they are."""
    began = hands.clock.monotonic()
    if not wish.databases:
        raise UsageError("a database to be restored has to be named")
    if wish.options.get("to") and len(wish.databases) > 1:
        raise UsageError("only one database can be restored to a path")
    items = []
    for number, name in enumerate(wish.databases):
        at = Told(wish.what, name, number, len(wish.databases))
        told(at)
        try:
            back = None if _chosen_by(wish) else bring_back(hands, name, wish, stopping)
            meter = Meter(told, stopping, at)
            items.append(back or _restored(hands, wish, name, meter, stopping))
        except StorewardenError as error:
            items.append(failed(name, wish.what, passing(error)))
    return TendResult(tuple(items), hands.clock.monotonic() - began)


def _chosen_by(wish: TendWish) -> bool:
    """Tell whether a backup is meant, and not the database itself where it was moved to a store."""
    return any(wish.options.get(name) for name in ("at_ns", "to", "store"))


def _restored(hands: Hands, wish: TendWish, name: str, meter: Meter, stopping: Stopping) -> Item:
    began = hands.clock.monotonic()
    chosen = _chosen(hands, wish, name)
    parts = parts_of(hands, chosen.store, chosen.key)
    about = parts[-1].about
    target = _target(wish, chosen, about)
    with bench(hands) as place:
        place.require(about.size, "what is restored")
        size = sum(part.about.content_bytes for part in parts)
        assemble(hands, chosen.store, parts, place, _BACK, meter.expect(size))
        proved = prove(place.descriptor, _BACK, stopping=stopping)
        if not proved.sound:
            raise DatabaseDamaged(
                "what would be restored is damaged",
                where=f"{chosen.store.name}: {chosen.key}",
                why="; ".join(proved.problems[:3]),
                remedy="restore an earlier one: storewarden db backups",
            )
        lacking = restoring.land(place.descriptor, _BACK, target, about)
    facts = {
        "to": os.fsdecode(target),
        "taken_ns": about.taken_ns,
        "next_ns": chosen.next_ns,
        "store": chosen.store.name,
        "key": chosen.key,
        "parts": len(parts),
        "bytes": about.size,
        "rows": sum(proved.counted.values()),
        "lacking": lacking,
        "seconds": round(hands.clock.monotonic() - began, 3),
    }
    return Item(name, wish.what, "done", facts=facts)


# -- which one ------------------------------------------------------------------------------------


def _chosen(hands: Hands, wish: TendWish, name: str) -> _Chosen:
    """Return the newest good backup of a time and before.

    Raises:
        ObjectMissing: there is none.
        PermanentError: there is no such database, or store.
        StorewardenError: the store cannot be read now.
    """
    at_ns = wish.options.get("at_ns")
    if wish.options.get("store"):
        return _from_store(hands, wish, name)
    found, _ = find_databases(hands.engine, hands.host_id, (name,), gone=True)
    if not found:
        raise PermanentError(
            "no database is called so",
            where=name,
            remedy="storewarden db list; or ask a store: --store NAME",
        )
    newest = backups.newest_good(hands.engine, found[0].id, at_ns)
    if newest is None:
        raise _none(name, at_ns, "storewarden db backups")
    later = [
        one.at_ns
        for one in backups.of_database(hands.engine, found[0].id)
        if one.good and one.at_ns > newest.at_ns
    ]
    store = _store(hands, newest.store)
    return _Chosen(store, newest.key, found[0].place, min(later, default=None))


def _from_store(hands: Hands, wish: TendWish, name: str) -> _Chosen:
    """Return the newest that a store itself tells of; nothing of the catalogue is needed."""
    store = _store(hands, str(wish.options["store"]))
    host = str(wish.options.get("host") or this_machine().name)
    at_ns = wish.options.get("at_ns")
    every = [
        part
        for part in restoring.listed(store)
        if isinstance(part, restoring.Part)
        and part.about.host == host
        and name in {part.about.name, os.fsdecode(part.about.place)}
    ]
    mine = [part for part in every if at_ns is None or part.about.taken_ns <= at_ns]
    if not mine:
        raise _none(name, at_ns, f"storewarden db backups --store {store.name}")
    newest = max(mine, key=_taken)
    later = [_taken(part) for part in every if _taken(part) > _taken(newest)]
    return _Chosen(store, newest.stored.key, newest.about.place, min(later, default=None))


def _taken(part: restoring.Part) -> int:
    return part.about.taken_ns


def _store(hands: Hands, name: str) -> Store:
    store = hands.stores.get(name)
    if store is None:
        raise PermanentError(
            "there is no such store", where=name, remedy="storewarden store list tells them"
        )
    return store


def _none(name: str, at_ns: int | None, remedy: str) -> ObjectMissing:
    why = "nothing was ever backed up"
    if at_ns is not None:
        why = (
            f"none is of {datetime.fromtimestamp(at_ns // 10**9, UTC):%Y-%m-%d %H:%M:%SZ} or before"
        )
    return ObjectMissing("there is no good backup", where=name, why=why, remedy=remedy)


def _target(wish: TendWish, chosen: _Chosen, about: About) -> bytes:
    """Return where it comes: where a person says, else its own place, else one beside that.

    Raises:
        PlaceTaken: the path that a person named is taken.
    """
    named = wish.options.get("to")
    if named:
        path = os.fsencode(str(named))
        if os.path.isdir(path):
            path = os.path.join(path, chosen.place.rpartition(b"/")[2])
        if not restoring.is_free(path):
            raise PlaceTaken(
                "a database cannot come to its place",
                where=os.fsdecode(path),
                why="something is there, or a log of another database",
                remedy="name another place with --to",
            )
        return path
    if restoring.is_free(chosen.place):
        return chosen.place
    directory, _, name = chosen.place.rpartition(b"/")
    return directory + b"/" + restoring.free_name(name, about)
