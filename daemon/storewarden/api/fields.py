"""The fields of a deed as checks and schemas see them: read once from the types in ``deeds``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from storewarden.api.shapes import Shape

MOST_ITEMS = 1000


@dataclass(frozen=True, slots=True)
class Field:
    """One field: what each value of it is (``kind``), its bounds, and whether it is a list."""

    name: str
    kind: type
    shape: Shape
    required: bool
    nullable: bool
    many: bool = False
    default: Any = None

    @property
    def nested(self) -> bool:
        """Whether its values have fields themselves."""
        return is_dataclass(self.kind)


class _Seen(NamedTuple):
    kind: type
    shape: Shape
    nullable: bool = False
    many: bool = False


@cache
def fields_of(kind: Any) -> dict[str, Field]:
    """Return the fields of a dataclass by their names."""
    hints = get_type_hints(kind, include_extras=True)
    found = {}
    for one in fields(kind):
        seen = _seen(hints[one.name])
        required = one.default is MISSING and one.default_factory is MISSING
        default = one.default_factory() if one.default_factory is not MISSING else one.default
        found[one.name] = Field(
            one.name,
            seen.kind,
            seen.shape,
            required,
            seen.nullable,
            seen.many,
            None if default is MISSING else default,
        )
    return found


def _seen(hint: Any) -> _Seen:
    origin = get_origin(hint)
    if origin is Annotated:
        base, *notes = get_args(hint)
        inner = _seen(base)
        shape = next((note for note in notes if isinstance(note, Shape)), inner.shape)
        return inner._replace(shape=shape)
    if origin in {Union, UnionType}:
        inner = _seen(next(part for part in get_args(hint) if part is not type(None)))
        return inner._replace(nullable=True)
    if origin is tuple:
        return _seen(get_args(hint)[0])._replace(many=True)
    kind = origin if isinstance(origin, type) else hint
    return _Seen(Mapping if issubclass(kind, Mapping) else kind, Shape(""))
