"""EBML, the elements that Matroska and WebM are made of."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from storewarden.facts.reader import Malformed, Reader, TooMuch, Truncated

MOST_ELEMENTS: Final = 10_000
"""How many elements side by side are looked at."""

_LONGEST_ID, _LONGEST_SIZE = 4, 8
_MOST_NUMBER: Final = 8  # bytes of an integer


class Element(NamedTuple):
    """One element: what it is, where its content begins and ends."""

    kind: int
    begin: int
    end: int
    open: bool  # it does not say where it ends

    @property
    def length(self) -> int:
        """How many bytes of content there are."""
        return self.end - self.begin


def elements(reader: Reader, begin: int, end: int) -> Iterator[Element]:
    """Yield the elements between two places.

    One that promises more than there is comes shortened, and then Truncated is raised. One that
    does not say how long it is, as live streams have it, goes to ``end``.
    """
    end = min(end, reader.size)
    for _ in range(MOST_ELEMENTS):
        if begin >= end:
            return
        element = _element(reader, begin, end)
        promised = element.end
        if promised > end:
            yield element._replace(end=end)
            raise Truncated(begin, promised - begin, end)
        yield element
        begin = promised
    raise TooMuch(f"has more than {MOST_ELEMENTS:,} elements side by side")


def _element(reader: Reader, begin: int, end: int) -> Element:
    header = reader.some(begin, _LONGEST_ID + _LONGEST_SIZE)
    if not header:
        raise Truncated(begin, 1, reader.size)
    length = 9 - header[0].bit_length()
    if length > _LONGEST_ID:
        raise Malformed(f"has no element at byte {begin}")
    kind = int.from_bytes(header[:length], "big")
    if len(header) <= length or not header[length]:
        raise Malformed(f"has an element without a size at byte {begin}")
    first = header[length]
    width = 9 - first.bit_length()
    size = int.from_bytes(header[length : length + width], "big") & ((1 << 7 * width) - 1)
    start = begin + length + width
    if start > end:
        raise Truncated(begin, length + width, end)
    unknown = size == (1 << 7 * width) - 1
    return Element(kind, start, end if unknown else start + size, unknown)


def children(reader: Reader, element: Element) -> Iterator[Element]:
    """Yield the elements in an element."""
    return elements(reader, element.begin, element.end)


def content(reader: Reader, element: Element, most: int = 64 << 10) -> bytes:
    """Return what is in an element, up to ``most`` bytes of it."""
    return reader.some(element.begin, min(element.length, most))


def number(reader: Reader, element: Element) -> int:
    """Return an element that is an unsigned integer."""
    return int.from_bytes(content(reader, element, _MOST_NUMBER), "big")


def real(reader: Reader, element: Element) -> float:
    """Return an element that is a number with a fraction; 0 where it is none."""
    data = content(reader, element, _MOST_NUMBER)
    form = {4: ">f", 8: ">d"}.get(len(data))
    return float(struct.unpack(form, data)[0]) if form else 0.0
