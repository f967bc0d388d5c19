"""What policies may do, as their runs take it up: rows of the schedule in the words of policies."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from storewarden.catalogue import ready as rows
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.ready import ReadyRow
from storewarden.policy.known import WINDOW
from storewarden.policy.ordering import ordering
from storewarden.policy.pressure import Candidate, room
from storewarden.policy.rules import Force, Pressure
from storewarden.policy.run import Due
from storewarden.policy.sql import joins
from storewarden.policy.sql_pieces import Speech


class Spare(NamedTuple):
    """What goes when a disk is too full, for what it frees, and as a run takes it up."""

    candidate: Candidate
    due: Due


def due(engine: Engine, host_id: int, policy_id: int, now_ns: int) -> Iterator[Due]:
    """Yield what a policy may do now, what was due first first."""
    return map(_due, rows.ready(engine, host_id, policy_id, now_ns))


def spares(
    engine: Engine,
    host_id: int,
    policy_id: int,
    now_ns: int,
    pressure: Pressure,
    roots: Collection[str],
    limit: int = 5_000,
) -> list[Spare]:
    """Return what goes first in the order of a trigger, of what a policy may do in some roots."""
    by = ordering(pressure.order, Speech(engine.dialect, now_ns, WINDOW))
    order = rows.Order(joins(by.joins, engine.dialect), by.text, by.params)
    found = rows.first(engine, host_id, policy_id, now_ns, order, roots, limit)
    return [Spare(_candidate(row), _due(row)) for row in found]


def _due(row: ReadyRow) -> Due:
    return Due(
        *(row.file_id, row.root, Force(row.action), row.size + row.with_bytes),
        *(1 + row.with_files, row.store, row.due_ns),
    )


def _candidate(row: ReadyRow) -> Candidate:
    here = row.state != "archived"
    return Candidate(
        row.file_id, row.due_ns, room(Force(row.action), row.blocks, row.links, here=here)
    )
