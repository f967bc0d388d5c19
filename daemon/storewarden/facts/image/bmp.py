"""BMP, and the DIB inside it."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader

_OLD: Final = 12  # bytes of the header that OS/2 began with
_LARGEST: Final = 1024
_RGB: Final = {16: 5, 24: 8, 32: 8}  # bits of a colour, by bits of a pixel


def read(reader: Reader, found: Found) -> None:
    """Read the two headers."""
    if reader.at(0, 2) != b"BM":
        raise Malformed("does not begin like a BMP")
    (length,) = struct.unpack("<I", reader.at(14, 4))
    if length == _OLD:
        found.width, found.height, bits = struct.unpack("<HH2xH", reader.at(18, 8))
        found.colour = _colour(bits, 0)
    elif _OLD < length <= _LARGEST:
        data = reader.at(14, min(length, 56))
        width, height, bits = struct.unpack_from("<ii2xH", data.ljust(56, b"\0"), 4)
        # a negative height says that the first line is at the top
        found.width, found.height = abs(width), abs(height)
        alpha = data[52:56] if len(data) == 56 else b""  # noqa: PLR2004  # where its mask ends
        found.colour = _colour(bits, int.from_bytes(alpha, "little"))
    else:
        raise Malformed(f"has a header of {length:,} bytes")
    found.frames = 1


def _colour(bits: int, alpha: int) -> str | None:
    if bits in _RGB:
        return f"{'rgba' if alpha else 'rgb'} {_RGB[bits]} bit"
    return f"indexed {bits} bit" if 0 < bits <= 8 else None  # noqa: PLR2004
