"""TIFF, and the raw formats of cameras that are built like it."""

from __future__ import annotations

from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.image import iptc
from storewarden.facts.image.exif import read_directory
from storewarden.facts.image.parts import Parts
from storewarden.facts.image.tags import Directory, Tags
from storewarden.facts.reader import Malformed, Reader, TooMuch

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION = 0x00FE, 0x0100, 0x0101, 0x0102, 0x0103
_PHOTOMETRIC, _SAMPLES, _BELOW, _FORMAT = 0x0106, 0x0115, 0x014A, 0x0153
_IPTC, _DNG = 0x83BB, 0xC612
_MOST_PAGES: Final = 10_000
_MOST_BELOW: Final = 8
_REDUCED: Final = 1  # a bit: a small picture of another one in the file
_FLOAT: Final = 3
_SENSOR: Final = 32803  # a picture as it comes from the sensor
_COLOURS: Final = {
    0: "grey",
    1: "grey",
    2: "rgb",
    3: "indexed",
    4: "mask",
    5: "cmyk",
    6: "ycbcr",
    8: "lab",
    9: "lab",
    32803: "raw",
    34892: "raw",
}
_CODECS: Final = {
    1: "none",
    2: "ccitt",
    3: "ccitt",
    4: "ccitt",
    5: "lzw",
    6: "jpeg",
    7: "jpeg",
    8: "deflate",
    32946: "deflate",
    32773: "packbits",
    34712: "jpeg2000",
    34925: "lzma",
    50000: "zstd",
    50001: "webp",
    52546: "jxl",
}
_RAWS: Final = {
    "nikon": "image/x-nikon-nef",
    "sony": "image/x-sony-arw",
    "pentax": "image/x-pentax-pef",
    "samsung": "image/x-samsung-srw",
}
# Panasonic has tags of its own for where the picture lies on the sensor: top, left, bottom, right.
_PANASONIC: Final = (0x0004, 0x0005, 0x0006, 0x0007)


def read(reader: Reader, found: Found) -> None:
    """Read what the first picture and the largest one tell, and count the pages."""
    tags = Tags(reader)
    first = tags.directory(tags.first)
    parts = Parts()
    largest, directories = first, [first]
    with parts:
        directories += _below(tags, first)
        largest = max(directories, key=lambda directory: _area(tags, directory))
    found.width, found.height = _size(tags, largest)
    if found.width is None:
        raise Malformed("does not say how large it is")
    found.colour = _colour(tags, largest)
    found.codec = _CODECS.get(tags.number(largest.tags.get(_COMPRESSION)) or 0)
    found.frames = 1
    with parts:
        read_directory(tags, first, found)
    with parts:
        if tag := first.tags.get(_IPTC):
            iptc.read_iptc(tags.content(tag, 64 << 10), found)
    found.mime = _raw_type(reader, tags, first, largest, found)
    if not found.mime and len(directories) == 1:
        with parts:
            found.pages = found.frames = _pages(tags, first)
    parts.complain()


def _below(tags: Tags, first: Directory) -> list[Directory]:
    """Return the directories below the first one: raw formats have the picture there."""
    places = tags.numbers(first.tags.get(_BELOW))[:_MOST_BELOW]
    return [tags.directory(place) for place in places]


def _size(tags: Tags, directory: Directory) -> tuple[int | None, int | None]:
    width, height = (tags.number(directory.tags.get(number)) for number in (_WIDTH, _HEIGHT))
    if width is None or height is None:
        borders = [tags.number(directory.tags.get(number)) for number in _PANASONIC]
        top, left, bottom, right = (border or 0 for border in borders)
        if None in borders or right <= left or bottom <= top:
            return None, None
        return right - left, bottom - top
    return abs(width), abs(height)


def _area(tags: Tags, directory: Directory) -> tuple[bool, int]:
    """Return a value that is largest for the picture that the file is about."""
    width, height = _size(tags, directory)
    reduced = (tags.number(directory.tags.get(_SUBFILE)) or 0) & _REDUCED
    return not reduced, (width or 0) * (height or 0)


def _colour(tags: Tags, directory: Directory) -> str | None:
    name = _COLOURS.get(tags.number(directory.tags.get(_PHOTOMETRIC)) or 0)
    bits = tags.number(directory.tags.get(_BITS)) or 1
    samples = tags.number(directory.tags.get(_SAMPLES)) or 1
    if name == "rgb" and samples > 3:  # noqa: PLR2004
        name = "rgba"
    if name == "grey" and samples == 2:  # noqa: PLR2004
        name = "grey alpha"
    fraction = tags.number(directory.tags.get(_FORMAT)) == _FLOAT
    return f"{name} {bits} bit{' float' if fraction else ''}" if name else None


def _raw_type(
    reader: Reader, tags: Tags, first: Directory, largest: Directory, found: Found
) -> str | None:
    """Return the type of a camera's own format; None of a TIFF."""
    if _DNG in first.tags:
        return "image/x-adobe-dng"
    head = reader.some(0, 10)
    if head[8:] == b"CR":
        return "image/x-canon-cr2"
    if head[2:4] in {b"RO", b"RS", b"OR", b"SR"}:
        return "image/x-olympus-orf"
    if head[2:4] == b"U\0":
        return "image/x-panasonic-rw2"
    if tags.number(largest.tags.get(_PHOTOMETRIC)) != _SENSOR:
        return None
    maker = str(found.more.get("camera.make", "")).partition(" ")[0].lower()
    return _RAWS.get(maker)


def _pages(tags: Tags, first: Directory) -> int:
    """Count the directories that follow one another."""
    seen = {tags.first}
    at = first.next
    while at and at not in seen:
        seen.add(at)
        if len(seen) > _MOST_PAGES:
            raise TooMuch(f"has more than {_MOST_PAGES:,} pages")
        at = tags.next(at)
    return len(seen)
