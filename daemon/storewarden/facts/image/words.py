"""Bytes of a header as text: which encoding, when nothing reliable says so."""

from __future__ import annotations

from typing import Final

_SAMPLE: Final = 256  # characters: enough to tell one byte order from the other
_SURE: Final = 32  # bytes: some CJK is made of bytes that are letters, but never so much of it
# What prompts are written in, and how much it says. CJK says little: half of ASCII is such a
# character when its two bytes are exchanged.
_LIKELY: Final = (
    (0x20, 0x7E, 3),
    (0xA0, 0x24F, 2),
    (0x370, 0x6FF, 2),
    (0x2010, 0x2027, 2),
    (0x3000, 0x30FF, 2),
    (0x4E00, 0x9FFF, 1),
    (0xAC00, 0xD7A3, 1),
    (0xFF00, 0xFF60, 1),
)


def plain(data: bytes) -> str:
    """Return text of one byte or of UTF-8; Latin-1, which is never invalid, comes second."""
    data = data.rstrip(b"\0")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\0", " ")


def wide(data: bytes) -> str:
    """Return UTF-16 text of either byte order, with or without a mark that tells which."""
    if len(data) >= _SURE and data.isascii() and 0 not in data[:_SURE]:
        return plain(data)  # it is called UTF-16 and is none
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return _decoded(data[2:], encoding)
    return _decoded(data, "utf-16-le" if _low_byte_first(data[: 2 * _SAMPLE]) else "utf-16-be")


def little(data: bytes) -> str:
    """Return text that its format declares as UTF-16 with the low byte first."""
    return _decoded(data, "utf-16-le")


def _decoded(data: bytes, encoding: str) -> str:
    return data.decode(encoding, "replace").rstrip("\0").replace("\0", " ")


def _low_byte_first(sample: bytes) -> bool:
    """Return whether a text reads better that way; in that of European languages zeros tell."""
    first, second = sample[::2].count(0), sample[1::2].count(0)
    if max(first, second) > len(sample) // 4 + min(first, second):
        return second > first
    little, big = sample.decode("utf-16-le", "replace"), sample.decode("utf-16-be", "replace")
    return _likely(little) > _likely(big)


def _likely(text: str) -> int:
    return sum(weight for sign in text for low, high, weight in _LIKELY if low <= ord(sign) <= high)
