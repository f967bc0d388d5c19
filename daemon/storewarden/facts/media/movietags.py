"""Texts in a movie box, as iTunes, QuickTime and ffmpeg write them, under ffmpeg's names."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.boxes import Box, boxes, child, children, content
from storewarden.facts.media.tags import decoded, keep, text_at
from storewarden.facts.reader import Reader, TooMuch

_WHERE: Final = "mp4"
_MOST_KEYS: Final = 1024
_UTF8, _UTF16 = 1, 2  # types of values that are text
_META: Final = frozenset({b"hdlr", b"keys", b"ilst", b"free", b"mhdr"})

_NAMES: Final = {
    b"\xa9nam": "title",
    b"\xa9ART": "artist",
    b"\xa9aut": "artist",
    b"aART": "album_artist",
    b"\xa9alb": "album",
    b"\xa9cmt": "comment",
    b"\xa9inf": "comment",
    b"\xa9day": "date",
    b"\xa9too": "encoder",
    b"\xa9swr": "encoder",
    b"\xa9enc": "encoder",
    b"\xa9gen": "genre",
    b"\xa9wrt": "composer",
    b"\xa9lyr": "lyrics",
    b"\xa9grp": "grouping",
    b"\xa9cpy": "copyright",
    b"cprt": "copyright",
    b"\xa9des": "description",
    b"desc": "description",
    b"dscp": "description",
    b"ldes": "synopsis",
    b"keyw": "keywords",
    b"\xa9key": "keywords",
    b"\xa9mak": "com.apple.quicktime.make",
    b"\xa9mod": "com.apple.quicktime.model",
    b"\xa9xyz": "location",
    b"\xa9src": "source",
    b"\xa9url": "url",
}


def read(reader: Reader, box: Box, found: Found) -> None:
    """Keep the texts of a ``udta`` or ``meta`` box."""
    if box.kind == b"meta":
        _meta(reader, box, found)
        return
    for inner in children(reader, box):
        if inner.kind == b"meta":
            _meta(reader, inner, found)
        elif inner.kind == b"XMP_":
            keep(found, "xmp", "", decoded(text_at(reader, inner.begin, inner.length)))
        elif inner.kind[:1] == b"\xa9":
            _quicktime(reader, inner, found)


def _meta(reader: Reader, meta: Box, found: Found) -> None:
    """Keep what is in a ``meta`` box, which is full in MP4 and not in QuickTime."""
    skip = 0 if reader.some(meta.begin + 4, 4) in _META else 4
    keys: list[str] = []
    for box in children(reader, meta, skip):
        if box.kind == b"keys":
            keys = list(_keys(reader, box))
        elif box.kind == b"ilst":
            for item in children(reader, box):
                _item(reader, item, keys, found)


def _keys(reader: Reader, box: Box) -> Iterator[str]:
    """Yield the names that items are numbered by, from 1."""
    for number, key in enumerate(boxes(reader, box.begin + 8, box.end)):
        if number >= _MOST_KEYS:
            raise TooMuch(f"has more than {_MOST_KEYS:,} names of texts")
        yield decoded(content(reader, key, 256)).lower()


def _item(reader: Reader, item: Box, keys: list[str], found: Found) -> None:
    number = int.from_bytes(item.kind, "big")
    if item.kind == b"----":
        name = _freeform(reader, item)
    elif 0 < number <= len(keys):
        name = keys[number - 1]
    else:
        name = _NAMES.get(item.kind, "")
    data = child(reader, item, b"data") if name else None
    if data is None:
        return
    head = reader.some(data.begin, 8)
    kind = int.from_bytes(head[:4], "big")
    if kind in {_UTF8, _UTF16}:
        text = text_at(reader, data.begin + 8, max(0, data.length - 8))
        keep(found, _WHERE, name, decoded(text, "utf-8" if kind == _UTF8 else "utf-16-be"))


def _freeform(reader: Reader, item: Box) -> str:
    name = child(reader, item, b"name")
    return decoded(content(reader, name, 256)[4:]).lower() if name else ""


def _quicktime(reader: Reader, box: Box, found: Found) -> None:
    """Keep a text of a QuickTime movie: its length and language, then itself; others follow."""
    name = _NAMES.get(box.kind)
    if name and box.length > 4:  # noqa: PLR2004
        length, language = struct.unpack(">HH", reader.at(box.begin, 4))
        length = min(length, box.length - 4)
        # Macintosh languages have small numbers, ISO 639 ones large
        encoding = "mac-roman" if language < 0x400 else "utf-8"  # noqa: PLR2004
        text = text_at(reader, box.begin + 4, length)
        try:
            keep(found, _WHERE, name, text.decode())
        except UnicodeDecodeError:
            keep(found, _WHERE, name, decoded(text, encoding))
