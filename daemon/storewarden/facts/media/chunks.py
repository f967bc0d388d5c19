"""The chunks that WAV and AVI (RIFF), AIFF (IFF) and CAF files are made of."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from storewarden.facts.reader import Malformed, Reader, TooMuch, Truncated

_MOST_CHUNKS: Final = 10_000
RIFF: Final = struct.Struct("<4sI")
IFF: Final = struct.Struct(">4sI")
CORE: Final = struct.Struct(">4sq")


class Chunk(NamedTuple):
    """One chunk: its four letters, where its content begins, and how long it is."""

    kind: bytes
    begin: int
    length: int


def chunks(
    reader: Reader, begin: int, end: int, form: struct.Struct = RIFF, *, pad: int = 2
) -> Iterator[Chunk]:
    """Yield the chunks between two places, each padded to ``pad`` bytes.

    One that promises more than there is comes shortened, and then Truncated is raised. A length
    that a writer could not go back to fill in, of ones alone, is the rest.
    """
    end = min(end, reader.size)
    unknown = -1 if form is CORE else 2**32 - 1
    for _ in range(_MOST_CHUNKS):
        header = reader.some(begin, form.size)
        if begin >= end or len(header) < form.size:
            return
        kind, length = form.unpack(header)
        begin += form.size
        if length == unknown:
            yield Chunk(kind, begin, max(0, end - begin))
            return
        if length < 0:
            raise Malformed(f"has a chunk of {length} bytes")
        yield Chunk(kind, begin, min(length, max(0, end - begin)))
        if begin + length > end:
            raise Truncated(begin, length, end)
        begin += length + -length % pad
    raise TooMuch(f"has more than {_MOST_CHUNKS:,} chunks side by side")


def content(reader: Reader, chunk: Chunk, most: int = 64 << 10) -> bytes:
    """Return what is in a chunk, up to ``most`` bytes of it."""
    return reader.some(chunk.begin, min(chunk.length, most))
