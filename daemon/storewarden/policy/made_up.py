"""A file that is thought up from what a test says: the rest is absent, not unknown."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any as Anything
from typing import cast

from storewarden.policy.expression import All, Any, Class, Condition, Not, Term
from storewarden.policy.known import DAY
from storewarden.policy.rules import Expectation, Policy, PolicySet
from storewarden.policy.subject import Day, Subject
from storewarden.wildcard import is_pattern

Facts = dict[str, object]

_AGES = ("age", "modified", "idle", "last_used")
_RATES = ("opens_per_day", "writes_per_day")
_PLAIN = (
    *("root", "kind", "size", "state", "placed", "growing", "uid"),
    *("mime", "width", "height", "workflow", "scene", "tool", "model", "prompt"),
    *("pinned", "rating", "owner", "cost", "free_ratio", "inspected", "understood"),
)
_NAME = b"made-up"


@dataclass(frozen=True, slots=True)
class Made:
    """What a test makes up: a file, and the policies with what the test takes for true in them."""

    subject: Subject
    policy_set: PolicySet


def make(expectation: Expectation, policy_set: PolicySet, now_ns: int) -> Made:
    """Return the file that a test is about, as it is at a time, and the policies to be asked."""
    facts = {**dict(_said(expectation.given, policy_set)), **dict(expectation.facts)}
    taken = dict(_taken(expectation.given))
    policies = tuple(
        replace(policy, match=_assume(policy.match, taken)) for policy in policy_set.policies
    )
    if (table := facts.pop("rows", None)) is not None:
        column = _row_clock(policy_set, str(table), facts)
        facts["age"] = facts.pop(column, 0) if column else 0
        policies = tuple(_of_rows(policy) for policy in policies if policy.rows == table)
    subject = _subject(facts, expectation.at_ns, now_ns)
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


def _said(given: Condition, policy_set: PolicySet) -> Iterator[tuple[str, object]]:
    """Yield the facts that follow from what is taken for true; what is written later counts."""
    match given:
        case All(parts):
            # what a class implies gives way to what is said outright
            for part in sorted(parts, key=lambda part: not isinstance(part, Class)):
                yield from _said(part, policy_set)
        case Class(name, part):
            meant = dict(policy_set.classes).get(name, part)
            yield from _said(meant, policy_set)
        case Term(name, compare, values) if len(values) >= 1:
            yield from _of_term(name, compare, values[0])
        case _:
            pass


def _of_term(name: str, compare: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield the fact that meets a term, where one does so for certain."""
    whole = not (isinstance(value, str) and is_pattern(os.fsencode(value)))
    if compare == "=" and whole:
        yield name, f"{value}made-up" if name == "path" and str(value).endswith("/") else value
    elif name in _AGES and compare in {">", ">="}:
        yield name, int(cast(int, value)) + (compare == ">")


def _subject(facts: Facts, at_ns: int, now_ns: int) -> Subject:
    """Make the file: as old as it has to be for everything that is said of it."""
    ages = {name: int(cast(int, facts.pop(name))) for name in _AGES if name in facts}
    idle = ages.get("last_used", ages.get("idle"))
    age = max(at_ns, *ages.values(), 0) if ages else at_ns
    first_seen = now_ns - ages.get("age", age)
    modified = now_ns - ages.get("modified", max(age, ages.get("age", 0)))
    subject = Subject(
        id=1,
        root="",
        path=_NAME,
        kind="other",
        size=0,
        first_seen_ns=min(first_seen, now_ns - age),
        modified_ns=min(modified, now_ns - (idle or 0)),
        inspected=True,
        understood=True,
        usage_since_ns=min(first_seen, now_ns - age),
        last_opened_ns=None if idle is None else now_ns - idle,
    )
    subject = _used(subject, facts, idle or 0, now_ns)
    named = next((name for name in ("path", "name", "ext") if name in facts), None)
    changes: dict[str, Anything] = {}
    for name, value in facts.items():
        if name == named or name not in {"path", "name", "ext"}:
            changes |= _changes(name, value, now_ns)
    subject = replace(subject, **changes)
    if facts.get("regenerable") is True:
        subject = _regenerable(subject)
    return subject


def _used(subject: Subject, facts: Facts, idle: int, now_ns: int) -> Subject:
    """Have a file used so often a day that the figure is exact in every window that is long enough.

    Shares of a use do not exist; in a made-up day they let 0.2 a day be 0.2 a day.
    """
    rates = [float(cast(float, facts.pop(name, 0))) for name in _RATES]
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


def _changes(name: str, value: object, now_ns: int) -> dict[str, object]:
    """Return the fields that a fact fills; raises ValueError for what is no fact of a file."""
    if name in _PLAIN:
        return {name: value}
    if name in _FIELDS:
        return _FIELDS[name](value, now_ns)
    if name == "regenerable":
        return {}
    raise ValueError(f"{name} is no fact that a file can be given")


def _path(value: object, _now_ns: int) -> dict[str, object]:
    return {"path": value if isinstance(value, bytes) else os.fsencode(str(value))}


def _tags(value: object, _now_ns: int) -> dict[str, object]:
    return {"tags": tuple(value) if isinstance(value, tuple | list) else (str(value),)}


def _copies(value: object, now_ns: int) -> dict[str, object]:
    """A number of copies is in so many stores of no name; else they are named."""
    if isinstance(value, int):
        return {"copies": tuple((f"store-{number}", now_ns) for number in range(value))}
    stores = value if isinstance(value, tuple | list) else (value,)
    return {"copies": tuple((str(store), now_ns) for store in stores)}


def _ext(value: object, _now_ns: int) -> dict[str, object]:
    return {"path": _NAME + b"." + os.fsencode(str(value).removeprefix("."))}


_FIELDS: dict[str, Callable[[object, int], dict[str, object]]] = {
    "path": _path,
    "name": _path,
    "ext": _ext,
    "tag": _tags,
    "tags": _tags,
    "copies": _copies,
    "seed": lambda value, _: {"seed": str(value)},
    "duration": lambda value, _: {"duration_ns": value},
    "since": lambda value, now_ns: {"state_ns": now_ns - int(cast(int, value))},
    "placed_since": lambda value, now_ns: {"placed_ns": now_ns - int(cast(int, value))},
}


# -- rows of a table ----------------------------------------------------------------------------


def _row_clock(policy_set: PolicySet, table: str, facts: Facts) -> str | None:
    """Return the column that says how old a row is."""
    columns = [policy.clock for policy in policy_set.policies if policy.rows == table]
    return next((column for column in columns if column in facts), None)


def _of_rows(policy: Policy) -> Policy:
    """Return a policy about rows as one about a file that is a row."""
    return replace(policy, rows=None, clock="created")
