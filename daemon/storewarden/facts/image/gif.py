"""GIF: blocks behind one another, whose data come in pieces of at most 255 bytes."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.reader import Malformed, Reader, TooMuch, Truncated

_PIECE: Final = 1 << 20  # read at once
_MOST_STEPS: Final = 500_000  # blocks, and pieces of data that are not full
_EXTENSION, _PICTURE, _END = 0x21, 0x2C, 0x3B
_CONTROL, _COMMENT, _APPLICATION = 0xF9, 0xFE, 0xFF
_TABLE: Final = 0x80  # a bit: a table of colours follows
_CENTI: Final = 10_000_000
# An XMP packet lies in a GIF as it is, and this many bytes behind it lead any reader to its end.
_XMP_TRAILER: Final = 258


def read(reader: Reader, found: Found) -> None:
    """Read all blocks: only they tell how many pictures there are, and for how long."""
    head = reader.at(0, 13)
    if head[:6] not in {b"GIF87a", b"GIF89a"}:
        raise Malformed("does not begin like a GIF")
    found.width, found.height, packed = struct.unpack_from("<HHB", head, 6)
    found.colour = f"indexed {(packed & 7) + 1} bit"
    _Blocks(reader, found).walk(13 + _table(packed))


def _table(packed: int) -> int:
    """Return how many bytes of a table of colours follow."""
    return 3 << (packed & 7) + 1 if packed & _TABLE else 0


class _Blocks:
    """One walk along the blocks of one file."""

    def __init__(self, reader: Reader, found: Found) -> None:
        self._reader, self._found = reader, found
        self._steps = _MOST_STEPS
        self._start, self._piece = 0, b""
        self._frames = self._duration = 0
        self._text_left = MOST_TEXT

    def walk(self, at: int) -> None:
        """Follow the blocks to the one that says that it is the last."""
        while True:
            self._step()
            (kind,) = self._bytes(at, 1)
            if kind == _END:
                break
            if kind == _EXTENSION:
                at = self._extension(at + 1)
            elif kind == _PICTURE:
                packed = self._bytes(at + 9, 1)[0]
                at = self._skip(at + 11 + _table(packed))  # the byte before says how it is packed
                self._frames += 1
            else:
                raise Malformed(f"holds no known block at byte {at}")
        self._found.frames = self._frames
        if self._frames > 1:
            self._found.duration_ns = self._duration * _CENTI

    def _extension(self, at: int) -> int:
        """Read a block that is no picture; return where it ends."""
        kind, length = self._bytes(at, 2)
        end = self._skip(at + 1)
        if kind == _CONTROL and length >= 4:  # noqa: PLR2004  # flags, delay, colour
            self._duration += int.from_bytes(self._bytes(at + 3, 2), "little")
        elif kind == _COMMENT:
            self._found.text("gif:comment", words.plain(self._joined(at + 1, end)))
        elif kind == _APPLICATION and self._bytes(at + 2, 11) == b"XMP DataXMP":
            self._text_left -= end - at
            if self._text_left > 0:
                packet = self._reader.at(at + 13, max(0, end - at - 13 - _XMP_TRAILER))
                self._found.text("xmp", words.plain(packet))
        return end

    def _joined(self, at: int, end: int) -> bytes:
        """Return the data of pieces without their lengths."""
        self._text_left -= end - at
        if self._text_left < 0:
            raise TooMuch("holds too many comments")
        data = self._reader.at(at, end - at)
        pieces, at = [], 0
        while length := data[at]:
            pieces.append(data[at + 1 : at + 1 + length])
            at += 1 + length
        return b"".join(pieces)

    def _skip(self, at: int) -> int:
        """Return where the data end whose first piece lies at ``at``."""
        while True:
            (length,) = self._bytes(at, 1)
            if length == 0:
                return at + 1
            if length == 255:  # noqa: PLR2004  # full, and so are most behind it
                lengths = self._piece[at - self._start :: 256]
                at += 256 * (len(lengths) - len(lengths.lstrip(b"\xff")))
            else:
                self._step()
                at += 1 + length

    def _bytes(self, at: int, length: int) -> bytes:
        begin = at - self._start
        if not 0 <= begin <= len(self._piece) - length:
            self._start, self._piece = at, self._reader.some(at, _PIECE)
            begin = 0
        found = self._piece[begin : begin + length]
        if len(found) < length:
            raise Truncated(at, length, self._reader.size)
        return found

    def _step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise TooMuch(f"has more than {_MOST_STEPS:,} blocks")
