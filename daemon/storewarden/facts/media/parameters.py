"""The parameter sets of H.264 and HEVC: size, colour and rate as the codec itself has them."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from storewarden.facts.media.bits import Bits
from storewarden.facts.media.colours import UNSAID, colour
from storewarden.facts.media.container import frames_a_second
from storewarden.facts.reader import Malformed

# Profiles of H.264 that say how colour is stored; all others have 4:2:0 in 8 bits.
_WITH_COLOUR: Final = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 144, 244}
_MOST_CYCLES: Final = 255
_YUV420, _YUV444 = 1, 3
_EXTENDED_ASPECT: Final = 255
# What one step of a cropping field is, by how chroma is stored: across, down.
_CROPS: Final = {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}


class Parameters(NamedTuple):
    """What a sequence parameter set tells."""

    width: int
    height: int
    colour: str | None
    fps: float | None = None


def h264(unit: bytes) -> Parameters:
    """Read a sequence parameter set of H.264, without the byte that says what it is."""
    bits = Bits.escaped(unit)
    profile = bits.take(8)
    bits.take(16)
    bits.unsigned()
    chroma, depth = _h264_colour(bits) if profile in _WITH_COLOUR else (_YUV420, 8)
    bits.unsigned()
    _h264_order(bits)
    bits.unsigned()
    bits.take(1)
    across, down = bits.unsigned() + 1, bits.unsigned() + 1
    fields = 2 - bits.take(1)
    bits.take(1 if fields == 1 else 2)
    step_across, step_down = _crop(chroma)
    width, height = across * 16, down * 16 * fields
    if bits.flag():
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
        width -= (left + right) * step_across
        height -= (top + bottom) * step_down * fields
    primaries, transfer, fps = _h264_usability(bits) if bits.flag() else (UNSAID, UNSAID, None)
    return Parameters(width, height, colour(chroma, depth, primaries, transfer), fps)


def _crop(chroma: int) -> tuple[int, int]:
    if chroma not in _CROPS:
        raise Malformed("stores chroma in a way that there is not")
    return _CROPS[chroma]


def _h264_colour(bits: Bits) -> tuple[int, int]:
    chroma = bits.unsigned()
    if chroma == _YUV444:
        bits.take(1)
    depth = bits.unsigned() + 8
    bits.unsigned()
    bits.take(1)
    if bits.flag():
        for number in range(12 if chroma == _YUV444 else 8):
            if bits.flag():
                _skip_scaling(bits, 16 if number < 6 else 64)  # noqa: PLR2004
    return chroma, depth


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _h264_order(bits: Bits) -> None:
    order = bits.unsigned()
    if order == 0:
        bits.unsigned()
    elif order == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        count = bits.unsigned()
        if count > _MOST_CYCLES:
            raise Malformed("orders pictures in cycles that are too long")
        for _ in range(count):
            bits.signed()


def _h264_usability(bits: Bits) -> tuple[int, int, float | None]:
    """Return primaries, transfer and frame rate."""
    primaries = transfer = UNSAID
    if bits.flag() and bits.take(8) == _EXTENDED_ASPECT:
        bits.take(32)
    if bits.flag():
        bits.take(1)
    if bits.flag():
        bits.take(4)
        if bits.flag():
            primaries, transfer = bits.take(8), bits.take(8)
            bits.take(8)
    if bits.flag():
        bits.unsigned()
        bits.unsigned()
    fps = None
    if bits.flag():
        unit, scale = bits.take(32), bits.take(32)
        fps = frames_a_second(scale, 2 * unit)
    return primaries, transfer, fps


def hevc(unit: bytes) -> Parameters:
    """Read a sequence parameter set of HEVC, without the two bytes that say what it is."""
    bits = Bits.escaped(unit)
    bits.take(4)
    layers = bits.take(3)
    bits.take(1)
    _skip_profile(bits, layers)
    bits.unsigned()
    chroma = bits.unsigned()
    if chroma == _YUV444:
        bits.take(1)
    width, height = bits.unsigned(), bits.unsigned()
    step_across, step_down = _crop(chroma)
    if bits.flag():
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
        width -= (left + right) * step_across
        height -= (top + bottom) * step_down
    return Parameters(width, height, colour(chroma, bits.unsigned() + 8))


def _skip_profile(bits: Bits, layers: int) -> None:
    bits.take(96)
    told = [(bits.flag(), bits.flag()) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in told:
        bits.take(88 * profile + 8 * level)


def avc_record(record: bytes) -> Parameters | None:
    """Read the first parameter set of an avcC record, as containers have it; None without one."""
    if not record[5] & 31:
        return None
    (length,) = struct.unpack_from(">H", record, 6)
    return h264(record[9 : 8 + length])


def hevc_record(record: bytes) -> str | None:
    """Return the colour that an hvcC record tells."""
    return colour(record[16] & 3, (record[17] & 7) + 8)
