"""Icons of Windows and of macOS, and cursors: several sizes of one picture in one file."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader

_MOST: Final = 1024
_ENTRY: Final = struct.Struct("<BBBBHHII")
_CURSOR: Final = 2
# macOS tells by four letters how large a picture is. Other letters are masks and tables.
_APPLE: Final = {
    **dict.fromkeys((b"is32", b"icp4", b"ic04"), 16),
    **dict.fromkeys((b"il32", b"icp5", b"ic05", b"ic11"), 32),
    **dict.fromkeys((b"icp6", b"ic12"), 64),
    **dict.fromkeys((b"it32", b"ic07"), 128),
    **dict.fromkeys((b"ic08", b"ic13"), 256),
    **dict.fromkeys((b"ic09", b"ic14"), 512),
    b"ih32": 48,
    b"ic10": 1024,
}


def read(reader: Reader, found: Found) -> None:
    """Read what is in the file; its size is that of the largest picture."""
    if reader.some(0, 4) == b"icns":
        _apple(reader, found)
        return
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
    _keep([size[:2] for size in sizes], found)
    if bits:
        found.colour = f"indexed {bits} bit" if bits <= 8 else f"rgb{'a' * (bits == 32)} 8 bit"  # noqa: PLR2004


def _apple(reader: Reader, found: Found) -> None:
    sizes, at = [], 8
    for _ in range(_MOST):
        head = reader.some(at, 8)
        if len(head) < 8:  # noqa: PLR2004  # the end
            break
        kind, length = struct.unpack(">4sI", head)
        if length < 8:  # noqa: PLR2004  # it counts its head
            raise Malformed(f"holds a part of {length} bytes at byte {at}")
        if side := _APPLE.get(kind):
            sizes.append((side, side))
        at += length
    if not sizes:
        raise Malformed("is an icon without a picture")
    found.width, found.height = max(sizes)
    found.frames, found.colour = 1, "rgba 8 bit"
    _keep(sizes, found)


def _keep(sizes: list[tuple[int, int]], found: Found) -> None:
    found.more["icon.sizes"] = ", ".join(f"{width}×{height}" for width, height in sizes[:32])
