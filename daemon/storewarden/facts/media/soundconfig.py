"""What the codecs of sounds say about themselves beside their frames: AAC, ALAC, FLAC, AC-3."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from storewarden.facts.media.bits import Bits

AAC_RATES: Final = (
    *(96_000, 88_200, 64_000, 48_000, 44_100, 32_000),
    *(24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350),
)
AAC_CHANNELS: Final = (0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8, 0)
AC3_RATES: Final = (48_000, 44_100, 32_000)
AC3_CHANNELS: Final = (2, 1, 2, 3, 3, 4, 4, 5)
_GIVEN: Final = 15  # a rate that is in no table follows as 24 bits
_SBR, _PS = 5, 29
_ESCAPE: Final = 31
_ES, _DECODER, _SPECIFIC = 0x03, 0x04, 0x05  # descriptors, each within the one before
_DECODER_FIELDS: Final = 13
_SAMPLES: Final = (1 << 36) - 1


class Sound(NamedTuple):
    """Rate and channels; 0 is not told."""

    rate: int = 0
    channels: int = 0


class Stream(NamedTuple):
    """What an esds box tells: the codec's number, and what the codec says of itself."""

    object_type: int = 0
    specific: bytes = b""


def aac(config: bytes) -> Sound:
    """Read an AudioSpecificConfig: what comes out of the decoder, so a doubled rate where said."""
    bits = Bits(config)
    kind = _aac_kind(bits)
    rate = _aac_rate(bits)
    channels = AAC_CHANNELS[bits.take(4)]
    if kind in {_SBR, _PS}:
        rate = _aac_rate(bits)
        channels = 2 if kind == _PS and channels == 1 else channels
    return Sound(rate, channels)


def _aac_kind(bits: Bits) -> int:
    kind = bits.take(5)
    return 32 + bits.take(6) if kind == _ESCAPE else kind


def _aac_rate(bits: Bits) -> int:
    index = bits.take(4)
    if index == _GIVEN:
        return bits.take(24)
    return AAC_RATES[index] if index < len(AAC_RATES) else 0


def esds(data: bytes) -> Stream:
    """Read the descriptors of an esds box, without version and flags."""
    at, object_type = 0, 0
    while at + 2 <= len(data):
        tag = data[at]
        length, at = _length(data, at + 1)
        if tag == _ES:
            flags = data[at + 2]
            at += 3 + 2 * (flags >> 7) + 2 * (flags >> 5 & 1)
            if flags & 0x40:
                at += 1 + data[at]
        elif tag == _DECODER:
            object_type = data[at]
            at += _DECODER_FIELDS
        elif tag == _SPECIFIC:
            return Stream(object_type, data[at : at + length])
        else:
            at += length
    return Stream(object_type)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return a length of up to four bytes with seven bits each, and where it ends."""
    length = 0
    for _ in range(4):
        byte = data[at]
        at += 1
        length = length << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004
            break
    return length, at


def alac(cookie: bytes) -> Sound:
    """Read the magic cookie of ALAC, without version and flags."""
    channels = cookie[9]
    (rate,) = struct.unpack_from(">I", cookie, 20)
    return Sound(rate, channels)


class StreamInfo(NamedTuple):
    """What the STREAMINFO block of FLAC tells."""

    rate: int
    channels: int
    bits: int
    samples: int


def flac(block: bytes) -> StreamInfo:
    """Read a STREAMINFO block of FLAC."""
    (packed,) = struct.unpack_from(">Q", block, 10)
    return StreamInfo(
        packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1, packed & _SAMPLES
    )


def ac3(record: bytes) -> Sound:
    """Read a dac3 record."""
    bits = Bits(record)
    rate = bits.take(2)
    bits.take(8)
    mode = bits.take(3)
    return Sound(AC3_RATES[rate] if rate < len(AC3_RATES) else 0, AC3_CHANNELS[mode] + bits.take(1))


def eac3(record: bytes) -> Sound:
    """Read the first substream of a dec3 record."""
    bits = Bits(record)
    bits.take(16)
    rate = bits.take(2)
    bits.take(10)
    mode = bits.take(3)
    return Sound(AC3_RATES[rate] if rate < len(AC3_RATES) else 0, AC3_CHANNELS[mode] + bits.take(1))


class Ac3Frame(NamedTuple):
    """The header of a frame of AC-3 or E-AC-3."""

    codec: str
    sound: Sound
    length: int  # bytes; 0 is that no table has it
    samples: int


_KILOBITS: Final = (
    *(32, 40, 48, 56, 64, 80, 96, 112, 128, 160),
    *(192, 224, 256, 320, 384, 448, 512, 576, 640),
)
_ENHANCED: Final = 10  # versions above it
_BLOCKS: Final = (1, 2, 3, 6)
_BLOCK: Final = 256  # samples


def ac3_frame(data: bytes) -> Ac3Frame:
    """Read the first eight bytes of a frame."""
    if data[5] >> 3 > _ENHANCED:
        return _enhanced(Bits(data[2:]))
    bits = Bits(data[4:])
    code, kilobits = bits.take(2), bits.take(6) >> 1
    bits.take(8)
    mode = bits.take(3)
    bits.take(2 * (mode & 1 and mode != 1) + 2 * bool(mode & 4) + 2 * (mode == 2))  # noqa: PLR2004
    rate = AC3_RATES[code] if code < len(AC3_RATES) else 0
    known = rate and kilobits < len(_KILOBITS)
    length = _KILOBITS[kilobits] * 1000 * 6 * _BLOCK // rate // 8 if known else 0
    return Ac3Frame("ac3", Sound(rate, AC3_CHANNELS[mode] + bits.take(1)), length, 6 * _BLOCK)


def _enhanced(bits: Bits) -> Ac3Frame:
    bits.take(5)
    length = 2 * (bits.take(11) + 1)
    code, further = bits.take(2), bits.take(2)
    if code < len(AC3_RATES):
        rate, blocks = AC3_RATES[code], _BLOCKS[further]
    else:
        rate, blocks = AC3_RATES[min(further, 2)] // 2, 6
    mode = bits.take(3)
    said = Sound(rate, AC3_CHANNELS[mode] + bits.take(1))
    return Ac3Frame("eac3", said, length, blocks * _BLOCK)
