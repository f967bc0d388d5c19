"""Headers of pictures that no library at hand writes, byte by byte as their formats say.

They hold no pixels: what reads them reads none.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence


def hdr(width: int = 48, height: int = 32, size: str = "-Y {height} +X {width}") -> bytes:
    """Return a Radiance picture; `size` is the order and direction of its lines."""
    line = size.format(width=width, height=height)
    head = f"#?RADIANCE\nSOFTWARE=pfstools 2.2\nFORMAT=32-bit_rle_rgbe\n\n{line}\n"
    return head.encode() + b"\2\2\0\x30"


def pam(width: int = 48, height: int = 32, kind: str = "RGB_ALPHA", most: int = 255) -> bytes:
    """Return a PAM."""
    lines = ("P7", f"WIDTH {width}", f"HEIGHT {height}", "DEPTH 4", f"MAXVAL {most}")
    return "\n".join((*lines, f"TUPLTYPE {kind}", "ENDHDR", "")).encode()


def svg(attributes: str, inside: str = "") -> bytes:
    """Return an SVG whose root has these attributes."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>'.encode()


# -- PNG, JPEG, WebP: parts that Pillow does not write -------------------------------------------


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    check = zlib.crc32(kind + content)
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", check)


def bomb(size: int) -> bytes:
    """Return so many zeros, packed a thousandfold."""
    packer, piece = zlib.compressobj(1), bytes(1 << 20)
    packed = [packer.compress(piece) for _ in range(size >> 20)]
    return b"".join((*packed, packer.flush()))


def bare_png(width: int, height: int, *chunks: bytes) -> bytes:
    """Return a PNG of a claimed size with these chunks and no pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def with_chunk(png: bytes, kind: bytes, content: bytes, *, last: bool = False) -> bytes:
    """Return a PNG with one more chunk, behind its header or behind its pixels."""
    at = len(png) - 12 if last else 33
    return png[:at] + chunk(kind, content) + png[at:]


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """Return a JPEG with one more segment at its beginning."""
    head = bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2)
    return jpeg[:2] + head + content + jpeg[2:]


def with_piece(webp: bytes, kind: bytes, content: bytes) -> bytes:
    """Return a WebP with one more piece at its end."""
    content += b"\0" * (len(content) % 2)
    grown = webp + struct.pack("<4sI", kind, len(content)) + content
    return b"RIFF" + struct.pack("<I", len(grown) - 8) + grown[8:]


# -- Photoshop ----------------------------------------------------------------------------------


def psd(
    width: int = 48,
    height: int = 32,
    *,
    large: bool = False,
    channels: int = 3,
    resources: bytes = b"",
    layers: int = 0,
) -> bytes:
    """Return a PSD, or a PSB, with resources and a number of layers."""
    head = struct.pack(
        ">4sH6xHIIHH", b"8BPS", 2 if large else 1, channels, height, width, 8, 3
    ) + struct.pack(">I", 0)
    size = ">Q" if large else ">I"
    info = struct.pack(size, 2) + struct.pack(">h", -layers) if layers else b""
    section = struct.pack(size, len(info)) + info
    return head + struct.pack(">I", len(resources)) + resources + section + b"\0\0"


def resource(number: int, content: bytes) -> bytes:
    """Return one of Photoshop's resources, without a name."""
    head = struct.pack(">4sH2xI", b"8BIM", number, len(content))
    return head + content + b"\0" * (len(content) % 2)


def iptc(**texts: str) -> bytes:
    """Return an IPTC record with `title`, `keywords`, `caption`."""
    numbers = {"title": 5, "keywords": 25, "caption": 120}
    fields = []
    for name, text in texts.items():
        data = text.encode()
        fields.append(struct.pack(">BBBH", 0x1C, 2, numbers[name], len(data)) + data)
    return b"".join(fields)


# -- OpenEXR ------------------------------------------------------------------------------------


def exr(width: int = 48, height: int = 32, channels: Sequence[str] = "BGR", **texts: str) -> bytes:
    """Return the header of an OpenEXR picture of half floats, with texts."""
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    listed = b"".join(
        name.encode() + b"\0" + struct.pack("<IB3xII", 1, 0, 1, 1) for name in channels
    )
    attributes = [
        _attribute("channels", "chlist", listed + b"\0"),
        _attribute("compression", "compression", b"\3"),
        _attribute("dataWindow", "box2i", window),
        _attribute("displayWindow", "box2i", window),
        *(_attribute(name, "string", text.encode()) for name, text in texts.items()),
    ]
    return b"\x76\x2f\x31\x01\2\0\0\0" + b"".join(attributes) + b"\0"


