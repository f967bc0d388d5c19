"""AIFF and AIFF-C: the common chunk, and texts."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media import id3
from storewarden.facts.media.chunks import IFF, chunks, content
from storewarden.facts.media.codecs import ISO_AUDIO, spoken
from storewarden.facts.media.container import container, lasts, only_sound, sound
from storewarden.facts.media.tags import decoded, keep, text_at
from storewarden.facts.reader import Malformed, Reader

_COMMON: Final = struct.Struct(">HIHHQ")  # channels, frames, bits, rate with 80 bits
_BIAS: Final = 16383 + 63
_PLAIN: Final = {b"NONE", b"twos", b"sowt", b"raw ", b"in24", b"in32"}
# How many samples a frame of these has.
_PACKED: Final = {b"ima4": 64, b"MAC3": 6, b"MAC6": 6, b"GSM ": 160, b"QDM2": 2048}
_NAMES: Final = {b"ULAW": b"ulaw", b"ALAW": b"alaw", b"FL32": b"fl32", b"FL64": b"fl64"}
_TEXTS: Final = {b"NAME": "title", b"AUTH": "artist", b"(c) ": "copyright", b"ANNO": "comment"}


@container
def read(reader: Reader, found: Found) -> None:
    """Read all chunks but the one that holds the sound."""
    outer, _, form = struct.unpack(">4sI4s", reader.at(0, 12))
    if outer != b"FORM" or form not in {b"AIFF", b"AIFC"}:
        raise Malformed("is no AIFF file")
    only_sound(found)
    for chunk in chunks(reader, 12, reader.size, IFF):
        if chunk.kind == b"COMM":
            _common(content(reader, chunk, 64), found)
        elif chunk.kind in _TEXTS:
            text = text_at(reader, chunk.begin, chunk.length)
            keep(found, "aiff", _TEXTS[chunk.kind], decoded(text))
        elif chunk.kind in {b"ID3 ", b"id3 "}:
            id3.read(reader, chunk.begin, found)
    if found.codec is None:
        raise Malformed("does not say what its sound is like")


def _common(data: bytes, found: Found) -> None:
    channels, frames, bits, exponent, mantissa = _fields(data)
    rate = _rate(exponent, mantissa)
    code = data[18:22] or b"NONE"
    sound(found, _codec(code, bits), round(rate), channels, beside=False)
    lasts(found, frames * _PACKED.get(code, 1), rate)


def _fields(data: bytes) -> tuple[int, int, int, int, int]:
    channels, frames, bits, exponent, mantissa = _COMMON.unpack_from(data)
    return channels, frames, bits, exponent & 0x7FFF, mantissa


def _rate(exponent: int, mantissa: int) -> float:
    """Return a number of 80 bits; 0 when it is no rate."""
    power = exponent - _BIAS
    return mantissa * 2.0**power if -64 < power < 0 else 0.0  # noqa: PLR2004


def _codec(code: bytes, bits: int) -> str:
    if code not in _PLAIN:
        code = _NAMES.get(code, code)
        return ISO_AUDIO.get(code) or spoken(code)
    if code == b"raw ":
        return "pcm_u8"
    bits = (bits + 7) // 8 * 8
    if bits == 8:  # noqa: PLR2004
        return "pcm_s8"
    return f"pcm_s{bits}{'le' if code == b'sowt' else 'be'}"
