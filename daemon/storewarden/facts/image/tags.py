"""TIFF's way of writing down tagged values: in TIFF files, in EXIF, in multi-picture JPEGs."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from storewarden.facts.reader import Malformed, Reader, TooMuch

_SIZES: Final = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)  # bytes, by type
# Integers, by type; the first of several is what counts everywhere here.
_INTEGERS: Final = dict(zip((1, 3, 4, 6, 7, 8, 9, 13, 16, 17, 18), "BHIbBhiIQqQ", strict=True))
_CLASSIC, _BIG = 42, 43
# Olympus and Panasonic write another number and then the same structure.
_CAMERAS: Final = frozenset({0x4F52, 0x5352, 0x0055})
_MOST_NUMBERS: Final = 256
_MOST_TAGS: Final = 1_000  # of one directory; cameras write a hundred


class Tag(NamedTuple):
    """One entry: of which type, how many values, and where the values lie."""

    type: int
    length: int
    at: int


class Directory(NamedTuple):
    """The entries of one directory by their number, and where the next one lies; 0 is none."""

    tags: dict[int, Tag]
    next: int


class Tags:
    """A structure of directories with tagged values; ``first`` is where the first one lies."""

    __slots__ = ("_entry", "_order", "_reader", "big", "first")

    def __init__(self, reader: Reader) -> None:
        head = reader.some(0, 16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 8:  # noqa: PLR2004  # the smaller of the two heads
            raise Malformed("holds tags without the head that they begin with")
        (number,) = struct.unpack_from(order + "H", head, 2)
        if number not in {_CLASSIC, _BIG} | _CAMERAS:
            raise Malformed(f"holds tags of an unknown version, {number}")
        self._reader, self._order, self.big = reader, order, number == _BIG
        if self.big:
            head = reader.at(0, 16)
        (self.first,) = struct.unpack_from(
            order + ("Q" if self.big else "I"), head, 8 >> (not self.big)
        )
        self._entry = struct.Struct(order + ("HHQ8x" if self.big else "HHI4x"))

    def directory(self, offset: int) -> Directory:
        """Return the directory at ``offset``."""
        count, begin = self._count(offset)
        size, inline = self._entry.size, 8 if self.big else 4
        table = self._reader.at(begin, count * size)
        value = begin + size - inline
        tags: dict[int, Tag] = {}
        for number, kind, many in self._entry.iter_unpack(table):
            tags.setdefault(number, Tag(kind, many, value))
            value += size
        return Directory(tags, self._pointer(begin + count * size))

    def next(self, offset: int) -> int:
        """Return where the next directory lies, without reading the one at ``offset``."""
        count, begin = self._count(offset)
        return self._pointer(begin + count * self._entry.size)

    def content(self, tag: Tag, most: int) -> bytes:
        """Return the bytes of a value, up to ``most`` of them."""
        if not 0 < tag.type < len(_SIZES):
            return b""
        length = _SIZES[tag.type] * tag.length
        at = tag.at
        if length > (8 if self.big else 4):
            at = self._unpack("Q" if self.big else "I", at)
        return self._reader.at(at, min(length, most))

    def number(self, tag: Tag | None) -> int | None:
        """Return the integer of a value, the first of several; None when it is none."""
        return next(iter(self.numbers(tag)), None)

    def numbers(self, tag: Tag | None) -> tuple[int, ...]:
        """Return the integers of a value; of very many only the first."""
        code = _INTEGERS.get(tag.type) if tag else None
        if tag is None or code is None:
            return ()
        size = _SIZES[tag.type]
        data = self.content(tag, _MOST_NUMBERS * size)
        return struct.unpack(f"{self._order}{len(data) // size}{code}", data)

    def _count(self, offset: int) -> tuple[int, int]:
        """Return how many entries a directory has, and where the first one lies."""
        if offset < 8:  # noqa: PLR2004  # where the head ends
            raise Malformed(f"holds a directory of tags at byte {offset}, inside the head")
        count = self._unpack("Q" if self.big else "H", offset)
        if count > _MOST_TAGS:
            raise TooMuch(f"holds a directory of {count:,} tags")
        return count, offset + (8 if self.big else 2)

    def _pointer(self, at: int) -> int:
        """Return a pointer to the next directory: where the file ends before it, there is none."""
        size = 8 if self.big else 4
        data = self._reader.some(at, size)
        return (
            int.from_bytes(data, "little" if self._order == "<" else "big")
            if len(data) == size
            else 0
        )

    def _unpack(self, code: str, at: int) -> int:
        found: int = struct.unpack(self._order + code, self._reader.at(at, struct.calcsize(code)))[
            0
        ]
        return found
