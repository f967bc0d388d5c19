"""HEIF: AVIF, HEIC and their sequences, in boxes."""

from __future__ import annotations

import struct
from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.image import items, words
from storewarden.facts.image.exif import read_exif
from storewarden.facts.image.parts import Parts
from storewarden.facts.media.boxes import C2PA, Box, boxes, child, children, content, identity
from storewarden.facts.reader import Malformed, Reader

_MIMES: Final = {
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "image/heic"),
    **dict.fromkeys((b"mif1", b"msf1"), "image/heif"),
}
_CODECS: Final = {
    b"av01": "av1",
    b"hvc1": "hevc",
    b"hev1": "hevc",
    b"avc1": "h264",
    b"jpeg": "jpeg",
    b"vvc1": "vvc",
    b"unci": "uncompressed",
    b"j2k1": "jpeg2000",
}
_PRIMARIES: Final = {9: " bt2020", 11: " dci-p3", 12: " display-p3"}
_CURVES: Final = {16: " pq", 18: " hlg"}
_NANO: Final = 1_000_000_000
# How a picture is to be turned, by quarters against the clock and by the axis of its mirror.
_TURNED: Final = (1, 8, 3, 6)
_MIRRORED: Final = ((4, 2), (5, 7), (2, 4), (7, 5))


def read(reader: Reader, found: Found) -> None:
    """Read which items there are, what is said of the first of them, and of a sequence."""
    parts = Parts()
    with parts:
        for box in boxes(reader):
            if box.kind == b"ftyp":
                _brand(reader, box, found)
            elif box.kind == b"meta" and parts.first("meta"):
                with parts:
                    _meta(reader, box, found, parts)
            elif box.kind == b"moov" and parts.first("moov"):
                with parts:
                    _sequence(reader, box, found)
            elif identity(reader, box) == C2PA:
                found.more["c2pa.present"] = True
    parts.complain()
    if found.width is None:
        raise Malformed("does not say how large it is")


def _brand(reader: Reader, box: Box, found: Found) -> None:
    data = content(reader, box, 64)
    for at in (0, *range(8, len(data), 4)):
        if mime := _MIMES.get(data[at : at + 4]):
            found.mime = mime
            if mime != "image/heif":
                return  # a brand that tells the codec; the others fit any


def _meta(reader: Reader, box: Box, found: Found, parts: Parts) -> None:
    meta = items.Items(reader, box)
    properties = meta.properties(meta.primary)
    kinds = dict(properties)
    if size := kinds.get(b"ispe"):
        found.width, found.height = struct.unpack(">II", size[4:12].ljust(8, b"\0"))
        found.frames = 1
    found.codec = _CODECS.get(meta.codec(meta.primary))
    found.colour = _colour(kinds, alpha=meta.alpha)
    found.orientation = _orientation(kinds)
    with parts:
        for data in meta.contents(b"Exif", MOST_TEXT):
            turned = found.orientation
            read_exif(data[4 + int.from_bytes(data[:4], "big") :], found)
            found.orientation = turned  # the boxes say it; what EXIF says is not to be heeded
    with parts:
        for data in meta.contents(b"mime", MOST_TEXT):
            text = words.plain(data)
            if "<x:xmpmeta" in text or "<rdf:RDF" in text:
                found.text("xmp", text)


def _orientation(properties: dict[bytes, bytes]) -> int:
    quarters = properties.get(b"irot", b"\0")[:1]
    turn = quarters[0] & 3 if quarters else 0
    mirror = properties.get(b"imir", b"")[:1]
    return _MIRRORED[turn][mirror[0] & 1] if mirror else _TURNED[turn]


def _colour(properties: dict[bytes, bytes], *, alpha: bool) -> str | None:
    form, depth = "", 0
    if (one := properties.get(b"av1C", b"")) and len(one) >= 4:  # noqa: PLR2004
        depth = 12 if one[2] & 0x20 else 10 if one[2] & 0x40 else 8
        form = "400" if one[2] & 0x10 else ("444", "?", "422", "420")[one[2] >> 2 & 3]
    elif (two := properties.get(b"hvcC", b"")) and len(two) > 17:  # noqa: PLR2004
        depth = 8 + (two[17] & 7)
        form = ("400", "420", "422", "444")[two[16] & 3]
    elif (bits := properties.get(b"pixi", b"")) and len(bits) > 5:  # noqa: PLR2004
        depth = bits[5]
    if not depth:
        return None
    name = {"400": "grey", "": "rgb"}.get(form, f"yuv{form}")
    if alpha:
        name = (
            f"{name} alpha"
            if name == "grey"
            else name.replace("yuv", "yuva").replace("rgb", "rgba")
        )
    return f"{name} {depth} bit{_space(properties.get(b'colr', b''))}"


def _space(data: bytes) -> str:
    """Return what is said of primaries and transfer where it is not the usual."""
    if data[:4] != b"nclx" or len(data) < 10:  # noqa: PLR2004
        return ""
    primaries, curve = struct.unpack_from(">HH", data, 4)
    return _PRIMARIES.get(primaries, "") + _CURVES.get(curve, "")


def _sequence(reader: Reader, moov: Box, found: Found) -> None:
    """Read the first track of pictures: how many, and for how long."""
    for track in children(reader, moov):
        media = child(reader, track, b"mdia") if track.kind == b"trak" else None
        handler = child(reader, media, b"hdlr") if media else None
        if not media or not handler or content(reader, handler, 12)[8:12] not in {b"pict", b"vide"}:
            continue
        sizes = child(reader, media, b"minf", b"stbl", b"stsz")
        head = child(reader, media, b"mdhd")
        if sizes:
            found.frames = int.from_bytes(content(reader, sizes, 12)[8:12], "big") or None
        if head:
            found.duration_ns = _duration(reader, head)
        return


def _duration(reader: Reader, head: Box) -> int | None:
    """Return how long a track lasts; its header comes with numbers of two sizes."""
    large = reader.at(head.begin, 1) == b"\1"
    form, at = (">IQ", 20) if large else (">II", 12)
    scale, length = struct.unpack(form, reader.at(head.begin + at, struct.calcsize(form)))
    return length * _NANO // scale if scale else None
