"""JPEG XL: a stream of bits, by itself or in boxes with EXIF and XMP beside it."""

from __future__ import annotations

from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.image.exif import read_exif
from storewarden.facts.image.parts import Parts
from storewarden.facts.media.boxes import Box, boxes, content
from storewarden.facts.reader import Malformed, Reader

_BARE: Final = b"\xff\x0a"
_BOXED: Final = b"\0\0\0\x0cJXL \r\n\x87\n"
_HEAD: Final = 128  # bytes: more than any header of bits takes
_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))

# A number is one of four forms: so much, and so many bits more.
_Forms = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
_SIZE: Final[_Forms] = ((1, 9), (1, 13), (1, 18), (1, 30))
_DEPTH: Final[_Forms] = ((8, 0), (10, 0), (12, 0), (1, 6))
_FLOAT_DEPTH: Final[_Forms] = ((32, 0), (16, 0), (24, 0), (1, 6))
_EXTRAS: Final[_Forms] = ((0, 0), (1, 0), (2, 4), (1, 12))
_TICKS: Final[_Forms] = ((100, 0), (1000, 0), (1, 10), (1, 30))
_DIVISOR: Final[_Forms] = ((1, 0), (1001, 0), (1, 8), (1, 10))
_LOOPS: Final[_Forms] = ((0, 0), (0, 3), (0, 16), (0, 32))
_SHIFT: Final[_Forms] = ((0, 0), (3, 0), (4, 0), (1, 3))
_NAME: Final[_Forms] = ((0, 0), (0, 4), (16, 5), (48, 10))
_ENUM: Final[_Forms] = ((0, 0), (1, 0), (2, 4), (18, 6))


def read(reader: Reader, found: Found) -> None:
    """Read the header of the stream, and the boxes around it."""
    if reader.some(0, 2) == _BARE:
        _stream(reader.some(0, _HEAD), found)
    elif reader.some(0, 12) == _BOXED:
        _boxes(reader, found)
    else:
        raise Malformed("does not begin like a JPEG XL")


def _boxes(reader: Reader, found: Found) -> None:
    parts = Parts()
    with parts:
        for box in boxes(reader):
            with parts:
                _box(reader, box, found, parts)
    parts.complain()
    if found.width is None:
        raise Malformed("is a JPEG XL without a picture")


def _box(reader: Reader, box: Box, found: Found, parts: Parts) -> None:
    if box.kind in {b"jxlc", b"jxlp"} and found.width is None:
        data = content(reader, box, _HEAD)
        _stream(data[4:] if box.kind == b"jxlp" else data, found)
    elif box.kind == b"Exif" and parts.first("exif"):
        data, turned = content(reader, box, MOST_TEXT), found.orientation
        read_exif(data[4 + int.from_bytes(data[:4], "big") :], found)
        found.orientation = turned or found.orientation  # the stream says it, before any EXIF
    elif box.kind == b"xml ":
        found.text("xmp", words.plain(content(reader, box, MOST_TEXT)))
    elif box.kind == b"jumb" and b"c2pa" in content(reader, box, _HEAD):
        found.more["c2pa.present"] = True


class _Bits:
    """A stream of bits, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        """Return so many bits as a number."""
        self._left -= count
        if self._left < 0:
            raise Malformed("ends inside its header")
        found = self._value & (1 << count) - 1
        self._value >>= count
        return found

    def number(self, forms: _Forms) -> int:
        """Return a number that says itself which of four forms it has."""
        base, count = forms[self.take(2)]
        return base + self.take(count)


def _stream(data: bytes, found: Found) -> None:
    if data[:2] != _BARE:
        raise Malformed("holds no JPEG XL stream where one must be")
    bits = _Bits(data[2:])
    found.width, found.height = _size(bits)
    found.frames, found.orientation = 1, 1
    if bits.take(1):  # all as it is most of the time
        found.colour = "rgb 8 bit"
        return
    if bits.take(1) and not _extra_fields(bits, found):
        return
    depth = _depth(bits)
    bits.take(1)  # whether 16 bits are enough for a decoder
    if name := _channels(bits):
        found.colour = f"{name} {depth}"


def _size(bits: _Bits) -> tuple[int, int]:
    """Return width and height; the width may be told as a ratio."""
    eighths = bits.take(1)
    height = 8 * (1 + bits.take(5)) if eighths else bits.number(_SIZE)
    ratio = bits.take(3)
    if ratio:
        times, parts = _RATIOS[ratio - 1]
        return height * times // parts, height
    return 8 * (1 + bits.take(5)) if eighths else bits.number(_SIZE), height


def _extra_fields(bits: _Bits, found: Found) -> bool:
    """Read how the picture is to be turned, and whether it moves; False where we cannot follow."""
    found.orientation = 1 + bits.take(3)
    if bits.take(1):
        _size(bits)  # how large it is to be shown
    if bits.take(1):
        return False  # a preview, which nobody writes
    if bits.take(1):
        found.frames = None  # only the stream itself tells how many
        for forms in (_TICKS, _DIVISOR, _LOOPS):
            bits.number(forms)
        bits.take(1)  # time codes
    return True


def _channels(bits: _Bits) -> str | None:
    """Return the colour; None where more channels follow than transparency."""
    extras = bits.number(_EXTRAS)
    if extras > 1 or (extras and not _alpha(bits)):
        return None
    bits.take(1)  # whether colours are stored as the eye sees them
    usual = bits.take(1)
    bits.take(0 if usual else 1)  # an ICC profile
    name = "grey" if not usual and bits.number(_ENUM) == 1 else "rgb"
    if extras:
        return "rgba" if name == "rgb" else "grey alpha"
    return name


def _alpha(bits: _Bits) -> bool:
    """Return whether the channel that is described next is transparency."""
    if bits.take(1):  # all as it is most of the time
        return True
    kind = bits.number(_ENUM)
    if kind:
        return False
    _depth(bits)
    bits.number(_SHIFT)
    bits.take(8 * bits.number(_NAME))
    bits.take(1)  # whether colours were multiplied with it
    return True


def _depth(bits: _Bits) -> str:
    fraction = bits.take(1)
    depth = bits.number(_FLOAT_DEPTH if fraction else _DEPTH)
    if fraction:
        bits.take(4)  # bits of the exponent
    return f"{depth} bit{' float' if fraction else ''}"
