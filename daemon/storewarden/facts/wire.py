"""Facts on their way out of the process that looked at a stranger's file.

What arrives is not believed: whatever a hostile file made of that process, its answer becomes
Facts with the right types, within bounds, in text that any database takes, or it is no answer.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from types import UnionType
from typing import Any, Final, NamedTuple, TypeVar, get_type_hints

from storewarden.model import Facts, Lora, Media, Outcome, Provenance, Scalar, Transcript

MOST_BYTES: Final = 16 << 20
"""The longest answer that is read."""

_MOST_RAW: Final = 4 << 20
_MOST_MORE: Final = 64
_MOST_LORAS: Final = 64
_SHORT: Final = 4_000
_LENGTHS: Final = {"prompt": 65_536, "negative": 65_536, "text": 4 << 20}
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_LARGEST_SEED: Final = 10**40

_Made = TypeVar("_Made")


class NoAnswer(ValueError):
    """What arrived is none of our answers."""


def pack(facts: Facts) -> dict[str, Any]:
    """Return facts as an object for JSON; what is not known is left out."""
    return _packed(facts)


def unpack(message: object) -> Facts:
    """Return the facts of a message; raises NoAnswer when it holds none."""
    if not isinstance(message, dict):
        raise NoAnswer("is no object")
    facts = _built(Facts, message)
    if facts is None or not facts.kind:
        raise NoAnswer("lacks what every answer has")
    return facts


def parse(answer: bytes) -> dict[str, Any]:
    """Return the object that an answer's bytes hold; raises NoAnswer."""
    try:
        message = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise NoAnswer(f"is no JSON: {error}") from None
    if not isinstance(message, dict):
        raise NoAnswer("is no object")
    return message


# -- out ----------------------------------------------------------------------------------------


def _packed(value: Any) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, default, _ in _FIELDS[type(value)]:
        one = getattr(value, name)
        if one is None or (default is not MISSING and one == default) or one in ((), {}, b""):
            continue
        told[name] = _jsonable(one)
    return told


def _jsonable(value: Any) -> Any:
    if type(value) in _FIELDS:
        return _packed(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, tuple):
        return [_jsonable(one) for one in value]
    return value


# -- in -----------------------------------------------------------------------------------------


def _text(value: object, name: str) -> str | None:
    if not isinstance(value, str):
        return None
    value = value[: _LENGTHS.get(name, _SHORT)].replace("\0", "")
    # JSON may hold halves of surrogate pairs; no database does
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _integer(value: object, name: str) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    if name == "seed":
        return value if abs(value) < _LARGEST_SEED else None
    # nothing of what is counted or measured is less than nothing; what has no name may be anything
    return value if (0 if name else _SMALLEST) <= value <= _LARGEST else None


def _real(value: object, name: str) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        real = float(value)
    except OverflowError:
        return None
    if not math.isfinite(real) or (name == "fps" and real < 0):
        return None
    return real


def _truth(value: object, _name: str) -> bool | None:
    return value if isinstance(value, bool) else None


def _blob(value: object, _name: str) -> bytes | None:
    if not isinstance(value, str) or len(value) > _MOST_RAW * 4 // 3 + 4:
        return None
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None


def _scalar(value: object) -> Scalar | None:
    for read in (_truth, _integer, _real, _text):
        one: Scalar | None = read(value, "")
        if one is not None:
            return one
    return None


def _more(value: object, _name: str) -> dict[str, Scalar] | None:
    if not isinstance(value, dict):
        return None
    told: dict[str, Scalar] = {}
    for key, one in list(value.items())[:_MOST_MORE]:
        name, scalar = _text(key, ""), _scalar(one)
        if name and scalar is not None:
            told[name] = scalar
    return told


def _loras(value: object, _name: str) -> tuple[Lora, ...] | None:
    if not isinstance(value, list):
        return None
    built = (_built(Lora, one) for one in value[:_MOST_LORAS])
    return tuple(one for one in built if one is not None)


def _outcome(value: object, _name: str) -> Outcome | None:
    return Outcome(value) if isinstance(value, str) and value in _OUTCOMES else None


_OUTCOMES: Final = frozenset(Outcome)
_READ: Final[dict[object, Callable[[object, str], Any]]] = {
    str: _text,
    int: _integer,
    float: _real,
    bool: _truth,
    bytes: _blob,
    Outcome: _outcome,
    tuple[Lora, ...]: _loras,
    dict[str, Scalar]: _more,
    Media: lambda value, _: _built(Media, value),
    Provenance: lambda value, _: _built(Provenance, value),
    Transcript: lambda value, _: _built(Transcript, value),
}


class _Field(NamedTuple):
    name: str
    default: object  # MISSING where there is none
    read: Callable[[object, str], Any]


def _fields(cls: type) -> tuple[_Field, ...]:
    hints = get_type_hints(cls)
    return tuple(
        _Field(field.name, field.default, _READ[_bare(hints[field.name])]) for field in fields(cls)
    )


def _bare(hint: Any) -> object:
    """Return a type without its `| None`."""
    if isinstance(hint, UnionType):
        return next(one for one in hint.__args__ if one is not type(None))
    return hint


_FIELDS: Final[dict[type, tuple[_Field, ...]]] = {
    cls: _fields(cls) for cls in (Lora, Media, Provenance, Transcript, Facts)
}


def _built(cls: type[_Made], message: object) -> _Made | None:
    """Return a ``cls`` of what is right in a message; None when something it needs is not."""
    if not isinstance(message, Mapping):
        return None
    known: dict[str, Any] = {}
    for name, default, read in _FIELDS[cls]:
        value = read(message[name], name) if name in message else None
        if value is not None:
            known[name] = value
        elif default is MISSING and name != "more":
            return None
    return cls(**known)
