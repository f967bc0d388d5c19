"""What was told of files, for those who show it; and what of it a user may see."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from storewarden.catalogue.engine import Engine


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
    return {
        file_id: Told(*told, bool(public), json.loads(metadata), told_ns)
        for file_id, *told, public, metadata, told_ns in rows
    }
