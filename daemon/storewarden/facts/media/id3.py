"""ID3: texts before or behind the sound of MP3, AAC, WAV, AIFF. Pictures in it are stepped over."""

from __future__ import annotations

import re
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.tags import decoded, keep, text_at
from storewarden.facts.reader import Reader

_MOST_FRAMES: Final = 1000
_MOST_UNDONE: Final = 1 << 20  # of a tag whose bytes were changed throughout, and are changed back
_UNSYNCHRONISED, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
_ENCODINGS: Final = ("latin-1", "utf-16", "utf-16-be", "utf-8")
_NAME: Final = re.compile(rb"[A-Z][A-Z0-9]{2,3}\Z")
_OLD: Final = {  # the names of three letters, of version 2.2
    "TT2": "TIT2",
    "TP1": "TPE1",
    "TAL": "TALB",
    "TYE": "TYER",
    "TCO": "TCON",
    "TEN": "TENC",
    "TXX": "TXXX",
    "COM": "COMM",
    "ULT": "USLT",
}
_WITH_LANGUAGE: Final = {"COMM", "USLT"}
_V1: Final = (
    ("TIT2", 3, 30),
    ("TPE1", 33, 30),
    ("TALB", 63, 30),
    ("TYER", 93, 4),
    ("COMM", 97, 28),
)


def read(reader: Reader, begin: int, found: Found) -> int:
    """Keep the texts of a tag at ``begin``; return where it ends, ``begin`` when there is none."""
    header = reader.some(begin, 10)
    if header[:3] != b"ID3" or len(header) < 10 or header[3] not in {2, 3, 4}:  # noqa: PLR2004
        return begin
    version, flags = header[3], header[5]
    length = _without_top_bits(header[6:10])
    end = begin + 10 + length + 10 * bool(flags & _FOOTER)
    start, stop = begin + 10, min(begin + 10 + length, reader.size)
    if flags & _UNSYNCHRONISED and version < 4:  # noqa: PLR2004  # from then on frame by frame
        undone = reader.some(start, min(length, _MOST_UNDONE)).replace(b"\xff\0", b"\xff")
        reader, start, stop = Reader.of_bytes(undone), 0, len(undone)
    if flags & _EXTENDED and version > 2:  # noqa: PLR2004
        size = reader.some(start, 4)
        plain = int.from_bytes(size, "big") + 4
        start += plain if version == 3 else _without_top_bits(size)  # noqa: PLR2004
    _frames(reader, start, stop, version, found)
    return end


def _without_top_bits(data: bytes) -> int:
    """Return a number of which each byte holds seven bits."""
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
    return value


def _frames(reader: Reader, at: int, end: int, version: int, found: Found) -> None:
    head, width = (6, 3) if version == 2 else (10, 4)  # noqa: PLR2004
    for _ in range(_MOST_FRAMES):
        header = reader.some(at, head)
        name = header[:width]
        if at + head > end or not _NAME.match(name):
            return  # padding
        size = header[width : 2 * width]
        at += head
        length = int.from_bytes(size, "big")
        if version == 4:  # noqa: PLR2004
            length = _length(reader, at, size, end)
        length = min(length, end - at)
        _frame(reader, name.decode(), at, length, found)
        at += length


def _length(reader: Reader, at: int, size: bytes, end: int) -> int:
    """Return how long a frame of version 2.4 is: iTunes and others wrote plain numbers."""
    length, plain = _without_top_bits(size), int.from_bytes(size, "big")
    if length == plain or any(byte & 0x80 for byte in size):
        return plain
    behind = reader.some(at + length, 4)
    right = at + length >= end or behind[:1] in {b"", b"\0"} or _NAME.match(behind)
    return length if right else plain


def _frame(reader: Reader, name: str, begin: int, length: int, found: Found) -> None:
    name = _OLD.get(name, name)
    if name == "PRIV" and reader.some(begin, min(length, 4)) == b"XMP\0":
        keep(found, "xmp", "", decoded(text_at(reader, begin + 4, length - 4)))
    elif name == "GEOB":
        if b"c2pa" in reader.some(begin, min(length, 64)):
            found.more["c2pa.present"] = True
    elif name[0] == "T" or name in _WITH_LANGUAGE:
        data = text_at(reader, begin, length)
        if data and data[0] < len(_ENCODINGS):
            _text(name, data, found)


def _text(name: str, data: bytes, found: Found) -> None:
    encoding = _ENCODINGS[data[0]]
    body = data[4:] if name in _WITH_LANGUAGE else data[1:]
    if name == "TXXX" or name in _WITH_LANGUAGE:
        description, body = _described(body, wide=encoding.startswith("utf-16"))
        about = _decoded(description, encoding)
        key = f"{name}:{about}" if about else name
        keep(found, "id3", key, _decoded(body, encoding))
    else:
        keep(found, "id3", name, _decoded(body, encoding))


def _described(body: bytes, *, wide: bool) -> tuple[bytes, bytes]:
    """Return a description and what it is of, which zeros stand between."""
    if not wide:
        description, _, text = body.partition(b"\0")
        return description, text
    at = body.find(b"\0\0")
    while at >= 0 and at % 2:
        at = body.find(b"\0\0", at + 1)
    return (body[:at], body[at + 2 :]) if at >= 0 else (b"", body)


def _decoded(text: bytes, encoding: str) -> str:
    return decoded(text, encoding).strip("\0").replace("\0", "; ")


def read_old(reader: Reader, found: Found) -> int:
    """Keep the texts of the first ID3, 128 bytes at the end; return how many bytes there are."""
    tail = reader.tail(128)
    if len(tail) < 128 or tail[:3] != b"TAG":  # noqa: PLR2004
        return 0
    there = {text.where for text in found.texts}
    for name, at, length in _V1:
        if f"id3:{name}" not in there:
            keep(found, "id3", name, decoded(tail[at : at + length].partition(b"\0")[0], "latin-1"))
    return 128
