"""AU, the sound of Sun and NeXT."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.container import container, lasts, only_sound, sound
from storewarden.facts.media.tags import decoded, keep
from storewarden.facts.reader import Malformed, Reader

_HEADER: Final = struct.Struct(">4sIIIII")  # magic, begin, bytes, encoding, rate, channels
_UNKNOWN: Final = 2**32 - 1
_MOST_TEXT: Final = 64 << 10
# Codec and bits a sample, by encoding.
_ENCODINGS: Final = {
    1: ("pcm_mulaw", 8),
    2: ("pcm_s8", 8),
    3: ("pcm_s16be", 16),
    4: ("pcm_s24be", 24),
    5: ("pcm_s32be", 32),
    6: ("pcm_f32be", 32),
    7: ("pcm_f64be", 64),
    23: ("adpcm_g726le", 4),
    24: ("adpcm_g722", 4),
    25: ("adpcm_g726le", 3),
    26: ("adpcm_g726le", 5),
    27: ("pcm_alaw", 8),
}


@container
def read(reader: Reader, found: Found) -> None:
    """Read the header and the text behind it."""
    magic, begin, length, encoding, rate, channels = _HEADER.unpack(reader.at(0, _HEADER.size))
    if magic != b".snd":
        raise Malformed("is no AU file")
    codec, bits = _ENCODINGS.get(encoding, (f"au {encoding}", 0))
    only_sound(found)
    sound(found, codec, rate, channels, beside=False)
    there = max(0, reader.size - begin)
    lasts(found, (there if length == _UNKNOWN else min(length, there)) * 8, rate * channels * bits)
    if begin > _HEADER.size:
        text = reader.some(_HEADER.size, min(begin - _HEADER.size, _MOST_TEXT))
        for line in decoded(text).split("\n"):
            key, _, value = line.partition("=")
            keep(found, "au", key.strip("\0 ").lower() or "annotation", value)
