"""A file that is thought up from what a test says: the rest is absent, not unknown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any as Anything
from typing import cast

from storewarden.policy.expression import All, Any, Class, Condition, Not, Term
from storewarden.policy.known import DAY
from storewarden.policy.rules import Expectation, Policy, PolicySet
from storewarden.policy.subject import Day, Subject
from storewarden.policy.terms import RATES

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Made:
    """What a test makes up: a file, and the policies with what the test takes for true in them."""

    subject: Subject
    policy_set: PolicySet


def make(expectation: Expectation, policy_set: PolicySet, now_ns: int) -> Made:
    """Return the file that a test is about, as it is at a time, and the policies to be asked."""
    facts = dict(expectation.facts)
    age_ns = expectation.at_ns
    taken = dict(_taken(expectation.given))
    policies = tuple(
        replace(policy, match=_assume(policy.match, taken)) for policy in policy_set.policies
    )
    if (table := facts.pop("rows", None)) is not None:
        column = _row_clock(policy_set, str(table), facts)
        age_ns = cast(int, facts.pop(column)) if column else age_ns
        policies = tuple(_of_rows(policy) for policy in policies if policy.rows == table)
    subject = _subject(facts, age_ns, now_ns)
    return Made(subject, replace(policy_set, policies=policies))


# -- what is taken for true ---------------------------------------------------------------------


def _taken(given: Condition, truth: bool = True) -> Iterator[tuple[object, bool]]:  # noqa: FBT001, FBT002  # turned over by not
    """Yield the classes and terms that a test takes for true or false."""
    match given:
        case All(parts) if truth:
            for part in parts:
                yield from _taken(part, truth)
        case Any(parts) if not truth:
            for part in parts:
                yield from _taken(part, truth)
        case Not(part):
            yield from _taken(part, not truth)
        case Class(name):
            yield name, truth
        case Term():
            yield _same(given), truth
        case _:
            pass  # that one of several is so says of none that it is


def _assume(condition: Condition, taken: Mapping[object, bool]) -> Condition:
    """Return a condition in which what is taken for true is so."""
    match condition:
        case All(parts):
            return All(tuple(_assume(part, taken) for part in parts))
        case Any(parts):
            return Any(tuple(_assume(part, taken) for part in parts))
        case Not(part):
            return Not(_assume(part, taken))
        case Class(name, part):
            if name in taken:
                return _certain(taken[name])
            return Class(name, _assume(part, taken))
        case Term():
            truth = taken.get(_same(condition))
            return condition if truth is None else _certain(truth)


def _certain(truth: bool) -> Condition:  # noqa: FBT001  # a truth is what it is about
    return All(()) if truth else Any(())


def _same(term: Term) -> object:
    """Return what makes two terms the same, however they are written."""
    return term.name, term.compare, frozenset(term.values)


# -- what is said of the file -------------------------------------------------------------------


def _subject(facts: Facts, age_ns: int, now_ns: int) -> Subject:
    """Make the file. It was counted, and looked into, from its beginning; nobody used it since."""
    began_ns = now_ns - age_ns
    idle = cast(int | None, facts.pop("last_used_ago_ns", None))
    modified = cast(int, facts.pop("modified_ago_ns", age_ns))
    subject = Subject(
        id=1,
        root="",
        path=b"made-up",
        kind="other",
        size=0,
        first_seen_ns=began_ns,
        modified_ns=now_ns - modified,
        state_ns=None if facts.get("state", "present") == "present" else began_ns,
        inspected=True,
        understood=True,
        usage_since_ns=began_ns,
        last_opened_ns=None if idle is None else now_ns - idle,
    )
    subject = _used(subject, facts, idle or 0, now_ns)
    regenerable = facts.pop("regenerable", None)
    changes: dict[str, Anything] = {}
    for name, value in facts.items():
        changes |= _changes(name, value, now_ns)
    subject = replace(subject, **changes)
    return _regenerable(subject) if regenerable is True else subject


def _used(subject: Subject, facts: Facts, idle: int, now_ns: int) -> Subject:
    """Have a file used so often a day that the figure is exact in every window long enough.

    Shares of a use do not exist; in a made-up day they let 0.2 a day be 0.2 a day.
    """
    rates = [float(cast(float, facts.pop(name, 0))) for name in RATES]
    if not any(rates):
        return subject
    span = max(DAY, idle)
    opens, writes = (cast(int, rate * span / DAY) for rate in rates)
    day = Day(now_ns // DAY, opens, writes)
    return replace(subject, usage_since_ns=now_ns - span, days=(day,))


def _regenerable(subject: Subject) -> Subject:
    """Say how a file was made where a test leaves it open."""
    return replace(
        subject,
        tool=subject.tool or "made-up",
        model=subject.model or "made-up",
        prompt=subject.prompt or "made-up",
        seed=subject.seed or "1",
    )


def _changes(name: str, value: object, now_ns: int) -> Facts:
    """Return the fields that a fact fills; raises ValueError for what is no fact of a file."""
    if name in {"path", "name"}:
        return {"path": value if isinstance(value, bytes) else os.fsencode(str(value))}
    if name == "copies":
        stores = (f"store-{number}" for number in range(cast(int, value)))
        return {name: tuple((store, now_ns) for store in stores)}
    if name not in Subject.__slots__:
        raise ValueError(f"{name} is no fact that a file can be given")
    return {name: value}


# -- rows of a table ----------------------------------------------------------------------------


def _row_clock(policy_set: PolicySet, table: str, facts: Facts) -> str | None:
    """Return the column that says how old a row is."""
    columns = [policy.clock for policy in policy_set.policies if policy.rows == table]
    return next((column for column in columns if column in facts), None)


def _of_rows(policy: Policy) -> Policy:
    """Return a policy about rows as one about a file that is a row."""
    return replace(policy, rows=None, clock="created", match=All(()))
