"""AAC in ADTS frames: the first of them, and how many there are by the size of some."""

from __future__ import annotations

from typing import Final, NamedTuple

from storewarden.facts.found import Found
from storewarden.facts.media import id3
from storewarden.facts.media.container import container, lasts, only_sound, sound
from storewarden.facts.media.soundconfig import AAC_CHANNELS, AAC_RATES
from storewarden.facts.reader import Malformed, Reader

_SAMPLES: Final = 1024
_LOOKED_AT: Final = 512 << 10  # bytes in which frames are counted
_SEARCHED: Final = 16 << 10
_HEADER: Final = 7


class Frame(NamedTuple):
    """The header of one ADTS frame."""

    rate: int
    channels: int
    length: int
    blocks: int


def frame(data: bytes, at: int = 0) -> Frame | None:
    """Return the frame that begins at ``at``, if one does."""
    if len(data) < at + _HEADER or data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:  # noqa: PLR2004
        return None
    fields = int.from_bytes(data[at + 2 : at + _HEADER], "big")
    rate = fields >> 34 & 15
    length = fields >> 13 & 0x1FFF
    if rate >= len(AAC_RATES) or length < _HEADER:
        return None
    channels = AAC_CHANNELS[fields >> 30 & 7]
    return Frame(AAC_RATES[rate], channels, length, (fields & 3) + 1)


@container
def read(reader: Reader, found: Found) -> None:
    """Read tags and the first frames."""
    only_sound(found)
    begin = id3.read(reader, 0, found)
    data = reader.some(begin, _LOOKED_AT)
    at = _first(data)
    told = frame(data, at)
    if told is None:
        raise Malformed("has no AAC frame where one should be")
    sound(found, "aac", told.rate, told.channels, beside=False)
    start, blocks = at, 0
    while following := frame(data, at):
        blocks += following.blocks
        at += following.length
    whole = reader.size - begin - start
    lasts(found, blocks * _SAMPLES * whole, told.rate * (at - start))


def _first(data: bytes) -> int:
    """Return where the first frame is that another one follows."""
    at = data.find(0xFF, 0, _SEARCHED)
    while at >= 0:
        told = frame(data, at)
        if told and (at + told.length >= len(data) or frame(data, at + told.length)):
            return at
        at = data.find(0xFF, at + 1, _SEARCHED)
    return 0
