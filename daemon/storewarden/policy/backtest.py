"""What policies would have done to a file some time ago, and whether it was wanted later; pure.

The recorded use of the file is replayed: it goes through its life from then on, each day on which
somebody used it moves what counts from its last use, and what is used after its bytes were gone
from here is regretted. Of what is not recorded, the file as it is now stands for the file then:
its name, its size, what was found in it, what people said of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from itertools import count

from storewarden.policy.expression import All, Any, Class, Condition, Not, Term
from storewarden.policy.expression import terms as terms_of
from storewarden.policy.known import DAY
from storewarden.policy.life import Step, done, life
from storewarden.policy.rules import LOCAL, Force, PolicySet
from storewarden.policy.subject import Day, Subject
from storewarden.policy.terms import RATES, TERMS

OTHERWISE = {"copies"}
"""What policies themselves change."""

MOST_STEPS = 1000  # of one file: what goes on for ever is no life


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is gone through again."""

    from_ns: int
    until_ns: int
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Replay:
    """What would have happened to a file, and how it was used after that."""

    subject: Subject  # as it is now
    steps: tuple[Step, ...]
    gone: Step | None  # the first that took it from here
    days: tuple[Day, ...] = ()  # the days of use from then on, the day itself included

    @property
    def opens(self) -> int:
        """How often it was opened when it was no longer here."""
        return sum(day.opens for day in self.days)

    @property
    def regretted(self) -> bool:
        """Whether it was wanted when it was no longer here."""
        return bool(self.days)

    @property
    def freed(self) -> int:
        """The bytes that are free here at the end; what is in the trash still lies here."""
        return self.subject.size if any(frees(step) for step in self.steps) else 0


def leaves(step: Step) -> bool:
    """Tell whether a step takes a file from where applications look for it."""
    return step.action.destructive and (step.action is not Force.MOVE or step.store != LOCAL)


def frees(step: Step) -> bool:
    """Tell whether a step frees the bytes of a file in its root."""
    return leaves(step) and step.action is not Force.TRASH