def _attribute(name: str, kind: str, content: bytes) -> bytes:
    head = f"{name}\0{kind}\0".encode()
    return head + struct.pack("<I", len(content)) + content


# -- boxes: JPEG XL and HEIF --------------------------------------------------------------------


def box(kind: bytes, *content: bytes) -> bytes:
    """Return a box with what is in it."""
    data = b"".join(content)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def _tiff(*tags: tuple[int, int]) -> bytes:
    """Return a block of tags with numbers."""
    table = b"".join(struct.pack(">HHII", number, 4, 1, value) for number, value in tags)
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", len(tags)) + table + b"\0" * 4


def cr3(width: int = 48, height: int = 32) -> bytes:
    """Return the boxes of Canon's raw format, with the size and the orientation 6."""
    block = box(b"CMT1", _tiff((0x0100, width), (0x0101, height), (0x0112, 6)))
    camera = box(b"uuid", bytes.fromhex("85c0b687820f11e08111f4ce462b6a48"), box(b"CNCV"), block)
    return box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", camera) + box(b"mdat", b"\0" * 8)


def raf(width: int = 48, height: int = 32, exif: bytes = b"") -> bytes:
    """Return the header of Fuji's raw format, with its JPEG and its table of sizes."""
    head = b"FUJIFILMCCD-RAW 0201FF383501X-T3".ljust(84, b"\0")
    segment = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    picture = len(head) + 24
    table = struct.pack(">IHHHHHHHH", 2, 0x0100, 4, 9999, 9999, 0x0111, 4, height, width)
    places = (picture, len(segment), picture + len(segment), len(table), 0, 0)
    return head + struct.pack(">6I", *places) + segment + table + b"\0" * 8


def jxl(width: int = 48, height: int = 32, *, orientation: int = 1, depth: int = 10) -> bytes:
    """Return the header of a bare JPEG XL stream, and eight bytes."""
    bits = [(1, 0)]  # the size is not told in eighths
    bits += [*_jxl_size(height), (3, 0), *_jxl_size(width)]
    bits += [(1, 0), (1, 1), (3, orientation - 1), (1, 0), (1, 0), (1, 0)]
    bits += [(1, 0), (2, 3), (6, depth - 1), (1, 1), (2, 0), (1, 1), (1, 1)]
    value = position = 0
    for count, number in bits:
        value |= number << position
        position += count
    return b"\xff\x0a" + value.to_bytes((position + 7) // 8, "little") + b"\0" * 8


def _jxl_size(size: int) -> Iterable[tuple[int, int]]:
    return ((2, 3), (30, size - 1))


def jxl_boxed(stream: bytes, *more: bytes) -> bytes:
    """Return a JPEG XL stream in boxes, with others before it."""
    head = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    return b"".join((head, *more, box(b"jxlc", stream)))


def heic(
    width: int = 48,
    height: int = 32,
    *,
    exif: bytes = b"",
    xmp: bytes = b"",
    quarters: int = 0,
    more: bytes = b"",
) -> bytes:
    """Return a HEIC with one picture that is turned by quarters, EXIF and XMP."""
    blocks = [b"\0" * 8, struct.pack(">I", 0) + exif, xmp]
    kinds = [b"hvc1", b"Exif", b"mime"]
    infos = [
        box(b"infe", struct.pack(">B3xHH4s", 2, number, 0, kind), b"\0")
        for number, kind in enumerate(kinds, 1)
    ]
    config = bytearray(23)
    config[16], config[17] = 1, 2  # 4:2:0, ten bits
    properties = box(
        b"ipco",
        box(b"ispe", struct.pack(">4xII", width, height)),
        box(b"hvcC", bytes(config)),
        box(b"colr", b"nclx", struct.pack(">HHHB", 9, 16, 9, 0x80)),
        box(b"irot", bytes([quarters])),
    )
    links = box(b"ipma", struct.pack(">4xIHB4B", 1, 1, 4, 1, 0x82, 3, 0x84))
    parts = [
        box(b"hdlr", b"\0" * 8, b"pict", b"\0" * 13),
        box(b"pitm", struct.pack(">4xH", 1)),
        box(b"iinf", struct.pack(">4xH", len(infos)), *infos),
        box(b"iprp", properties, links),
    ]
    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    places = 16 + 14 * len(blocks)
    begin = len(head) + 12 + sum(map(len, parts)) + places + len(more) + 8
    located = []
    for number, block in enumerate(blocks, 1):
        located.append(struct.pack(">HHHII", number, 0, 1, begin, len(block)))
        begin += len(block)
    table = box(b"iloc", struct.pack(">4xHH", 0x4400, len(blocks)), *located)
    assert len(table) == places
    return head + box(b"meta", b"\0" * 4, *parts, table) + more + box(b"mdat", *blocks)
