"""JPEG 2000: boxes around a stream, or the stream by itself."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.image.exif import read_exif
from storewarden.facts.image.parts import Parts
from storewarden.facts.media.boxes import C2PA, XMP, Box, boxes, children, content, identity
from storewarden.facts.reader import Malformed, Reader

_BARE: Final = b"\xff\x4f\xff\x51"
_BOXED: Final = b"\0\0\0\x0cjP  \r\n\x87\n"
_EXIF: Final = b"JpgTiffExif->JP2"
_SPACES: Final = {12: "cmyk", 16: "rgb", 17: "grey", 18: "ycbcr"}
_BY_COUNT: Final = {1: "grey", 2: "grey alpha", 3: "rgb", 4: "rgba"}
_PLAIN: Final = {"grey": 1, "rgb": 3, "ycbcr": 3, "cmyk": 4}


def read(reader: Reader, found: Found) -> None:
    """Read the boxes before and behind the stream, or its own header."""
    if reader.some(0, 4) == _BARE:
        _stream(reader, found)
    elif reader.some(0, 12) == _BOXED:
        _boxes(reader, found)
    else:
        raise Malformed("does not begin like a JPEG 2000")


def _stream(reader: Reader, found: Found) -> None:
    """SIZ: the grid that the picture lies in, and where it begins there."""
    right, bottom, left, top, count = struct.unpack(">IIII16xH", reader.at(8, 34))
    depth = reader.at(42, 1)[0]
    found.width, found.height, found.frames = max(0, right - left), max(0, bottom - top), 1
    if name := _BY_COUNT.get(count):
        found.colour = f"{name} {(depth & 0x7F) + 1} bit"


def _boxes(reader: Reader, found: Found) -> None:
    parts = Parts()
    with parts:
        for box in boxes(reader):
            with parts:
                _box(reader, box, found, parts)
    parts.complain()
    if found.width is None:
        raise Malformed("is a JPEG 2000 without a header")


def _box(reader: Reader, box: Box, found: Found, parts: Parts) -> None:
    if box.kind == b"jp2h":
        _header(reader, box, found)
    elif box.kind == b"xml ":
        found.text("xmp", words.plain(content(reader, box, MOST_TEXT)))
    elif box.kind == b"jumb" and b"c2pa" in content(reader, box, 128):
        found.more["c2pa.present"] = True
    elif box.kind == b"uuid":
        _uuid(reader, box, found, parts)


def _uuid(reader: Reader, box: Box, found: Found, parts: Parts) -> None:
    which = identity(reader, box)
    if which == C2PA:
        found.more["c2pa.present"] = True
    elif which == XMP:
        found.text("xmp", words.plain(content(reader, box, MOST_TEXT)[16:]))
    elif which == _EXIF and parts.first("exif"):
        read_exif(content(reader, box, MOST_TEXT)[16:], found)


def _header(reader: Reader, box: Box, found: Found) -> None:
    space, depth, count = "", 0, 0
    for inner in children(reader, box):
        data = content(reader, inner, 14)
        if inner.kind == b"ihdr" and len(data) == 14:  # noqa: PLR2004
            found.height, found.width, count, depth = struct.unpack_from(">IIHB", data)
            found.frames = 1
        elif inner.kind == b"colr" and data[:1] == b"\1" and len(data) >= 7:  # noqa: PLR2004
            space = space or _SPACES.get(int.from_bytes(data[3:7], "big"), "")
    name = space or _BY_COUNT.get(count, "")
    if name in _PLAIN and count == _PLAIN[name] + 1:
        name = {"grey": "grey alpha", "rgb": "rgba"}.get(name, name)
    if name and depth != 0xFF:  # noqa: PLR2004  # each channel has its own
        found.colour = f"{name} {(depth & 0x7F) + 1} bit"
