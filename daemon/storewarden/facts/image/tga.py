"""TGA: a header without a signature, and behind the pixels a footer with one."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.reader import Malformed, Reader

_KINDS: Final = {1: "indexed", 2: "rgb", 3: "grey"}
_DEPTHS: Final = frozenset({1, 8, 15, 16, 24, 32})
_PACKED: Final = 8  # a bit: the same with runs
_SIGNATURE: Final = b"TRUEVISION-XFILE.\0"
_EXTENSION: Final = 495  # bytes of what newer writers add
_ALPHA: Final = 0x0F


def read(reader: Reader, found: Found) -> None:
    """Read the header, and what newer writers put behind the pixels."""
    head = reader.at(0, 18)
    table, kind = head[1], head[2] & ~_PACKED
    width, height, bits, flags = struct.unpack_from("<HHBB", head, 12)
    if table > 1 or kind not in _KINDS or not width or not height or bits not in _DEPTHS:
        raise Malformed("does not begin like a TGA")
    found.width, found.height, found.frames = width, height, 1
    found.colour = _colour(_KINDS[kind], bits, flags & _ALPHA)
    _extension(reader, found)


def _colour(name: str, bits: int, alpha: int) -> str:
    if name == "indexed":
        return "indexed 8 bit"
    if name == "grey":
        return "grey alpha 8 bit" if bits == 16 else f"grey {bits} bit"  # noqa: PLR2004
    if bits <= 16:  # noqa: PLR2004
        return "rgb 5 bit"
    return "rgba 8 bit" if alpha or bits == 32 else "rgb 8 bit"  # noqa: PLR2004


def _extension(reader: Reader, found: Found) -> None:
    tail = reader.tail(26)
    if tail[8:] != _SIGNATURE:
        return
    (at,) = struct.unpack_from("<I", tail)
    if not at:
        return
    data = reader.at(at, _EXTENSION)
    lines = (
        words.plain(data[begin : begin + 81].partition(b"\0")[0]) for begin in range(43, 367, 81)
    )
    found.text("tga:comment", "\n".join(lines).strip())
    for key, begin in (("artist", 2), ("software", 426)):
        if text := words.plain(data[begin : begin + 41].partition(b"\0")[0]).strip():
            found.more[key] = text
