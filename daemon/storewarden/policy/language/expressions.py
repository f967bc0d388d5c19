"""Conditions written as one line of text, as values of keys."""

from __future__ import annotations

from collections.abc import Mapping as Named

from storewarden.config.problems import joined
from storewarden.config.yamltext import Mapping
from storewarden.policy.expression import Condition, terms
from storewarden.policy.language.keys import Key
from storewarden.policy.language.values import Reader
from storewarden.policy.terms import TERMS
from storewarden.policy.text import parse


def read_expression(
    reader: Reader,
    mapping: Mapping,
    key: Key,
    path: str,
    classes: Named[str, Condition],
    *,
    measured: bool = False,
) -> Condition | None:
    """Return the condition of a key; ``measured`` says that facts of databases may stand in it."""
    entry = mapping.entries.get(key.name)
    if entry is None:
        return None
    path = joined(path, key.name)
    text = reader.scalar(entry.node, path, str(key))
    if text is None:
        return None
    condition = parse(text.text, text.place, reader.problems, path, classes)
    if condition is None:
        return None
    for term in terms(condition):
        if not measured and not TERMS[term.name].match:
            what = f"{term.name} is no term of a match"
            hint = "it is for the care of databases, as in vacuum"
            reader.problems.add(text.place, path, what, hint)
            return None
    return condition
