"""``storewarden why``: what becomes of one file, and what every policy says of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.subjects import Happened
    from storewarden.policy.account import Account, Obstacle
    from storewarden.policy.decision import Decision
    from storewarden.policy.explain import Explained
    from storewarden.policy.rules import Force, PolicySet
    from storewarden.policy.subject import Subject

ACTIONS = ("copy", "move", "archive", "trash", "purge")
GONE = ("missing", "purged")


@dataclass(frozen=True, slots=True)
class Said:
    """One policy: what became of it, and its condition term by term."""

    account: Account
    explained: Explained


@dataclass(frozen=True, slots=True)
class Why:
    """Everything about one file that leads to what is done with it."""

    subject: Subject
    place: bytes  # its absolute path
    now_ns: int
    decision: Decision
    said: Sequence[Said]
    gone_ns: int | None = None
    happened: Sequence[Happened] = ()
    observed: bool = False  # nothing is done until a person applied the first plan of the policy
    frozen: str = ""  # how the clock jumped, while nothing is freed because of it
    action: Force | None = None  # asked for with --not
    obstacles: Sequence[Obstacle] = ()


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
    that is gone, what is known of how it went. Nothing is changed.
    """
    from storewarden.cli.policies import policies_of, told_if_others
    from storewarden.errors import DONE

    policy_set = policies_of(session)
    with session.reading() as engine:
        from storewarden.catalogue.roots import host_id, this_machine

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
    from storewarden.catalogue.subjects import past
    from storewarden.cli.policies import frozen, observed
    from storewarden.clock import SystemClock

    subject, place = _file(engine, host, path)
    gone_ns, happened = past(engine, subject.id)
    found = judged(subject, place, policy_set, SystemClock().wall_ns(), action)
    return replace(
        found,
        gone_ns=gone_ns,
        happened=happened,
        observed=found.decision.policy in observed(engine, host, policy_set),
        frozen=frozen(engine, host),
    )


def judged(
    subject: Subject, place: bytes, policy_set: PolicySet, now_ns: int, action: str | None = None
) -> Why:
    """Return what policies say of a file, and why an action does not happen to it."""
    from storewarden.policy import account
    from storewarden.policy.decide import decide
    from storewarden.policy.explain import explain
    from storewarden.policy.rules import Force

    asked = Force[action.upper()] if action else None
    against = account.obstacles(subject, policy_set, asked, now_ns) if asked else ()
    return Why(
        subject=subject,
        place=place,
        now_ns=now_ns,
        decision=decide(subject, policy_set, now_ns),
        said=[
            Said(each, explain(each.policy.match, subject, now_ns))
            for each in account.accounts(subject, policy_set, now_ns)
        ],
        action=asked,
        obstacles=tuple(against),
    )


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
