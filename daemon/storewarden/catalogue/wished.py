"""Acts by what asked for them: one request of a person, or all that goes on in a host."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue import acts
from storewarden.catalogue.acts import Act
from storewarden.catalogue.engine import Engine


class UnderWay(NamedTuple):
    """What goes on in a root: acts, those of them that wait to be tried again, and until when."""

    root: str
    acts: int
    put_off: int
    next_try_ns: int | None  # of the first that waits
    size: int  # bytes of the files of all of them


def of_job(engine: Engine, job: int) -> list[Act]:
    """Return the acts that were planned for a request, oldest first."""
    rows = engine.execute("SELECT id FROM acts WHERE job = ? ORDER BY id", (job,))
    return [act for act in (acts.read(engine, act_id) for (act_id,) in rows) if act is not None]


def under_way(engine: Engine, host_id: int) -> list[UnderWay]:
    """Return what goes on in each root of a host; a root in which nothing does is left out."""
    rows = engine.execute(
        "SELECT r.name, count(*), count(a.next_try_ns), min(a.next_try_ns), sum(a.bytes)"
        " FROM acts a JOIN roots r ON r.id = a.root_id"
        " WHERE a.ended_ns IS NULL AND r.host_id = ? GROUP BY r.name ORDER BY r.name",
        (host_id,),
    )
    return [UnderWay._make((*row[:4], int(row[4]))) for row in rows]


def waiting(engine: Engine, host_id: int, limit: int = 100) -> list[Act]:
    """Return acts that go on and wait to be tried again, those that come first first."""
    rows = engine.execute(
        "SELECT a.id FROM acts a JOIN roots r ON r.id = a.root_id WHERE a.ended_ns IS NULL"
        " AND r.host_id = ? AND a.next_try_ns IS NOT NULL ORDER BY a.next_try_ns LIMIT ?",
        (host_id, limit),
    )
    return [act for act in (acts.read(engine, act_id) for (act_id,) in rows) if act is not None]


def wake(engine: Engine, host_id: int, store: str, now_ns: int) -> int:
    """Have acts tried now that wait for a store; return how many."""
    with engine.joined():
        rows = engine.execute(
            "UPDATE acts SET next_try_ns = ? WHERE ended_ns IS NULL AND store = ?"
            " AND next_try_ns > ? AND root_id IN (SELECT id FROM roots WHERE host_id = ?)"
            " RETURNING id",
            (now_ns, store, now_ns, host_id),
        )
    return len(rows)


def stores_waited_for(engine: Engine, host_id: int) -> list[str]:
    """Return the stores of acts that wait to be tried again."""
    rows = engine.execute(
        "SELECT DISTINCT a.store FROM acts a JOIN roots r ON r.id = a.root_id"
        " WHERE a.ended_ns IS NULL AND a.next_try_ns IS NOT NULL AND a.store IS NOT NULL"
        " AND r.host_id = ? ORDER BY a.store",
        (host_id,),
    )
    return [store for (store,) in rows]
