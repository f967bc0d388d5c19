"""One file, what is decided of it, and all that led to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from storewarden.api.reading.went import Tried, Went
from storewarden.catalogue.held_back import HeldBack
from storewarden.catalogue.subjects import Happened
from storewarden.policy import account
from storewarden.policy.account import Account, Obstacle
from storewarden.policy.decide import decide
from storewarden.policy.decision import Decision
from storewarden.policy.explain import Explained, explain
from storewarden.policy.rules import Force, PolicySet
from storewarden.policy.subject import Subject

GONE = ("missing", "purged")


class Said(NamedTuple):
    """One policy: what became of it, and its condition term by term."""

    account: Account
    explained: Explained


class Why(NamedTuple):
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
    held: Sequence[HeldBack] = ()  # what keeps its policy from doing it now
    action: Force | None = None  # asked for with --not
    obstacles: Sequence[Obstacle] = ()
    went: Went | None = None  # how it left its place
    tried: Tried | None = None  # what was last tried with it, and came to nothing


def judged(
    subject: Subject, place: bytes, policy_set: PolicySet, now_ns: int, action: str | None = None
) -> Why:
    """Return what policies say of a file, and why an action does not happen to it."""
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
