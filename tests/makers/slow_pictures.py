"""Pictures made to keep a reader busy: millions of small parts, tables of nothing, large bombs."""

import struct
from collections.abc import Callable

from tests.makers import pictures_by_hand as by_hand

_MANY = 60 << 20  # bytes: less than a reader may read of one file


def _directory(count: int) -> bytes:
    """Return EXIF with one directory of so many tags."""
    tag = struct.pack(">HHI4x", 0x9999, 3, 1)
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", count) + tag * count + b"\0" * 4


def _long_texts() -> bytes:
    """Return EXIF whose every text is all of it."""
    tags = (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E)
    table = b"".join(struct.pack(">HHII", tag, 2, (4 << 20) - 8, 8) for tag in tags)
    head = b"MM\0*\0\0\0\x08" + struct.pack(">H", len(tags)) + table + b"\0" * 4
    return head.ljust(4 << 20, b"\xe9")


def _jpeg_of(segment: bytes, marker: int = 0xE1) -> bytes:
    one = bytes((0xFF, marker)) + struct.pack(">H", len(segment) + 2) + segment
    return b"\xff\xd8" + one * (_MANY // len(one))


def _pages() -> bytes:
    """Return a TIFF with a million pages, each with its size."""
    size = struct.pack("<HHHIIHHII", 2, 0x0100, 4, 1, 9, 0x0101, 4, 1, 9)
    page = len(size) + 4
    pages = [size + struct.pack("<I", 8 + page * number) for number in range(1, 1_000_000)]
    return b"II*\0\x08\0\0\0" + b"".join(pages)


def _heif_tables() -> bytes:
    """Return a HEIF with many tables of a thousand thousand links."""
    links = by_hand.box(b"ipma", struct.pack(">4xI", 1 << 20), b"\0\1\0" * 80_000)
    meta = by_hand.box(b"meta", b"\0" * 4, by_hand.box(b"iprp", by_hand.box(b"ipco"), links))
    return by_hand.box(b"ftyp", b"heic\0\0\0\0mif1") + meta * 200


SLOW: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gif-blocks": ("gif", lambda: b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xfe\0" * (_MANY // 3)),
    "gif-pieces": ("gif", lambda: b"GIF89a\1\0\1\0\0\0\0\x21\xf0" + b"\1x" * (_MANY // 2)),
    "gif-comment": ("gif", lambda: b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xfe\1x\0" * (_MANY // 5)),
    "png-chunks": ("png", lambda: by_hand.bare_png(9, 9, by_hand.chunk(b"abcd", b"") * 1_000_000)),
    "png-bombs": (
        "png",
        lambda: by_hand.bare_png(
            9, 9, by_hand.chunk(b"zTXt", b"a\0\0" + by_hand.bomb(5 << 20)) * 2500
        ),
    ),
    "png-exif": ("png", lambda: by_hand.bare_png(9, 9, by_hand.chunk(b"eXIf", _long_texts()) * 14)),
    "jpeg-markers": ("jpeg", lambda: b"\xff\xd8" + b"\xff\x01" * 1_000_000),
    "jpeg-filling": ("jpeg", lambda: b"\xff\xd8" + (b"\xff" * 1000 + b"\x01") * 60_000),
    "jpeg-exif": ("jpeg", lambda: _jpeg_of(b"Exif\0\0" + _directory(5000))),
    "jpeg-iptc": (
        "jpeg",
        lambda: _jpeg_of(
            b"Photoshop 3.0\0" + by_hand.resource(0x0404, b"\x1c\2\x78\0\0" * 12_000), 0xED
        ),
    ),
    "webp-pieces": ("webp", lambda: b"RIFF\xff\xff\xff\x7fWEBP" + b"abcd\0\0\0\0" * 5_000_000),
    "tiff-pages": ("tiff", _pages),
    "tiff-tags": ("tiff", lambda: _directory(65_535)),
    "psd-exif": (
        "psd",
        lambda: by_hand.psd(resources=by_hand.resource(0x0422, _directory(1)) * 200_000),
    ),
    "psd-resources": (
        "psd",
        lambda: by_hand.psd(resources=by_hand.resource(0x0404, b"\x1c\2\x78\0\0") * 250_000),
    ),
    "heif-boxes": ("heif", lambda: by_hand.box(b"free") * 1_000_000),
    "heif-tables": ("heif", _heif_tables),
    "jp2-boxes": (
        "jp2",
        lambda: (
            b"\0\0\0\x0cjP  \r\n\x87\n"
            + by_hand.box(b"jp2h", by_hand.box(b"colr", b"\1") * 9000) * 400
        ),
    ),
    "exr-attributes": (
        "exr",
        lambda: b"\x76\x2f\x31\x01\2\0\0\0" + b"a\0b\0\0\0\0\0" * 1_000_000,
    ),
    "svg-titles": ("svg", lambda: b"<svg " + b"<title " * 20_000),
    "svg-roots": ("svg", lambda: b"<" * 131_000),
    "svg-attributes": ("svg", lambda: b"<svg " + b" width" * 10_000 + b" " * 60_000),
    "netpbm-comments": ("netpbm", lambda: b"P6 " + b"#\n" * 1_000_000),
}
"""The inspector that is to be slowed down, and the file that is to do it."""
