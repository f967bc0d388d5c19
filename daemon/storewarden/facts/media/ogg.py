"""Ogg with Vorbis, Opus, FLAC, Speex and Theora: the first pages, and the last for the length."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.media import soundconfig, vorbiscomment
from storewarden.facts.media.bits import Bits
from storewarden.facts.media.colours import colour
from storewarden.facts.media.container import (
    SECOND,
    container,
    frames_a_second,
    lasts,
    only_sound,
    picture,
    sound,
)
from storewarden.facts.reader import Malformed, Reader

_HEADER: Final = struct.Struct("<4sBBqIIIB")
_LARGEST_PAGE: Final = 27 + 255 + 255 * 255
_MOST_PAGES: Final = 300  # until all comments were read
_MOST_STREAMS: Final = 32
_CONTINUED, _FIRST = 1, 2
_NOTHING_ENDS: Final = -1  # the position of a page on which no packet ends
_FLAC_COMMENTS: Final = 4


class Page(NamedTuple):
    """One page: whose it is, at which time it ends, and the packets or parts of such in it."""

    flags: int
    position: int
    serial: int
    begin: int
    segments: bytes

    @property
    def end(self) -> int:
        """Where the next page begins."""
        return self.begin + sum(self.segments)


@dataclass(slots=True)
class Stream:
    """One stream: its codec, and what turns a position into seconds."""

    codec: str
    scale: float = 0  # positions a second
    skipped: int = 0  # positions before the first sample
    shift: int = 0  # bits of a position that count frames since the last whole picture
    mark: bytes = b""  # what the packet with the comments begins with
    packet: bytearray = field(default_factory=bytearray)
    done: bool = False

    def seconds(self, position: int) -> float:
        """Return how long the stream is that ends at a position."""
        if self.shift:
            position = (position >> self.shift) + (position & ((1 << self.shift) - 1))
        return max(0, position - self.skipped) / self.scale if self.scale > 0 else 0.0


@container
def read(reader: Reader, found: Found) -> None:
    """Read what the streams are, their comments, and the last pages."""
    streams: dict[int, Stream] = {}
    for page in _pages(reader):
        packet = _packets(reader, page)
        if page.flags & _FIRST:
            if len(streams) < _MOST_STREAMS:
                streams[page.serial] = _begin(next(packet)[0], found)
        elif page.serial in streams:
            _comments(packet, streams[page.serial], found)
        if all(stream.done for stream in streams.values()):
            break
    _kind(found, streams)
    ends = _ends(reader, streams)
    lasts(found, max(ends, default=0.0) * SECOND, SECOND)


def _kind(found: Found, streams: dict[int, Stream]) -> None:
    if found.width is None and any(stream.scale for stream in streams.values()):
        only_sound(found, "audio/ogg")
    elif found.width is not None:
        found.kind, found.mime = "video", "video/ogg"


def _pages(reader: Reader) -> Iterator[Page]:
    at = 0
    for _ in range(_MOST_PAGES):
        if at >= reader.size:
            return
        page = _page(reader.some(at, 27 + 255), at)
        if page is None:
            raise Malformed(f"has no page at byte {at}")
        yield page
        at = page.end
    # what comes behind so many pages are not comments


def _page(data: bytes, start: int, at: int = 0) -> Page | None:
    if len(data) < at + _HEADER.size or data[at : at + 4] != b"OggS":
        return None
    _, _, flags, position, serial, _, _, count = _HEADER.unpack_from(data, at)
    segments = data[at + 27 : at + 27 + count]
    if len(segments) < count:
        return None
    return Page(flags, position, serial, start + 27 + count, segments)


def _packets(reader: Reader, page: Page) -> Iterator[tuple[bytes, bool]]:
    """Yield the packets on a page, and whether each ends on it."""
    at, length = page.begin, 0
    for number, segment in enumerate(page.segments, 1):
        length += segment
        if segment < 255 or number == len(page.segments):  # noqa: PLR2004
            yield reader.at(at, length), segment < 255  # noqa: PLR2004
            at, length = at + length, 0
    if not page.segments:
        yield b"", True


def _begin(packet: bytes, found: Found) -> Stream:
    """Return the stream that a first packet begins."""
    for mark, begin in _CODECS.items():
        if packet.startswith(mark):
            return begin(packet, found)
    return Stream("", done=True)


def _heard(found: Found, codec: str, rate: int, channels: int) -> None:
    if found.sample_rate is None:
        sound(found, codec, rate, channels, beside=found.width is not None)


def _vorbis(packet: bytes, found: Found) -> Stream:
    channels, rate = struct.unpack_from("<BI", packet, 11)
    _heard(found, "vorbis", rate, channels)
    return Stream("vorbis", rate, mark=b"\x03vorbis")


def _opus(packet: bytes, found: Found) -> Stream:
    channels, skipped = struct.unpack_from("<BH", packet, 9)
    _heard(found, "opus", 48_000, channels)
    return Stream("opus", 48_000, skipped, mark=b"OpusTags")


def _speex(packet: bytes, found: Found) -> Stream:
    rate, _, _, channels = struct.unpack_from("<IIII", packet, 36)
    _heard(found, "speex", rate, channels)
    return Stream("speex", rate, done=True)


def _flac(packet: bytes, found: Found) -> Stream:
    told = soundconfig.flac(packet[17:])
    _heard(found, "flac", told.rate, told.channels)
    return Stream("flac", told.rate)


def _theora(packet: bytes, found: Found) -> Stream:
    if found.width is not None:
        return Stream("theora", done=True)
    width, height = int.from_bytes(packet[14:17], "big"), int.from_bytes(packet[17:20], "big")
    number, by = struct.unpack_from(">II", packet, 22)
    bits = Bits(packet[40:42])
    bits.take(6)
    shift, chroma = bits.take(5), bits.take(2)
    if found.codec:
        found.audio_codec = found.codec
    found.colour = colour((1, -1, 2, 3)[chroma], 8)
    picture(found, "theora", width, height)
    found.fps = frames_a_second(number, by)
    return Stream("theora", number / by if by else 0, shift=shift, mark=b"\x81theora")


_CODECS: Final[dict[bytes, Callable[[bytes, Found], Stream]]] = {
    b"\x01vorbis": _vorbis,
    b"OpusHead": _opus,
    b"Speex   ": _speex,
    b"\x7fFLAC": _flac,
    b"\x80theora": _theora,
}


def _comments(packets: Iterator[tuple[bytes, bool]], stream: Stream, found: Found) -> None:
    """Gather the packet with the comments, which may go over many pages, and keep them."""
    for packet, whole in packets:
        if stream.done:
            return
        stream.packet += packet
        if whole or len(stream.packet) > MOST_TEXT:
            stream.done = True
            data = bytes(stream.packet)
            if stream.codec == "flac":
                if data[:1] and data[0] & 0x7F == _FLAC_COMMENTS:
                    vorbiscomment.read(data[4:], found)
            elif data.startswith(stream.mark):
                vorbiscomment.read(data[len(stream.mark) :], found)


def _ends(reader: Reader, streams: dict[int, Stream]) -> list[float]:
    """Return how long each stream is, by its last page near the end of the file."""
    tail = reader.tail(2 * _LARGEST_PAGE)
    ends: dict[int, float] = {}
    at = tail.rfind(b"OggS")
    while at >= 0 and len(ends) < len(streams):
        page = _page(tail, 0, at)
        if page and page.position != _NOTHING_ENDS and page.serial in streams:
            ends.setdefault(page.serial, streams[page.serial].seconds(page.position))
        at = tail.rfind(b"OggS", 0, at)
    return list(ends.values())
