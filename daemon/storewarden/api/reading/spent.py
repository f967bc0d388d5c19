"""What calls of services took and cost, call by call."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from storewarden.api.reading import cursor
from storewarden.api.reading.moments import moment, seconds
from storewarden.api.reading.names import told_place
from storewarden.api.reading.reader import PAGE, Reader, within
from storewarden.api.reading.records import Usage, Usages
from storewarden.catalogue.ways import END

_LIST = "usage"
_SELECT = (
    "SELECT a.id, a.at_ns, a.provider, a.model, a.operation, a.calls, a.tokens_in, a.tokens_out,"
    " a.cost_nano, a.currency, a.duration_ns, a.error, w.name, s.name, u.name, a.key,"
    " r.path, t.directory, t.name, d.path, f.name, t.file_id"
    " FROM api_usage a LEFT JOIN workflows w ON w.id = a.workflow_id"
    " LEFT JOIN scenes s ON s.id = a.scene_id LEFT JOIN users u ON u.id = a.user_id"
    " LEFT JOIN told_files t ON t.id = a.told_id LEFT JOIN roots r ON r.id = t.root_id"
    " LEFT JOIN files f ON f.id = t.file_id LEFT JOIN directories d ON d.id = f.directory_id"
)
_NANO = Decimal(1_000_000_000)


def usage(
    reader: Reader,
    *,
    since_ns: int | None = None,
    provider: str | None = None,
    workflow: str | None = None,
    limit: int = PAGE,
    after: str | None = None,
) -> Usages:
    """Return calls, the newest first; a user is shown their own.

    Raises:
        UsageError: no page begins there, or has that size.
    """
    size = within(limit)
    before = (END, END) if after is None else cursor.decode(_LIST, after, 2)
    met = {
        "a.host_id = ?": reader.host_id,
        "a.user_id = ?": reader.user_id,
        "a.at_ns >= ?": since_ns,
        "a.provider = ?": provider,
        "w.name = ?": workflow,
    }
    asked = {sql: value for sql, value in met.items() if value is not None}
    where = " AND ".join(("(a.at_ns, a.id) < (?, ?)", *asked))
    rows = reader.engine.execute(
        f"{_SELECT} WHERE {where} ORDER BY a.at_ns DESC, a.id DESC LIMIT ?",
        (*before, *asked.values(), size + 1),
    )
    after = cursor.encode(_LIST, rows[size - 1][1], rows[size - 1][0]) if rows[size:] else None
    return Usages(usage=tuple(map(_usage, rows[:size])), next=after)


def _usage(row: Sequence[Any]) -> Usage:
    id_, at_ns, provider, model, operation, calls, tokens_in, tokens_out, *rest = row
    cost_nano, currency, duration_ns, error, workflow, scene, user, key, *where, file_id = rest
    return Usage(
        id=id_,
        at=moment(at_ns),
        provider=provider,
        model=model,
        operation=operation,
        calls=calls,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost=None if cost_nano is None else Decimal(cost_nano) / _NANO,
        currency=currency,
        duration=seconds(duration_ns),
        error=error,
        workflow=workflow,
        scene=scene,
        place=told_place(*where),
        file=file_id,
        user=user,
        key=key,
    )
