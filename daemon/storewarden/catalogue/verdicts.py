"""What some query decides of files that meet some condition; both are made by others.

A query is over ``f.id IN ({in})`` and has the file's id as its first column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from storewarden.catalogue.coverage import GONE
from storewarden.catalogue.engine import Engine, Row

PAGE = 5000


def meeting(
    engine: Engine, from_: str, condition: str, params: Sequence[Any], host_id: int | None
) -> list[int]:
    """Return the ids of the files that are not gone and meet a condition, in their order."""
    kept = " AND ".join(f"f.state <> '{state}'" for state in GONE)
    ours, values = ("", ()) if host_id is None else (" AND +r.host_id = ?", (host_id,))
    sql = f"SELECT f.id FROM {from_} WHERE {kept} AND ({condition}){ours}"
    return sorted(id_ for (id_,) in engine.stream(sql, (*params, *values)))


def decided(
    engine: Engine, queries: Sequence[tuple[str, Sequence[Any]]], ids: Sequence[int]
) -> Iterator[tuple[int, int, tuple[Row | None, ...]]]:
    """Yield of each file its id, its bytes, and what each of the queries says."""
    for start in range(0, len(ids), PAGE):
        some = ids[start : start + PAGE]
        sizes = engine.fetch_in("SELECT f.id, f.size FROM files f WHERE f.id IN ({in})", some)
        told = [
            {row[0]: tuple(row[1:]) for row in engine.fetch_in(sql, some, params)}
            for sql, params in queries
        ]
        for id_, size in sorted(sizes):
            yield id_, size, tuple(one.get(id_) for one in told)
