"""BMP, and the DIB inside it."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader

_OLD: Final = 12  # bytes of the header that OS/2 began with
_LENGTHS: Final = frozenset({_OLD, 16, 40, 52, 56, 64, 108, 124})
_RGB: Final = {16: 5, 24: 8, 32: 8}  # bits of a colour, by bits of a pixel


def read(reader: Reader, found: Found) -> None:
    """Read the header; before it stands another one, which a DIB lacks."""
    begin = 14 if reader.at(0, 2) == b"BM" else 0
    (length,) = struct.unpack("<I", reader.at(begin, 4))
    if length not in _LENGTHS:
        raise Malformed("does not begin like a BMP")
    if length == _OLD:
        found.width, found.height, bits = struct.unpack("<HH2xH", reader.at(begin + 4, 8))
        found.colour = _colour(bits, 0)
    else:
        data = reader.at(begin, min(length, 56)).ljust(56, b"\0")
        width, height, bits = struct.unpack_from("<ii2xH", data, 4)
        # a negative height says that the first line is at the top
        found.width, found.height = abs(width), abs(height)
        found.colour = _colour(bits, int.from_bytes(data[52:], "little"))
    found.frames = 1


def _colour(bits: int, alpha: int) -> str | None:
    if bits in _RGB:
        return f"{'rgba' if alpha else 'rgb'} {_RGB[bits]} bit"
    return f"indexed {bits} bit" if 0 < bits <= 8 else None  # noqa: PLR2004
