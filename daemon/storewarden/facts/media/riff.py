"""RIFF: WAV with its large brothers RF64 and BW64, and AVI."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media import avi, id3
from storewarden.facts.media.chunks import Chunk, chunks, content
from storewarden.facts.media.container import container, lasts, only_sound, sound
from storewarden.facts.media.rifftags import list_texts
from storewarden.facts.media.tags import decoded, keep, text_at
from storewarden.facts.media.waveformat import SoundFormat, sound_format
from storewarden.facts.reader import Malformed, Reader, Truncated

_HEADER: Final = 12
_FORMS: Final = {b"RIFF", b"RF64", b"BW64"}
_UNKNOWN: Final = (0, 2**32 - 1)
# Description, originator, its reference, and when, of a broadcast wave.
_BROADCAST: Final = (("DESCRIPTION", 0, 256), ("ORIGINATOR", 256, 32), ("DATE", 320, 18))


@container
def read(reader: Reader, found: Found) -> None:
    """Read all chunks but those that hold the sound or the pictures themselves."""
    outer, length, form = struct.unpack("<4sI4s", reader.at(0, _HEADER))
    if outer not in _FORMS:
        raise Malformed("is no RIFF file")
    if form == b"AVI ":
        # what follows the first form of a large AVI is more of the same
        end = reader.size if length in _UNKNOWN else length + 8
        avi.read(reader, _HEADER, end, found)
    elif form == b"WAVE":
        found.mime = "audio/wav"
        only_sound(found)
        _wave(reader, found)
    else:
        raise Malformed("is a RIFF file that holds neither sound nor pictures")


class _Wave:
    """What the chunks of a WAV file said so far."""

    format: SoundFormat | None = None
    data: int | None = None  # bytes
    large: int | None = None  # the same where 32 bits do not hold it
    samples = 0  # as the fact chunk has it


def _wave(reader: Reader, found: Found) -> None:
    wave = _Wave()
    begin = _HEADER
    try:
        for chunk in chunks(reader, begin, reader.size):
            _chunk(reader, chunk, wave, found)
            if chunk.kind == b"data" and wave.large:
                wave.data = min(wave.large, reader.size - chunk.begin)
                begin = chunk.begin + wave.large + wave.large % 2
                break
        if begin > reader.size:
            raise Truncated(_HEADER, begin, reader.size)
        if begin != _HEADER:
            for chunk in chunks(reader, begin, reader.size):
                _chunk(reader, chunk, wave, found)
    finally:
        _duration(wave, found)
    if wave.format is None:
        raise Malformed("does not say what its sound is like")


def _duration(wave: _Wave, found: Found) -> None:
    if wave.format is None or wave.data is None:
        return
    plain = wave.format.codec.startswith("pcm_")
    if wave.samples and not plain:
        lasts(found, wave.samples, wave.format.rate)
    elif plain and wave.format.block:
        lasts(found, wave.data // wave.format.block, wave.format.rate)
    else:
        lasts(found, wave.data, wave.format.bytes_a_second)


def _chunk(reader: Reader, chunk: Chunk, wave: _Wave, found: Found) -> None:
    if chunk.kind == b"fmt ":
        wave.format = told = sound_format(content(reader, chunk, 64))
        sound(found, told.codec, told.rate, told.channels, beside=False)
    elif chunk.kind == b"data":
        wave.data = chunk.length or (reader.size - chunk.begin if wave.data is None else 0)
    elif chunk.kind == b"ds64":
        (wave.large,) = struct.unpack_from("<8xQ", content(reader, chunk, 32))
    elif chunk.kind == b"fact":
        (wave.samples,) = struct.unpack_from("<I", content(reader, chunk, 8))
    elif chunk.kind == b"bext":
        for name, at, length in _BROADCAST:
            text = reader.at(chunk.begin, min(chunk.length, 602))[at : at + length]
            keep(found, "bext", name, decoded(text.partition(b"\0")[0]))
    else:
        _described(reader, chunk, found)


def _described(reader: Reader, chunk: Chunk, found: Found) -> None:
    """Keep what lies in a chunk that may stand beside sound and pictures alike."""
    if chunk.kind == b"LIST":
        list_texts(reader, chunk, found)
    elif chunk.kind in {b"id3 ", b"ID3 "}:
        id3.read(reader, chunk.begin, found)
    elif chunk.kind == b"_PMX":
        keep(found, "xmp", "", decoded(text_at(reader, chunk.begin, chunk.length)))
    elif chunk.kind == b"C2PA":
        found.more["c2pa.present"] = True
