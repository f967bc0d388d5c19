"""What becomes of a file if nobody touches it and everything goes well; pure.

The simulation jumps from one time that matters to the next: due dates, timers, and the times at
which something may be decided otherwise. It decides by the very function that decides for real.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, tzinfo

from storewarden.policy.decide import decide
from storewarden.policy.decision import Decision
from storewarden.policy.rules import LOCAL, Force, PolicySet, Triggers
from storewarden.policy.subject import Subject
from storewarden.policy.timing import carried_out


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done to a file."""

    at_ns: int
    action: Force
    policy: str
    store: str | None


def life(
    subject: Subject,
    policy_set: PolicySet,
    now_ns: int,
    until_ns: int,
    zone: tzinfo = UTC,
    *,
    pressed: bool = False,
) -> tuple[Step, ...]:
    """Return all that will be done to a file until a time, that included.

    What waits for want of space is not done, unless the file system is said to be ``pressed``.
    """
    steps: list[Step] = []
    at_ns: int | None = now_ns
    while at_ns is not None and at_ns <= until_ns:
        decision = decide(subject, policy_set, at_ns)
        done_ns = _done_ns(decision, policy_set, at_ns, zone, pressed=pressed)
        if done_ns != at_ns or decision.action is None or decision.policy is None:
            at_ns = _next(decision, done_ns, at_ns)
            continue
        steps.append(Step(at_ns, decision.action, decision.policy, decision.store))
        after = done(subject, decision.action, decision.store, at_ns)
        if after is None or after == subject:
            break  # what changes nothing would be done for ever
        subject = after
    return tuple(steps)


def done(subject: Subject, action: Force, store: str | None, at_ns: int) -> Subject | None:
    """Return what a file is after something was done to it; nothing when it is no more."""
    if action is Force.PURGE:
        return None
    if store is not None and store != LOCAL:
        others = tuple(copy for copy in subject.copies if copy[0] != store)
        subject = replace(subject, copies=(*others, (store, at_ns)))
    match action:
        case Force.MOVE if store == LOCAL:
            return replace(subject, state="present", state_ns=None, placed=LOCAL, placed_ns=at_ns)
        case Force.MOVE if store is not None:
            return replace(subject, state="archived", state_ns=at_ns, placed=store, placed_ns=at_ns)
        case Force.ARCHIVE:  # its life has it now, and no place any more
            return replace(subject, state="archived", state_ns=at_ns, placed=LOCAL, placed_ns=None)
        case Force.TRASH:
            return replace(subject, state="trashed", state_ns=at_ns)
        case _:
            return subject


def _done_ns(
    decision: Decision, policy_set: PolicySet, at_ns: int, zone: tzinfo, *, pressed: bool
) -> int | None:
    """Return when what is due is done; nothing while it is not due, hindered, or waits."""
    if decision.due_ns is None or decision.due_ns > at_ns or decision.blocked:
        return None
    policy = policy_set.policy(decision.policy or "")
    triggers = policy.triggers if policy else Triggers()
    if pressed and triggers.pressure:
        return at_ns
    return carried_out(triggers, at_ns, zone)


def _next(decision: Decision, done_ns: int | None, at_ns: int) -> int | None:
    """Return the next time that matters."""
    times = (decision.due_ns, decision.again_ns, done_ns)
    return min((time for time in times if time is not None and time > at_ns), default=None)
