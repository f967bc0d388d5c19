"""Which step in the life of a file comes next, and when."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.policy.rules import LOCAL, Force, Phase, Policy
from storewarden.policy.subject import Subject

_DONE = {"archived": Force.ARCHIVE, "trashed": Force.TRASH}
"""What was done last to a file in that state."""


class Next(NamedTuple):
    """A phase that comes next, and since when its time is counted; ``None`` is not known."""

    phase: Phase
    from_ns: int | None
    due_ns: int | None


def remaining(phases: tuple[Phase, ...], stage: str) -> tuple[Phase, ...]:
    """Return what can still come at a stage of life: what stands after the phase that led there.

    A file may have come there by another's hand: then what is stronger can still come.
    """
    if stage == "present":
        return phases
    done = _DONE.get(stage)
    if done is None:
        return ()
    last = max((at for at, phase in enumerate(phases) if phase.do is done), default=None)
    if last is None:
        return tuple(phase for phase in phases if phase.do > done)
    return phases[last + 1 :]


def following(policy: Policy, subject: Subject) -> Next | None:
    """Return the phase that comes next for a file, or nothing when its life is through."""
    done = None if subject.stage == "present" else subject.state_ns
    for phase in remaining(policy.phases, subject.stage):
        step = _timed(phase, done, policy, subject)
        there = _there_ns(phase, subject)
        if there is None:
            return step
        # It may have come there long before that was due: what is in use stays.
        done = None if step.due_ns is None else max(step.due_ns, there)
    return None


def clock_ns(clock: str, subject: Subject) -> int | None:
    """Return what a policy's clock shows for a file; nothing where it is not known."""
    match clock:
        case "created":
            return subject.first_seen_ns
        case "modified":
            return subject.modified_ns
        case "last_used":
            return subject.last_used_ns
        case _:
            return None  # a column of a table: files have none


def back_ns(subject: Subject) -> int | None:
    """Return since when a file is back that was away; its life begins anew from there.

    Else what somebody brings back to use it would be taken away again at once.
    """
    return subject.placed_ns if subject.state == "present" else None


def store_of(phase: Phase) -> str | None:
    """Return the store that a phase brings a file to."""
    return phase.to if phase.do in (Force.COPY, Force.ARCHIVE) else None


def copied_ns(store: str | None, subject: Subject) -> int | None:
    """Return since when a store has a verified copy; of no store in particular, any but here."""
    times = [at for name, at in subject.copies if name == store or (not store and name != LOCAL)]
    return min(times, default=None)


def _there_ns(phase: Phase, subject: Subject) -> int | None:
    """Return since when a file is where a phase would bring it; it is done then."""
    if phase.do is Force.COPY:
        return copied_ns(phase.to, subject)
    if phase.do is Force.ARCHIVE and subject.away and subject.lies == phase.to:
        return subject.first_seen_ns if subject.placed_ns is None else subject.placed_ns
    return None


def _timed(phase: Phase, done: int | None, policy: Policy, subject: Subject) -> Next:
    """Say when a phase is due, of which the one before was ``done`` then, as far as is known."""
    if phase.after_previous:
        return Next(phase, done, None if done is None else done + phase.after_ns)
    since = clock_ns(policy.clock, subject)
    if since is None:
        return Next(phase, None, None)
    since = max(since, back_ns(subject) or since)
    due = since + phase.after_ns
    if subject.stage != "present" and subject.state_ns is not None:
        due = max(due, subject.state_ns)
    return Next(phase, since, due)
