"""The boxes that MP4, MOV, HEIF, AVIF, JPEG 2000 and JPEG XL files are made of.

A box is a size, four letters and a content, which may be boxes again. Nothing here descends by
itself: whoever reads asks for the children of the boxes it knows, so depth costs nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from storewarden.facts.reader import Malformed, Reader, TooMuch, Truncated

MOST_BOXES: Final = 10_000
"""How many boxes side by side are looked at."""

_HEADER: Final = struct.Struct(">I4s")
_LARGE: Final = struct.Struct(">Q")
_REST, _LARGE_FOLLOWS = 0, 1  # sizes that are none

C2PA: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
XMP: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


class Box(NamedTuple):
    """One box: its four letters, where it starts, and where its content begins and ends."""

    kind: bytes
    start: int
    begin: int
    end: int

    @property
    def length(self) -> int:
        """How many bytes of content there are."""
        return self.end - self.begin


def boxes(reader: Reader, begin: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes of a file, or those between two places in it.

    A box that promises more than there is comes shortened, and then Truncated is raised: what is
    in it can be told. One without a size goes to the end of the file; inside of another box such a
    one ends the list, as QuickTime has it.
    """
    last = reader.size if end is None else min(end, reader.size)
    for _ in range(MOST_BOXES):
        if last - begin < _HEADER.size:
            return  # QuickTime ends lists with four zero bytes; what is smaller is padding
        header = reader.some(begin, 16)
        size, kind = _HEADER.unpack_from(header)
        head = _HEADER.size
        if size == _LARGE_FOLLOWS and len(header) == 16:  # noqa: PLR2004
            (size,) = _LARGE.unpack_from(header, 8)
            head = 16
        elif size == _REST:
            if end is None:
                yield Box(kind, begin, begin + head, last)
            return
        if size < head:
            raise Malformed(f"has a box of {size} bytes at byte {begin}, less than its own header")
        yield Box(kind, begin, begin + head, min(begin + size, last))
        if begin + size > last:
            raise Truncated(begin, size, last)
        begin += size
    raise TooMuch(f"has more than {MOST_BOXES:,} boxes side by side")


def children(reader: Reader, box: Box, skip: int = 0) -> Iterator[Box]:
    """Yield the boxes in a box; ``skip`` bytes come before them (4 in a full box)."""
    return boxes(reader, box.begin + skip, box.end)


def child(reader: Reader, box: Box, *path: bytes) -> Box | None:
    """Return the first box on a path of kinds below a box, if there is one."""
    found: Box | None = box
    for kind in path:
        if found is None:
            return None
        found = next((one for one in children(reader, found) if one.kind == kind), None)
    return found


def content(reader: Reader, box: Box, most: int = 64 << 10) -> bytes:
    """Return what is in a box, up to ``most`` bytes of it; fewer when the file ends before."""
    return reader.some(box.begin, min(box.length, most))


def identity(reader: Reader, box: Box) -> bytes:
    """Return the 16 bytes that tell boxes of kind ``uuid`` apart; b"" of any other kind."""
    return reader.some(box.begin, 16) if box.kind == b"uuid" else b""