def replay(subject: Subject, policy_set: PolicySet, window: Window) -> Replay | None:
    """Go through the life of a file again; None when it was not there, or no longer."""
    began_ns = max(window.from_ns, subject.first_seen_ns)
    taken = subject.state != "present" and (subject.state_ns is None or subject.state_ns < began_ns)
    if began_ns > window.until_ns or taken:
        return None
    steps = tuple(_steps(subject, policy_set, began_ns, window))
    gone = next((step for step in steps if leaves(step)), None)
    if gone is None:
        return Replay(subject, steps, None)
    after = tuple(day for day in subject.days if day.day >= gone.at_ns // DAY and day.opens)
    return Replay(subject, steps, gone, after)


def _steps(
    subject: Subject, policy_set: PolicySet, began_ns: int, window: Window
) -> Iterator[Step]:
    """Yield what is done to the file, each after all that happened to it before."""
    within = (time for time in _events(subject) if began_ns < time <= window.until_ns)
    events = sorted(set(within), reverse=True)  # the next one last
    then: Subject | None = as_of(subject, began_ns)
    at_ns, uses_hasten = began_ns, hastened(policy_set)
    for _ in range(MOST_STEPS):
        if then is None:
            return
        for step in life(then, policy_set, at_ns, window.until_ns, window.zone):
            if events and events[-1] < step.at_ns:
                break  # it may come otherwise
            yield step
            then, at_ns = done(then, step.action, step.store, step.at_ns), step.at_ns
            if then is None:
                return
        else:
            if not uses_hasten and (subject.usage_since_ns or 0) <= at_ns:
                return
        if not events:
            return
        at_ns = events.pop()
        then = _at(subject, at_ns, then)


def hastened(policy_set: PolicySet) -> bool:
    """Tell whether use may have something done that would not be done without it."""
    conditions: list[Condition] = []
    for policy in policy_set.policies:
        conditions.append(policy.match)
        if policy.place and policy.place.evaluate:
            conditions.append(policy.place.evaluate.local_if)
    return any(
        term.name in {*RATES, "idle", "last_used", "modified"}
        for condition in conditions
        for term in terms_of(condition)
    )


def _events(subject: Subject) -> Iterator[int]:
    """Yield when something is known to have happened to a file."""
    yield subject.modified_ns
    if subject.usage_since_ns is not None:
        yield subject.usage_since_ns
        for day in subject.days:
            yield _end(day, subject)


def _end(day: Day, subject: Subject) -> int:
    """Return when a day's use had happened: at its end, or at the last use of all, which is known.

    So whatever is done on a day is done before the file is used on it, and regretted.
    """
    last_ns = subject.last_opened_ns
    if last_ns is not None and last_ns // DAY == day.day:
        return last_ns
    return (day.day + 1) * DAY - 1


def as_of(subject: Subject, at_ns: int) -> Subject:
    """Return a file as it was at a time, as far as that was recorded; it was here."""
    copies = tuple(copy for copy in subject.copies if copy[1] <= at_ns)
    fresh = replace(
        subject, state="present", state_ns=None, placed=LOCAL, placed_ns=None, copies=copies
    )
    return _at(subject, at_ns, replace(fresh, growing=False))


def _at(subject: Subject, at_ns: int, before: Subject) -> Subject:
    """Return a file after all that happened to it until a time."""
    since_ns = subject.usage_since_ns
    if since_ns is not None and since_ns > at_ns:
        since_ns = None
    days = tuple(day for day in subject.days if _end(day, subject) <= at_ns)
    opened = [_end(day, subject) for day in days]
    if subject.last_opened_ns is not None and subject.last_opened_ns <= at_ns:
        opened.append(subject.last_opened_ns)
    modified_ns = subject.modified_ns
    if modified_ns > at_ns:  # when it was written before that is not known
        modified_ns = min(subject.first_seen_ns, at_ns)
    return replace(
        before,
        usage_since_ns=since_ns,
        last_opened_ns=max(opened, default=None),
        days=days,
        modified_ns=modified_ns,
    )


# -- all of them --------------------------------------------------------------------------------


@dataclass(slots=True)
class Came:
    """What one policy would have come to."""

    files: dict[str, int] = field(default_factory=dict)  # by what would have been done
    bytes: dict[str, int] = field(default_factory=dict)
    freed: int = 0
    regretted: int = 0  # files that were opened later
    regretted_bytes: int = 0
    opens: int = 0  # and how often
    examples: list[Replay] = field(default_factory=list)  # of what was regretted


@dataclass(slots=True)
class Backtest:
    """What all policies would have come to."""

    files: int = 0  # that were looked at
    counted: int = 0  # of them those whose use is recorded
    taken: int = 0  # of them those that would have left
    bytes: int = 0
    freed: int = 0
    regretted: int = 0
    opens: int = 0
    policies: dict[str, Came] = field(default_factory=dict)


MOST_EXAMPLES = 10


def backtest(
    subjects: Iterable[Subject], policy_set: PolicySet, window: Window
) -> Iterator[Backtest]:
    """Yield what all comes to after each thousand of files, at last after all of them."""
    found = Backtest(policies={policy.id: Came() for policy in policy_set.policies})
    for number, subject in zip(count(1), subjects, strict=False):
        found.files += 1
        found.bytes += subject.size
        found.counted += subject.usage_since_ns is not None
        one = replay(subject, policy_set, window)
        if one is not None:
            _count(found, one)
        if not number % 1000:
            yield found
    yield found


def _count(found: Backtest, one: Replay) -> None:
    for step in one.steps:
        came, word, size = found.policies[step.policy], step.action.word, one.subject.size
        came.files[word] = came.files.get(word, 0) + 1
        came.bytes[word] = came.bytes.get(word, 0) + size
    freeing = next((step for step in one.steps if frees(step)), None)
    if freeing is not None:
        found.policies[freeing.policy].freed += one.freed
        found.freed += one.freed
    if one.gone is None:
        return
    found.taken += 1
    if one.regretted:
        came = found.policies[one.gone.policy]
        came.regretted += 1
        came.regretted_bytes += one.subject.size
        came.opens += one.opens
        found.regretted += 1
        found.opens += one.opens
        came.examples = sorted([*came.examples, one], key=lambda each: -each.opens)[:MOST_EXAMPLES]


# -- which files it is about --------------------------------------------------------------------


def concerned(policy_set: PolicySet) -> Condition:
    """Return a condition that is false of every file that was never touched in the past.

    What moves with time was something else then: terms about it are taken for met.
    """
    acting = [
        policy
        for policy in policy_set.policies
        if policy.rows is None and (policy.phases or policy.place)
    ]
    return Any(tuple(_loose(policy.match, wanted=True) for policy in acting))


def waiting_for_pressure(policy_set: PolicySet) -> list[str]:
    """Return the policies that only act when space is wanted: of that nothing is recorded."""
    return [
        policy.id
        for policy in policy_set.policies
        if policy.triggers.pressure and not policy.triggers.event and not policy.triggers.timers
    ]


def _loose(condition: Condition, *, wanted: bool) -> Condition:
    """Take every term that may have been otherwise for what makes the whole true."""
    match condition:
        case Term(name):
            if not TERMS[name].moves and name not in OTHERWISE:
                return condition
            return All(()) if wanted else Any(())
        case All(parts):
            return All(tuple(_loose(part, wanted=wanted) for part in parts))
        case Any(parts):
            return Any(tuple(_loose(part, wanted=wanted) for part in parts))
        case Not(part):
            return Not(_loose(part, wanted=not wanted))
        case Class(part=part):
            return _loose(part, wanted=wanted)
