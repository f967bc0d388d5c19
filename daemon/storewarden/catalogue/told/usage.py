"""What calls of services took and cost: each kept once, and added to the sums of its day."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.told import sums
from storewarden.catalogue.told.sums import Called

_COLUMNS = (
    *("host_id", "at_ns", "provider", "model", "operation", "calls", "tokens_in", "tokens_out"),
    *("cost_nano", "currency", "duration_ns", "error", "workflow_id", "scene_id", "told_id"),
    *("user_id", "key", "told_ns"),
)


class Usage(NamedTuple):
    """A row of ``api_usage``, in the order of its columns."""

    host_id: int
    at_ns: int
    provider: str
    model: str | None
    operation: str | None
    calls: int
    tokens_in: int | None
    tokens_out: int | None
    cost_nano: int | None
    currency: str
    duration_ns: int | None
    error: str | None
    workflow_id: int | None
    scene_id: int | None
    told_id: int | None
    user_id: int | None
    key: str | None
    told_ns: int


def keep(engine: Engine, usage: Usage, workflow: str | None, user: str) -> tuple[int, bool]:
    """Return the row of a call, and True when it is a new one; one with a key is kept once.

    The row of one that was told long ago, and let go of since, is 0.
    """
    if usage.key is not None and _forgotten(engine, usage):
        return 0, False
    marks = ", ".join("?" * len(_COLUMNS))
    rows = engine.execute(
        f"INSERT INTO api_usage ({', '.join(_COLUMNS)}) VALUES ({marks})"
        " ON CONFLICT (host_id, (coalesce(user_id, 0)), key) WHERE key IS NOT NULL"
        " DO NOTHING RETURNING id",
        usage,
    )
    if rows:
        sums.add(engine, usage.host_id, [_called(usage, workflow, user)])
        return int(rows[0][0]), True
    rows = engine.execute(
        "SELECT id FROM api_usage WHERE host_id = ? AND coalesce(user_id, 0) = ? AND key = ?",
        (usage.host_id, usage.user_id or 0, usage.key),
    )
    return int(rows[0][0]), False


def _forgotten(engine: Engine, usage: Usage) -> bool:
    rows = engine.execute(
        "SELECT 1 FROM forgotten_usage WHERE host_id = ? AND user_id = ? AND key = ?",
        (usage.host_id, usage.user_id or 0, usage.key),
    )
    return bool(rows)


def _called(usage: Usage, workflow: str | None, user: str) -> Called:
    return Called(
        *(usage.at_ns, usage.provider, usage.currency, usage.calls, usage.error is not None),
        model=usage.model,
        operation=usage.operation,
        workflow=workflow,
        user=user,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        cost_nano=usage.cost_nano,
        duration_ns=usage.duration_ns,
    )
