"""JPEG: a chain of segments up to where the pixels begin."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.image import iptc, words
from storewarden.facts.image.exif import read_exif
from storewarden.facts.image.parts import Parts
from storewarden.facts.image.tags import Tags
from storewarden.facts.reader import Malformed, Reader, TooMuch

_START, _END, _PIXELS, _COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_MORE_XMP: Final = b"http://ns.adobe.com/xmp/extension/\0"
_PICTURES: Final = 0xB001  # how many, in the directory of a multi-picture file
_MOST_FILL: Final = 1024


def read(reader: Reader, found: Found) -> None:
    """Read all segments before the pixels."""
    if reader.at(0, 2) != b"\xff\xd8":
        raise Malformed("does not begin like a JPEG")
    _Segments(reader, found).walk()


class _Segments:
    """One walk along the segments of one file."""

    def __init__(self, reader: Reader, found: Found) -> None:
        self._reader, self._found = reader, found
        self._parts = Parts()
        self._transform: int | None = None  # how Adobe says that the colours are stored
        self._components = self._depth = 0
        self._more_xmp: dict[int, bytes] = {}
        self._more_xmp_left = MOST_TEXT

    def walk(self) -> None:
        """Follow the chain to the pixels; what is wrong in a part is told when all was read."""
        offset = 2
        while True:
            marker, offset = self._marker(offset)
            if marker in _BARE or marker == _START:
                continue
            if marker in {_PIXELS, _END}:
                break
            (length,) = struct.unpack(">H", self._reader.at(offset, 2))
            if length < 2:  # noqa: PLR2004  # it counts itself
                raise Malformed(f"holds a segment of {length} bytes at byte {offset}")
            self._segment(marker, offset + 2, length - 2)
            offset += length
        self._finish()

    def _marker(self, offset: int) -> tuple[int, int]:
        """Return the next marker and where it ends; any number of filling bytes may precede it."""
        first, marker = self._reader.at(offset, 2)
        if first != 0xFF:  # noqa: PLR2004
            raise Malformed(f"has no marker at byte {offset}, where one must be")
        offset += 2
        if marker != 0xFF:  # noqa: PLR2004
            return marker, offset
        filled = self._reader.some(offset, _MOST_FILL)
        rest = filled.lstrip(b"\xff")
        if not rest:
            raise Malformed(f"has no marker behind the filling at byte {offset}")
        return rest[0], offset + len(filled) - len(rest) + 1

    def _segment(self, marker: int, at: int, length: int) -> None:
        if marker in _FRAMES:
            self._frame(at, length)
        elif marker == _COMMENT:
            self._found.text("jpeg:comment", words.plain(self._reader.at(at, length)))
        elif read_segment := _READERS.get(marker):
            with self._parts:
                read_segment(self, self._reader.at(at, length))

    def _frame(self, at: int, length: int) -> None:
        """SOF: dimensions, colour."""
        if length < 6:  # noqa: PLR2004
            raise Malformed(f"has a frame header of {length} bytes")
        depth, height, width, components = struct.unpack(">BHHB", self._reader.at(at, 6))
        found = self._found
        found.width, found.height = width, height
        found.frames = found.frames or 1
        self._components, self._depth = components, depth

    def _finish(self) -> None:
        self._extended_xmp()
        if self._found.width is None:
            raise Malformed("is a JPEG without a frame header")
        self._found.colour = self._colour()
        self._parts.complain()

    def _colour(self) -> str | None:
        names = {
            1: "grey",
            3: "rgb" if self._transform == 0 else "ycbcr",
            4: "ycck" if self._transform == 2 else "cmyk",  # noqa: PLR2004  # Adobe's number for it
        }
        name = names.get(self._components)
        return f"{name} {self._depth} bit" if name else None

    def app1(self, data: bytes) -> None:
        """EXIF, or XMP: its packet, or a part of what did not fit into one segment."""
        if data.startswith(_EXIF):
            if self._parts.first("exif"):
                read_exif(data, self._found)
        elif data.startswith(_XMP):
            self._found.text("xmp", words.plain(data[len(_XMP) :]))
        elif data.startswith(_MORE_XMP) and len(data) > len(_MORE_XMP) + 40:
            offset = int.from_bytes(data[len(_MORE_XMP) + 36 :][:4], "big")
            self._keep_more_xmp(offset, data[len(_MORE_XMP) + 40 :])

    def app2(self, data: bytes) -> None:
        """More pictures in the same file."""
        if data.startswith(b"MPF\0") and self._parts.first("pictures"):
            tags = Tags(Reader.of_bytes(data[4:]))
            self._found.frames = tags.number(tags.directory(tags.first).tags.get(_PICTURES)) or 1

    def app11(self, data: bytes) -> None:
        """JUMBF: boxes; those of Content Credentials have a type and a label of their own."""
        if data.startswith(b"JP") and b"c2pa" in data[:128]:
            self._found.more["c2pa.present"] = True

    def app13(self, data: bytes) -> None:
        """Photoshop's resources, IPTC among them."""
        if data.startswith(b"Photoshop 3.0\0") and self._parts.first("resources"):
            iptc.read_resources(data[14:], self._found)

    def app14(self, data: bytes) -> None:
        """Adobe's word on how the colours are stored."""
        if data.startswith(b"Adobe") and len(data) > 11:  # noqa: PLR2004
            self._transform = data[11]

    def _keep_more_xmp(self, offset: int, data: bytes) -> None:
        self._more_xmp_left -= len(data)
        if self._more_xmp_left < 0:
            raise TooMuch("holds too much XMP")
        self._more_xmp[offset] = data

    def _extended_xmp(self) -> None:
        if self._more_xmp:
            data = b"".join(data for _, data in sorted(self._more_xmp.items()))
            self._found.text("xmp", words.plain(data))


_READERS: Final[dict[int, Callable[[_Segments, bytes], None]]] = {
    0xE1: _Segments.app1,
    0xE2: _Segments.app2,
    0xEB: _Segments.app11,
    0xED: _Segments.app13,
    0xEE: _Segments.app14,
}
