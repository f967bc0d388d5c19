"""Netpbm: PBM, PGM, PPM, PAM and PFM, whose headers are words."""

from __future__ import annotations

import re
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.reader import Malformed, Reader

_HEAD: Final = 16 << 10
_COMMENT: Final = re.compile(rb"#([^\n]*)")
_NUMBER: Final = re.compile(rb"\d{1,10}")
_COLOURS: Final = {b"1": "grey", b"2": "grey", b"3": "rgb", b"F": "rgb", b"f": "grey"}
_PACKED: Final = {b"4": b"1", b"5": b"2", b"6": b"3"}  # the same in bytes instead of digits
_TYPES: Final = {
    b"1": "image/x-portable-bitmap",
    b"2": "image/x-portable-graymap",
    b"3": "image/x-portable-pixmap",
}
_TUPLES: Final = {
    b"BLACKANDWHITE": "grey",
    b"GRAYSCALE": "grey",
    b"GRAYSCALE_ALPHA": "grey alpha",
    b"RGB": "rgb",
    b"RGB_ALPHA": "rgba",
}


def read(reader: Reader, found: Found) -> None:
    """Read the words before the pixels."""
    head = reader.some(0, _HEAD)
    kind = head[1:2]
    if head[:1] != b"P" or not head[2:3].isspace():
        raise Malformed("does not begin like a Netpbm picture")
    kind = _PACKED.get(kind, kind)
    if kind == b"7":
        _arbitrary(head, found)
    elif kind in _COLOURS:
        _simple(kind, head, found)
    else:
        raise Malformed("does not begin like a Netpbm picture")
    found.frames = 1


def _simple(kind: bytes, head: bytes, found: Found) -> None:
    numbers: list[int] = []
    wanted = 2 if kind in b"1Ff" else 3
    comments: list[bytes] = []
    at = 2
    while len(numbers) < wanted:
        rest = head[at:].lstrip()
        at = len(head) - len(rest)
        if comment := _COMMENT.match(rest):
            comments.append(comment[1].strip())
        number = comment or _NUMBER.match(rest)
        if not number:
            raise Malformed("has no size in its header")
        if not comment:
            numbers.append(int(number[0]))
        at += number.end()
    found.width, found.height = numbers[:2]
    found.mime = _TYPES.get(kind)
    found.text("netpbm:comment", words.plain(b"\n".join(comments)))
    bits = "32 bit float" if kind in b"Ff" else f"{_bits(numbers[2] if wanted > 2 else 1)} bit"  # noqa: PLR2004
    found.colour = f"{_COLOURS[kind]} {bits}"


def _arbitrary(head: bytes, found: Found) -> None:
    """PAM: a line for each word."""
    told: dict[bytes, bytes] = {}
    for line in head.split(b"\n")[1:]:
        key, _, value = line.strip().partition(b" ")
        if key == b"ENDHDR":
            break
        told[key] = value.strip()
    sizes = [_NUMBER.fullmatch(told.get(key, b"")) for key in (b"WIDTH", b"HEIGHT", b"MAXVAL")]
    width, height, most = (int(size[0]) if size else None for size in sizes)
    if width is None or height is None:
        raise Malformed("has no size in its header")
    found.width, found.height = width, height
    name = _TUPLES.get(told.get(b"TUPLTYPE", b""))
    if name and most:
        found.colour = f"{name} {_bits(most)} bit"


def _bits(most: int) -> int:
    """Return how many bits a value takes that goes up to ``most``."""
    if most == 1:
        return 1
    return 8 if most < 256 else 16  # noqa: PLR2004
