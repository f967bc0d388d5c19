"""Where files belong: in stores that are required or preferred, or by how they are used."""

from __future__ import annotations

from collections.abc import Mapping as Named

from storewarden.config.problems import joined
from storewarden.config.yamltext import Mapping, Node
from storewarden.policy.expression import Condition
from storewarden.policy.language.expressions import read_expression
from storewarden.policy.language.keys import (
    ELSE,
    EVALUATE,
    EVALUATION,
    HYSTERESIS,
    LOCAL_IF,
    MIN_STAY,
    PLACE,
    PLACES,
    PREFERRED,
    REQUIRED,
    WINDOW,
)
from storewarden.policy.language.values import Reader
from storewarden.policy.rules import Evaluate, Placement


def read_place(
    reader: Reader, node: Node, path: str, classes: Named[str, Condition]
) -> Placement | None:
    """Return the placement; exactly one of the three has to be said."""
    mapping = reader.mapping(node, path, str(PLACE))
    if mapping is None:
        return None
    reader.known(mapping, path, PLACES)
    there = [key for key in PLACES if key.name in mapping.entries]
    if len(there) > 1:
        what = f"{there[0].name} and {there[1].name} together"
        hint = "keep one, or write a policy for each"
        reader.problems.add(mapping.entries[there[1].name].place, path, what, hint)
    required = reader.single(mapping, REQUIRED, path)
    preferred = reader.single(mapping, PREFERRED, path)
    evaluate = _evaluate(reader, mapping, path, classes)
    if required is None and preferred is None and evaluate is None:
        return None
    return Placement(required or (), preferred or (), evaluate)


def _evaluate(
    reader: Reader, place: Mapping, path: str, classes: Named[str, Condition]
) -> Evaluate | None:
    entry = place.entries.get(EVALUATE.name)
    if entry is None:
        return None
    path = joined(path, EVALUATE.name)
    mapping = reader.mapping(entry.node, path, str(EVALUATE))
    if mapping is None:
        return None
    reader.known(mapping, path, EVALUATION)
    lacking = [reader.missing(mapping, key, path) for key in (WINDOW, LOCAL_IF, ELSE)]
    window = reader.single(mapping, WINDOW, path)
    otherwise = reader.single(mapping, ELSE, path)
    stay = reader.single(mapping, MIN_STAY, path)
    hysteresis = reader.single(mapping, HYSTERESIS, path)
    local_if = read_expression(reader, mapping, LOCAL_IF, path, classes)
    if any(lacking) or window is None or otherwise is None or local_if is None:
        return None
    return Evaluate(window, local_if, otherwise, stay or 0, hysteresis or 0.0)
