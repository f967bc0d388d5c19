"""Whether a condition is true of one file, false, or unknown; and when time may change that."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any as Anything

from storewarden.policy.expression import All, Any, Class, Condition, Not, Term, Truth, Value
from storewarden.policy.expression import terms as terms_of
from storewarden.policy.known import (
    DAY,
    UNKNOWN,
    WINDOW,
    Fact,
    began,
    fact,
    uses,
    window_began,
)
from storewarden.policy.subject import Subject
from storewarden.policy.terms import RATES, TERMS
from storewarden.wildcard import is_pattern, matches

NEAR = 0.005  # of a rate: 0.33 is what people write for a third
LATEST = 2**63 - 1

_COMPARE: dict[str, Callable[[Anything, Anything], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(condition: Condition, subject: Subject, now_ns: int, window_ns: int = WINDOW) -> Truth:
    """Return whether a condition is true of a file; None when that is unknown."""
    match condition:
        case Term():
            return met(condition, fact(condition.name, subject, now_ns, window_ns))
        case All(parts):
            return conjunction(evaluate(part, subject, now_ns, window_ns) for part in parts)
        case Any(parts):
            return disjunction(evaluate(part, subject, now_ns, window_ns) for part in parts)
        case Not(part):
            return negation(evaluate(part, subject, now_ns, window_ns))
        case Class(part=part):
            return evaluate(part, subject, now_ns, window_ns)


def conjunction(truths: Iterable[Truth]) -> Truth:
    """Return whether all are true: one that is false decides, then one that is unknown."""
    result: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


def disjunction(truths: Iterable[Truth]) -> Truth:
    """Return whether one is true."""
    return negation(conjunction(map(negation, truths)))


def negation(truth: Truth) -> Truth:
    """Return the opposite; of what is unknown it is unknown."""
    return None if truth is None else not truth


# -- one term -----------------------------------------------------------------------------------


def met(term: Term, known: Fact) -> Truth:
    """Return whether a fact meets a term; what is absent meets ``!=`` and nothing else."""
    if known is UNKNOWN:
        return None
    if term.compare in {"=", "!="}:
        equal = any(_equal(term.name, known, value) for value in term.values)
        return equal == (term.compare == "=")
    return known is not None and any(_COMPARE[term.compare](known, v) for v in term.values)


def _equal(name: str, known: Fact, value: Value) -> bool:
    if known is None:
        return False
    if isinstance(known, tuple):
        return any(_text_equal(name, one, str(value)) for one in known)
    if TERMS[name].kind == "text":
        return _text_equal(name, known, str(value))
    if name == "seed":
        return str(known) == str(value)
    if name in RATES:
        rate = float(known)  # type: ignore[arg-type]  # a rate is a number
        return float(value) - NEAR < rate < float(value) + NEAR
    return known == value


def _text_equal(name: str, known: Anything, value: str) -> bool:
    text = known if isinstance(known, bytes) else os.fsencode(known)
    pattern = os.fsencode(value)
    if name == "ext":
        end = b"." + pattern.removeprefix(b".").lower()
        return len(text) > len(end) and text.lower().endswith(end)
    if name == "prompt":
        text, pattern = text.lower(), pattern.lower()
        return matches(pattern, text) if b"*" in pattern else pattern in text
    if name == "path" and pattern.endswith(b"/"):
        pattern += b"*"
    return matches(pattern, text) if is_pattern(pattern) else pattern == text


# -- time ---------------------------------------------------------------------------------------


def flips(
    condition: Condition, subject: Subject, now_ns: int, window_ns: int = WINDOW
) -> int | None:
    """Return the earliest time to come at which time alone may change what is true of a file."""
    times = (_flip(term, subject, now_ns, window_ns) for term in terms_of(condition))
    return min((time for time in times if time is not None), default=None)


def _flip(term: Term, subject: Subject, now_ns: int, window_ns: int) -> int | None:
    if term.name in RATES:
        began_ns = window_began(subject, now_ns, window_ns)
        used = began_ns is not None and uses(term.name, subject, began_ns) > 0
        return (now_ns // DAY + 1) * DAY if used else None
    if TERMS[term.name].kind != "age":
        return None
    since = began(term.name, subject)
    if since is None:
        return None
    return min((since + limit for limit in limits(term) if since + limit > now_ns), default=None)


def limits(term: Term) -> Iterator[int]:
    """Yield the ages from which on a term is another."""
    for value in term.values:
        # exactly so old is not yet older
        yield int(value) + (term.compare in {">", "<="})


def hysteresis(condition: Condition, factor: float) -> Condition:
    """Return a condition that is met more easily (or less) by so many times the use.

    A least rate is multiplied, a greatest one moves as far the other way.
    """
    match condition:
        case Term(name, compare, values) if name in RATES and compare not in {"=", "!="}:
            times = factor if compare in {">", ">="} else 2 - factor
            return replace(condition, values=tuple(float(value) * times for value in values))
        case Term():
            return condition
        case All(parts):
            return All(tuple(hysteresis(part, factor) for part in parts))
        case Any(parts):
            return Any(tuple(hysteresis(part, factor) for part in parts))
        case Not(part):
            return Not(hysteresis(part, 2 - factor))
        case Class(name, part):
            return Class(name, hysteresis(part, factor))
