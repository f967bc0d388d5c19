"""safetensors: a model's tensors by name, shape and type, and what its maker wrote beside them."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from storewarden.facts.bounded import parse_json
from storewarden.facts.content.told import clean, tell
from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader, TooMuch, Truncated

_ALLOWED: Final = 100_000_000  # by the format's own description
_MOST: Final = 4 << 20
_MOST_DIMENSIONS: Final = 16
_LARGEST: Final = 2**48
_LONGEST_KEY: Final = 200
_METADATA: Final = "__metadata__"

_FACTS: Final = {
    "modelspec.title": "title",
    "modelspec.author": "author",
    "modelspec.license": "license",
    "modelspec.architecture": "model.architecture",
    "ss_base_model_version": "model.base",
    "ss_sd_model_name": "model.base",
    "format": "model.format",
}


def read(reader: Reader, found: Found) -> None:
    """Read the header; the tensors themselves are never touched."""
    length = int.from_bytes(reader.at(0, 8), "little")
    if length > _ALLOWED:
        raise Malformed(f"promises a header of {length:,} bytes, more than the format allows")
    if 8 + length > reader.size:
        raise Truncated(8, length, reader.size)
    text = reader.at(8, min(length, _MOST))
    if length > _MOST:
        _metadata(_sought(text), found)
        raise TooMuch(f"has a header of {length:,} bytes, of which {_MOST:,} are read")
    header = parse_json(text)
    if not isinstance(header, dict):
        raise Malformed("has a header that names no tensors")
    _metadata(header.pop(_METADATA, None), found)
    _tensors(header, reader.size - 8 - length, found)


def _sought(text: bytes) -> Any:
    """Return the metadata out of a header that is too large; writers put it first."""
    begin = text[:1024].find(b'"__metadata__"')
    begin = text.find(b"{", begin) if begin >= 0 else -1
    if begin < 0:
        return None
    try:
        return json.JSONDecoder().raw_decode(text[begin:].decode("utf-8", "replace"))[0]
    except (ValueError, RecursionError):
        return None


def _metadata(metadata: Any, found: Found) -> None:
    """Keep what the maker wrote; training scripts write dozens of entries."""
    if not isinstance(metadata, dict):
        return
    for key, value in metadata.items():
        if isinstance(value, str) and len(key) <= _LONGEST_KEY:
            found.text(f"safetensors:{clean(key)}", clean(value))
            if key in _FACTS:
                tell(found, _FACTS[key], value)


def _tensors(header: dict[str, Any], room: int, found: Found) -> None:
    """Count tensors and parameters; the type is that of most parameters."""
    parameters: Counter[str] = Counter()
    end = 0
    for name, tensor in header.items():
        try:
            dtype, shape, (begin, until) = (
                tensor["dtype"],
                tensor["shape"],
                tensor["data_offsets"],
            )
        except (TypeError, KeyError, ValueError):
            raise Malformed(f"describes its tensor {_shown(name)} in a wrong way") from None
        if not isinstance(dtype, str) or not _is_number(begin) or not _is_number(until):
            raise Malformed(f"describes its tensor {_shown(name)} in a wrong way")
        parameters[dtype[:16]] += _product(name, shape)
        end = max(end, begin, until)
    tell(found, "model.tensors", len(header))
    tell(found, "model.parameters", parameters.total())
    if parameters:
        tell(found, "model.dtype", parameters.most_common(1)[0][0].lower())
    if any("lora_" in name for name in header):
        tell(found, "model.adapter", "lora")
    if end > room:
        raise Malformed(f"ends {end - room:,} bytes before its last tensor does")


def _product(name: str, shape: Any) -> int:
    if not isinstance(shape, list) or len(shape) > _MOST_DIMENSIONS:
        raise Malformed(f"gives its tensor {_shown(name)} a wrong shape")
    product = 1
    for size in shape:
        if not _is_number(size):
            raise Malformed(f"gives its tensor {_shown(name)} a wrong shape")
        product *= size
    if product > _LARGEST:
        raise Malformed(f"gives its tensor {_shown(name)} {product:.1e} parameters")
    return product


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _shown(name: str) -> str:
    return repr(clean(name[:80]))
