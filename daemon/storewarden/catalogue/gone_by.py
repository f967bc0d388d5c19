"""Which acts took files from their names, newest first: to tell why, and to take them back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from storewarden.catalogue import acts
from storewarden.catalogue.acts import DONE, REMOVING, Act
from storewarden.catalogue.engine import Engine

PAGE = 500
TAKEN_BACK = ("archive", "move", "trash")
"""The verbs of acts that can be taken back; a purge cannot, and the others took nothing away."""

_COLUMNS = ", ".join(f"a.{column}" for column in acts.COLUMNS)
_REMOVING = " OR ".join(f"a.verb = '{verb}'" for verb in REMOVING)
_TAKEN_BACK = " OR ".join(f"a.verb = '{verb}'" for verb in TAKEN_BACK)
_CAN = (
    f"a.state = '{DONE}' AND ({_TAKEN_BACK})"
    " AND EXISTS (SELECT 1 FROM act_files m JOIN files f ON f.id = m.file_id"
    " WHERE m.act_id = a.id AND (f.state = 'archived' OR f.state = 'trashed'))"
)
COMMAND = "storewarden %  # ________"
"""What reasons are like that a command of a person gave: what tells it apart stands at its end."""


def gone_by(engine: Engine, ids: Collection[int]) -> dict[int, int]:
    """Return by which act each of these files went last; one that no act took is left out."""
    rows = engine.fetch_in(
        "SELECT f.file_id, max(a.id) FROM act_files f JOIN acts a ON a.id = f.act_id"
        f" WHERE a.state = '{DONE}' AND ({_REMOVING}) AND f.file_id IN ({{in}})"
        " GROUP BY f.file_id",
        ids,
    )
    return {int(file_id): int(act_id) for file_id, act_id in rows}


def last_reason(engine: Engine, host_id: int) -> str | None:
    """Return the reason of the last command of a person that can be taken back."""
    rows = engine.execute(
        "SELECT a.reason FROM acts a JOIN roots r ON r.id = a.root_id"
        f" WHERE r.host_id = ? AND a.reason LIKE ? AND {_CAN} ORDER BY a.id DESC LIMIT 1",
        (host_id, COMMAND),
    )
    return str(rows[0][0]) if rows else None


def of_command(engine: Engine, host_id: int, token: str) -> Iterator[Act]:
    """Yield what one command did and can be taken back, newest first."""
    before: Sequence[Any] = ()
    while True:
        older = " AND a.id < ?" if before else ""
        rows = engine.execute(
            f"SELECT {_COLUMNS} FROM acts a JOIN roots r ON r.id = a.root_id"
            f" WHERE r.host_id = ? AND a.reason LIKE ? AND {_CAN}{older}"
            f" ORDER BY a.id DESC LIMIT {PAGE}",
            (host_id, f"storewarden %  # {token}", *before),
        )
        yield from acts.completed(engine, rows)
        if len(rows) < PAGE:
            return
        before = (rows[-1][0],)
