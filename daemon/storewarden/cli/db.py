"""``storewarden db …``: where databases belong, and what moving them would come to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, note, number
from storewarden.cli.session import Session, common, verb

if TYPE_CHECKING:
    from storewarden.databases.recommend import Recommendation, Step
    from storewarden.policy.rules import PolicySet
    from storewarden.policy.subject import Subject

SHOWN = 12  # names of a step on a terminal


@click.group(subcommand_metavar="VERB ...")
def db() -> None:
    """Where databases belong by the policies, and what moving them would come to."""


common(db)


@verb
@click.argument("name")
@click.option("--strategy", metavar="POLICIES", help="A policy file, or shipped:NAME.")
def recommend(session: Session, name: str, strategy: str | None) -> int:
    """Tell where the database of that name, or at that path, belongs, and why.

    One that is recorded here and judged by its use is judged by what was measured. Exit code 1
    when no policy names it.
    """
    policies = _policies(session, strategy)
    from storewarden.clock import SystemClock
    from storewarden.databases.recommend import by_name
    from storewarden.databases.recommend import recommend as judged
    from storewarden.errors import DONE, FAILED

    now_ns = SystemClock().wall_ns()
    there = _recorded(session, os.fsencode(os.path.basename(name)))
    if not there:
        told = judged(policies, by_name(os.path.basename(name)), now_ns)
        _tell(session.output, name, told)
        return FAILED if told.recommendation == "unknown" else DONE
    all_told = [(one, judged(policies, one, now_ns, measured=True)) for one in there]
    for one, told in all_told:
        _tell(session.output, os.fsdecode(one.path), told)
    return FAILED if all(told.recommendation == "unknown" for _, told in all_told) else DONE


@verb
@click.option("--strategy", metavar="POLICIES", help="A policy file, or shipped:NAME.")
def plan(session: Session, strategy: str | None) -> int:
    """Show the three steps of moving databases to where they belong; nothing is moved.

    Of the databases that are recorded here; where none is, of those that the policies name.
    """
    policies = _policies(session, strategy)
    from storewarden.clock import SystemClock
    from storewarden.databases.recommend import migration
    from storewarden.errors import DONE

    there = _recorded(session, None)
    steps = migration(policies, there, SystemClock().wall_ns())
    _tell_plan(session.output, steps, sum(one.size for one in there), len(there))
    return DONE


for _verb in (recommend, plan):
    db.add_command(_verb)


def _policies(session: Session, strategy: str | None) -> PolicySet:
    """Return the policies that were named, else those of the configuration."""
    if strategy is not None:
        from storewarden.databases.recommend import read_strategy

        return read_strategy(strategy)
    from storewarden.cli.policies import policies_of

    return policies_of(session)


def _recorded(session: Session, name: bytes | None) -> list[Subject]:
    """Return the databases that are recorded here; none where there is no catalogue yet."""
    from storewarden.errors import CatalogueUnavailable

    settings = session.settings
    from storewarden.catalogue.connect import sqlite_path
    from storewarden.catalogue.drivers import is_server

    server = is_server(settings.catalogue)
    if not server and not sqlite_path(settings.catalogue, settings.state).exists():
        return []
    from storewarden.catalogue.databases import databases
    from storewarden.cli.listing import our_host
    from storewarden.pipeline.judging import judged

    try:
        with session.reading() as engine:
            host = our_host(engine)
            rows = [] if host is None else databases(engine, host, name)
    except CatalogueUnavailable as error:
        note(f"what is recorded here cannot be read: {error}")
        return []
    return [judged(row) for row in rows]


def _tell(output: Output, name: str, told: Recommendation) -> None:
    from storewarden.measure.shown import shown

    if output.json:
        output.document(told.document())
    elif output.terminal:
        place = Cell(told.recommendation, "head")
        output.text(f"{shown(name)}: {output.styled(place)} ({told.category})")
        output.text(f"  {told.reason}")
    else:
        output.fields(shown(name), told.recommendation, told.category, told.reason)


def _tell_plan(output: Output, steps: Sequence[Step], size: int, there: int) -> None:
    moved = steps[1].size
    if output.json:
        output.document(
            {
                "steps": [_document(step) for step in steps],
                "totals": {
                    "databases": sum(len(step.databases) for step in steps),
                    "recorded": there,
                    "bytes": size,
                    "saved_bytes": moved,
                    "saved_share": moved / size if size else None,
                },
            }
        )
    elif output.terminal:
        _for_people(output, steps, size, there)
    else:
        for step in steps:
            for name, each in step.databases:
                output.fields(step.phase, step.name, name, "" if each is None else each)


def _document(step: Step) -> dict[str, Any]:
    return {
        "phase": step.phase,
        "name": step.name,
        "count": len(step.databases),
        "bytes": step.size,
        "databases": [{"name": name, "bytes": size} for name, size in step.databases],
    }


def _for_people(output: Output, steps: Sequence[Step], size: int, there: int) -> None:
    from storewarden.measure.shown import shown
    from storewarden.units import format_share, format_size

    rows = [
        [
            Cell(f"{step.phase} {step.name.replace('_', ' ')}"),
            number(len(step.databases)),
            Cell(format_size(step.size) if there else "–"),
            Cell(step.about),
        ]
        for step in steps
    ]
    output.table(("step", "databases", "bytes", "they"), rows)
    for step in steps:
        names = [shown(name) for name, _ in step.databases]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        output.text()
        output.text(f"{step.phase}  {', '.join(names[:SHOWN]) or '–'}{more}")
    output.text()
    if size:
        share = format_share(steps[1].size / size)
        output.text(f"{share} of {format_size(size)} of databases would leave this machine")
    elif not there:
        output.text("no database is recorded here: these are the names in the policies")
