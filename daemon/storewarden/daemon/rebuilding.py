"""The catalogue takes in what the objects of a store tell of themselves: for when it was lost."""

from __future__ import annotations

import itertools
import os
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from storewarden.act.about import About, from_bytes
from storewarden.catalogue import put_away
from storewarden.catalogue.acts import Held
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.put_away import Rebuilt, Told
from storewarden.catalogue.roots import this_machine
from storewarden.clock import Clock, SystemClock
from storewarden.config.schema import Settings
from storewarden.daemon.acting.stores import open_stores
from storewarden.daemon.ground import prepared
from storewarden.errors import ObjectDamaged, ObjectMissing
from storewarden.facts.kinds import kind_of
from storewarden.store.contract import Entry, Store
from storewarden.store.key import NO_ROOT

AT_ONCE: Final = 500  # objects in one transaction
MOST_TOLD: Final = 100


@dataclass(slots=True)
class Taken:
    """What came of all objects of a store."""

    objects: int = 0
    rebuilt: Rebuilt = field(default_factory=Rebuilt)
    hosts: Counter[str] = field(default_factory=Counter)  # objects of others, left where they are
    unknown: Counter[str] = field(default_factory=Counter)  # objects of roots that there are not
    unreadable: int = 0
    problems: list[str] = field(default_factory=list)  # the first of them


def rebuild_from(
    settings: Settings,
    name: str,
    hosts: Collection[str] = (),
    *,
    progress: Callable[[int], None] = lambda _objects: None,
    clock: Clock | None = None,
) -> Taken:
    """Take in all objects of a store that are of this machine, or of the hosts that are named.

    Raises:
        HeldByAnother: a daemon writes the catalogue.
        StorewardenError: the store, or the catalogue, cannot be used.
    """
    clock = clock or SystemClock()
    wanted = set(hosts) or {this_machine().name}
    taken = Taken()
    with prepared(settings, clock, "storewarden catalogue rebuild") as ground:
        stores = open_stores(settings, os.environ, clock=clock)
        counts = Counts(ground.engine, ground.roots)
        try:
            found = _told(stores[name], taken, wanted, progress)
            while batch := list(itertools.islice(found, AT_ONCE)):
                for one in batch:
                    if one.root not in ground.roots:
                        taken.unknown[one.root] += 1
                done = put_away.rebuild(ground.engine, counts, ground.roots, batch, clock.wall_ns())
                _add(taken.rebuilt, done)
        finally:
            stores.close()
    return taken


def _add(whole: Rebuilt, one: Rebuilt) -> None:
    whole.added += one.added
    whole.linked += one.linked
    whole.known += one.known
    whole.of_no_root += one.of_no_root


def _told(
    store: Store, taken: Taken, hosts: Collection[str], progress: Callable[[int], None]
) -> Iterator[Told]:
    """Yield what each object tells; what cannot be understood is noted, and left alone."""
    for entry in store.list():
        if entry.key.startswith(NO_ROOT):
            continue  # of a database: told of by storewarden db backups
        taken.objects += 1
        progress(taken.objects)
        try:
            about, version = _read(store, entry)
        except (ObjectDamaged, ObjectMissing) as error:
            taken.unreadable += 1
            if len(taken.problems) < MOST_TOLD:
                taken.problems.append(str(error))
            continue
        if about.host in hosts:
            yield _of(store.name, entry, about, version)
        else:
            taken.hosts[about.host] += 1


def _read(store: Store, entry: Entry) -> tuple[About, str]:
    where = f"{store.name}: {entry.key}"
    stored = store.find(entry.key)
    if stored is None:
        raise ObjectMissing("an object went while it was looked at", where=where)
    about = from_bytes(store.about(entry.key), where)
    if about.stored_bytes != stored.bytes:
        why = f"it has {stored.bytes:,} bytes, and says that it has {about.stored_bytes:,}"
        raise ObjectDamaged("an object is not what was stored", where=where, why=why)
    return about, stored.version


def _of(store: str, entry: Entry, about: About, version: str) -> Told:
    attributes = about.attributes
    return Told(
        root=about.root,
        path=about.path,
        size=about.size,
        mode=stat.S_IFREG | attributes.mode,
        uid=attributes.uid,
        gid=attributes.gid,
        modified_ns=attributes.modified_ns,
        changed_ns=about.made_ns,
        kind=kind_of(about.path.rpartition(b"/")[2]),
        store=store,
        held=Held(entry.key, about.codec, about.digest, about.stored_bytes, version),
        stored_ns=about.made_ns,
    )
