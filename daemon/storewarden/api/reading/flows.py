"""Workflows with their phases, and scenes: told by applications, or named by files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from storewarden.api.owning import not_there
from storewarden.api.reading import cursor
from storewarden.api.reading.moments import moment
from storewarden.api.reading.names import told_place
from storewarden.api.reading.reader import PAGE, Reader, within
from storewarden.api.reading.records import Phase, Scene, Scenes, Workflow, Workflows
from storewarden.catalogue.told import visible
from storewarden.catalogue.ways import END
from storewarden.measure.shown import shown

_WORKFLOWS, _SCENES = "workflows", "scenes"
_WORKFLOW = (
    "SELECT w.id, w.name, w.first_seen_ns, w.last_seen_ns, w.title, w.status, w.phase,"
    " w.original_prompt, w.enhanced_story, w.created_ns, w.started_ns, w.ended_ns, u.name,"
    " w.public, w.more, w.told_ns FROM workflows w LEFT JOIN users u ON u.id = w.owner_id"
)
_SCENE = (
    "SELECT s.id, s.name, s.number, s.description, s.prompt, s.status, s.more, s.told_ns,"
    " r.path, t.directory, t.name, d.path, f.name, t.file_id, t.owner_id, t.public"
    " FROM scenes s LEFT JOIN scene_images i ON i.scene_id = s.id"
    " LEFT JOIN told_files t ON t.id = i.told_id LEFT JOIN roots r ON r.id = t.root_id"
    " LEFT JOIN files f ON f.id = t.file_id LEFT JOIN directories d ON d.id = f.directory_id"
)
_UNNUMBERED = END - 1  # scenes without a number come last


def workflows(reader: Reader, limit: int = PAGE, after: str | None = None) -> Workflows:
    """Return workflows, those that were first heard of last first.

    Raises:
        UsageError: no page begins there, or has that size.
    """
    size = within(limit)
    (below,) = (END,) if after is None else cursor.decode(_WORKFLOWS, after)
    ours, host = _of_host(reader, "w")
    theirs, user = visible.theirs(reader.user_id, "w")
    rows = reader.engine.execute(
        f"{_WORKFLOW} WHERE w.id < ?{ours}{theirs} ORDER BY w.id DESC LIMIT ?",
        (below, *host, *user, size + 1),
    )
    after = cursor.encode(_WORKFLOWS, rows[size - 1][0]) if rows[size:] else None
    return Workflows(workflows=_workflows(reader, rows[:size]), next=after)


def workflow(reader: Reader, name: str) -> Workflow:
    """Return a workflow with its phases.

    Raises:
        NotThere: there is none of that name, or it is not for this one to see.
    """
    return _workflows(reader, [_row(reader, name)])[0]


def scenes(reader: Reader, name: str, limit: int = PAGE, after: str | None = None) -> Scenes:
    """Return the scenes of a workflow: by their numbers, then as they were heard of.

    Raises:
        NotThere: there is no such workflow, or it is not for this one to see.
        UsageError: no page begins there, or has that size.
    """
    size, workflow_id = within(limit), _row(reader, name)[0]
    above = (-1, 0) if after is None else cursor.decode(_SCENES, after, 2)
    number = f"coalesce(s.number, {_UNNUMBERED})"
    rows = reader.engine.execute(
        f"{_SCENE} WHERE s.workflow_id = ? AND ({number}, s.id) > (?, ?)"
        f" ORDER BY {number}, s.id LIMIT ?",
        (workflow_id, *above, size + 1),
    )
    after = None
    if rows[size:]:
        last_id, _, last, *_ = rows[size - 1]
        after = cursor.encode(_SCENES, _UNNUMBERED if last is None else last, last_id)
    return Scenes(scenes=tuple(_scene(reader, name, row) for row in rows[:size]), next=after)


def scene(reader: Reader, workflow_name: str, name: str) -> Scene:
    """Return a scene of a workflow.

    Raises:
        NotThere: there is no such workflow or scene, or it is not for this one to see.
    """
    workflow_id = _row(reader, workflow_name)[0]
    rows = reader.engine.execute(
        f"{_SCENE} WHERE s.workflow_id = ? AND s.name = ?", (workflow_id, name)
    )
    if not rows:
        raise not_there("scene", shown(name))
    return _scene(reader, workflow_name, rows[0])


def _of_host(reader: Reader, row: str) -> tuple[str, tuple[int, ...]]:
    if reader.host_id is None:
        return "", ()
    return f" AND {row}.host_id = ?", (reader.host_id,)


def _row(reader: Reader, name: str) -> Sequence[Any]:
    ours, host = _of_host(reader, "w")
    theirs, user = visible.theirs(reader.user_id, "w")
    rows = reader.engine.execute(
        f"{_WORKFLOW} WHERE w.name = ?{ours}{theirs}"
        " ORDER BY CASE WHEN w.owner_id = ? THEN 0 WHEN w.owner_id IS NULL THEN 1 ELSE 2 END, w.id"
        " LIMIT 1",
        (name, *host, *user, reader.user_id),
    )
    if not rows:
        raise not_there("workflow", shown(name))
    return rows[0]


def _workflows(reader: Reader, rows: Sequence[Sequence[Any]]) -> tuple[Workflow, ...]:
    phases = _phases(reader, [row[0] for row in rows])
    return tuple(_workflow(row, phases[row[0]]) for row in rows)


def _workflow(row: Sequence[Any], phases: Iterable[Phase]) -> Workflow:
    id_, name, first_ns, last_ns, title, status, phase, prompt, story, *rest = row
    created_ns, started_ns, ended_ns, owner, public, more, told_ns = rest
    return Workflow(
        id=id_,
        workflow=name,
        first_seen=moment(first_ns),
        last_seen=moment(last_ns),
        title=title,
        status=status,
        phase=phase,
        original_prompt=prompt,
        enhanced_story=story,
        created=moment(created_ns),
        started=moment(started_ns),
        ended=moment(ended_ns),
        owner=owner,
        public=bool(public),
        more=json.loads(more) or None,
        told=moment(told_ns),
        phases=tuple(phases),
    )


def _phases(reader: Reader, ids: Iterable[int]) -> dict[int, list[Phase]]:
    rows = reader.engine.fetch_in(
        "SELECT workflow_id, position, name, status, started_ns, ended_ns, detail"
        " FROM workflow_phases WHERE workflow_id IN ({in})",
        ids,
    )
    found: dict[int, list[Phase]] = defaultdict(list)
    for workflow_id, _, name, status, started_ns, ended_ns, detail in sorted(
        rows, key=lambda row: (row[0], row[1], row[2])
    ):
        found[workflow_id].append(
            Phase(
                name=name,
                status=status,
                started=moment(started_ns),
                ended=moment(ended_ns),
                detail=detail,
            )
        )
    return found


def _scene(reader: Reader, workflow_name: str, row: Sequence[Any]) -> Scene:
    id_, name, number, description, prompt, status, more, told_ns, *image = row
    where, image_id = _image(reader, image)
    return Scene(
        id=id_,
        workflow=workflow_name,
        scene=name,
        number=number,
        description=description,
        prompt=prompt,
        image=where,
        image_id=image_id,
        status=status,
        more=json.loads(more) or None,
        told=moment(told_ns),
    )


def _image(reader: Reader, told: Sequence[Any]) -> tuple[str | None, int | None]:
    """Return where the picture of a scene is now, else where it was told of, if it is shown."""
    *where, file_id, owner_id, public = told
    if reader.user_id is not None and not public and owner_id != reader.user_id:
        return None, None
    return told_place(*where), file_id
