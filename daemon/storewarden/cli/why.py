"""``storewarden why``: what becomes of one file, and what every policy says of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.api.reading.judged import Why
    from storewarden.catalogue.engine import Engine
    from storewarden.policy.rules import PolicySet
    from storewarden.policy.subject import Subject

ACTIONS = ("copy", "move", "archive", "trash", "purge")


@verb
@click.argument("path", type=click.Path())
@click.option(
    "--not",
    "action",
    metavar="ACTION",
    type=click.Choice(ACTIONS),
    help=f"Why this does not happen: {', '.join(ACTIONS)}.",
)
def why(session: Session, path: str, action: str | None) -> int:
    """Tell what becomes of a file, and why: every policy, term by term.

    PATH is absolute, or relative to here, or begins with the name of a root: uploads/a/b.png

    What happens next, when, by which policy, where to, and what keeps it from being done. Of a file
    that is gone, when it went, by whom, by which policy, and the command that brings it back.
    Nothing is changed.
    """
    from storewarden.cli.policies import policies_of, told_if_others
    from storewarden.errors import DONE

    policy_set = policies_of(session)
    with session.reading() as engine:
        from storewarden.catalogue.hosts import host_id, this_machine

        host = host_id(engine, this_machine())
        told_if_others(engine, host, policy_set)
        found = _reasons(engine, host, path, policy_set, action)
    if session.json:
        from storewarden.cli.why_told import document

        session.output.document(document(found))
    else:
        from storewarden.cli.why_told import tell

        tell(session.output, found)
    return DONE


def _reasons(
    engine: Engine, host: int | None, path: str, policy_set: PolicySet, action: str | None
) -> Why:
    """Read one file and have it judged."""
    from storewarden.api.reading.reasons import reasons
    from storewarden.clock import SystemClock

    subject, place = _file(engine, host, path)
    return reasons(engine, host, subject, place, policy_set, SystemClock().wall_ns(), action)


def _file(engine: Engine, host: int | None, path: str) -> tuple[Subject, bytes]:
    from storewarden.catalogue.subjects import tops
    from storewarden.cli.located import candidates, unknown
    from storewarden.pipeline.judging import subjects_at

    roots = tops(engine, host)
    for absolute in candidates(os.fsencode(path), os.getcwdb(), roots):
        found = subjects_at(engine, absolute, host)
        if found:
            return found[0], absolute
    raise unknown(path, roots)
