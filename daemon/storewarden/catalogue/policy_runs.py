"""The last run of each policy: so that a restart neither repeats one nor forgets it."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NamedTuple

from storewarden.catalogue.engine import Engine

_COLUMNS = (
    *("policy", "cause", "began_ns", "looked_ns", "pressed", "fruitless", "files", "bytes"),
    *("tried", "failed"),
)


class LastRun(NamedTuple):
    """A run: what it began for, when it last took up work, and what it let through so far."""

    policy: str
    cause: str
    began_ns: int
    looked_ns: int
    pressed: tuple[str, ...] = ()  # roots that it makes room in
    fruitless: int = 0  # how often in a row it took something up and nothing could be done
    files: int = 0  # that were taken from their places, or were about to be
    size: int = 0
    tried: int = 0  # acts
    failed: int = 0


def read(engine: Engine, host_id: int) -> dict[str, LastRun]:
    """Return the last run of each policy of a host."""
    rows = engine.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM policy_runs WHERE host_id = ?", (host_id,)
    )
    found = [LastRun._make((*row[:4], tuple(json.loads(row[4])), *row[5:])) for row in rows]
    return {run.policy: run for run in found}


def on_disk(engine: Engine, host_id: int) -> tuple[int, int]:
    """Return how many files of a host lie in its roots, their trash included, and their bytes."""
    rows = engine.execute(
        "SELECT coalesce(sum(t.files), 0), coalesce(sum(t.bytes), 0) FROM totals t"
        " JOIN roots r ON r.id = t.root_id WHERE r.host_id = ?"
        " AND (t.state = 'present' OR t.state = 'held' OR t.state = 'trashed')",
        (host_id,),
    )
    return int(rows[0][0]), int(rows[0][1])


def write(engine: Engine, host_id: int, run: LastRun) -> None:
    """Remember a run in place of the one before."""
    columns = ", ".join(_COLUMNS)
    marks = ", ".join("?" * len(_COLUMNS))
    sets = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])
    values = (*run[:4], json.dumps(list(run.pressed)), *run[5:])
    with engine.joined():
        engine.execute(
            f"INSERT INTO policy_runs (host_id, {columns}) VALUES (?, {marks})"
            f" ON CONFLICT (host_id, policy) DO UPDATE SET {sets}",
            (host_id, *values),
        )


def forget_pauses(engine: Engine, host_id: int) -> None:
    """Let all policies try at once again: what their acts failed with is over."""
    with engine.joined():
        engine.execute(
            "UPDATE policy_runs SET fruitless = 0, tried = 0, failed = 0 WHERE host_id = ?",
            (host_id,),
        )


def forget_limits(engine: Engine, host_id: int, policies: Collection[str], now_ns: int) -> None:
    """Let runs of policies count from nothing: a person answered for what there was until now."""
    with engine.joined():
        for policy in policies:
            engine.execute(
                "UPDATE policy_runs SET files = 0, bytes = 0, tried = 0, failed = 0,"
                " fruitless = 0, began_ns = ? WHERE host_id = ? AND policy = ?",
                (now_ns, host_id, policy),
            )
