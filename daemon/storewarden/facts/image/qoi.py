"""QOI: fourteen bytes and then pixels."""

from __future__ import annotations

import struct

from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader

_COLOURS = {3: "rgb 8 bit", 4: "rgba 8 bit"}


def read(reader: Reader, found: Found) -> None:
    """Read the header."""
    magic, found_width, found_height, channels = struct.unpack(">4sIIB", reader.at(0, 13))
    if magic != b"qoif":
        raise Malformed("does not begin like a QOI")
    found.width, found.height, found.frames = found_width, found_height, 1
    found.colour = _COLOURS.get(channels)
