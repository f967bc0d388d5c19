"""YUV4MPEG2: a line of text, and then pictures as they are."""

from __future__ import annotations

from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.container import container, frames_a_second, lasts, picture
from storewarden.facts.reader import Malformed, Reader

_MAGIC: Final = b"YUV4MPEG2 "
_LONGEST_LINE: Final = 1024
_FRAME_LINE: Final = 6  # FRAME and the end of the line
# Halves of a sample that belong to one pixel, by the layout of chroma.
_HALVES: Final = {"420": 3, "422": 4, "444": 6, "411": 3, "440": 4, "mono": 2}
_LARGEST: Final = 2**31


@container
def read(reader: Reader, found: Found) -> None:
    """Read the first line; how many pictures there are is a matter of their size."""
    line, end, _ = reader.some(0, _LONGEST_LINE).partition(b"\n")
    if not line.startswith(_MAGIC) or not end:
        raise Malformed("is no YUV4MPEG2 file")
    words = {word[:1]: word[1:] for word in line.decode("latin-1").split()[1:]}
    width, height = _number(words.get("W", "")), _number(words.get("H", ""))
    number, _, by = words.get("F", "").partition(":")
    rate, scale = _number(number), _number(by)
    layout = words.get("C", "420")
    chroma = "mono" if layout.startswith("mono") else layout[:3]
    depth = _number(layout.rpartition("p")[2]) if "p" in layout else 8
    depth = depth if depth in range(9, 17) else 8
    found.colour = f"{'gray' if chroma == 'mono' else f'yuv{chroma}p'} {depth} bit"
    picture(found, "rawvideo", width, height)
    found.fps = frames_a_second(rate, scale)
    size = width * height * _HALVES.get(chroma, 3) // 2 * (1 if depth == 8 else 2)  # noqa: PLR2004
    if size:
        found.frames = (reader.size - len(line) - 1) // (size + _FRAME_LINE) or None
        lasts(found, (found.frames or 0) * scale, rate)


def _number(word: str) -> int:
    """Return a number that a word is; 0 when it is none or too large to be meant."""
    number = int(word) if word.isascii() and word.isdecimal() and len(word) < 11 else 0  # noqa: PLR2004
    return number if number < _LARGEST else 0
