"""What is due of one policy and may be done: read from the schedule, a page at a time.

Left out is what is blocked, what an act has in hand, and what waits to be decided anew: of that the
schedule does not tell the truth any more. No statement is open while anything is done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.schedule import Verdict

_SOURCE = (
    "files f CROSS JOIN directories d ON d.id = f.directory_id CROSS JOIN roots r"
    " ON r.id = d.root_id"
)
_SOURCES = {"sqlite": _SOURCE, "postgresql": _SOURCE.replace("CROSS JOIN", "JOIN")}
_COLUMNS = (
    "s.file_id, r.name, s.action, s.store, s.due_ns, f.size, f.blocks, f.links, f.state,"
    " (SELECT count(*) FROM sidecars b WHERE b.of_id = f.id),"
    " (SELECT coalesce(sum(m.size), 0) FROM sidecars b JOIN files m ON m.id = b.file_id"
    " WHERE b.of_id = f.id)"
)
_READY = (
    "s.policy_id = ? AND s.blocked = 0 AND s.due_ns <= ? AND f.id = s.file_id AND r.host_id = ?"
    " AND d.undecided = 0 AND NOT EXISTS (SELECT 1 FROM undecided n WHERE n.file_id = s.file_id)"
    " AND NOT EXISTS (SELECT 1 FROM act_files h WHERE h.file_id = s.file_id AND h.open = 1)"
    " AND s.file_id <= (SELECT decided_through FROM policy_sets WHERE host_id = ?"
    " ORDER BY id DESC LIMIT 1)"
)


class Order(NamedTuple):
    """What comes first: what stands behind ORDER BY, with the values of its marks.

    ``source`` is what files have to be joined with for that.
    """

    source: str
    by: str
    values: Sequence[Any]


class ReadyRow(NamedTuple):
    """A file to which something may be done; ``with_files`` and ``with_bytes`` go along."""

    file_id: int
    root: str
    action: int
    store: str | None
    due_ns: int
    size: int
    blocks: int
    links: int
    state: str
    with_files: int
    with_bytes: int


class DecidedRow(NamedTuple):
    """What is decided of a file; policies are the numbers that the verdict has for them."""

    file_id: int
    place: int
    phases: int
    action: int | None
    due_ns: int | None
    store: str | None
    blocked: int


def ready(
    engine: Engine, host_id: int, policy_id: int, now_ns: int, *, page: int = 500
) -> Iterator[ReadyRow]:
    """Yield what may be done, what was due first first; what comes meanwhile may be missed."""
    source = _SOURCES[engine.dialect]
    after = (-(2**63), 0)
    sql = (
        f"SELECT {_COLUMNS} FROM schedule s CROSS JOIN {source} WHERE {_READY}"
        " AND s.due_ns >= ? AND (s.due_ns > ? OR s.file_id > ?)"
        f" ORDER BY s.due_ns, s.file_id LIMIT {page}"
    )
    while True:
        asked = (policy_id, now_ns, host_id, host_id, after[0], *after)
        rows = [_row(row) for row in engine.execute(sql, asked)]
        yield from rows
        if len(rows) < page:
            return
        after = rows[-1].due_ns, rows[-1].file_id


def first(
    engine: Engine,
    host_id: int,
    policy_id: int,
    now_ns: int,
    order: Order,
    roots: Collection[str],
    limit: int,
) -> list[ReadyRow]:
    """Return what goes first of what may be done in some roots, in an order of its own."""
    marks = ", ".join("?" * len(roots))
    by = f"{order.by}, " if order.by else ""
    # all are put into order by as little as that takes, the first are read whole
    sql = (
        f"SELECT s.file_id FROM schedule s CROSS JOIN {order.source} WHERE {_READY}"
        f" AND r.name IN ({marks}) ORDER BY {by}s.due_ns, s.file_id LIMIT {limit}"
    )
    asked = (policy_id, now_ns, host_id, host_id, *roots, *order.values)
    ids = [file_id for (file_id,) in engine.execute(sql, asked)]
    whole = (
        f"SELECT {_COLUMNS} FROM schedule s CROSS JOIN {_SOURCES[engine.dialect]}"
        " WHERE f.id = s.file_id AND s.file_id IN ({in})"
    )
    found = {row[0]: _row(row) for row in engine.fetch_in(whole, ids)}
    return [found[file_id] for file_id in ids if file_id in found]


def earliest(engine: Engine, host_id: int) -> dict[int, int]:
    """Return when the first is due of what each policy may do, by the policies' ids."""
    rows = engine.execute(
        "SELECT s.policy_id, min(s.due_ns) FROM schedule s JOIN policies p ON p.id = s.policy_id"
        " WHERE s.due_ns IS NOT NULL AND s.blocked = 0 AND p.host_id = ? GROUP BY s.policy_id",
        (host_id,),
    )
    return {int(policy_id): int(due_ns) for policy_id, due_ns in rows}


def due_now(engine: Engine, host_id: int, now_ns: int) -> dict[int, int]:
    """Return when the first fell due of what each policy may do by now, by the policies' ids.

    Only what is due is gone through.
    """
    rows = engine.execute(
        "SELECT s.policy_id, min(s.due_ns) FROM schedule s JOIN policies p ON p.id = s.policy_id"
        " WHERE s.due_ns <= ? AND s.blocked = 0 AND p.host_id = ? GROUP BY s.policy_id",
        (now_ns, host_id),
    )
    return {int(policy_id): int(due_ns) for policy_id, due_ns in rows}


def next_due(engine: Engine, now_ns: int) -> int | None:
    """Return when something falls due next, whatever it is."""
    rows = engine.execute("SELECT min(due_ns) FROM schedule WHERE due_ns > ?", (now_ns,))
    found: int | None = rows[0][0]
    return found


def decided(
    engine: Engine, host_id: int, verdict: Verdict, ids: Collection[int]
) -> list[DecidedRow]:
    """Return what a verdict says of files as they are now; of what is gone, nothing."""
    there = "f.state <> 'missing' AND f.state <> 'purged' AND r.host_id = ? AND f.id IN ({in})"
    asked = "file_id, place, phases, action, due_ns, store, blocked"
    sql = f"SELECT {asked} FROM ({verdict.query(there)}) v"
    return [DecidedRow._make(row) for row in engine.fetch_in(sql, ids, (*verdict.params, host_id))]


def _row(row: Sequence[Any]) -> ReadyRow:
    return ReadyRow._make((*row[:-2], int(row[-2]), int(row[-1])))
