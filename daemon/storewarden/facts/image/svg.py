"""SVG: the size that the root element asks for, and what is said about the picture.

It is searched, not parsed: an XML parser would have to be kept from entities and other documents.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

from storewarden.facts.bounded import GZIP
from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.reader import Malformed, Reader

_HEAD: Final = 128 << 10
_ROOT: Final = re.compile(r"<(?:\w{1,20}:)?svg[\s>]")
_ATTRIBUTE: Final = re.compile(r"""\s(width|height|viewBox)\s*=\s*["']([^"']{1,200})["']""")
_LENGTH: Final = re.compile(r"\+?(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})(px|pt|pc|mm|cm|in|Q)?")
_TEXT: Final = re.compile(r"<(?:\w{1,20}:)?(title|desc)(?:\s[^<>]{0,200})?>([^<]{1,4000})<")
# In pixels, of which CSS has 96 to an inch.
_UNITS: Final = {
    "": 1.0,
    "px": 1.0,
    "in": 96.0,
    "pt": 96 / 72,
    "pc": 16.0,
    "cm": 96 / 2.54,
    "mm": 96 / 25.4,
    "Q": 96 / 101.6,
}
_XMP: Final = ("<x:xmpmeta", "</x:xmpmeta>")


def read(reader: Reader, found: Found) -> None:
    """Search the beginning of the document."""
    text = _text(reader.some(0, _HEAD))
    root = _ROOT.search(text)
    if not root:
        raise Malformed("holds no svg element where one must be")
    end = text.find(">", root.end() - 1)
    _size(text[root.start() : end if end >= 0 else len(text)], found)
    found.frames = 1
    for name, said in _TEXT.findall(text)[:2]:
        found.text(f"svg:{name}", said.strip())
        if name == "title":
            found.more.setdefault("title", said.strip()[:200])
    begin, end = text.find(_XMP[0]), text.find(_XMP[1])
    if 0 <= begin < end:
        found.text("xmp", text[begin : end + len(_XMP[1])])


def _text(data: bytes) -> str:
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(GZIP).decompress(data, _HEAD)
        except zlib.error as error:
            raise Malformed(f"does not unpack: {error}") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return words.wide(data)
    return words.plain(data).removeprefix("\ufeff")


def _size(root: str, found: Found) -> None:
    told = dict(_ATTRIBUTE.findall(root))
    width, height = _pixels(told.get("width", "")), _pixels(told.get("height", ""))
    box = told.get("viewBox", "").replace(",", " ").split()
    if (width is None or height is None) and len(box) == 4:  # noqa: PLR2004
        width, height = _scaled(width, height, _pixels(box[2]), _pixels(box[3]))
    found.width = round(width) if width else None
    found.height = round(height) if height else None


def _scaled(
    width: float | None, height: float | None, across: float | None, down: float | None
) -> tuple[float | None, float | None]:
    """Return the size that the box of coordinates gives to what is not told, in its proportion."""
    if not across or not down:
        return width, height
    if width is not None:
        return width, width * down / across
    if height is not None:
        return height * across / down, height
    return across, down


def _pixels(length: str) -> float | None:
    found = _LENGTH.fullmatch(length.strip())
    return float(found[1]) * _UNITS[found[2] or ""] if found else None
