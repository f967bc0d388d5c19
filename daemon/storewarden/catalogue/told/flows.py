"""Workflows and scenes as they are told; those that files name are the same rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from storewarden.catalogue.engine import Engine

_WORKFLOW = (
    *("id", "owner_id", "public", "told_ns", "title", "status", "phase", "original_prompt"),
    *("enhanced_story", "started_ns", "ended_ns", "more"),
)
_SCENE = ("id", "told_ns", "number", "description", "prompt", "status", "more")
_PHASE = ("status", "started_ns", "ended_ns", "detail")


class PhaseSaid(NamedTuple):
    """What is said of a phase; None is not said."""

    name: str
    status: str | None = None
    started_ns: int | None = None
    ended_ns: int | None = None
    detail: str | None = None


def workflow(
    engine: Engine, host_id: int, name: str, owner_id: int | None
) -> dict[str, Any] | None:
    """Return the row of an owner's workflow: the owner's, else that of nobody, else another's.

    Each user has names of its own: who may say nothing of what is found makes one.
    """
    rows = engine.execute(
        f"SELECT {', '.join(_WORKFLOW)} FROM workflows WHERE host_id = ? AND name = ?"
        " ORDER BY CASE WHEN owner_id = ? THEN 0 WHEN owner_id IS NULL THEN 1 ELSE 2 END, id"
        " LIMIT 1",
        (host_id, name, owner_id),
    )
    return dict(zip(_WORKFLOW, rows[0], strict=True)) if rows else None


def is_public(engine: Engine, host_id: int, name: str) -> bool:
    """Tell whether there is a workflow of a name that everybody may see."""
    return bool(
        engine.execute(
            "SELECT 1 FROM workflows WHERE host_id = ? AND name = ? AND public = 1 LIMIT 1",
            (host_id, name),
        )
    )


def make_workflow(
    engine: Engine, host_id: int, name: str, owner_id: int | None, now_ns: int
) -> dict[str, Any]:
    """Return the row of a workflow that is made now, or was by somebody else at this moment."""
    rows = engine.execute(
        "INSERT INTO workflows (host_id, name, first_seen_ns, last_seen_ns, owner_id)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (host_id, name, (coalesce(owner_id, 0)))"
        " DO UPDATE SET last_seen_ns = excluded.last_seen_ns"
        f" RETURNING {', '.join(_WORKFLOW)}",
        (host_id, name, now_ns, now_ns, owner_id),
    )
    return dict(zip(_WORKFLOW, rows[0], strict=True))


def scene(engine: Engine, host_id: int, workflow_id: int, name: str) -> dict[str, Any] | None:
    """Return the row of a scene of a workflow."""
    rows = engine.execute(
        f"SELECT {', '.join(_SCENE)} FROM scenes"
        " WHERE host_id = ? AND coalesce(workflow_id, 0) = ? AND name = ?",
        (host_id, workflow_id, name),
    )
    return dict(zip(_SCENE, rows[0], strict=True)) if rows else None


def make_scene(
    engine: Engine, host_id: int, workflow_id: int, name: str, now_ns: int
) -> dict[str, Any]:
    """Return the row of a scene that is made now, or was by somebody else at this moment."""
    rows = engine.execute(
        "INSERT INTO scenes (host_id, workflow_id, name, first_seen_ns, last_seen_ns)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (host_id, (coalesce(workflow_id, 0)), name)"
        " DO UPDATE SET last_seen_ns = excluded.last_seen_ns"
        f" RETURNING {', '.join(_SCENE)}",
        (host_id, workflow_id, name, now_ns, now_ns),
    )
    return dict(zip(_SCENE, rows[0], strict=True))


def change(
    engine: Engine, table: str, row: Mapping[str, Any], said: Mapping[str, Any], now_ns: int
) -> bool:
    """Write what is said and differs from a row of workflows or scenes; True when anything did."""
    values = different(row, said)
    if not values and row["told_ns"] is not None:
        return False
    values |= {"told_ns": now_ns, "last_seen_ns": now_ns}
    if table == "workflows" and row["told_ns"] is None:
        values["created_ns"] = now_ns
    columns = ", ".join(f"{column} = ?" for column in values)
    engine.execute(f"UPDATE {table} SET {columns} WHERE id = ?", (*values.values(), row["id"]))
    return True


def change_phases(engine: Engine, workflow_id: int, phases: Sequence[PhaseSaid]) -> bool:
    """Add phases to those of a workflow, or change them, by their names; True when any changed."""
    rows = engine.execute(
        f"SELECT name, position, {', '.join(_PHASE)} FROM workflow_phases WHERE workflow_id = ?",
        (workflow_id,),
    )
    there = {name: dict(zip(_PHASE, values, strict=True)) for name, _, *values in rows}
    position = 1 + max((row[1] for row in rows), default=-1)
    written = []
    for phase in phases:
        before = there.get(phase.name)
        values = different(before or dict.fromkeys(_PHASE), phase._asdict(), _PHASE)
        if before is None or values:
            now = {**(before or dict.fromkeys(_PHASE)), **values}
            written.append((workflow_id, phase.name, position, *(now[each] for each in _PHASE)))
            position += before is None
    engine.executemany(
        f"INSERT INTO workflow_phases (workflow_id, name, position, {', '.join(_PHASE)})"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workflow_id, name) DO UPDATE SET "
        + ", ".join(f"{column} = excluded.{column}" for column in _PHASE),
        written,
    )
    return bool(written)


def set_image(engine: Engine, scene_id: int, told_id: int) -> bool:
    """Let a told file be the picture of a scene; True when it was not."""
    rows = engine.execute(
        "INSERT INTO scene_images (scene_id, told_id) VALUES (?, ?) ON CONFLICT (scene_id)"
        " DO UPDATE SET told_id = excluded.told_id WHERE scene_images.told_id <> excluded.told_id"
        " RETURNING scene_id",
        (scene_id, told_id),
    )
    return bool(rows)


def different(
    row: Mapping[str, Any], said: Mapping[str, Any], columns: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what is said (None is not said) and is otherwise in a row.

    A mapping is laid over the JSON that is there: a key that is null is taken away.
    """
    found = {}
    for column, value in said.items():
        if value is None or (columns and column not in columns):
            continue
        stored = over(row[column], value) if isinstance(value, Mapping) else value
        if stored != row[column]:
            found[column] = stored
    return found


def over(text: str, said: Mapping[str, Any]) -> str:
    """Return JSON with keys laid over it."""
    there = json.loads(text)
    laid = {key: value for key, value in {**there, **said}.items() if value is not None}
    return text if laid == there else json.dumps(laid, ensure_ascii=False)
