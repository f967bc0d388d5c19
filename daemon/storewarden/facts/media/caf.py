"""CAF, Apple's Core Audio Format."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media import soundconfig
from storewarden.facts.media.chunks import CORE, Chunk, chunks, content
from storewarden.facts.media.codecs import ISO_AUDIO, spoken
from storewarden.facts.media.container import container, lasts, only_sound, sound
from storewarden.facts.media.tags import decoded, keep, text_at
from storewarden.facts.reader import Malformed, Reader

_HEADER: Final = 8
# rate, codec, flags, bytes a packet, samples a packet, channels, bits
_DESCRIPTION: Final = struct.Struct(">d4sIIIII")
_FLOAT, _LITTLE = 1, 2
_MOST_RATE: Final = 2**31
_MOST_TEXTS: Final = 1000
_CODES: Final = {b"aac ": "aac", b".mp1": "mp1", b".mp2": "mp2", b".mp3": "mp3"}


class _Core:
    """What the chunks said so far."""

    rate = 0.0
    packet = 0  # bytes; 0 is that they differ
    samples = 0  # in a packet
    data = 0  # bytes
    valid = 0  # samples, as the table of packets counts them


@container
def read(reader: Reader, found: Found) -> None:
    """Read all chunks but the one that holds the sound."""
    if reader.at(0, _HEADER)[:4] != b"caff":
        raise Malformed("is no CAF file")
    only_sound(found)
    core = _Core()
    try:
        for chunk in chunks(reader, _HEADER, reader.size, CORE, pad=1):
            _chunk(reader, chunk, core, found)
    finally:
        if core.valid:
            lasts(found, core.valid, core.rate)
        elif core.packet:
            lasts(found, core.data // core.packet * (core.samples or 1), core.rate)
    if found.codec is None:
        raise Malformed("does not say what its sound is like")


def _chunk(reader: Reader, chunk: Chunk, core: _Core, found: Found) -> None:
    if chunk.kind == b"desc":
        _described(content(reader, chunk, 32), core, found)
    elif chunk.kind == b"data":
        core.data = max(0, chunk.length - 4)
    elif chunk.kind == b"pakt":
        packets, valid = struct.unpack_from(">QQ", content(reader, chunk, 24))
        core.valid = valid or packets * core.samples
    elif chunk.kind == b"kuki" and found.codec == "alac":
        cookie = content(reader, chunk, 128)
        told = soundconfig.alac(cookie[cookie.find(b"alac") + 8 :] if b"alac" in cookie else cookie)
        found.channels = told.channels or found.channels
    elif chunk.kind == b"info":
        texts = text_at(reader, chunk.begin, chunk.length)[4:].split(b"\0", 2 * _MOST_TEXTS)
        for key, text in zip(texts[::2], texts[1::2], strict=False):
            keep(found, "caf", decoded(key).lower(), decoded(text))


def _described(data: bytes, core: _Core, found: Found) -> None:
    rate, code, flags, core.packet, core.samples, channels, bits = _DESCRIPTION.unpack_from(data)
    core.rate = rate if 0 < rate < _MOST_RATE else 0.0
    codec = _CODES.get(code) or ISO_AUDIO.get(code) or spoken(code)
    if code == b"lpcm":
        order = "le" if flags & _LITTLE else "be"
        codec = f"pcm_{'f' if flags & _FLOAT else 's'}{bits}{order}"
        codec = "pcm_s8" if bits == 8 else codec  # noqa: PLR2004
    sound(found, codec, round(core.rate), channels, beside=False)
