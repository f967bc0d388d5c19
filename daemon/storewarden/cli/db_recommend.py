"""``storewarden db recommend``: where a database belongs, by name or as it is used here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.db_known import policies_named, recorded, strategy
from storewarden.cli.output import Cell, Output, named
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.databases.migrate import Database
    from storewarden.databases.recommend import Recommendation


@verb
@click.argument("name")
@strategy
def recommend(session: Session, name: str, strategy: str | None) -> int:
    """Tell where the database of that name, or at that path, belongs, and why.

    One that is recorded here and judged by its use is judged by what was measured, as the daemon
    judges it. Exit code 1 when no policy names it.
    """
    policies = policies_named(session, strategy)
    from storewarden.clock import SystemClock
    from storewarden.databases.recommend import by_name
    from storewarden.databases.recommend import recommend as judged
    from storewarden.errors import DONE, FAILED

    now_ns = SystemClock().wall_ns()
    last = os.path.basename(name)
    there = [one for one in recorded(session) if one.subject.name == os.fsencode(last)]
    if not there:
        told = judged(policies, by_name(last), now_ns)
        _tell_name(session.output, name, told)
        return FAILED if told.recommendation == "unknown" else DONE
    each = [(one, judged(policies, one.subject, now_ns, measured=True)) for one in there]
    _tell(session.output, each)
    return FAILED if all(told.recommendation == "unknown" for _, told in each) else DONE


def _tell_name(output: Output, name: str, told: Recommendation) -> None:
    """Tell of a database of which nothing but its name is known."""
    if output.json:
        output.document(told.document())
    else:
        _line(output, name, told)


def _tell(output: Output, each: Sequence[tuple[Database, Recommendation]]) -> None:
    if output.json:
        databases = [_document(one, told) for one, told in each]
        output.document({**databases[0], "databases": databases})
        return
    for one, told in each:
        _line(output, os.fsdecode(one.subject.path), told)


def _line(output: Output, name: str, told: Recommendation) -> None:
    from storewarden.measure.shown import shown

    if output.terminal:
        place = Cell(told.recommendation, "head")
        output.text(f"{shown(name)}: {output.styled(place)} ({told.category})")
        output.text(f"  {told.reason}")
    else:
        output.fields(name, told.recommendation, told.category, told.reason)


def _document(one: Database, told: Recommendation) -> dict[str, Any]:
    """Return a recommendation with the database that it is about."""
    subject = one.subject
    return {
        **told.document(),
        "policy": told.policy or None,
        "root": subject.root,
        **named("path", subject.path),
        "bytes": one.size,
        "lies": subject.lies,
        "due_ns": told.due_ns,
    }
