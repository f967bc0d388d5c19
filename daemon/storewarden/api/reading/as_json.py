"""Records as JSON has them: what is not known is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any


def as_json(record: Any) -> dict[str, Any]:
    """Return a record as what ``json.dumps`` takes."""
    told: dict[str, Any] = {}
    for name, written in _names(type(record)):
        value = getattr(record, name)
        if value is not None:
            told[written] = value if type(value) in _PLAIN else _plain(value)
    return told


_PLAIN = frozenset({str, int, float, bool})


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return as_json(value)
    if isinstance(value, tuple | list):
        return [one if type(one) in _PLAIN else _plain(one) for one in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return dict(value)
    return value


_NAMES: dict[type[Any], tuple[tuple[str, str], ...]] = {}


def _names(record: type[Any]) -> tuple[tuple[str, str], ...]:
    """Return the fields of a record, and what JSON calls them; a word of Python ends in ``_``."""
    names = _NAMES.get(record)
    if names is None:
        told = ((each.name, each.name.removesuffix("_")) for each in fields(record))
        names = _NAMES[record] = tuple(told)
    return names
