"""All that leads to what is done with a file, read from the catalogue and judged by policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storewarden.api.reading import went
from storewarden.api.reading.in_force import frozen, observed
from storewarden.api.reading.judged import Why, judged
from storewarden.catalogue import held_back
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.held_back import HeldBack
from storewarden.catalogue.subjects import past
from storewarden.policy.rules import Force, PolicySet
from storewarden.policy.subject import Subject


def reasons(
    engine: Engine,
    host: int | None,
    subject: Subject,
    place: bytes,
    policy_set: PolicySet,
    now_ns: int,
    action: str | None = None,
) -> Why:
    """Return what becomes of a file and why, with all that was done and tried with it."""
    gone_ns, happened = past(engine, subject.id)
    how, tried = went.read(engine, subject.id, subject.state, subject.root, subject.path)
    found = judged(subject, place, policy_set, now_ns, action)
    return found._replace(
        gone_ns=gone_ns,
        happened=happened,
        went=how,
        tried=tried,
        observed=found.decision.policy in observed(engine, host, policy_set),
        frozen=frozen(engine, host),
        held=_held(engine, host, found),
    )


def _held(engine: Engine, host: int | None, found: Why) -> tuple[HeldBack, ...]:
    """Return what the daemon's last run was kept from by limits, if this file is among it."""
    decision, root = found.decision, found.subject.root
    due = decision.due_ns is not None and decision.due_ns <= found.now_ns
    if host is None or decision.action is None or decision.blocked or not due:
        return ()
    kept = [
        one
        for one in held_back.read(engine, host)
        if one.policy == decision.policy and one.guard.partition(":")[2] in {"", root}
    ]
    return tuple(_untold(kept, decision.action)) if kept else ()


def _untold(kept: Sequence[HeldBack], action: Force) -> Iterator[HeldBack]:
    """Yield what holds an action back and is not told by what is known without a run."""
    from storewarden.policy.run import Limit  # noqa: PLC0415  # 3 ms, that hardly any file needs

    told = {Limit.OBSERVED.value, Limit.CLOCK.value}
    if not action.destructive:
        told |= {Limit.OBJECTS.value, Limit.BYTES.value, Limit.SHARE.value}
    yield from (one for one in kept if one.guard not in told)
