"""What every policy says of one file, and why an action does not happen to it; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from storewarden.policy import phases, reasons
from storewarden.policy.decide import (
    Candidate,
    Winners,
    blocks,
    candidates,
    choose,
    winners,
)
from storewarden.policy.decision import Blocked
from storewarden.policy.evaluate import evaluate
from storewarden.policy.expression import All, Any, Class, Condition, Not, Term, Truth
from storewarden.policy.known import WINDOW
from storewarden.policy.rules import LOCAL, Force, Policy, PolicySet
from storewarden.policy.subject import Subject

Result = Literal["wins", "earlier", "no", "unknown"]
KINDS = ("hold", "place", "phases", "care")


class Account(NamedTuple):
    """What became of one policy: whether it matches, and whether it counts."""

    policy: Policy
    truth: Truth
    result: Result
    kinds: tuple[str, ...]  # of which it speaks
    wins: tuple[str, ...]  # of which it decides, or would if it were known to match
    earlier: tuple[str, ...]  # the policies that come before it


class Obstacle(NamedTuple):
    """Why one policy does not do a thing; ``terms`` are those that decide it, if any do."""

    policy: str
    what: str
    terms: tuple[Term, ...] = ()


def accounts(subject: Subject, policy_set: PolicySet, now_ns: int) -> list[Account]:
    """Return what every policy about files says of one, in the order in which they count."""
    won = winners(subject, policy_set, now_ns)
    return [
        _account(policy, at, subject, policy_set, won, now_ns)
        for at, policy in enumerate(policy_set.policies, 1)
        if policy.rows is None
    ]


def _account(
    policy: Policy, at: int, subject: Subject, policy_set: PolicySet, won: Winners, now_ns: int
) -> Account:
    truth = evaluate(policy.match, subject, now_ns, WINDOW)
    kinds = kinds_of(policy)
    wins = tuple(kind for kind in kinds if abs(getattr(won, kind)) == at)
    before = (getattr(won, kind) for kind in kinds)
    earlier = tuple(
        dict.fromkeys(
            policy_set.policies[abs(one) - 1].id for one in before if one and abs(one) != at
        )
    )
    result: Result = "earlier"
    if truth is False or not (wins or earlier):  # what only cares for databases says nothing else
        result, earlier = "no", ()
    elif truth is None:
        result = "unknown"
    elif wins:
        result = "wins"
    return Account(policy, truth, result, kinds, wins, earlier)


def kinds_of(policy: Policy) -> tuple[str, ...]:
    """Return of which of the four things a policy speaks."""
    return tuple(kind for kind in KINDS if getattr(policy, kind))


def decisive(condition: Condition, subject: Subject, now_ns: int) -> Iterator[Term]:
    """Yield the terms that make a condition what it is for a file: true, false or unknown."""
    truth = evaluate(condition, subject, now_ns, WINDOW)
    match condition:
        case Term():
            yield condition
        case Not(part) | Class(part=part):
            yield from decisive(part, subject, now_ns)
        case All(parts) | Any(parts):
            every = truth is isinstance(condition, All)
            for part in parts:
                if every or evaluate(part, subject, now_ns, WINDOW) is truth:
                    yield from decisive(part, subject, now_ns)


def obstacles(
    subject: Subject, policy_set: PolicySet, action: Force, now_ns: int
) -> Iterator[Obstacle]:
    """Yield, for each policy that does such a thing, why it does not do it to this file now.

    Nothing is yielded of a policy that would do it this moment.
    """
    won = winners(subject, policy_set, now_ns)
    for account in accounts(subject, policy_set, now_ns):
        if action in _actions(account.policy):
            what = _against(account, subject, policy_set, won, action, now_ns)
            if what is not None:
                yield what


def _against(
    account: Account,
    subject: Subject,
    policy_set: PolicySet,
    won: Winners,
    action: Force,
    now_ns: int,
) -> Obstacle | None:
    if account.truth is not True:
        what = "does not match" if account.truth is False else "it is not known whether it matches"
        return Obstacle(
            account.policy.id, what, tuple(decisive(account.policy.match, subject, now_ns))
        )
    kind = "place" if action is Force.MOVE else "phases"
    if kind not in account.wins:
        return Obstacle(account.policy.id, f"{', '.join(account.earlier)} comes first")
    return _in_time(account.policy, subject, policy_set, won, action, now_ns)


def _in_time(
    policy: Policy,
    subject: Subject,
    policy_set: PolicySet,
    won: Winners,
    action: Force,
    now_ns: int,
) -> Obstacle | None:
    """Say what keeps a policy that wins from doing a thing this moment."""
    asked = list(candidates(subject, policy_set, won, now_ns))
    mine = [one for one in asked if one.action is action and _policy(policy_set, one) is policy]
    if not mine:
        return Obstacle(policy.id, _not_next(policy, subject, action, now_ns))
    (candidate,) = mine
    blocked = blocks(candidate, subject, policy_set, won)
    if blocked is not Blocked.NO:
        names = {kind: _named(policy_set, getattr(won, kind)) for kind in KINDS}
        return Obstacle(policy.id, reasons.hindrance(blocked, subject, names))
    chosen = choose(asked, now_ns)
    if candidate.due_ns is None or candidate.due_ns > now_ns:
        when = "" if candidate.due_ns is None else f"; {reasons.when(candidate.due_ns, now_ns)}"
        why = candidate.why.removeprefix(f"{policy.id}: ")
        return Obstacle(policy.id, f"not yet: {why}{when}")
    if chosen is not candidate:
        return Obstacle(policy.id, f"{chosen.action.word} comes first: it is gentler")
    return None


def _not_next(policy: Policy, subject: Subject, action: Force, now_ns: int) -> str:
    """Say why a policy that wins does not ask for an action next."""
    if action is Force.MOVE:
        if subject.stage != "present":
            return f"it is {subject.state}"
        where = "here" if subject.lies == LOCAL else f"in {subject.lies}"
        how = policy.place.evaluate if policy.place else None
        told = f": {reasons.figures(how, subject, now_ns)}" if how else ""
        return f"it belongs {where}, where it is{told}"
    step = phases.following(policy, subject)
    if step is None:
        return f"nothing follows{reasons.behind(subject)}"
    if any(phase.do is action for phase in phases.remaining(policy.phases, subject.stage)):
        return f"{step.phase.do.word} comes before it"
    return f"that is behind it: it is {subject.state}"


def _actions(policy: Policy) -> set[Force]:
    """Return what a policy may do."""
    found = {phase.do for phase in policy.phases}
    return found | {Force.MOVE} if policy.place is not None else found


def _policy(policy_set: PolicySet, candidate: Candidate) -> Policy:
    return policy_set.policies[abs(candidate.winner) - 1]


def _named(policy_set: PolicySet, winner: int) -> str | None:
    if not winner:
        return None
    name = policy_set.policies[abs(winner) - 1].id
    return name if winner > 0 else f"?{name}"
