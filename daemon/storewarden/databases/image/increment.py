"""The pages of a database that changed since an image of it, in a file; and laying them over that.

The file: a header, then each changed page after its number, in their order. What it makes of the
image that it is based on has the length and the digest that stand in its header.
"""

from __future__ import annotations

import os
import struct
from typing import Final, NamedTuple

from blake3 import blake3

from storewarden.errors import ObjectDamaged

_MAGIC: Final = b"storewarden pages 1\n"
_HEADER: Final = struct.Struct(">20sIIQ32s32s")
NUMBER: Final = struct.Struct(">I")
HEADER_BYTES: Final = _HEADER.size
_PIECE: Final = 4 << 20
_PAGE_SIZES: Final = frozenset(1 << power for power in range(9, 17))


class Image(NamedTuple):
    """What a database is, page by page."""

    digest: bytes  # BLAKE3
    page_size: int
    pages: int


class Header(NamedTuple):
    """What stands before changed pages."""

    base: bytes  # digest of the image that they belong to
    image: Image  # that they make of it
    changed: int  # pages

    def written(self) -> bytes:
        """Return it as it stands in the file."""
        digest, page_size, pages = self.image
        return _HEADER.pack(_MAGIC, page_size, pages, self.changed, self.base, digest)

    @classmethod
    def read(cls, descriptor: int, where: str) -> Header:
        """Return the header of a file.

        Raises:
            ObjectDamaged: it has none, or not the length that this one asks for.
        """
        written = os.pread(descriptor, HEADER_BYTES, 0)
        if len(written) < HEADER_BYTES:
            raise _damaged(where, "it is cut off")
        magic, page_size, pages, changed, base, digest = _HEADER.unpack(written)
        if magic != _MAGIC or page_size not in _PAGE_SIZES or changed > pages:
            raise _damaged(where, "these are no pages that we wrote")
        size = HEADER_BYTES + changed * (NUMBER.size + page_size)
        if os.fstat(descriptor).st_size != size:
            raise _damaged(where, f"it has not the {size:,} bytes that it should have")
        return cls(base, Image(digest, page_size, pages), changed)


def apply(onto: int, increment: int, where: str = "", base: bytes | None = None) -> Image:
    """Lay the pages of an increment over an open file; return what that is now.

    Only with ``base`` it is sure from the beginning that the file is what the increment is based
    on; without, the digest tells it at the end.

    Args:
        onto: the file of the image that it is based on.
        increment: the file of the increment.
        where: the increment is from, for messages.
        base: the digest that the file is known to have.

    Raises:
        ObjectDamaged: it does not fit, or does not become what it should.
        OSError: the files cannot be read or written.
    """
    header = Header.read(increment, where)
    if base is not None and header.base != base:
        raise _damaged(where, "it belongs to another backup than the one before it")
    at, last = HEADER_BYTES, 0
    page_size, pages = header.image.page_size, header.image.pages
    for _ in range(header.changed):
        record = os.pread(increment, NUMBER.size + page_size, at)
        (number,) = NUMBER.unpack_from(record)
        if not last < number <= pages or len(record) != NUMBER.size + page_size:
            raise _damaged(where, "its pages are not in their order")
        _write(onto, memoryview(record)[NUMBER.size :], (number - 1) * page_size)
        at, last = at + len(record), number
    os.ftruncate(onto, pages * page_size)
    if digest_of(onto) != header.image.digest:
        raise _damaged(where, "what it makes of the backup before it is not what it should be")
    return header.image


def digest_of(descriptor: int) -> bytes:
    """Return the BLAKE3 of an open file."""
    hasher, at = blake3(), 0
    while piece := os.pread(descriptor, _PIECE, at):
        hasher.update(piece)
        at += len(piece)
    return hasher.digest()


def _write(descriptor: int, data: memoryview, at: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, at)
        data, at = data[written:], at + written


def _damaged(where: str, why: str) -> ObjectDamaged:
    return ObjectDamaged(
        "a backup cannot be used",
        where=where,
        why=why,
        remedy="storewarden db backups tells the others",
    )
