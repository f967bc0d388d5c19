"""Raw formats of cameras that are not built like a TIFF: Canon's CR3 and Fuji's RAF."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.image.exif import read_exif
from storewarden.facts.image.parts import Parts
from storewarden.facts.image.tags import Tags
from storewarden.facts.media.boxes import Box, boxes, children, content, identity
from storewarden.facts.reader import Malformed, Reader

_FUJI: Final = b"FUJIFILMCCD-RAW "
_CANON: Final = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_MOST_EXIF: Final = 64 << 10
_MOST_TAGS: Final = 1_000
_FULL_SIZE: Final = 0x0111  # of a picture without the edges of the sensor
_WIDTH, _HEIGHT = 0x0100, 0x0101


def read(reader: Reader, found: Found) -> None:
    """Read what the camera says, and how large the picture of the sensor is."""
    parts = Parts()
    if reader.some(0, len(_FUJI)) == _FUJI:
        _fuji(reader, found, parts)
    elif reader.some(4, 8) == b"ftypcrx ":
        _canon(reader, found, parts)
    else:
        raise Malformed("does not begin like a raw picture")
    found.frames = 1
    parts.complain()


def _fuji(reader: Reader, found: Found, parts: Parts) -> None:
    """RAF: a JPEG with the EXIF, and a table of sizes."""
    picture, table = struct.unpack(">I4xI", reader.at(84, 12))
    with parts:
        (count,) = struct.unpack(">I", reader.at(table, 4))
        at = table + 4
        for _ in range(min(count, _MOST_TAGS)):
            number, length = struct.unpack(">HH", reader.at(at, 4))
            if number == _FULL_SIZE:
                found.height, found.width = struct.unpack(">HH", reader.at(at + 4, 4))
            at += 4 + length
    with parts:
        head = reader.at(picture, 6)
        if head[:4] == b"\xff\xd8\xff\xe1":
            (length,) = struct.unpack_from(">H", head, 4)
            read_exif(reader.at(picture + 6, max(0, length - 2)), found)


def _canon(reader: Reader, found: Found, parts: Parts) -> None:
    """CR3: boxes with blocks of EXIF in them."""
    with parts:
        for box in boxes(reader):
            if box.kind == b"moov" and parts.first("moov"):
                for inner in children(reader, box):
                    if identity(reader, inner) == _CANON and parts.first("camera"):
                        _canon_blocks(reader, inner, found, parts)


def _canon_blocks(reader: Reader, box: Box, found: Found, parts: Parts) -> None:
    for inner in children(reader, box, 16):
        if inner.kind != b"CMT1" or not parts.first("exif"):
            continue
        block = content(reader, inner, _MOST_EXIF)
        tags = Tags(Reader.of_bytes(block))
        first = tags.directory(tags.first).tags
        found.width, found.height = tags.number(first.get(_WIDTH)), tags.number(first.get(_HEIGHT))
        with parts:
            read_exif(block, found)
