"""Objects of acts that came to nothing, which nobody needs once their files are seen to be here.

An act that is given up removes what it stored, unless it cannot see that its file lies where it
was: then the object may be all that is left of the file, and stays. Later it can be looked at
again: who lies in its root as it did when the act began needs no such object.
"""

from __future__ import annotations

from collections.abc import Iterator

from storewarden.act.copying import keys
from storewarden.act.entries import at_place
from storewarden.act.identity import Identity
from storewarden.act.kernel import KERNEL, Kernel
from storewarden.act.refused import Stop
from storewarden.catalogue import acts, copies
from storewarden.catalogue.acts import Act
from storewarden.catalogue.engine import Engine
from storewarden.store.contract import Store


def given_up(
    engine: Engine,
    host_id: int,
    store: str,
    since_ns: int,
    before_ns: int,
    *,
    after: int = 0,
    limit: int,
) -> list[Act]:
    """Return acts on a store that were given up between two times, those after a number."""
    rows = engine.execute(
        "SELECT a.id FROM acts a JOIN roots r ON r.id = a.root_id"
        " WHERE a.ended_ns >= ? AND a.ended_ns < ? AND a.store = ? AND r.host_id = ?"
        " AND (a.state = 'refused' OR a.state = 'failed') AND a.id > ? ORDER BY a.id LIMIT ?",
        (since_ns, before_ns, store, host_id, after, limit),
    )
    return [act for (id_,) in rows if (act := acts.read(engine, id_)) is not None]


def needless(engine: Engine, root_fd: int, act: Act, kernel: Kernel = KERNEL) -> Iterator[str]:
    """Yield the keys of what an act may have stored of files that lie as they did."""
    for member in act.members:
        try:
            found = at_place(root_fd, member.path, kernel)
        except (OSError, Stop):
            continue
        if found is None or not Identity(*member.identity).unchanged_by_rename(found):
            continue
        for key in keys(act.root, member.path, act.mark).values():
            if copies.at(engine, act.store or "", key) is None:
                yield key


def remove(store: Store, unwanted: list[str]) -> int:
    """Remove objects, as far as they are there; return how many were."""
    removed = 0
    for key in unwanted:
        found = store.find(key)
        if found is not None:
            removed += store.remove(found)
    return removed
