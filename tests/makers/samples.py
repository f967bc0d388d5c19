"""Small pictures of every format, by the inspector that reads them: to be cut and compared."""

import gzip
from collections.abc import Callable, Iterator

from PIL import Image

from tests.makers import pictures_by_hand as by_hand
from tests.makers.images import PROMPT, XMP, exif, moving, picture, png, unicode_comment, written

_SIZE = (16, 12)


def _exif() -> bytes:
    block: bytes = exif(
        comment=unicode_comment(PROMPT), orientation=6, make="workflow:{}", model="EOS 5D"
    ).tobytes()
    return block


def _small(mode: str = "RGB") -> Image.Image:
    return picture(mode, _SIZE)


def _png() -> Iterator[bytes]:
    yield png({"parameters": PROMPT, "Title": "日本"}, size=_SIZE)
    yield png({"parameters": PROMPT, "comment": "日本"}, size=_SIZE, packed=True, exif=_exif())
    yield moving("PNG", [100, 250], _SIZE)
    yield written(_small("P"), "PNG")


def _jpeg() -> Iterator[bytes]:
    yield written(_small(), "JPEG", exif=_exif(), comment="by hand")
    yield written(_small("L"), "JPEG", xmp=XMP.encode(), quality=1)
    yield moving("MPO", [0, 0], _SIZE)
    resources = by_hand.resource(0x0404, by_hand.iptc(caption="a lighthouse"))
    yield by_hand.with_segment(written(_small(), "JPEG"), 0xED, b"Photoshop 3.0\0" + resources)


def _webp() -> Iterator[bytes]:
    yield written(_small(), "WEBP", exif=_exif(), xmp=XMP.encode())
    yield written(_small("RGBA"), "WEBP", lossless=True)
    yield moving("WEBP", [100, 250], _SIZE)


def _gif() -> Iterator[bytes]:
    yield written(_small(), "GIF", comment=b"by hand")
    yield moving("GIF", [100, 250], _SIZE, comment=b"moves")


def _bmp() -> Iterator[bytes]:
    for mode in ("1", "L", "RGB", "RGBA"):
        yield written(_small(mode), "BMP")


def _tiff() -> Iterator[bytes]:
    yield written(_small(), "TIFF", exif=_exif())
    yield written(_small("LA"), "TIFF", compression="tiff_lzw", description="by hand")
    yield written(_small(), "TIFF", big_tiff=True, save_all=True, append_images=[_small("L")])


def _heif() -> Iterator[bytes]:
    yield written(_small("RGBA"), "AVIF", exif=_exif(), xmp=XMP.encode())
    yield moving("AVIF", [100, 250], _SIZE)
    yield by_hand.heic(*_SIZE, exif=_exif(), xmp=XMP.encode(), quarters=3)


def _camera() -> Iterator[bytes]:
    yield by_hand.cr3(*_SIZE)
    yield by_hand.raf(*_SIZE, exif=_exif())


def _icon() -> Iterator[bytes]:
    yield written(_small(), "ICO", sizes=[_SIZE, (8, 8)])
    yield written(_small(), "ICNS")[:2048]


def _jxl() -> Iterator[bytes]:
    yield by_hand.jxl(*_SIZE)
    meta = by_hand.box(b"Exif", b"\0\0\0\0", _exif().removeprefix(b"Exif\0\0"))
    yield by_hand.jxl_boxed(by_hand.jxl(*_SIZE), meta, by_hand.box(b"xml ", XMP.encode()))


def _jp2() -> Iterator[bytes]:
    yield written(_small("RGBA"), "JPEG2000")
    yield written(_small("L"), "JPEG2000", no_jp2=True)


def _psd() -> Iterator[bytes]:
    resources = (
        by_hand.resource(0x0404, by_hand.iptc(caption="a lighthouse", title="sea"))
        + by_hand.resource(0x0422, _exif().removeprefix(b"Exif\0\0"))
        + by_hand.resource(0x0424, XMP.encode())
    )
    yield by_hand.psd(*_SIZE, resources=resources, layers=3)
    yield by_hand.psd(*_SIZE, large=True, channels=4, layers=2)


def _netpbm() -> Iterator[bytes]:
    for mode in ("1", "L", "RGB", "F"):
        yield written(_small(mode), "PPM")
    yield b"P2\n# by hand\n# twice\n16 12\n255\n" + b"0 " * 192
    yield by_hand.pam(*_SIZE)


def _exr() -> Iterator[bytes]:
    yield by_hand.exr(*_SIZE, comments="by hand", prompt="{}")
    yield by_hand.exr(*_SIZE, channels="ABGR")


def _svg() -> Iterator[bytes]:
    yield by_hand.svg('width="16px" height="12"', "<title>sea</title><desc>by hand</desc>" + XMP)
    yield gzip.compress(by_hand.svg('width="100mm" viewBox="0 0 16 12"'), mtime=0)


SAMPLES: dict[str, Callable[[], Iterator[bytes]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "webp": _webp,
    "gif": _gif,
    "bmp": _bmp,
    "tiff": _tiff,
    "camera": _camera,
    "icon": _icon,
    "psd": _psd,
    "heif": _heif,
    "jxl": _jxl,
    "jp2": _jp2,
    "qoi": lambda: iter([written(_small("RGBA"), "QOI")]),
    "netpbm": _netpbm,
    "exr": _exr,
    "hdr": lambda: iter([by_hand.hdr(*_SIZE)]),
    "tga": lambda: (written(_small(mode), "TGA") for mode in ("L", "P", "RGBA")),
    "dds": lambda: (
        written(_small("RGBA"), "DDS", pixel_format=form) for form in (None, "DXT5", "BC3")
    ),
    "svg": _svg,
}
"""Each name is an inspector of facts/inspectors.py; each call makes the files anew."""
