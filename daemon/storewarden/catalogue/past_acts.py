"""Acts that ended, newest first, page by page: however many there were, memory holds one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from storewarden.catalogue import acts
from storewarden.catalogue.acts import FAILED, REFUSED, Act
from storewarden.catalogue.engine import Engine

PAGE = 500
_COLUMNS = ", ".join(f"a.{column}" for column in acts.COLUMNS)


def ended(
    engine: Engine, host_id: int, *, policy: str | None = None, troubles: bool = False
) -> Iterator[Act]:
    """Yield the acts of a host that ended, newest first; only what was not done, if asked for."""
    where, params = "a.ended_ns IS NOT NULL AND r.host_id = ?", [host_id]
    more: list[Any] = []
    if policy is not None:
        where, more = f"{where} AND a.policy = ?", [policy]
    if troubles:
        where = f"{where} AND (a.state = '{REFUSED}' OR a.state = '{FAILED}')"
    before: Sequence[Any] = ()
    while True:
        older = " AND (a.ended_ns < ? OR (a.ended_ns = ? AND a.id < ?))" if before else ""
        rows = engine.execute(
            f"SELECT {_COLUMNS} FROM acts a JOIN roots r ON r.id = a.root_id"
            f" WHERE {where}{older} ORDER BY a.ended_ns DESC, a.id DESC LIMIT {PAGE}",
            (*params, *more, *before),
        )
        found = acts.completed(engine, rows)
        yield from found
        if len(found) < PAGE:
            return
        before = (found[-1].ended_ns, found[-1].ended_ns, found[-1].id)


def going_on(engine: Engine, host_id: int) -> tuple[int, int, list[Act]]:
    """Return how many acts of a host go on, how many of them are put off, and the oldest ten."""
    counts = engine.execute(
        "SELECT count(*), coalesce(sum(CASE WHEN a.next_try_ns IS NOT NULL THEN 1 ELSE 0 END), 0)"
        " FROM acts a JOIN roots r ON r.id = a.root_id"
        " WHERE a.ended_ns IS NULL AND r.host_id = ?",
        (host_id,),
    )
    rows = engine.execute(
        f"SELECT {_COLUMNS} FROM acts a JOIN roots r ON r.id = a.root_id"
        " WHERE a.ended_ns IS NULL AND r.host_id = ? ORDER BY a.id LIMIT 10",
        (host_id,),
    )
    files, put_off = counts[0]
    return int(files), int(put_off), acts.completed(engine, rows)


def open_for(engine: Engine, reason: str) -> int:
    """Return how many acts that were asked for with a reason go on."""
    rows = engine.execute(
        "SELECT count(*) FROM acts WHERE ended_ns IS NULL AND reason = ?", (reason,)
    )
    return int(rows[0][0])
