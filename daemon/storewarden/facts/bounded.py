"""What is packed in a file, unpacked within bounds: compressed bytes, text, JSON."""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

from storewarden.facts.reader import Malformed, TooMuch

MOST_TEXT: Final = 4 << 20
"""The longest text that is read, in bytes: 1.4 million empty lists in it are 90 MB as objects."""


ZLIB: Final = 15
RAW: Final = -15  # deflate without a head, as in a zip
GZIP: Final = 31


def inflate(packed: bytes, most: int = MOST_TEXT, form: int = ZLIB) -> bytes:
    """Return what was packed; raises TooMuch beyond ``most`` bytes."""
    unpacker = zlib.decompressobj(form)
    try:
        found = unpacker.decompress(packed, most)
    except zlib.error as error:
        raise Malformed(f"does not unpack: {error}") from error
    if unpacker.unconsumed_tail:
        raise TooMuch(f"unpacks to more than {most:,} bytes")
    return found


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON text says; raises Malformed when it is none, is too large or too deep."""
    if len(text) > MOST_TEXT:
        raise TooMuch(f"holds JSON of {len(text):,} bytes")
    try:
        return json.loads(text)
    except RecursionError:
        raise TooMuch("holds JSON that is nested too deeply") from None
    except ValueError as error:  # no JSON, no UTF-8, numbers of thousands of digits
        raise Malformed(f"holds no JSON: {error}") from None
