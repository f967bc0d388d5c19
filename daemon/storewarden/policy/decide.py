"""Facts of a file, policies and a time, to what should happen next and why; pure.

Of each kind (hold, place, phases, care) the first policy wins whose match is not false. Where it is
unknown whether that one matches, nothing of its kind is done until it is known. What the winners
ask for are candidates; of those that are due the gentlest is the next action.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from storewarden.policy import phases, placement, reasons
from storewarden.policy.decision import Blocked, Decision
from storewarden.policy.evaluate import evaluate, flips
from storewarden.policy.rules import LOCAL, Force, Policy, PolicySet
from storewarden.policy.subject import Subject


class Winners(NamedTuple):
    """The position from 1 of the policy that wins of each kind; 0 is none.

    It is negative where it is unknown whether that policy matches.
    """

    hold: int = 0
    place: int = 0
    phases: int = 0
    care: int = 0


class Candidate(NamedTuple):
    """Something that a winner asks for; ``due_ns`` is ``None`` where its clock is not known."""

    action: Force
    due_ns: int | None
    store: str | None
    winner: int
    why: str


def decide(subject: Subject, policy_set: PolicySet, now_ns: int) -> Decision:
    """Return the next thing that should happen to a file, and which policies led to it."""
    won = winners(subject, policy_set, now_ns)
    asked = list(candidates(subject, policy_set, won, now_ns))
    names = {kind: _name(policy_set, getattr(won, kind)) for kind in Winners._fields}
    again_ns = again(subject, policy_set, won, asked, now_ns)
    decision = Decision(
        hold=names["hold"],
        place=names["place"],
        phases=names["phases"],
        care=names["care"],
        again_ns=again_ns,
    )
    if not asked:
        return decision._replace(reason=reasons.idle(subject, policy_set, names, now_ns))
    chosen = choose(asked, now_ns)
    blocked = blocks(chosen, subject, policy_set, won)
    return decision._replace(
        action=chosen.action,
        due_ns=chosen.due_ns,
        policy=policy_set.policies[abs(chosen.winner) - 1].id,
        store=chosen.store,
        blocked=blocked,
        reason=reasons.whole(chosen.why, chosen.due_ns, now_ns, blocked, subject, names),
    )


def winners(subject: Subject, policy_set: PolicySet, now_ns: int) -> Winners:
    """Return the first policy of each kind whose match is not false."""
    policies = policy_set.policies
    truths: dict[int, bool | None] = {}

    def first(positions: Iterator[int]) -> int:
        for at in positions:
            if at not in truths:
                truths[at] = evaluate(policies[at].match, subject, now_ns)
            if truths[at] is not False:
                return at + 1 if truths[at] else -(at + 1)
        return 0

    about_files = [(at, policy) for at, policy in enumerate(policies) if policy.rows is None]
    # what requires a place comes before what only prefers one
    places = sorted(
        (pair for pair in about_files if pair[1].place),
        key=lambda pair: not (pair[1].place and pair[1].place.required),
    )
    return Winners(
        hold=first(at for at, policy in about_files if policy.hold),
        place=first(at for at, _ in places),
        phases=first(at for at, policy in about_files if policy.phases),
        care=first(at for at, policy in about_files if policy.care and subject.kind == "database"),
    )


def candidates(
    subject: Subject, policy_set: PolicySet, won: Winners, now_ns: int
) -> Iterator[Candidate]:
    """Yield what the winners ask for: the next phase, and a move to where the file belongs."""
    policy = _policy(policy_set, won.phases)
    step = phases.following(policy, subject) if policy else None
    if policy and step:
        why = reasons.phase(policy, step, subject)
        store = phases.store_of(step.phase)
        yield Candidate(step.phase.do, step.due_ns, store, won.phases, why)
    policy = _policy(policy_set, won.place)
    if policy and policy.place:
        away = placement.removal(policy.place, subject, now_ns)
        if away:
            why = reasons.removal(policy, away, subject, now_ns)
            yield Candidate(Force.MOVE, away.due_ns, away.store, won.place, why)


def choose(asked: list[Candidate], now_ns: int) -> Candidate:
    """Return the gentlest of those that are due, else the one that is due first."""
    due = [one for one in asked if one.due_ns is not None and one.due_ns <= now_ns]
    if due:
        return min(due, key=lambda one: one.action)
    return min(asked, key=lambda one: (one.due_ns is None, one.due_ns or 0, one.action))


def blocks(chosen: Candidate, subject: Subject, policy_set: PolicySet, won: Winners) -> Blocked:
    """Return the first thing that keeps an action from being done.

    Copying harms nobody: only not knowing keeps it back, and that the file has no life of its own.
    """
    place = _policy(policy_set, won.place)
    required = placement.requires_local(place.place if place else None)
    back = chosen.action is Force.MOVE and chosen.store == LOCAL
    frees = chosen.action.destructive and not back
    unknown = chosen.winner < 0 or chosen.due_ns is None or (required and frees and won.place < 0)
    applies = {
        Blocked.HELD: chosen.action.destructive and won.hold != 0,
        Blocked.PINNED: chosen.action.destructive and subject.pinned,
        Blocked.REQUIRED: required and frees and won.place > 0,
        Blocked.UNKNOWN: unknown,
        Blocked.SIDECAR: subject.sidecar_of is not None,
        Blocked.GROWING: subject.growing,
    }
    return next((block for block, does in applies.items() if does), Blocked.NO)


def again(
    subject: Subject, policy_set: PolicySet, won: Winners, asked: list[Candidate], now_ns: int
) -> int | None:
    """Return the earliest time at which the decision may be another though nothing happens."""
    times = [
        flips(policy.match, subject, now_ns)
        for policy in policy_set.policies
        if policy.rows is None
    ]
    place = _policy(policy_set, won.place)
    if place and place.place:
        times.append(placement.again(place.place, subject, now_ns))
    chosen = choose(asked, now_ns) if asked else None
    times += [one.due_ns for one in asked if one is not chosen]
    return min((at for at in times if at is not None and at > now_ns), default=None)


def _policy(policy_set: PolicySet, winner: int) -> Policy | None:
    """Return the policy of a signed position."""
    return policy_set.policies[abs(winner) - 1] if winner else None


def _name(policy_set: PolicySet, winner: int) -> str | None:
    """Return the name of a winner, with ``?`` where it is unknown whether it matches."""
    policy = _policy(policy_set, winner)
    if policy is None:
        return None
    return policy.id if winner > 0 else f"?{policy.id}"
