"""Archives and compressed files: what their heads and ends tell without unpacking them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Final

from storewarden.facts.bounded import GZIP
from storewarden.facts.content.told import tell
from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader, Truncated

_TAR_BLOCK: Final = 512
_MOST_ENTRIES: Final = 2_000  # of a tar, where only reading along tells how many there are
_MOST_INDEX: Final = 64 << 10
_LONG_NAMES: Final = b"xgLK"  # what describes the entry behind it
_FLAG_EXTRA, _FLAG_NAME = 4, 8


def read(reader: Reader, found: Found) -> None:
    """Tell by the first bytes which format it is."""
    head = reader.some(0, _TAR_BLOCK)
    for signature, read_format in _FORMATS:
        if head.startswith(signature):
            read_format(reader, found, head)
            return
    if _is_tar(head):
        _tar(reader, found)
        return
    raise Malformed("does not begin like an archive")


def _gzip(reader: Reader, found: Found, head: bytes) -> None:
    """Read the name that was packed, and look whether a tar is inside."""
    tell(found, "archive.format", "gzip")
    reader.at(0, 18)  # a head and an end
    at = 10
    if head[3] & _FLAG_EXTRA:
        at += 2 + int.from_bytes(head[at : at + 2], "little")
    if head[3] & _FLAG_NAME and (end := head.find(b"\0", at)) > at:
        tell(found, "archive.name", head[at:end].decode("latin-1"))
    try:
        first = zlib.decompressobj(GZIP).decompress(reader.some(0, 8 << 10), _TAR_BLOCK)
    except zlib.error as error:
        raise Malformed(f"does not unpack: {error}") from error
    if _is_tar(first):
        tell(found, "archive.content", "tar")


def _bzip2(_reader: Reader, found: Found, _head: bytes) -> None:
    tell(found, "archive.format", "bzip2")


def _lz4(_reader: Reader, found: Found, _head: bytes) -> None:
    tell(found, "archive.format", "lz4")


def _zstandard(reader: Reader, found: Found, head: bytes) -> None:
    """Read the size that the first frame promises."""
    tell(found, "archive.format", "zstd")
    reader.at(0, 9)  # the shortest there is
    descriptor = head[4]
    single = bool(descriptor & 0x20)
    at = 5 + (not single) + (0, 1, 2, 4)[descriptor & 3]
    length = (int(single), 2, 4, 8)[descriptor >> 6]
    size = int.from_bytes(reader.at(at, length), "little") + (256 if length == 2 else 0)  # noqa: PLR2004
    if length:
        tell(found, "archive.first_frame_size", size)


def _xz(reader: Reader, found: Found, _head: bytes) -> None:
    """Add up the index at the end."""
    tell(found, "archive.format", "xz")
    footer = reader.tail(12)
    if not footer.endswith(b"YZ"):
        raise Malformed("has no end where an xz file must have one")
    length = (int.from_bytes(footer[4:8], "little") + 1) * 4
    if length > _MOST_INDEX:
        return  # of many blocks: reading them all is not worth it
    index = reader.at(reader.size - 12 - length, length)
    if index[0]:
        raise Malformed("has no index where an xz file must have one")
    count, at = _variable(index, 1)
    size = 0
    for _ in range(min(count, length)):
        _, at = _variable(index, at)
        more, at = _variable(index, at)
        size += more
    tell(found, "archive.unpacked_size", size)


def _variable(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of up to nine bytes of seven bits, and where the next one begins."""
    number = 0
    for shift in range(9):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:  # noqa: PLR2004  # the last one
            return number, at
    raise Malformed("holds a number that has no end")


def _seven_zip(reader: Reader, found: Found, _head: bytes) -> None:
    """Check the start header: it says where the directory lies."""
    head = reader.at(0, 32)
    tell(found, "archive.format", f"7z {head[6]}.{head[7]}")
    check, offset, length = struct.unpack_from("<LQQ", head, 8)
    if zlib.crc32(head[12:]) != check:
        raise Malformed("has a damaged head")
    if 32 + offset + length > reader.size:
        raise Truncated(32 + offset, length, reader.size)


def _rar(reader: Reader, found: Found, _head: bytes) -> None:
    five = reader.at(0, 8).endswith(b"\1\0")
    tell(found, "archive.format", "rar 5" if five else "rar 4")


def _is_tar(block: bytes) -> bool:
    """Return whether the sum in a header is the sum of that header."""
    if len(block) < _TAR_BLOCK:
        return False
    told = _octal(block[148:156])
    return told is not None and told == sum(block) - sum(block[148:156]) + 8 * ord(" ")


def _octal(field: bytes) -> int | None:
    digits = field.strip(b" \0")
    if not digits or not digits.isdigit() or b"8" in digits or b"9" in digits:
        return None
    return int(digits, 8)


def _tar(reader: Reader, found: Found) -> None:
    """Go along the headers; a long way is not gone to its end."""
    tell(found, "archive.format", "tar")
    at = entries = size = 0
    for _ in range(_MOST_ENTRIES):
        block = reader.some(at, _TAR_BLOCK)
        if not block.strip(b"\0"):
            tell(found, "archive.entries", entries)
            tell(found, "archive.unpacked_size", size)
            return
        if not _is_tar(block):
            raise Malformed(f"has no header at byte {at:,} where the next entry must begin")
        length = _tar_size(block[124:136])
        if block[156] not in _LONG_NAMES:
            entries += 1
            size += length
        at += _TAR_BLOCK + -(-length // _TAR_BLOCK) * _TAR_BLOCK
        if at > reader.size:
            raise Truncated(at - length, length, reader.size)


def _tar_size(field: bytes) -> int:
    if field[0] & 0x80:  # a number beyond 8 GB
        return int.from_bytes(field[1:], "big")
    return _octal(field) or 0


_FORMATS: Final[tuple[tuple[bytes, Callable[[Reader, Found, bytes], None]], ...]] = (
    (b"\x1f\x8b", _gzip),
    (b"BZh", _bzip2),
    (b"\xfd7zXZ\0", _xz),
    (b"\x28\xb5\x2f\xfd", _zstandard),
    (b"\x04\x22\x4d\x18", _lz4),
    (b"7z\xbc\xaf\x27\x1c", _seven_zip),
    (b"Rar!\x1a\x07", _rar),
)
