"""What the pages of an image were, in 16 bytes each: so a later one can be told from them.

They find what changed and prove nothing: that an image is what it should be is told by its BLAKE3.
Nobody who writes into a database knows the seed, so nobody can make a page that looks unchanged.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Final

from blake3 import blake3
from xxhash import xxh3_128_digest

WIDTH: Final = 16

_MAGIC: Final = b"storewarden marks 1\n"
_HEADER: Final = struct.Struct(">20sQII")  # magic, seed, page size, pages
_DIGEST: Final = 32
_MOST: Final = 1 << 40


class Marks:
    """The marks of the pages of one image, in their order."""

    def __init__(self, page_size: int, seed: int | None = None) -> None:
        """Make them for an image of which nothing is known; ``seed``: of the one before."""
        self.page_size = page_size
        self.seed = int.from_bytes(os.urandom(8)) if seed is None else seed
        self.all = bytearray()

    @property
    def pages(self) -> int:
        return len(self.all) // WIDTH

    def of(self, pages: memoryview) -> bytes:
        """Return the marks of some pages that follow each other."""
        seed, size = self.seed, self.page_size
        return b"".join(
            [xxh3_128_digest(pages[at : at + size], seed) for at in range(0, len(pages), size)]
        )

    def written(self) -> bytes:
        """Return them as they are kept."""
        kept = _HEADER.pack(_MAGIC, self.seed, self.page_size, self.pages) + bytes(self.all)
        return kept + blake3(kept).digest()

    @classmethod
    def read(cls, descriptor: int) -> Marks | None:
        """Return what was kept in a file; None when that is not all of it."""
        size = os.fstat(descriptor).st_size
        if not _HEADER.size + _DIGEST <= size < _MOST:
            return None
        kept = os.pread(descriptor, size, 0)
        magic, seed, page_size, pages = _HEADER.unpack_from(kept)
        if magic != _MAGIC or size != _HEADER.size + pages * WIDTH + _DIGEST:
            return None
        if blake3(kept[:-_DIGEST]).digest() != kept[-_DIGEST:]:
            return None
        marks = cls(page_size, seed)
        marks.all = bytearray(kept[_HEADER.size : -_DIGEST])
        return marks


def changed(before: bytes, now: bytes) -> Iterator[int]:
    """Yield the places, from 0, of marks that are others than before, or were not there."""
    if before == now:
        return
    for place in range(len(now) // WIDTH):
        at = place * WIDTH
        if now[at : at + WIDTH] != before[at : at + WIDTH]:
            yield place
