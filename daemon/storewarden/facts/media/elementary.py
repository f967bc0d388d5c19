"""Streams without a container around each: told by the first bytes that a transport carries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from storewarden.facts.media import aac, mpegaudio
from storewarden.facts.media.bits import Bits
from storewarden.facts.media.colours import colour
from storewarden.facts.media.container import frames_a_second
from storewarden.facts.media.parameters import h264, hevc
from storewarden.facts.media.soundconfig import Sound, ac3_frame
from storewarden.facts.reader import Malformed

_SEARCHED: Final = 16 << 10
_RATES: Final = (
    *((0, 1), (24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1)),
    *((50, 1), (60_000, 1001), (60, 1)),
)
_SEQUENCE, _EXTENSION = b"\0\0\1\xb3", b"\0\0\1\xb5"
_CHROMA: Final = {1: 1, 2: 2, 3: 3}
_SPS_H264, _SPS_HEVC = 7, 33


class Picture(NamedTuple):
    """What a stream of pictures tells; 0 and None are not told."""

    codec: str | None = None
    width: int = 0
    height: int = 0
    colour: str | None = None
    fps: float | None = None


def pictures(data: bytes, codec: str | None) -> Picture:
    """Tell what pictures these are; ``codec`` is what the transport says, if it says any."""
    if codec in {"h264", "hevc"}:
        return _parameters(data, codec)
    if codec in {None, "mpeg1video", "mpeg2video"}:
        at = data.find(_SEQUENCE)
        if at >= 0:
            return _mpeg(data, at)
        if codec is None and _unit(data, _SPS_H264, 0x1F, 0):
            return _parameters(data, "h264")
    if codec == "mpeg4" or (codec is None and b"\0\0\1\xb6" in data):
        return _mpeg4(data)
    return Picture(codec)


def _unit(data: bytes, wanted: int, mask: int, shift: int) -> int:
    """Return where the first unit of a kind begins, behind its start code; 0 is nowhere."""
    at = data.find(b"\0\0\1")
    while 0 <= at < len(data) - 4:
        if data[at + 3] >> shift & mask == wanted:
            return at + 3
        at = data.find(b"\0\0\1", at + 3)
    return 0


def _parameters(data: bytes, codec: str) -> Picture:
    plain = codec == "h264"
    at = _unit(data, _SPS_H264, 0x1F, 0) if plain else _unit(data, _SPS_HEVC, 0x3F, 1)
    if not at:
        return Picture(codec)
    try:
        told = h264(data[at + 1 :]) if plain else hevc(data[at + 2 :])
    except Malformed:
        return Picture(codec)
    return Picture(codec, told.width, told.height, told.colour, told.fps)


def _mpeg(data: bytes, at: int) -> Picture:
    """Read the sequence header of MPEG-1, and what MPEG-2 adds to it."""
    bits = Bits(data[at + 4 : at + 12])
    width, height = bits.take(12), bits.take(12)
    bits.take(4)
    code = bits.take(4)
    number, by = _RATES[code] if code < len(_RATES) else (0, 1)
    extension = data.find(_EXTENSION, at, at + 256)
    if extension < 0 or data[extension + 4] >> 4 != 1:
        told = colour(1, 8)
        return Picture("mpeg1video", width, height, told, frames_a_second(number, by))
    bits = Bits(data[extension + 4 : extension + 14])
    bits.take(13)
    chroma = bits.take(2)
    width |= bits.take(2) << 12
    height |= bits.take(2) << 12
    bits.take(22)
    number, by = number * (bits.take(2) + 1), by * (bits.take(5) + 1)
    told = colour(_CHROMA.get(chroma, -1), 8)
    return Picture("mpeg2video", width, height, told, frames_a_second(number, by))


def _mpeg4(data: bytes) -> Picture:
    """Read the video object layer of MPEG-4."""
    at = data.find(b"\0\0\1\x20")
    if at < 0:
        return Picture("mpeg4")
    bits = Bits(data[at + 4 : at + 64])
    bits.take(9)
    version = 1
    if bits.flag():
        version = bits.take(4)
        bits.take(3)
    if bits.take(4) == 15:  # noqa: PLR2004  # an aspect of its own
        bits.take(16)
    if bits.flag():
        bits.take(3)
        if bits.flag():
            bits.take(79)
    shape = bits.take(2)
    bits.take(4 * (shape == 3 and version != 1) + 1)  # noqa: PLR2004
    resolution = bits.take(16)
    bits.take(1)
    if bits.flag():
        bits.take(max(1, (resolution - 1).bit_length()))
    if shape:
        return Picture("mpeg4")
    bits.take(1)
    width = bits.take(13)
    bits.take(1)
    return Picture("mpeg4", width, bits.take(13), colour(1, 8))


def sounds(data: bytes, codec: str | None) -> tuple[str | None, Sound]:
    """Tell what sound this is; ``codec`` is what the transport says, if it says any."""
    if codec == "aac":
        for at in _marks(data):
            told = aac.frame(data, at)
            if told:
                return codec, Sound(told.rate, told.channels)
    elif codec in {"ac3", "eac3"}:
        at = data.find(b"\x0b\x77")
        if 0 <= at <= len(data) - 8:
            frame = ac3_frame(data[at : at + 8])
            return frame.codec, frame.sound
    elif codec in {None, "mp1", "mp2", "mp3"}:
        for at in _marks(data):
            found = mpegaudio.frame(data, at)
            if found and mpegaudio.frame(data, at + found.length):
                return f"mp{found.layer}", Sound(found.rate, found.channels)
    return codec, Sound()


def _marks(data: bytes) -> Iterator[int]:
    """Yield where a frame could begin, near the beginning."""
    at = data.find(0xFF, 0, _SEARCHED)
    while at >= 0:
        yield at
        at = data.find(0xFF, at + 1, _SEARCHED)
