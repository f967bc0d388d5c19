"""MP3 and MP2: the first frame, the count of frames in it, ID3 before and behind."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from storewarden.facts.found import Found
from storewarden.facts.media import id3
from storewarden.facts.media.container import container, lasts, only_sound, sound
from storewarden.facts.reader import Malformed, Reader

_MOST_TAGS: Final = 4  # one behind the other
_SEARCHED: Final = 64 << 10
_MIXED, _RESERVED = 3, 1

# Kilobits a second by the index in a header: of version 1, layers 1 to 3, then of the later ones.
_RATES: Final = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES: Final = (44_100, 48_000, 32_000)
_FREE: Final = 0  # a bit rate that is in no table


class Frame(NamedTuple):
    """The header of one frame."""

    layer: int
    later: bool  # MPEG-2 or 2.5
    bit_rate: int
    rate: int
    channels: int
    length: int  # bytes

    @property
    def samples(self) -> int:
        """How many samples a frame has."""
        if self.layer == 1:
            return 384
        return 576 if self.later and self.layer == 3 else 1152  # noqa: PLR2004

    @property
    def side(self) -> int:
        """How many bytes stand between the header and a count of frames."""
        if self.later:
            return 9 if self.channels == 1 else 17
        return 17 if self.channels == 1 else 32


def frame(data: bytes, at: int = 0) -> Frame | None:
    """Return the frame that begins at ``at``, if one does."""
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] < 0xE0:  # noqa: PLR2004
        return None
    second, third, fourth = data[at + 1 : at + 4]
    version, layer = second >> 3 & 3, 4 - (second >> 1 & 3)
    index, rate_index = third >> 4, third >> 2 & 3
    if version == _RESERVED or layer == 4 or index in {_FREE, 15} or rate_index == 3:  # noqa: PLR2004
        return None
    later = version != 3  # noqa: PLR2004
    bit_rate = _RATES[(2, min(layer, 2)) if later else (1, layer)][index] * 1000
    rate = _SAMPLE_RATES[rate_index] >> (3 - version if version else 2) * later
    padding = third >> 1 & 1
    if layer == 1:
        length = (12 * bit_rate // rate + padding) * 4
    else:
        length = (72 if later and layer == 3 else 144) * bit_rate // rate + padding  # noqa: PLR2004
    return Frame(layer, later, bit_rate, rate, 1 if fourth >> 6 == _MIXED else 2, length)


@container
def read(reader: Reader, found: Found) -> None:
    """Read tags and the first frame; how long it is by the count of frames, or by the bit rate."""
    only_sound(found)
    begin = 0
    for _ in range(_MOST_TAGS):
        end = id3.read(reader, begin, found)
        if end == begin:
            break
        begin = end
    behind = id3.read_old(reader, found)
    start, first = _first(reader, begin)
    sound(found, f"mp{first.layer}", first.rate, first.channels, beside=False)
    frames = _count(reader.some(start, 256), first)
    if frames:
        lasts(found, frames * first.samples, first.rate)
    else:
        lasts(found, (reader.size - start - behind) * 8, first.bit_rate)


def _first(reader: Reader, begin: int) -> tuple[int, Frame]:
    """Return the first frame that another one follows, or the end of the file."""
    data = reader.some(begin, _SEARCHED)
    at = data.find(0xFF)
    while at >= 0:
        found = frame(data, at)
        if found:
            behind = begin + at + found.length
            following = frame(reader.some(behind, 4)) if behind < reader.size else found
            if following and following.layer == found.layer and following.rate == found.rate:
                return begin + at, found
        at = data.find(0xFF, at + 1)
    raise Malformed("has no MPEG audio frame where one should be")


def _count(data: bytes, first: Frame) -> int:
    """Return how many frames the first one says there are; 0 when it does not say."""
    at = 4 + first.side
    if data[at : at + 4] in {b"Xing", b"Info"} and data[at + 7] & 1:
        return int(struct.unpack_from(">I", data, at + 8)[0])
    if data[36:40] == b"VBRI":
        return int(struct.unpack_from(">I", data, 50)[0])
    return 0
