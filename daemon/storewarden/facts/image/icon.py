"""Icons and cursors of Windows: several sizes of one picture in one file."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader

_MOST: Final = 1024
_ENTRY: Final = struct.Struct("<BBBBHHII")
_CURSOR: Final = 2


def read(reader: Reader, found: Found) -> None:
    """Read the list of what is in the file; its size is that of the largest."""
    nothing, kind, count = struct.unpack("<HHH", reader.at(0, 6))
    if nothing or kind not in {1, _CURSOR} or not 0 < count <= _MOST:
        raise Malformed("does not begin like an icon")
    sizes = []
    for width, height, _, _, _, bits, _, _ in _ENTRY.iter_unpack(reader.at(6, count * 16)):
        sizes.append((width or 256, height or 256, bits))
    found.width, found.height, bits = max(sizes)
    found.frames = 1
    if kind == _CURSOR:
        return  # where the bits stand, a cursor has the point that it points with
    found.more["icon.sizes"] = ", ".join(f"{size[0]}×{size[1]}" for size in sizes[:32])
    if bits:
        found.colour = f"indexed {bits} bit" if bits <= 8 else f"rgb{'a' * (bits == 32)} 8 bit"  # noqa: PLR2004
