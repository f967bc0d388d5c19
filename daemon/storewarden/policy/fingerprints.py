"""What policies mean, as a short text: the same for the same meaning, however it is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from storewarden.policy import expression
from storewarden.policy.expression import All, Class, Condition, Not, Term
from storewarden.policy.rules import Policy

_SAID = {"category", "reason", "observe"}  # of a policy: what changes nothing of what it does


def fingerprint(policy: Policy) -> str:
    """Return what stands for all that a policy does; words for people do not count."""
    return _digest(_policy(policy, _SAID))


def of_set(
    policies: Sequence[Policy],
    classes: Sequence[tuple[str, Condition]] = (),  # noqa: ARG001  # each stands where it is used
) -> str:
    """Return what stands for a whole set: its policies, in their order, and what they say."""
    return _digest([_policy(policy, set()) for policy in policies])


def _digest(meaning: Any) -> str:
    text = json.dumps(meaning, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _policy(policy: Policy, without: set[str]) -> dict[str, Any]:
    names = [one.name for one in fields(policy) if one.name not in {*without, "where"}]
    return {name: _plain(getattr(policy, name)) for name in names}


def _plain(value: Any) -> Any:
    """Return a value of a policy as JSON has it; what is what it is by default is there as well."""
    if isinstance(value, Term | All | expression.Any | Not | Class):
        return _condition(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(one) for name, one in value._asdict().items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.compare}
    return value


def _condition(condition: Condition) -> Any:
    match condition:
        case Term(name, compare, values):
            typed = [[type(value).__name__, value] for value in values]
            return [name, compare, sorted(typed, key=str)]
        case All((part,)) | expression.Any((part,)) | Class(part=part):
            return _condition(part)
        case All(parts):
            return ["all", [_condition(part) for part in parts]]
        case expression.Any(parts):
            return ["any", [_condition(part) for part in parts]]
        case Not(part):
            return ["not", _condition(part)]
