"""ASF, the container of WMV and WMA: the objects in its header."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from storewarden.facts.found import Found
from storewarden.facts.media.container import (
    container,
    frames_a_second,
    lasts,
    only_sound,
    picture,
    sound,
)
from storewarden.facts.media.tags import decoded, keep, text_at
from storewarden.facts.media.waveformat import picture_format, sound_format
from storewarden.facts.reader import Malformed, Reader, TooMuch, Truncated

_TICKS: Final = 10_000_000  # a second
_MOST_OBJECTS: Final = 1000
_MOST_TEXTS: Final = 1000
_UNICODE: Final = 0
_NAMES: Final = ("Title", "Author", "Copyright", "Description", "Rating")


def _guid(text: str) -> bytes:
    first, second, third, fourth, fifth = text.split("-")
    order = (first, second, third)
    return b"".join(bytes.fromhex(part)[::-1] for part in order) + bytes.fromhex(fourth + fifth)


_HEADER: Final = _guid("75B22630-668E-11CF-A6D9-00AA0062CE6C")
_FILE: Final = _guid("8CABDCA1-A947-11CF-8EE4-00C00C205365")
_STREAM: Final = _guid("B7DC0791-A9B7-11CF-8EE6-00C00C205365")
_CONTENT: Final = _guid("75B22633-668E-11CF-A6D9-00AA0062CE6C")
_EXTENDED_CONTENT: Final = _guid("D2D0A440-E307-11D2-97F0-00A0C95EA850")
_EXTENSION: Final = _guid("5FBF03B5-A92E-11CF-8EE3-00C00C205365")
_EXTENDED_STREAM: Final = _guid("14E6A5CB-C672-4332-8399-A96952065B5A")
_SOUND: Final = _guid("F8699E40-5B4D-11CF-A8FD-00805F5C442B")
_PICTURE: Final = _guid("BC19EFC0-5B4D-11CF-A8FD-00805F5C442B")


class _Object(NamedTuple):
    """One object of a header."""

    kind: bytes
    begin: int
    length: int


@container
def read(reader: Reader, found: Found) -> None:
    """Read the objects of the header."""
    kind, length = struct.unpack("<16sQ6x", reader.at(0, 30))
    if kind != _HEADER:
        raise Malformed("is no ASF file")
    _read(reader, 30, length, found)
    for one in _objects(reader, 30, length):
        if one.kind == _EXTENSION:
            _read(reader, one.begin + 22, one.begin + one.length, found)
    if found.codec is None:
        raise Malformed("has no stream: nothing tells what is in it")
    if found.width is None:
        only_sound(found, "audio/x-ms-wma")
    elif found.sample_rate or found.width:
        found.kind, found.mime = "video", "video/x-ms-wmv"


def _objects(reader: Reader, begin: int, end: int) -> Iterator[_Object]:
    end = min(end, reader.size)
    for _ in range(_MOST_OBJECTS):
        if begin + 24 > end:
            return
        kind, length = struct.unpack("<16sQ", reader.at(begin, 24))
        if length < 24:  # noqa: PLR2004
            raise Malformed(f"has an object of {length} bytes, less than its own header")
        if begin + length > end:
            raise Truncated(begin, length, end)
        yield _Object(kind, begin + 24, length - 24)
        begin += length
    raise TooMuch(f"has more than {_MOST_OBJECTS:,} objects in its header")


def _read(reader: Reader, begin: int, end: int, found: Found) -> None:
    for one in _objects(reader, begin, end):
        data = reader.some(one.begin, min(one.length, 4096))
        if one.kind == _FILE:
            ticks, _, preroll = struct.unpack_from("<40xQQQ", data)
            lasts(found, ticks - preroll * (_TICKS // 1000), _TICKS)
        elif one.kind == _STREAM:
            _stream(data, found)
        elif one.kind == _EXTENDED_STREAM:
            (step,) = struct.unpack_from("<52xQ", data)
            found.fps = found.fps or frames_a_second(_TICKS, step)
        elif one.kind == _CONTENT:
            _content(text_at(reader, one.begin, one.length), found)
        elif one.kind == _EXTENDED_CONTENT:
            _extended_content(text_at(reader, one.begin, one.length), found)


def _stream(data: bytes, found: Found) -> None:
    if data[:16] == _SOUND and found.sample_rate is None:
        heard = sound_format(data[54:])
        beside = found.width is not None
        sound(found, heard.codec, heard.rate, heard.channels, beside=beside)
    elif data[:16] == _PICTURE and found.width is None:
        found.audio_codec = found.codec
        told = picture_format(data[65:])
        picture(found, told.codec, told.width, told.height)


def _content(data: bytes, found: Found) -> None:
    at = 10
    for name, length in zip(_NAMES, struct.unpack_from("<5H", data), strict=True):
        keep(found, "asf", name, decoded(data[at : at + length], "utf-16-le"))
        at += length


def _extended_content(data: bytes, found: Found) -> None:
    (count,) = struct.unpack_from("<H", data)
    at = 2
    for _ in range(min(count, _MOST_TEXTS)):
        (length,) = struct.unpack_from("<H", data, at)
        name = decoded(data[at + 2 : at + 2 + length], "utf-16-le").rstrip("\0")
        at += 2 + length
        kind, length = struct.unpack_from("<HH", data, at)
        if kind == _UNICODE:
            keep(found, "asf", name, decoded(data[at + 4 : at + 4 + length], "utf-16-le"))
        at += 4 + length
