"""IVF, in which VP8, VP9 and AV1 are tried out."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.codecs import windows_video
from storewarden.facts.media.container import container, frames_a_second, lasts, picture
from storewarden.facts.reader import Malformed, Reader

# magic, version, length of this, codec, width, height, rate, scale, frames
_HEADER: Final = struct.Struct("<4sHH4sHHIII4x")


@container
def read(reader: Reader, found: Found) -> None:
    """Read the header."""
    magic, _, _, code, width, height, rate, scale, frames = _HEADER.unpack(
        reader.at(0, _HEADER.size)
    )
    if magic != b"DKIF":
        raise Malformed("is no IVF file")
    picture(found, windows_video(code), width, height)
    found.fps = frames_a_second(rate, scale)
    found.frames = frames or None
    lasts(found, frames * scale, rate)
