"""What was told of files, for those who show it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from storewarden.catalogue.engine import Engine

VISIBLE = "(t.owner_id = ? OR t.public = 1)"
"""The condition that what was told of, a row ``t``, is shown to a user; the mark is the user."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an application told of one file."""

    workflow: str | None = None
    scene: str | None = None
    file_type: str | None = None
    title: str | None = None
    owner: str | None = None
    public: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    told_ns: int = 0


def of_files(engine: Engine, ids: Iterable[int]) -> dict[int, Told]:
    """Return what was told of files; one of which nothing was told is left out."""
    rows = engine.fetch_in(
        "SELECT t.file_id, w.name, s.name, t.file_type, t.title, u.name, t.public, t.metadata,"
        " t.told_ns FROM told_files t LEFT JOIN workflows w ON w.id = t.workflow_id"
        " LEFT JOIN scenes s ON s.id = t.scene_id LEFT JOIN users u ON u.id = t.owner_id"
        " WHERE t.file_id IN ({in})",
        ids,
    )
    found: dict[int, Told] = {}
    for file_id, workflow, scene, file_type, title, owner, public, metadata, told_ns in rows:
        more = json.loads(metadata)
        found[file_id] = Told(workflow, scene, file_type, title, owner, bool(public), more, told_ns)
    return found
