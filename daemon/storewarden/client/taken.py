"""Records from the JSON that a daemon answered with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_Record = TypeVar("_Record")
_Take = Callable[[Any], Any]


def taken(record: type[_Record], told: Mapping[str, Any]) -> _Record:
    """Return a record of what was told; what a newer daemon tells besides is passed over."""
    values, kind = {}, cast(Any, record)
    for name, written, take in _fields(kind):
        value = told.get(written)
        if value is not None:
            values[name] = value if take is None else take(value)
    return cast(_Record, kind(**values))


@cache
def _fields(record: Any) -> tuple[tuple[str, str, _Take | None], ...]:
    hints = get_type_hints(record, include_extras=True)
    return tuple(
        (one.name, one.name.removesuffix("_"), _take(hints[one.name])) for one in fields(record)
    )


def _take(hint: Any) -> _Take | None:
    """Return what makes a value of a type, None where JSON has it already."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _take(get_args(hint)[0])
    if origin in {Union, UnionType}:
        return _take(next(one for one in get_args(hint) if one is not type(None)))
    if origin is tuple:
        return _several(get_args(hint))
    if hint is Decimal:
        return lambda value: Decimal(str(value))
    if is_dataclass(hint):
        kind = cast(type[Any], hint)
        return lambda value: taken(kind, value)
    return None


def _several(kinds: tuple[Any, ...]) -> _Take:
    take = _take(kinds[0])
    if take is None:
        return tuple
    return lambda values: tuple(map(take, values))
