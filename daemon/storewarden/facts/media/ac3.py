"""AC-3 and E-AC-3: the first frame; the others are like it."""

from __future__ import annotations

from storewarden.facts.found import Found
from storewarden.facts.media.container import container, lasts, only_sound, sound
from storewarden.facts.media.soundconfig import ac3_frame
from storewarden.facts.reader import Malformed, Reader


@container
def read(reader: Reader, found: Found) -> None:
    """Read the first frame."""
    data = reader.at(0, 8)
    if data[:2] != b"\x0b\x77":
        raise Malformed("is no AC-3 file")
    only_sound(found)
    first = ac3_frame(data)
    sound(found, first.codec, first.sound.rate, first.sound.channels, beside=False)
    if not first.length:
        raise Malformed("has a frame of no known rate")
    lasts(found, reader.size * first.samples, first.length * first.sound.rate)
