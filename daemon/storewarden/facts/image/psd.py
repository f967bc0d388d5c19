"""PSD and PSB: a header, resources with texts, and layers."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.image import iptc, words
from storewarden.facts.image.exif import read_exif
from storewarden.facts.image.parts import Parts
from storewarden.facts.reader import Malformed, Reader

_READ: Final = frozenset({iptc.IPTC, iptc.EXIF, iptc.XMP})
_LARGE: Final = 2  # the version of a PSB
_MODES: Final = {0: "grey", 1: "grey", 2: "indexed", 3: "rgb", 4: "cmyk", 8: "grey", 9: "lab"}
_PLAIN: Final = {"grey": 1, "indexed": 1, "rgb": 3, "cmyk": 4, "lab": 3}  # channels without alpha


def read(reader: Reader, found: Found) -> None:
    """Read the header, the resources and how many layers there are."""
    magic, version, channels, height, width, depth, mode = struct.unpack(
        ">4sH6xHIIHH", reader.at(0, 26)
    )
    if magic != b"8BPS" or version not in {1, _LARGE}:
        raise Malformed("does not begin like a PSD")
    found.width, found.height, found.frames = width, height, 1
    if version == _LARGE:
        found.mime = "image/x-psb"
    if name := _MODES.get(mode):
        alpha = name == "rgb" and channels > _PLAIN[name]
        found.colour = f"{name}{'a' if alpha else ''} {depth} bit"
    parts = Parts()
    (length,) = struct.unpack(">I", reader.at(26, 4))
    at = 30 + length
    (length,) = struct.unpack(">I", reader.at(at, 4))
    with parts:
        _resources(reader.at(at + 4, min(length, MOST_TEXT)), found, parts)
    with parts:
        _layers(reader, at + 4 + length, version == _LARGE, found)
    parts.complain()


def _resources(data: bytes, found: Found, parts: Parts) -> None:
    for number, content in iptc.resources(data):
        with parts:
            if number not in _READ or not parts.first(str(number)):
                continue
            if number == iptc.IPTC:
                iptc.read_iptc(content, found)
            elif number == iptc.EXIF:
                read_exif(content, found)
            elif number == iptc.XMP:
                found.text("xmp", words.plain(content))


def _layers(reader: Reader, at: int, large: bool, found: Found) -> None:  # noqa: FBT001  # of the file's version
    size = 8 if large else 4
    length = int.from_bytes(reader.at(at, size), "big")
    if length:
        (count,) = struct.unpack(">h", reader.at(at + 2 * size, 2))
        found.more["layers"] = abs(count)  # below zero: the first one holds what is transparent
