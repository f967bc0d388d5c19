"""Which pages of a snapshot stand in a write-ahead log, told by SQLite's own index of it.

To be asked while a read transaction is held. From then on nothing that is read here changes:

- what a checkpoint may still write into the database lies below our mark in the log, and so below
  the last commit that is told here, from which the pages are read;
- the log is begun anew only when all of it was written into the database, and then its index says
  so, or says nothing of the frames before.

So the snapshot is the last commit when it was asked, which is that of the transaction or a later
one.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

# The header of the index, twice, and then what checkpoints note: sqlite.org/walformat.html
_INDEX: Final = struct.Struct("=III BBH II II II II")
INDEX_BYTES: Final = 48
_WRITTEN_BACK: Final = struct.Struct("=I")
_VERSION: Final = 3_007_000
_ATTEMPTS: Final = 1000

_LOG_HEADER: Final = 32
_FRAME: Final = struct.Struct(">II8s8s")  # page, size after a commit or 0, salts, checksums
_LARGEST_PAGE: Final = 1 << 16


class Unsteady(Exception):
    """The log is not what its index says: somebody else uses it by other rules."""


class Snapshot(NamedTuple):
    """A state of a database: so many pages, some of them at places in its log."""

    page_size: int
    pages: int
    places: Mapping[int, int]  # from a page's number, 1 is the first, to its bytes in the log


class _Index(NamedTuple):
    version: int
    unused: int
    changes: int
    begun: int
    big_endian: int
    page_size: int
    last_frame: int
    pages: int
    checksum_1: int
    checksum_2: int
    salt_1: int
    salt_2: int
    own_1: int
    own_2: int

    @property
    def salts(self) -> bytes:
        return struct.pack("=II", self.salt_1, self.salt_2)


def snapshot(shm: int, log: int) -> Snapshot:
    """Return the last commit of a log.

    Args:
        shm: SQLite's own descriptor of the index: another one must not be closed before its.
        log: a descriptor of the log.

    Raises:
        Unsteady: they do not fit each other.
        OSError: they cannot be read.
    """
    index, written_back = _index(shm)
    page_size = _LARGEST_PAGE if index.page_size == 1 else index.page_size
    if written_back >= index.last_frame:
        return Snapshot(page_size, index.pages, {})
    places: dict[int, int] = {}
    committed = 0
    for frame in range(index.last_frame):
        at = _LOG_HEADER + frame * (_FRAME.size + page_size)
        header = os.pread(log, _FRAME.size, at)
        if len(header) < _FRAME.size:
            raise Unsteady("the log is shorter than its index says")
        page, committed, salts, _ = _FRAME.unpack(header)
        if salts != index.salts:
            raise Unsteady("the log is another one than that of its index")
        places[page] = at + _FRAME.size
    if committed != index.pages:
        raise Unsteady("the log does not end with a commit")
    return Snapshot(page_size, index.pages, places)


def _index(shm: int) -> tuple[_Index, int]:
    """Return the header of the index as it was at one time, and how many frames are written back.

    A writer writes its second copy first, and the first one last.
    """
    for _ in range(_ATTEMPTS):
        before = os.pread(shm, 2 * INDEX_BYTES + _WRITTEN_BACK.size, 0)
        after = os.pread(shm, 2 * INDEX_BYTES, 0)
        if len(before) < 2 * INDEX_BYTES + _WRITTEN_BACK.size:
            break
        first, second = before[:INDEX_BYTES], before[INDEX_BYTES : 2 * INDEX_BYTES]
        if first == second and before[: 2 * INDEX_BYTES] == after:
            index = _Index(*_INDEX.unpack(first))
            if index.version == _VERSION and index.begun:
                return index, _WRITTEN_BACK.unpack_from(before, 2 * INDEX_BYTES)[0]
    raise Unsteady("the index of the log cannot be read")
