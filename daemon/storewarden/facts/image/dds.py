"""DDS: textures as graphics cards take them."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.reader import Malformed, Reader

_HEADER: Final = 124
_ALPHA, _FOUR_LETTERS, _RGB, _GREY = 0x1, 0x4, 0x40, 0x20000
_NEWER: Final = b"DX10"
# Compressed formats, as the newer header numbers them.
_FORMATS: Final = {
    **dict.fromkeys(range(70, 73), "bc1"),
    **dict.fromkeys(range(73, 76), "bc2"),
    **dict.fromkeys(range(76, 79), "bc3"),
    **dict.fromkeys(range(79, 82), "bc4"),
    **dict.fromkeys(range(82, 85), "bc5"),
    **dict.fromkeys(range(94, 97), "bc6h"),
    **dict.fromkeys(range(97, 100), "bc7"),
}


def read(reader: Reader, found: Found) -> None:
    """Read the header, and the newer one behind it."""
    head = reader.at(0, 128)
    (length,) = struct.unpack_from("<I", head, 4)
    if head[:4] != b"DDS " or length != _HEADER:
        raise Malformed("does not begin like a DDS")
    found.height, found.width = struct.unpack_from("<II", head, 12)
    found.frames = 1
    (levels,) = struct.unpack_from("<I", head, 28)
    if levels > 1:
        found.more["dds.levels"] = levels
    flags, letters, bits = struct.unpack_from("<I4sI", head, 80)
    if not flags & _FOUR_LETTERS:
        found.colour = _colour(flags, bits)
    elif letters == _NEWER:
        (number,) = struct.unpack("<I", reader.at(128, 4))
        found.codec = _FORMATS.get(number, f"dxgi {number}")
    else:
        found.codec = words.plain(letters).strip().lower() or None


def _colour(flags: int, bits: int) -> str | None:
    if flags & _RGB:
        return f"{'rgba' if flags & _ALPHA else 'rgb'} {8 if bits >= 24 else 5} bit"  # noqa: PLR2004
    if flags & _GREY:
        return f"{'grey alpha' if flags & _ALPHA else 'grey'} 8 bit"
    return None
