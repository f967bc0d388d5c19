"""IPTC in Photoshop's resources: what an archive or an agency writes about a picture."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.reader import Malformed

IPTC, EXIF, XMP, LAYERS = 0x0404, 0x0422, 0x0424, 0x0400
_TEXTS: Final = {5: "title", 25: "keywords", 80: "byline", 105: "headline", 120: "caption"}
_LONG: Final = 0x8000  # a bit: the length follows in bytes of its own, which nobody uses


def read_resources(data: bytes, found: Found) -> None:
    """Read what Photoshop's resources hold of IPTC."""
    content = next((content for number, content in resources(data) if number == IPTC), b"")
    read_iptc(content, found)


def resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each resource with its number."""
    at = 0
    while at + 12 <= len(data):
        if data[at : at + 4] not in {b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"}:
            raise Malformed("holds broken Photoshop resources")
        (number,) = struct.unpack_from(">H", data, at + 4)
        at += 6 + (data[at + 6] + 2) // 2 * 2  # the name with its length, to an even number
        if at + 4 > len(data):
            raise Malformed("holds Photoshop resources that are cut off")
        (length,) = struct.unpack_from(">I", data, at)
        at += 4
        yield number, data[at : at + length]
        at += length + length % 2


def read_iptc(data: bytes, found: Found) -> None:
    """Read the texts of an IPTC record."""
    at = 0
    kept: dict[str, list[str]] = {}
    while at + 5 <= len(data) and data[at] == 0x1C:  # noqa: PLR2004  # how each field begins
        record, field, length = struct.unpack_from(">BBH", data, at + 1)
        at += 5
        if length & _LONG:
            break
        name = _TEXTS.get(field)
        if record == 2 and name:  # noqa: PLR2004  # the one with what people write
            kept.setdefault(name, []).append(words.plain(data[at : at + length]))
        at += length
    for name, texts in kept.items():
        found.text(f"iptc:{name}", ", ".join(texts))
