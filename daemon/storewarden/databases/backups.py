"""Backups as they come and go: what is written is read back, what is not kept is removed.

Nothing is removed before a newer good backup was met in its store, with all that it is built on.
Whoever is killed leaves rows that say so; `recover` goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Final, NamedTuple

from storewarden.catalogue import backups
from storewarden.catalogue.backups import Backup, Checked, Kind, Written
from storewarden.catalogue.engine import Engine
from storewarden.databases import objects
from storewarden.databases.about import About
from storewarden.databases.keep import Kept, kept
from storewarden.databases.objects import Progress, quiet
from storewarden.errors import (
    ObjectDamaged,
    ObjectExists,
    ObjectMissing,
    PermanentError,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from storewarden.policy.rules import Keep, Timer
from storewarden.policy.timing import next_run
from storewarden.store.contract import Store, Stored

LONGEST_CHAIN: Final = 200
"""Backups that one is built on, itself counted: restoring has to read all of them."""

WEEKLY: Final = Timer(every_ns=7 * 86_400 * 10**9)

Stores = Mapping[str, Store]

_AWAY: Final = (StoreUnavailable, StoreFull, StoreRefused, ObjectExists)


class Next(NamedTuple):
    """What is to be taken next, and why it is no increment where it is none."""

    kind: Kind
    base: Backup | None
    why: str = ""


def next_kind(
    known: Sequence[Backup], store: str, full: Timer | None, now_ns: int, zone: tzinfo
) -> Next:
    """Return whether a whole backup is to be taken, or an increment and on which.

    Args:
        known: the backups of the database.
        store: where it is going to be: a chain lies in one store.
        full: when whole ones are taken; None for every 7 days.
        now_ns: the present time.
        zone: in which calendars are meant.
    """
    good = {one.id: one for one in known if one.good and one.store == store}
    newest = max(good.values(), key=lambda one: (one.at_ns, one.id), default=None)
    if newest is None:
        return Next("full", None, "there is no good one in that store yet")
    chain = [newest]
    while (below := good.get(chain[-1].base_id or 0)) is not None:
        chain.append(below)
    whole = chain[-1]
    if whole.kind != "full" or len(chain) >= LONGEST_CHAIN:
        return Next("full", None, f"{len(chain)} are built on one another")
    timer = full or WEEKLY
    every_ns = timer.every_ns
    due_ns = whole.at_ns + every_ns if every_ns else next_run(timer, whole.at_ns, zone)
    if due_ns is not None and due_ns <= now_ns:
        return Next("full", None, "a whole one is due")
    return Next("increment", newest)


# -- coming -------------------------------------------------------------------------------------


def finish(
    engine: Engine,
    store: Store,
    number: int,
    met: tuple[About, Stored],
    now_ns: Callable[[], int],
    progress: Progress = quiet,
) -> bool:
    """Read back what was put and count on it; false when what it is built on is not good any more.

    What was put was proven to be whole before: it is enough that it is the same.

    Raises:
        ObjectDamaged: it is not; the backup is noted as bad.
        StorewardenError: it cannot be read now; it stays as it is, to be read back later.
    """
    about, stored = met
    what = Written(
        *(about.taken_ns, about.size, stored.bytes, about.page_size, about.pages, about.digest),
        stored.version,
    )
    backups.written(engine, number, what)
    try:
        objects.read_back(store, stored, about, progress)
    except (ObjectDamaged, ObjectMissing) as error:
        backups.bad(engine, number, error.why or error.what, now_ns())
        raise
    found = Checked(about.schema_digest, about.rows or {})
    return backups.good(engine, number, found, now_ns())


def recover(
    engine: Engine,
    stores: Stores,
    host_id: int,
    now_ns: Callable[[], int],
    progress: Progress = quiet,
) -> list[tuple[Backup, str]]:
    """Go on with what was being written, or removed; return what became of each.

    What cannot be looked at now stays as it is and is told of as ``away``.

    Raises:
        WorkStopped: by ``progress``.
    """
    return [
        (one, _recovered(engine, stores, one, now_ns, progress))
        for one in backups.unfinished(engine, host_id)
    ]


def _recovered(
    engine: Engine, stores: Stores, one: Backup, now_ns: Callable[[], int], progress: Progress
) -> str:
    store = stores.get(one.store)
    if store is None:
        return "away"
    try:
        if one.state == "leaving":
            _remove(engine, store, one, now_ns)
            return "gone"
        met = objects.met(store, one.key)
        return "good" if finish(engine, store, one.id, met, now_ns, progress) else "bad"
    except ObjectMissing:
        backups.gone(engine, one.id, now_ns())
        return "gone"
    except ObjectDamaged as error:
        backups.bad(engine, one.id, error.why or error.what, now_ns())
        return "bad"
    except _AWAY:
        return "away"


# -- going --------------------------------------------------------------------------------------


class Left(NamedTuple):
    """What became of one backup that nothing keeps."""

    backup: Backup
    gone: bool
    why: str = ""  # it stays


def plan(
    engine: Engine, database_id: int, rules: Keep, now_ns: int, zone: tzinfo
) -> list[Kept[Backup]]:
    """Return the backups of a database, the newest first, each with what keeps it.

    What is just being written is no business of keeping.
    """
    known = backups.of_database(engine, database_id)
    settled = [one for one in known if one.state in {"good", "bad"}]
    return kept(settled, rules, now_ns, zone)


def forget(
    engine: Engine,
    stores: Stores,
    planned: Sequence[Kept[Backup]],
    now_ns: Callable[[], int],
    stopping: Callable[[], bool] = lambda: False,
) -> list[Left]:
    """Remove the backups of a database that nothing keeps, those built on others first.

    Raises:
        ObjectMissing: the newest good backup, or what it is built on, is not in its store: it is
            noted as bad, and nothing is removed.
        ObjectDamaged: the same, where something else is there.
        StorewardenError: it cannot be looked at now; nothing is removed.
    """
    going = [one.backup for one in planned if not one.keep]
    if not going:
        return []
    done = []
    for one in going:
        if stopping():
            break
        require_newest(engine, stores, one.database_id, now_ns)
        done.append(_forgotten(engine, stores, one, now_ns))
    return done


def require_newest(
    engine: Engine, stores: Stores, database_id: int, now_ns: Callable[[], int]
) -> Backup:
    """Return the newest good backup of a database, met in its store with all it is built on.

    Raises:
        ObjectMissing: there is none, or a part of it is not there; it is noted as bad.
        ObjectDamaged: a part of it is something else; it is noted as bad.
        StorewardenError: its store cannot be asked now.
    """
    newest = backups.newest_good(engine, database_id)
    if newest is None:
        raise ObjectMissing("there is no good backup", remedy="storewarden db backup")
    for one in backups.chain(engine, newest):
        store = stores.get(one.store)
        where = f"{one.store}: {one.key}"
        if store is None:
            raise PermanentError("a store is not configured any more", where=one.store)
        stored = store.find(one.key)
        if stored == Stored(one.key, one.stored_bytes or 0, one.version):
            continue
        why = "it is not there any more" if stored is None else "something else is there"
        backups.bad(engine, one.id, why, now_ns())
        kind = ObjectMissing if stored is None else ObjectDamaged
        raise kind("a good backup is lost", where=where, why=why, remedy="storewarden db backup")
    return newest


def _forgotten(engine: Engine, stores: Stores, one: Backup, now_ns: Callable[[], int]) -> Left:
    store = stores.get(one.store)
    if store is None:
        return Left(one, gone=False, why=f"there is no store {one.store} any more")
    if not backups.leave(engine, one.id, now_ns()):
        return Left(one, gone=False, why="something is built on it")
    try:
        _remove(engine, store, one, now_ns)
    except _AWAY as error:
        return Left(one, gone=False, why=str(error))
    return Left(one, gone=True)


def _remove(engine: Engine, store: Store, one: Backup, now_ns: Callable[[], int]) -> None:
    objects.remove(store, one.key)
    backups.gone(engine, one.id, now_ns())
