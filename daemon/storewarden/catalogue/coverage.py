"""Which files meet which conditions, counted in one pass; for databases, each by itself.

A condition comes as SQL with its values, over the aliases that its FROM names (``f`` is files,
``d`` directories, ``r`` roots); what it means is known to whoever made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from storewarden.catalogue.engine import Engine, Row

GONE = ("missing", "purged")
"""The states of a file of which nothing is decided any more."""

_EACH = 31  # conditions that one 64-bit number tells of, two bits each
_UNKNOWN = 2
_TRUTHS: tuple[bool | None, ...] = (False, True, None, None)


@dataclass(frozen=True, slots=True)
class Asked:
    """Conditions to be met, as SQL, and the tables they are about."""

    from_: str  # files f JOIN directories d ON … JOIN roots r ON … and whatever else is needed
    conditions: tuple[tuple[str, tuple[Any, ...]], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Files that meet the same conditions; ``truths`` holds None where it is not known."""

    root: str
    kind: str
    file_id: int | None  # of a database, which is a group of its own
    truths: tuple[bool | None, ...]
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Where:
    """Where a file lies, and how large it is."""

    root: str
    path: bytes
    size: int


def groups(engine: Engine, asked: Asked, host_id: int | None) -> Iterator[Group]:
    """Yield the files that are kept, by root, kind and what they meet."""
    told, params = _told(engine, asked)
    kept, values = _kept(host_id, host="+r.host_id")  # all files, in the order of their rows
    columns = ("r.name", "f.kind", "CASE WHEN f.kind = 'database' THEN f.id END", *told)
    rest, values = f"FROM {asked.from_} WHERE {kept}", (*params, *values)
    rows = (_counted if engine.dialect == "sqlite" else _grouped)(engine, columns, rest, values)
    count = len(asked.conditions)
    for (root, kind, file_id, *numbers), files, size in rows:
        yield Group(root, kind, file_id, _truths(numbers, count), files, size)


_Counts = Iterator[tuple[Row, int, int]]


def _counted(engine: Engine, columns: Sequence[str], rest: str, params: Sequence[Any]) -> _Counts:
    """Count here: SQLite would sort all rows for a GROUP BY, which takes twice as long."""
    counts: dict[Row, list[int]] = {}
    for row in engine.stream(f"SELECT {', '.join(columns)}, f.size {rest}", params):
        key = row[:-1]
        if (one := counts.get(key)) is None:
            one = counts[key] = [0, 0]
        one[0] += 1
        one[1] += row[-1]
    for row, (files, size) in sorted(counts.items(), key=str):
        yield row, files, size


def _grouped(engine: Engine, columns: Sequence[str], rest: str, params: Sequence[Any]) -> _Counts:
    by = ", ".join(str(number + 1) for number in range(len(columns)))
    sql = f"SELECT {', '.join(columns)}, COUNT(*), SUM(f.size) {rest} GROUP BY {by}"
    for *row, files, size in engine.execute(sql, params):
        yield tuple(row), int(files), int(size)


def bearing(
    engine: Engine, names: Iterable[bytes], asked: Asked, host_id: int | None
) -> list[tuple[bytes, str, tuple[bool | None, ...]]]:
    """Return which of the names files bear: the name, the kind, and what those files meet."""
    told, params = _told(engine, asked)
    kept, values = _kept(host_id)
    rows = engine.fetch_in(
        f"SELECT DISTINCT f.name, f.kind{''.join(f', {one}' for one in told)} FROM {asked.from_}"
        f" WHERE {kept} AND f.name IN ({{in}})",
        names,
        (*params, *values),
    )
    count = len(asked.conditions)
    return [(bytes(name), kind, _truths(numbers, count)) for name, kind, *numbers in rows]


def met(engine: Engine, asked: Asked, host_id: int | None) -> list[bool]:
    """Return for each condition whether any file meets it."""
    kept, values = _kept(host_id)
    return [
        bool(
            engine.execute(
                f"SELECT 1 FROM {asked.from_} WHERE {kept} AND ({text}) LIMIT 1",
                (*values, *params),
            )
        )
        for text, params in asked.conditions
    ]


def places(engine: Engine, ids: Iterable[int]) -> dict[int, Where]:
    """Return where these files lie."""
    rows = engine.fetch_in(
        "SELECT f.id, r.name, d.path, f.name, f.size FROM files f"
        " JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
        " WHERE f.id IN ({in})",
        ids,
    )
    return {
        id_: Where(root, bytes(path) + b"/" + bytes(name) if path else bytes(name), size)
        for id_, root, path, name, size in rows
    }


def _kept(host_id: int | None, host: str = "r.host_id") -> tuple[str, tuple[Any, ...]]:
    states = " AND ".join(f"f.state <> '{state}'" for state in GONE)
    if host_id is None:
        return states, ()
    return f"{states} AND {host} = ?", (host_id,)


def _told(engine: Engine, asked: Asked) -> tuple[list[str], list[Any]]:
    """Return expressions of numbers that tell of many conditions each, and their values."""
    numbers: list[str] = []
    params: list[Any] = []
    for start in range(0, len(asked.conditions), _EACH):
        some = asked.conditions[start : start + _EACH]
        parts = []
        for at, (text, values) in enumerate(some):
            truth = (
                f"({text})"
                if engine.dialect == "sqlite"
                else f"CAST(CAST(({text}) AS INTEGER) AS BIGINT)"
            )
            parts.append(f"{4**at} * COALESCE({truth}, {_UNKNOWN})")
            params += values
        numbers.append(" + ".join(parts))
    return numbers, params


def _truths(numbers: Sequence[int], count: int) -> tuple[bool | None, ...]:
    return tuple(
        _TRUTHS[int(numbers[at // _EACH]) >> (2 * (at % _EACH)) & 3] for at in range(count)
    )
