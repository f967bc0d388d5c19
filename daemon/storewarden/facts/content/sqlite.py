"""SQLite: what the first 100 bytes say. The database is never opened: that could change it."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.content.told import tell
from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader

_SIGNATURE: Final = b"SQLite format 3\0"
# https://www.sqlite.org/fileformat2.html#the_database_header, all of it in its order
_HEADER: Final = struct.Struct(">16sHBBBBBB12I20x2I")
_ENCODINGS: Final = {1: "utf-8", 2: "utf-16le", 3: "utf-16be"}
_WAL: Final = 2
_SMALLEST, _LARGEST = 512, 65_536


def read(reader: Reader, found: Found) -> None:
    """Read the header."""
    if reader.some(0, 16) != _SIGNATURE:
        raise Malformed("does not begin like a SQLite database; an encrypted one does not either")
    fields = _HEADER.unpack(reader.at(0, 100))
    page_size = _LARGEST if fields[1] == 1 else fields[1]
    if not _SMALLEST <= page_size <= _LARGEST or page_size & (page_size - 1):
        raise Malformed(f"is a SQLite database with pages of {page_size:,} bytes")
    changes, pages, _, free, _, _, _, _, encoding, version, _, application = fields[8:20]
    valid_for, sqlite = fields[20:]
    if not pages or valid_for != changes:  # an old writer was the last: it leaves the count as is
        pages = reader.size // page_size
    wal = fields[2] == _WAL
    tell(found, "database.page_size", page_size)
    tell(found, "database.pages", pages)
    tell(found, "database.free_pages", free)
    tell(found, "database.journal", "wal" if wal else "rollback")
    tell(found, "database.encoding", _ENCODINGS.get(encoding))
    tell(found, "database.user_version", _signed(version))
    tell(found, "database.application_id", _signed(application))
    if sqlite:
        numbers = (sqlite // 1_000_000, sqlite // 1000 % 1000, sqlite % 1000)
        tell(found, "database.sqlite_version", ".".join(map(str, numbers)))
    if pages * page_size > reader.size and not wal:  # what is missing there may lie in the log
        raise Malformed(f"ends at byte {reader.size:,}, before its {pages:,} pages do")


def _signed(number: int) -> int:
    return number - 2**32 if number >= 2**31 else number
