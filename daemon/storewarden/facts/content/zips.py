"""Zip: the directory at its end, and single small members. Nothing in it is believed unchecked."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from storewarden.facts.bounded import MOST_TEXT, RAW, inflate
from storewarden.facts.reader import Malformed, Reader, TooMuch

_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR: Final = struct.Struct("<4sLQL")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_ENTRY: Final = struct.Struct("<4s4x2H8x2L3H8xL")  # without versions, times, sums, attributes
_MOST_COMMENT: Final = 0xFFFF
_MOST_DIRECTORY: Final = 4 << 20
_ALL_ONES: Final = 0xFFFFFFFF
_ENCRYPTED: Final = 1
_STORED, _DEFLATED = 0, 8


class Member(NamedTuple):
    """One file in a zip, as the directory describes it."""

    name: bytes
    method: int
    encrypted: bool
    packed: int
    size: int
    offset: int  # of its local header


class _End(NamedTuple):
    at: int
    members: int
    length: int
    offset: int


def directory(reader: Reader) -> list[Member]:
    """Return all members; raises Malformed where the directory contradicts itself."""
    end = _end(reader)
    if end.length > end.at:
        raise Malformed(f"promises a directory of {end.length:,} bytes before byte {end.at:,}")
    if end.length > _MOST_DIRECTORY:
        raise TooMuch(f"is a zip of {end.members:,} members: too many to look at each")
    begin = end.at - end.length  # whatever stands before the zip, the directory touches its end
    before = begin - end.offset
    if before < 0:
        raise Malformed(f"promises its directory at byte {end.offset:,}, behind its end")
    members = _entries(reader.at(begin, end.length), before)
    if len(members) != end.members:
        raise Malformed(
            f"promises {end.members:,} members, and its directory names {len(members):,}"
        )
    return members


def _end(reader: Reader) -> _End:
    for length in (_END.size, _END.size + _MOST_COMMENT):
        tail = reader.tail(length)
        at = _end_in(tail)
        if at >= 0:
            break
    else:
        raise Malformed("is a zip without the directory that belongs at its end")
    _, _, _, _, count, size, offset, _ = _END.unpack_from(tail, at)
    place = reader.size - len(tail) + at
    return _large_end(reader, place) or _End(place, count, size, offset)


def _end_in(tail: bytes) -> int:
    """Return where the end of the directory begins; -1 where there is none.

    Its comment must reach the end of the file: there may be anything in a comment. Only where none
    does so, something was put behind the zip.
    """
    at, second = tail.rfind(b"PK\5\6"), -1
    while at >= 0:
        rest = len(tail) - at - _END.size
        comment = int.from_bytes(tail[at + 20 : at + 22], "little")
        if comment == rest:
            return at
        if second < 0 and comment < rest:
            second = at
        at = tail.rfind(b"PK\5\6", 0, at)
    return second


def _large_end(reader: Reader, place: int) -> _End | None:
    """Return what a zip of more than 4 GB, or of many members, says instead."""
    if place < _LOCATOR.size:
        return None
    signature, _, offset, _ = _LOCATOR.unpack(reader.at(place - _LOCATOR.size, _LOCATOR.size))
    if signature != b"PK\6\7":
        return None
    for at in (place - _LOCATOR.size - _END_64.size, offset):  # the first: what was put before it
        found = reader.some(at, _END_64.size) if at >= 0 else b""
        if len(found) == _END_64.size and found.startswith(b"PK\6\6"):
            *_, count, size, start = _END_64.unpack(found)
            return _End(at, count, size, start)
    raise Malformed("is a large zip without the directory that belongs at its end")


def _entries(data: bytes, before: int) -> list[Member]:
    found: list[Member] = []
    at, last = 0, len(data) - _ENTRY.size
    while at < len(data):
        if at > last or not data.startswith(b"PK\1\2", at):
            raise Malformed(
                f"has a directory that makes no sense from member {len(found) + 1:,} on"
            )
        _, flags, method, packed, size, named, extra, comment, offset = _ENTRY.unpack_from(data, at)
        at += _ENTRY.size
        name = data[at : at + named]
        at += named
        if _ALL_ONES in (packed, size, offset):
            size, packed, offset = _large(data[at : at + extra], size, packed, offset)
        at += extra + comment
        found.append(Member(name, method, flags & _ENCRYPTED != 0, packed, size, offset + before))
    if at > len(data):
        raise Malformed("has a directory whose last member is cut off")
    return found


def _large(extra: bytes, *told: int) -> tuple[int, ...]:
    """Return the sizes and the offset that stand in the extra field instead of all ones."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4
        if kind == 1:
            numbers = iter(struct.unpack_from(f"<{min(length, len(extra) - at) // 8}Q", extra, at))
            return tuple(next(numbers, one) if one == _ALL_ONES else one for one in told)
        at += length
    return told


def content(reader: Reader, member: Member, most: int = MOST_TEXT) -> bytes:
    """Return what is in one member; raises TooMuch beyond ``most`` bytes."""
    if member.encrypted:
        raise Malformed("is encrypted")
    if max(member.packed, member.size) > most:
        raise TooMuch(f"holds a member of {max(member.packed, member.size):,} bytes")
    head = reader.at(member.offset, 30)
    if not head.startswith(b"PK\3\4"):
        raise Malformed(f"has no member at byte {member.offset:,} where its directory says so")
    name_length, extra_length = struct.unpack_from("<2H", head, 26)
    packed = reader.at(member.offset + 30 + name_length + extra_length, member.packed)
    if member.method == _STORED:
        return packed
    if member.method != _DEFLATED:
        raise Malformed(f"packs a member by the unknown method {member.method}")
    return inflate(packed, most, RAW)
