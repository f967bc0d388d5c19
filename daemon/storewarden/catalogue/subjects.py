"""Files with everything that policies ask of them, read a few thousand at a time.

A row says what is stored; whether an absent value is absent or unknown is told by ``inspected``,
``understood`` and ``usage_since_ns``, and judged by the room of the policies.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from storewarden.catalogue.engine import Engine, Row

PAGE = 4000
NANO = 1e9  # billionths of a currency

_SELECT = (
    "SELECT f.id, r.name, d.path, f.name, f.kind, f.size, f.first_seen_ns, f.modified_ns, f.state,"
    " CASE WHEN f.state = 'archived' OR f.state = 'trashed' THEN f.gone_ns END, f.growing, f.uid,"
    " f.inspected_ns, a.outcome, p.understood, a.mime, a.width, a.height, a.duration_ns,"
    " w.name, s.name, p.tool, p.model, p.prompt, p.seed,"
    " m.pinned, m.rating, m.tags, m.owner, r.usage_since_ns, u.last_ns, pl.store, pl.since_ns,"
    " od.path, o.name, CASE WHEN f.kind = 'database' THEN a.more END,"
    " CASE WHEN td.cost_currency <> '' THEN td.cost_nano END, td.file_type,"
    " td.workflow_id, td.scene_id"
    " FROM files f JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
    " LEFT JOIN facts a ON a.file_id = f.id LEFT JOIN told_files td ON td.file_id = f.id"
    " LEFT JOIN workflows w ON w.id = coalesce(td.workflow_id, a.workflow_id)"
    " LEFT JOIN scenes s ON s.id = coalesce(td.scene_id, a.scene_id)"
    " LEFT JOIN prompts p ON p.file_id = f.id"
    " LEFT JOIN usage u ON u.file_id = f.id LEFT JOIN marks m ON m.file_id = f.id"
    " LEFT JOIN placed pl ON pl.file_id = f.id LEFT JOIN sidecars x ON x.file_id = f.id"
    " LEFT JOIN files o ON o.id = x.of_id LEFT JOIN directories od ON od.id = o.directory_id"
)
_LAST_USE = 30  # the column u.last_ns
_DAYS = "SELECT file_id, day, opens, writes FROM usage_days WHERE file_id IN ({in})"
_COPIES = "SELECT file_id, store, verified_ns FROM copies WHERE file_id IN ({in})"


class SubjectRow(NamedTuple):
    """One file as policies see it; its fields are those of a subject, in their order."""

    id: int
    root: str
    path: bytes
    kind: str
    size: int
    first_seen_ns: int
    modified_ns: int
    state: str
    state_ns: int | None
    growing: bool
    uid: int
    inspected: bool
    understood: bool
    mime: str | None
    width: int | None
    height: int | None
    duration_ns: int | None
    workflow: str | None
    scene: str | None
    tool: str | None
    model: str | None
    prompt: str | None
    seed: str | None
    pinned: bool
    rating: float | None
    tags: tuple[str, ...]
    owner: str | None
    cost: float | None
    file_type: str | None
    workflow_told: bool
    scene_told: bool
    usage_since_ns: int | None
    last_opened_ns: int | None
    days: tuple[tuple[int, int, int], ...]
    copies: tuple[tuple[str, int], ...]
    placed: str
    placed_ns: int | None
    sidecar_of: bytes | None
    free_ratio: float | None


class Happened(NamedTuple):
    """Something that happened to a file."""

    at_ns: int
    event: str
    detail: dict[str, Any]


def subjects(engine: Engine, ids: Iterable[int]) -> Iterator[SubjectRow]:
    """Yield these files, as far as they are still known."""
    wanted = list(ids)
    for start in range(0, len(wanted), PAGE):
        some = wanted[start : start + PAGE]
        yield from _with_many(engine, engine.fetch_in(f"{_SELECT} WHERE f.id IN ({{in}})", some))


def every_subject(engine: Engine, host_id: int | None = None) -> Iterator[SubjectRow]:
    """Yield all files that are not gone, of one host or of all, in the order of their ids."""
    ours = "" if host_id is None else " AND r.host_id = ?"
    page = (
        f"{_SELECT} WHERE f.id > ? AND f.state <> 'missing' AND f.state <> 'purged'{ours}"
        f" ORDER BY f.id LIMIT {PAGE}"
    )
    after = 0
    while rows := engine.execute(page, (after, *(() if host_id is None else (host_id,)))):
        yield from _with_many(engine, rows)
        after = rows[-1][0]


def subjects_at(engine: Engine, path: bytes, host_id: int | None) -> list[SubjectRow]:
    """Return the files of an absolute path: what is there, what was put away, what is gone."""
    ours, params = ("", ()) if host_id is None else (" WHERE host_id = ?", (host_id,))
    ids: list[int] = []
    for root_id, top in engine.execute(f"SELECT id, path FROM roots{ours}", params):
        base = bytes(top).rstrip(b"/") + b"/"
        if path.startswith(base):
            directory, _, name = path[len(base) :].strip(b"/").rpartition(b"/")
            rows = engine.execute(
                "SELECT f.id, CASE f.state WHEN 'present' THEN 0 WHEN 'held' THEN 0"
                " WHEN 'missing' THEN 2 WHEN 'purged' THEN 2 ELSE 1 END, f.gone_ns FROM files f"
                " JOIN directories d ON d.id = f.directory_id"
                " WHERE d.root_id = ? AND d.path = ? AND f.name = ?",
                (root_id, directory, name),
            )
            rows.sort(key=lambda row: (row[1], -(row[2] or 0), -row[0]))
            ids += [row[0] for row in rows]
    found = {row.id: row for row in subjects(engine, ids)}
    return [found[id_] for id_ in ids if id_ in found]


def tops(engine: Engine, host_id: int | None) -> dict[str, bytes]:
    """Return where each root lies, by its name, of one host or of all."""
    ours, params = ("", ()) if host_id is None else (" WHERE host_id = ?", (host_id,))
    rows = engine.execute(f"SELECT name, path FROM roots{ours}", params)
    return {name: bytes(top) for name, top in rows}


def past(engine: Engine, file_id: int) -> tuple[int | None, list[Happened]]:
    """Return since when a file is gone, if it is, and what happened to it, oldest first."""
    gone = engine.execute("SELECT gone_ns FROM files WHERE id = ?", (file_id,))
    rows = engine.execute(
        "SELECT at_ns, event, detail FROM history WHERE file_id = ? ORDER BY at_ns, id", (file_id,)
    )
    happened = [Happened(at_ns, event, json.loads(detail)) for at_ns, event, detail in rows]
    return (gone[0][0] if gone else None), happened


def acted_on(engine: Engine, file_id: int) -> bool:
    """Tell whether anything was ever done with a file, or tried."""
    return bool(engine.execute("SELECT 1 FROM act_files WHERE file_id = ? LIMIT 1", (file_id,)))


def _with_many(engine: Engine, rows: Sequence[Row]) -> Iterator[SubjectRow]:
    """Add what there are several of: days of use, and copies."""
    used = [row[0] for row in rows if row[_LAST_USE] is not None]  # else it has no days either
    days: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for file_id, *day in engine.fetch_in(_DAYS, used):
        days[file_id].append((day[0], day[1], day[2]))
    copies: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for file_id, store, verified_ns in engine.fetch_in(_COPIES, [row[0] for row in rows]):
        copies[file_id].append((store, verified_ns))
    for row in rows:
        file_id = row[0]
        yield _row(
            row,
            tuple(sorted(days[file_id])) if file_id in days else (),
            tuple(sorted(copies[file_id])) if file_id in copies else (),
        )


def _row(
    row: Row, days: tuple[tuple[int, int, int], ...], copies: tuple[tuple[str, int], ...]
) -> SubjectRow:
    id_, root, directory, name, kind, size, first_seen_ns, modified_ns, *rest = row
    state, state_ns, growing, uid, inspected_ns, outcome, understood, *rest = rest
    facts, rest = rest[:10], rest[10:]
    pinned, rating, tags, owner, since_ns, last_ns, store, placed_ns, *rest = rest
    owner_directory, owner_name, more, nano, file_type, workflow_id, scene_id = rest
    inspected = inspected_ns is not None and outcome is not None and outcome != "refused"
    return SubjectRow._make(
        (
            *(id_, root, _path(directory, name), kind, size, first_seen_ns, modified_ns),
            *(state, state_ns, bool(growing), uid, inspected, inspected and understood != 0),
            *facts,
            *(bool(pinned), rating, () if tags is None else _tags(tags), owner),
            *(None if nano is None else nano / NANO, file_type),
            *(workflow_id is not None, scene_id is not None),
            *(since_ns, last_ns, days, copies, store or "local", placed_ns),
            None if owner_name is None else _path(owner_directory, owner_name),
            None if more is None else _free_ratio(more),
        )
    )


def _path(directory: Any, name: Any) -> bytes:
    return bytes(directory) + b"/" + bytes(name) if directory else bytes(name)


def _tags(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _free_ratio(more: str) -> float | None:
    """Return which share of a database's pages is free, where that was found out."""
    told = json.loads(more)
    pages, free = told.get("database.pages"), told.get("database.free_pages")
    if not isinstance(pages, int) or not isinstance(free, int) or pages <= 0:
        return None
    return free / pages
