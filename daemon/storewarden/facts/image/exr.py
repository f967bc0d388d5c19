"""OpenEXR: named attributes and then pixels."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.reader import Malformed, Reader, TooMuch

_MAGIC: Final = b"\x76\x2f\x31\x01"
_MOST_ATTRIBUTES: Final = 1_000
_PARTS: Final = 0x1000  # a bit of the version: several pictures
_NAME: Final = 256
_COMPRESSIONS: Final = (
    *("none", "rle", "zips", "zip", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab"),
)
_PIXELS: Final = ("32 bit", "16 bit float", "32 bit float")
_MORE: Final = {"owner": "copyright", "software": "software", "capDate": "taken"}


def read(reader: Reader, found: Found) -> None:
    """Read the attributes of the first picture."""
    head = reader.at(0, 8)
    if head[:4] != _MAGIC:
        raise Malformed("does not begin like an OpenEXR picture")
    (version,) = struct.unpack_from("<I", head, 4)
    _attributes(reader, found)
    if found.width is None:
        raise Malformed("does not say how large it is")
    found.frames = 1
    if version & _PARTS:
        found.more["exr.parts"] = True


def _attributes(reader: Reader, found: Found) -> None:
    at = 8
    for _ in range(_MOST_ATTRIBUTES):
        name, at = _word(reader, at)
        if not name:
            return
        kind, at = _word(reader, at)
        (length,) = struct.unpack("<I", reader.at(at, 4))
        at += 4
        if length > reader.size - at:
            raise Malformed(f"has an attribute {name} of {length:,} bytes, more than there are")
        _attribute(name, kind, reader, at, length, found)
        at += length
    raise TooMuch(f"has more than {_MOST_ATTRIBUTES:,} attributes")


def _word(reader: Reader, at: int) -> tuple[str, int]:
    """Return a word that ends with a zero byte, and where the next thing begins."""
    data = reader.some(at, _NAME)
    word, zero, _ = data.partition(b"\0")
    if not zero:
        raise Malformed(f"has no name of an attribute at byte {at}")
    return words.plain(word), at + len(word) + 1


def _attribute(  # what an attribute is made of
    name: str, kind: str, reader: Reader, at: int, length: int, found: Found
) -> None:
    if kind == "box2i" and length == 16 and name in {"dataWindow", "displayWindow"}:  # noqa: PLR2004
        if name == "displayWindow" or found.width is None:
            left, top, right, bottom = struct.unpack("<4i", reader.at(at, 16))
            found.width, found.height = max(0, right - left + 1), max(0, bottom - top + 1)
    elif kind == "compression" and length == 1:
        number = reader.at(at, 1)[0]
        found.codec = _COMPRESSIONS[number] if number < len(_COMPRESSIONS) else None
    elif kind == "chlist":
        found.colour = _channels(reader.at(at, min(length, 16 << 10)))
    elif kind == "string" and length <= MOST_TEXT:
        text = words.plain(reader.at(at, length))
        found.text(f"exr:{name}", text)
        if text and name in _MORE:
            found.more[_MORE[name]] = text[:200]


def _channels(data: bytes) -> str | None:
    """Return the colour that a list of channels makes: R, G, B, A; those of layers have a dot."""
    names: dict[str, int] = {}
    at = 0
    while at < len(data) and data[at]:
        name, zero, rest = data[at:].partition(b"\0")
        if not zero or len(rest) < 16:  # noqa: PLR2004  # the type, and twelve bytes more
            break
        names[words.plain(name)] = int.from_bytes(rest[:4], "little")
        at += len(name) + 17
    for wanted, colour in (("RGBA", "rgba"), ("RGB", "rgb"), ("YA", "grey alpha"), ("Y", "grey")):
        if all(letter in names for letter in wanted):
            kind = names[wanted[0]]
            return f"{colour} {_PIXELS[kind]}" if kind < len(_PIXELS) else colour
    return None
