"""AMR, the sound of telephones: frames of 20 milliseconds."""

from __future__ import annotations

from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.container import container, lasts, only_sound, sound
from storewarden.facts.reader import Malformed, Reader

# Bytes of a frame with its header, by its type.
_NARROW: Final = (13, 14, 16, 18, 20, 21, 27, 32, 6, 1, 1, 1, 1, 1, 1, 1)
_WIDE: Final = (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 1, 1, 1, 1, 1, 1)
_LOOKED_AT: Final = 256 << 10  # bytes in which frames are counted
_FRAMES_A_SECOND: Final = 50


@container
def read(reader: Reader, found: Found) -> None:
    """Read which of the two it is, and count frames."""
    head = reader.some(0, 9)
    wide = head.startswith(b"#!AMR-WB\n")
    if not wide and not head.startswith(b"#!AMR\n"):
        raise Malformed("is no AMR file")
    only_sound(found)
    sound(found, "amr_wb" if wide else "amr_nb", 16_000 if wide else 8_000, 1, beside=False)
    begin, lengths = (9, _WIDE) if wide else (6, _NARROW)
    data = reader.some(begin, _LOOKED_AT)
    at = frames = 0
    while at < len(data):
        at += lengths[data[at] >> 3 & 15]
        frames += 1
    lasts(found, frames * (reader.size - begin), _FRAMES_A_SECOND * at)
