"""What verbs ask of whoever holds the lease: rows of ``jobs``, so that asking survives both.

A verb asks and waits; the holder takes, tells how far it is, and finishes. What a holder left
running when it ended is taken up by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from storewarden.catalogue.engine import Engine, Row
from storewarden.catalogue.rules import check
from storewarden.clock import Clock

LOOK_SECONDS = 0.1
KEPT_NS = 30 * 86_400 * 1_000_000_000

Facts = Mapping[str, Any]

_COLUMNS = (
    "id, verb, root_id, arguments, state, asked_ns, asked_by, started_ns, ended_ns,"
    " progress, outcome, epoch"
)


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that was asked for, and what came of it so far."""

    id: int
    verb: str
    root_id: int | None
    arguments: Facts
    state: str
    asked_ns: int
    asked_by: str
    started_ns: int | None
    ended_ns: int | None
    progress: Facts
    outcome: Facts
    epoch: int | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in {"done", "failed"}


def ask(
    engine: Engine,
    verb: str,
    root_id: int | None,
    arguments: Facts,
    *,
    asked_by: str,
    now_ns: int,
) -> int:
    """Ask for something and return the number under which to look for what comes of it."""
    check("jobs", {"verb": verb})
    with engine.joined():
        rows = engine.execute(
            "INSERT INTO jobs (verb, root_id, arguments, asked_ns, asked_by)"
            " VALUES (?, ?, ?, ?, ?) RETURNING id",
            (verb, root_id, json.dumps(arguments), now_ns, asked_by),
        )
    return int(rows[0][0])


def take_next(
    engine: Engine, epoch: int, now_ns: int, host_id: int | None = None
) -> Request | None:
    """Take the oldest request that nobody works on: new, or left by a holder that ended.

    With ``host_id``, only requests that name a root of that host, or none.
    """
    where = "(state = 'planned' OR (state = 'running' AND epoch < ?))"
    params: list[Any] = [epoch]
    if host_id is not None:
        where += " AND (root_id IS NULL OR root_id IN (SELECT id FROM roots WHERE host_id = ?))"
        params.append(host_id)
    find = f"SELECT id FROM jobs WHERE {where} ORDER BY id LIMIT 1"
    if not engine.execute(find, params):
        return None  # the usual answer, and it costs no transaction
    with engine.joined():
        rows = engine.execute(
            f"UPDATE jobs SET state = 'running', started_ns = ?, epoch = ? WHERE id = ({find})"
            f" RETURNING {_COLUMNS}",
            (now_ns, epoch, *params),
        )
    return _request(rows[0]) if rows else None


def progress(engine: Engine, request_id: int, facts: Facts) -> None:
    """Tell how far it is."""
    with engine.joined():
        engine.execute(
            "UPDATE jobs SET progress = ? WHERE id = ? AND state = 'running'",
            (json.dumps(facts), request_id),
        )


def finish(
    engine: Engine, request_id: int, outcome: Facts, now_ns: int, *, failed: bool = False
) -> None:
    """End it with what came of it; ``outcome["error"]`` says why it failed."""
    with engine.joined():
        engine.execute(
            "UPDATE jobs SET state = ?, outcome = ?, ended_ns = ? WHERE id = ?",
            ("failed" if failed else "done", json.dumps(outcome), now_ns, request_id),
        )


def read(engine: Engine, request_id: int) -> Request | None:
    """Return a request as it stands."""
    rows = engine.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (request_id,))
    return _request(rows[0]) if rows else None


def wait(
    engine: Engine,
    request_id: int,
    clock: Clock,
    sleep: Callable[[float], None],
    seconds: float | None = None,
) -> Iterator[Request]:
    """Yield the request whenever it changed, until it ended or ``seconds`` are over."""
    until = None if seconds is None else clock.monotonic() + seconds
    shown: Request | None = None
    while True:
        now = read(engine, request_id)
        if now is None:
            return
        if now != shown:
            yield now
            shown = now
        if now.ended or (until is not None and clock.monotonic() >= until):
            return
        sleep(LOOK_SECONDS)


def forget_old(engine: Engine, now_ns: int) -> None:
    """Delete requests that ended more than thirty days ago."""
    with engine.joined():
        engine.execute("DELETE FROM jobs WHERE ended_ns < ?", (now_ns - KEPT_NS,))


def _request(row: Row) -> Request:
    request = Request(*row)
    return replace(
        request,
        arguments=json.loads(row[3]),
        progress=json.loads(row[9]),
        outcome=json.loads(row[10]),
    )
