"""What was told of files, for those who show it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from storewarden.catalogue.engine import Engine

_NANO = Decimal(1_000_000_000)
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
    cost: Decimal | None = None
    currency: str | None = None


def of_files(engine: Engine, ids: Iterable[int]) -> dict[int, Told]:
    """Return what was told of files; one of which nothing was told is left out."""
    rows = engine.fetch_in(
        "SELECT t.file_id, w.name, s.name, t.file_type, t.title, u.name, t.public, t.metadata,"
        " t.told_ns, t.cost_nano, t.cost_currency FROM told_files t"
        " LEFT JOIN workflows w ON w.id = t.workflow_id"
        " LEFT JOIN scenes s ON s.id = t.scene_id LEFT JOIN users u ON u.id = t.owner_id"
        " WHERE t.file_id IN ({in})",
        ids,
    )
    return {file_id: _told(*told) for file_id, *told in rows}


def _told(  # noqa: PLR0913, PLR0917  # the columns
    workflow: str | None,
    scene: str | None,
    file_type: str | None,
    title: str | None,
    owner: str | None,
    public: int,
    metadata: str,
    told_ns: int,
    cost_nano: int | None,
    currency: str | None,
) -> Told:
    return Told(
        workflow,
        scene,
        file_type,
        title,
        owner,
        bool(public),
        json.loads(metadata),
        told_ns,
        None if cost_nano is None or not currency else Decimal(cost_nano) / _NANO,
        currency or None,
    )
