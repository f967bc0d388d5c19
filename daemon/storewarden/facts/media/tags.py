"""Texts that makers leave in sounds and moving pictures, kept for whoever understands them."""

from __future__ import annotations

from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.reader import Reader, TooMuch

_MOST_FACT: Final = 200  # characters; the text itself is kept beside it
_MOST_FACTS: Final = 64

# What the same thing is called in the one container and the other; only these become facts.
_FACTS: Final = {
    "title": "title",
    "tit2": "title",
    "inam": "title",
    "artist": "artist",
    "tpe1": "artist",
    "iart": "artist",
    "author": "artist",
    "wm/author": "artist",
    "album": "album",
    "talb": "album",
    "iprd": "album",
    "wm/albumtitle": "album",
    "genre": "genre",
    "tcon": "genre",
    "ignr": "genre",
    "wm/genre": "genre",
    "date": "date",
    "tdrc": "date",
    "tyer": "date",
    "icrd": "date",
    "wm/year": "date",
    "com.apple.quicktime.make": "camera.make",
    "com.apple.quicktime.model": "camera.model",
    "encoder": "software",
    "tsse": "software",
    "isft": "software",
    "writingapp": "software",
    "com.apple.quicktime.software": "software",
    "copyright": "copyright",
    "tcop": "copyright",
    "icop": "copyright",
}


def keep(found: Found, where: str, key: str, text: str) -> None:
    """Keep a text under ``where:key``; title, artist and the like become facts as well."""
    text = text.strip("\0 \t\r\n")
    if not text:
        return
    found.text(f"{where}:{key}" if key else where, text)
    fact = _FACTS.get(key.lower())
    if fact and fact not in found.more and len(found.more) < _MOST_FACTS:
        found.more[fact] = text[:_MOST_FACT]


def text_at(reader: Reader, offset: int, length: int) -> bytes:
    """Read a text of that length; raises TooMuch when no text is that long."""
    if length > MOST_TEXT:
        raise TooMuch(f"holds a text of {length:,} bytes")
    return reader.at(offset, length)


def decoded(text: bytes, encoding: str = "utf-8") -> str:
    """Return text as it is meant, with a mark where it is broken."""
    return text.decode(encoding, "replace")
