"""A text file as text: which encoding, and its words as they can be searched."""

from __future__ import annotations

from typing import Final, NamedTuple

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.content.told import clean
from storewarden.facts.reader import Malformed, Reader

_BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


class Decoded(NamedTuple):
    """The text, in which encoding it stood, and whether it is all of it."""

    text: str
    encoding: str
    whole: bool


def decoded(reader: Reader, most: int = MOST_TEXT) -> Decoded:
    """Return the text of a file, or the beginning of it; raises Malformed when it is none."""
    data = reader.some(0, most)
    whole = reader.size <= len(data)
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            data = data[len(mark) :]
            if encoding != "utf-8":
                data = data[: len(data) & ~1]
            return Decoded(clean(data.decode(encoding, "replace")), encoding, whole)
    if b"\0" in data:
        raise Malformed("holds bytes that no text has")
    if data.isascii():
        return Decoded(data.decode("ascii"), "ascii", whole)
    text, encoding = _eight_bit(data, whole=whole)
    return Decoded(clean(text), encoding, whole)


def _eight_bit(data: bytes, *, whole: bool) -> tuple[str, str]:
    """Return UTF-8 where it is valid, else Latin-1 as Windows writes it, which always is."""
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if not whole and error.start >= len(data) - 3:  # cut in a character
            return data[: error.start].decode("utf-8"), "utf-8"
    return data.decode("cp1252", "replace"), "windows-1252"
