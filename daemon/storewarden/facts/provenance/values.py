"""What strangers wrote where a number, a text or a name was meant, as such, or None."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Final

from storewarden.model import Lora

Object = dict[str, Any]

MOST_LORAS: Final = 64
_MOST_TEXT: Final = 256_000
_MOST_NAME: Final = 1_000
_MOST_DIGITS: Final = 40
_LARGEST: Final = 2**31  # of what is counted: steps, pixels
_WHOLE: Final = re.compile(r"\+?(\d{1,40})(?:\.0{1,20})?\Z", re.ASCII)
_REAL: Final = re.compile(
    r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?\Z", re.ASCII
)
_SIZE: Final = re.compile(r"\D{0,4}(\d{1,9})\s{0,4}[x×*,]\s{0,4}(\d{1,9})(?!\d)", re.ASCII)
_LETTERS: Final = re.compile(r"[^\W\d_]{3}")
_FILE: Final = re.compile(r"\.\w{2,12}\Z")
_TRUNK: Final = re.compile(
    r"\.(?:safetensors|sft|ckpt|pth?|gguf|bin|onnx|engine|nf4)\Z", re.IGNORECASE
)


def text(value: object) -> str | None:
    """Return a text that any database takes, without white space around it; None when empty."""
    if not isinstance(value, str):
        return None
    value = value[:_MOST_TEXT]
    if "\0" in value:
        value = value.replace("\0", "")
    if not value.isascii():  # JSON may hold halves of surrogate pairs
        value = value.encode("utf-8", "replace").decode("utf-8")
    return value.strip() or None


def name(value: object) -> str | None:
    """Return a short text: what a sampler or a version is called. Numbers are names as well."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
        return str(value)
    told = text(value)
    return told[:_MOST_NAME] if told else None


def model(value: object) -> str | None:
    """Return what a model is called, without the folder it lies in and the ending of its file."""
    told = name(value)
    if told is None:
        return None
    told = re.split(r"[/\\]", told.rstrip("/\\"))[-1]
    told = _TRUNK.sub("", told).strip()
    return told if told and told.lower() != "none" else None


def whole(value: object) -> int | None:
    """Return a whole number that is not negative, of any size up to 40 digits: a seed."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        if not (value.is_integer() and 0 <= value < 2**63):
            return None  # neither are infinity and what is no number
        return int(value)
    if isinstance(value, str):
        match = _WHOLE.match(value.strip()) if len(value) < 2 * _MOST_DIGITS else None
        return int(match[1]) if match else None
    if isinstance(value, int) and 0 <= value < 10**_MOST_DIGITS:
        return value
    return None


def count(value: object) -> int | None:
    """Return how many there are of something: steps, pixels."""
    number = whole(value)
    return number if number is not None and 0 < number < _LARGEST else None


def real(value: object) -> float | None:
    """Return a number that is one: neither true or false, nor infinite, nor NaN."""
    if isinstance(value, str):
        value = value.strip() if len(value) < 4 * _MOST_DIGITS else ""
        if not _REAL.match(value):
            return None
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def size(value: object) -> tuple[int | None, int | None]:
    """Return width and height as in ``512x768``, ``(512, 768)`` or ``1024 x 1024 (square)``."""
    if isinstance(value, list) and len(value) == 2:  # noqa: PLR2004  # width, height
        return count(value[0]), count(value[1])
    match = _SIZE.match(value) if isinstance(value, str) else None
    return (count(match[1]), count(match[2])) if match else (None, None)


def is_file(value: str) -> bool:
    """Return whether a text is the name of a file, by its ending."""
    return bool(_FILE.search(value))


def is_prose(value: object) -> bool:
    """Return whether a value is a prompt rather than the name of a file, a choice or a size."""
    if not isinstance(value, str) or not _LETTERS.search(value) or is_file(value):
        return False
    return "," in value or value.count(" ") > 1


def mapping(value: object) -> Object:
    """Return a JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> list[Any]:
    """Return a JSON array, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def joined(parts: Iterable[object]) -> str | None:
    """Return several texts as one, a line each, each of them once; None when there are none."""
    told = dict.fromkeys(one for part in parts if (one := text(part)))
    return text("\n".join(told))


def lora(label: object, weight: object = None) -> Lora | None:
    """Return a small model, or None when it has no name."""
    called = model(label)
    return Lora(called, real(weight)) if called else None


def loras(found: Iterable[Lora | None]) -> tuple[Lora, ...]:
    """Return small models in their order, each name once, as many as are kept."""
    told: dict[str, Lora] = {}
    for one in found:
        if one is None:
            continue
        known = told.setdefault(one.name, one)
        if known.weight is None and one.weight is not None:
            told[one.name] = one
        if len(told) >= MOST_LORAS:
            break
    return tuple(told.values())
