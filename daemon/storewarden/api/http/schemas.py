"""JSON Schemas of deeds and records, made from their types: what is checked is what is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from storewarden.api import deeds
from storewarden.api.fields import MOST_ITEMS
from storewarden.api.shapes import Shape

Schema = dict[str, Any]

REF: Final = "#/components/schemas/"
AMOUNT: Final = r"^[0-9]{1,10}(\.[0-9]{1,9})?$"
_RENAMED: Final[dict[Any, str]] = {deeds.Phase: "TellPhase"}


def name_of(kind: Any) -> str:
    """Return under which name a class stands among the schemas."""
    return _RENAMED.get(kind) or str(kind.__name__)


class Schemas:
    """Collects the schemas that were referred to."""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def refer(self, kind: Any, *, said: bool) -> Schema:
        """Return a reference to a class; ``said``: it is sent to us, so it is checked."""
        name = name_of(kind)
        if name not in self.found:
            self.found[name] = {}  # it may refer to itself
            self.found[name] = self.whole(kind, said=said)
        return {"$ref": f"{REF}{name}"}

    def whole(self, kind: Any, *, said: bool, without: tuple[str, ...] = ()) -> Schema:
        """Return the schema of a class itself, but for some of its fields."""
        hints = get_type_hints(kind, include_extras=True)
        properties: dict[str, Schema] = {}
        required = []
        for one in fields(kind):
            name = one.name.removesuffix("_")
            if name in without:
                continue
            hint = hints[one.name]
            always = one.default is MISSING and one.default_factory is MISSING
            value = self.value(hint, said=said)
            properties[name] = value if always or not said else _or_null(value)
            if said and one.default is not MISSING and one.default not in {None, ()}:
                properties[name]["default"] = one.default
            if always or (not said and not _nullable(hint)):
                required.append(name)
        schema: Schema = {"type": "object", "description": _about(kind), "properties": properties}
        if required:
            schema["required"] = required
        if said:
            schema["additionalProperties"] = False
        return schema

    def value(self, hint: Any, *, said: bool) -> Schema:
        """Return the schema of a value of a type."""
        if get_origin(hint) is Annotated:
            base, *notes = get_args(hint)
            shape = next((note for note in notes if isinstance(note, Shape)), None)
            if shape is not None:
                return self._bounded(base, shape, said=said)
            return self.value(base, said=said)
        return self._bounded(hint, Shape(""), said=said)

    def _bounded(self, hint: Any, shape: Shape, *, said: bool) -> Schema:
        origin, args = get_origin(hint), get_args(hint)
        if origin in {Union, UnionType}:
            kinds = [one for one in args if one is not type(None)]
            return self.value(hint_of(kinds[0], shape), said=said)
        if origin is tuple:
            return self._list(args, shape, said=said)
        if origin is Literal:
            return {"type": "string", "enum": list(args)}
        if is_dataclass(hint):
            return self.refer(hint, said=said)
        return _simple(hint, shape, said=said)

    def _list(self, args: tuple[Any, ...], shape: Shape, *, said: bool) -> Schema:
        if args[-1] is not Ellipsis:
            items = [self.value(one, said=said) for one in args]
            return {"type": "array", "prefixItems": items, "minItems": len(items), "items": False}
        schema: Schema = {"type": "array", "items": self.value(args[0], said=said)}
        if said:
            schema["maxItems"] = MOST_ITEMS
        return schema | ({"description": shape.words} if shape.words else {})


def hint_of(kind: Any, shape: Shape) -> Any:
    """Return a type with its bounds, unless it brings some of its own."""
    return kind if get_origin(kind) is Annotated else Annotated[kind, shape]


def _simple(hint: Any, shape: Shape, *, said: bool) -> Schema:
    kind = get_origin(hint) or hint
    if kind is str:
        schema = _text(shape)
    elif kind is bool:
        schema = {"type": "boolean"}
    elif kind in {int, float}:
        schema = {"type": "integer" if kind is int else "number"} | _limits(shape)
    elif kind is Decimal:
        text: Schema = {"type": "string", "pattern": AMOUNT}
        schema = {"anyOf": [{"type": "number"} | _limits(shape), text]} if said else text
    elif isinstance(kind, type) and issubclass(kind, Mapping):
        schema = {"type": "object", "additionalProperties": True}
    else:
        raise TypeError(f"no schema is known of {hint}")
    return schema | ({"description": shape.words} if shape.words else {})


def _text(shape: Shape) -> Schema:
    schema: Schema = {"type": "string"}
    if shape.one_of:
        return schema | {"enum": list(shape.one_of)}
    if shape.least:
        schema["minLength"] = shape.least
    if shape.most is not None:
        schema["maxLength"] = shape.most
    if shape.pattern:
        schema["pattern"] = f"^{shape.pattern}$"
    if shape.moment:
        schema["format"] = "date-time"
    return schema


def _limits(shape: Shape) -> Schema:
    limits = {"minimum": shape.least, "maximum": shape.most}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _nullable(hint: Any) -> bool:
    origin = get_origin(hint)
    if origin is Annotated:
        return _nullable(get_args(hint)[0])
    return origin in {Union, UnionType} and type(None) in get_args(hint)


def _or_null(schema: Schema) -> Schema:
    """Return a schema that takes null as well: it says as little as nothing."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    schema = schema | {"type": [schema["type"], "null"]}
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return schema


def _about(kind: Any) -> str:
    """Return the contract of a class: the first lines of its docstring, as a sentence."""
    first = (kind.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(first.split()).replace("``", "`")
