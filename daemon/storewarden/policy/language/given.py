"""Facts that make conditions true, for a file that is thought up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any as Anything

from storewarden.policy.expression import All, Any, Class, Condition, Term, Value
from storewarden.policy.terms import TERMS

_FIELDS = {
    "age": "age_ns",
    "modified": "modified_ago_ns",
    "idle": "last_used_ago_ns",
    "last_used": "last_used_ago_ns",
    "duration": "duration_ns",
    "tag": "tags",
}
_SOME_NAME = "file"


def facts_of(condition: Condition) -> dict[str, Anything]:
    """Return facts that meet the condition as far as it says plainly what there has to be.

    Of several ways the first is taken; what must not be says nothing.
    """
    facts: dict[str, Anything] = {}
    match condition:
        case Term():
            if condition.compare != "!=":
                facts = dict([of_term(condition, {})])
        case Any((first, *_)) | Class(part=first):
            facts = facts_of(first)
        case All(parts):
            for part in parts:
                facts = {**facts_of(part), **facts}
    return facts


def of_term(term: Term, known: Mapping[str, Anything]) -> tuple[str, Anything]:
    """Return the field that a term is about, and a value that meets the term."""
    value = _meeting(term)
    if term.name in {"path", "name", "ext"}:
        return "path", _path(term.name, str(value), known.get("path", b""))
    if term.name == "tag":
        return "tags", (*known.get("tags", ()), str(value))
    if term.name == "seed":
        return "seed", str(value)
    return _FIELDS.get(term.name, term.name), value


def _meeting(term: Term) -> Value:
    """Return the value that is nearest to a limit on the side that is meant."""
    value = term.values[0]
    if isinstance(value, bool) or term.compare in {"=", ">=", "<="}:
        return _literal(value) if TERMS[term.name].patterns and isinstance(value, str) else value
    if isinstance(value, str):
        return value
    step = 1 if TERMS[term.name].kind != "number" else abs(value) * 0.01 + 0.01
    if term.compare == ">":
        return value + step
    return value - step


def _literal(pattern: str) -> str:
    """Return a text that meets a pattern."""
    text = re.sub(r"\[!.\]?[^\]]*\]", "_", pattern)
    text = re.sub(r"\[(.)[^\]]*\]", r"\1", text)
    return text.replace("*", "x").replace("?", "x")


def _path(name: str, value: str, known: bytes) -> bytes:
    """Return a path in which a part is as it should be."""
    if name == "path":
        path = f"{value}{_SOME_NAME}" if value.endswith("/") else value
        return path.encode("utf-8", "surrogateescape")
    directory, slash, last = known.decode("utf-8", "surrogateescape").rpartition("/")
    last = value if name == "name" else f"{last or _SOME_NAME}.{value.removeprefix('.')}"
    return f"{directory}{slash}{last}".encode("utf-8", "surrogateescape")
