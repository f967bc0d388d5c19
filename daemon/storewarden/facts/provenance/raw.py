"""Every text of a file's making as it was found, packed small: a later version may read more."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any, Final

from storewarden.facts.bounded import MOST_TEXT, parse_json
from storewarden.facts.found import Text
from storewarden.facts.reader import Malformed, TooMuch

if sys.version_info >= (3, 14):
    from compression.zstd import (
        CompressionParameter,
        DecompressionParameter,
        ZstdCompressor,
        ZstdDecompressor,
        ZstdError,
    )
else:
    from backports.zstd import (
        CompressionParameter,
        DecompressionParameter,
        ZstdCompressor,
        ZstdDecompressor,
        ZstdError,
    )

_LEVEL: Final = 3
_LARGEST: Final = 6  # bytes of a character in JSON: backslash, u and four digits
_PACKING: Final[dict[int, int]] = {
    CompressionParameter.compression_level: _LEVEL,
    CompressionParameter.checksum_flag: 1,
}
_UNPACKING: Final[dict[int, int]] = {
    DecompressionParameter.window_log_max: 23
}  # 8 MiB: twice what we pack
_packer = ZstdCompressor(options=_PACKING)  # to make one costs more than to use it


def pack(texts: Iterable[Text]) -> bytes:
    """Return texts by where they were found, packed; those beyond 4 MiB of JSON are left out."""
    told: dict[str, str] = {}
    room = MOST_TEXT - 2
    for where, text in texts:
        name, number = where, 1
        while name in told:
            number += 1
            name = f"{where}#{number}"
        room -= _length(name, room) + _length(text, room) + 4
        if room < 0:
            break
        told[name] = text
    content = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
    return _packer.compress(content, ZstdCompressor.FLUSH_FRAME)


def unpack(packed: bytes) -> dict[str, str]:
    """Return texts by where they were found; raises Malformed for what `pack` never made."""
    unpacker = ZstdDecompressor(options=_UNPACKING)
    try:
        content = unpacker.decompress(packed, MOST_TEXT + 1)
    except ZstdError as error:
        raise Malformed(f"the texts kept do not unpack: {error}") from None
    if len(content) > MOST_TEXT:
        raise TooMuch(f"the texts kept unpack to more than {MOST_TEXT:,} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed("the texts kept are cut off or followed by something else")
    told: Any = parse_json(content)
    if not isinstance(told, dict) or not all(isinstance(text, str) for text in told.values()):
        raise Malformed("the texts kept are no texts by where they were found")
    return told


def _length(text: str, room: int) -> int:
    """Return how many bytes a text takes in JSON; where there is much room, at most so many."""
    if len(text) < room // (64 * _LARGEST):  # 64 of its size would still fit: it need not be exact
        return _LARGEST * len(text)
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))
