"""Formats that begin alike, told apart: a container by what it says is in it.

Each question gets the first bytes of a file and the type that its name claims, and answers with a
type, or with "" when the file is none of the family after all. A name may choose only between
types that the content leaves open: a camera's raw picture is a TIFF by its first bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

Question = Callable[[bytes, str], str]

_PICTURES: Final = "image/heic image/avif image/heif"


def either(default: str, *named: str) -> Question:
    """Return a question that any of these names may answer; any other name gets ``default``."""
    allowed = frozenset(named)
    return lambda _head, name: name if name in allowed else default


def when(offset: int, wanted: bytes, answer: str | Question) -> Question:
    """Return a question that holds only with these bytes at that place too."""

    def ask(head: bytes, named: str) -> str:
        if not head.startswith(wanted, offset):
            return ""
        return answer if isinstance(answer, str) else answer(head, named)

    return ask


def matching(pattern: bytes, answer: str) -> Question:
    """Return a question that holds only where the beginning matches an expression."""
    match = re.compile(pattern, re.DOTALL).match
    return lambda head, _named: answer if match(head) else ""


# -- ISO base media: MP4, QuickTime, HEIF -------------------------------------------------------

_BRANDS: Final = {
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "image/heic"),
    **dict.fromkeys((b"mif1", b"msf1", b"mif2", b"miaf"), "image/heif"),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "), "audio/mp4"),
    b"qt  ": "video/quicktime",
    b"crx ": "image/x-canon-cr3",
    b"f4v ": "video/x-f4v",
    b"F4V ": "video/x-f4v",
    b"jp2 ": "image/jp2",
    b"jpx ": "image/jpx",
    b"jxl ": "image/jxl",
}
_GENERAL: Final = frozenset({"audio/mp4", "video/quicktime", "video/x-f4v"})


def iso_media(head: bytes, named: str) -> str:
    """Tell by its brand what a file is that begins with an `ftyp` box."""
    brand = head[8:12]
    found = _BRANDS.get(brand, "")
    if found == "image/heif":  # the structure; which codec stands among the compatible brands
        others = head[16 : max(16, min(int.from_bytes(head[:4], "big"), 256))]
        told = {_BRANDS.get(others[at : at + 4]) for at in range(0, len(others), 4)}
        return next((picture for picture in _PICTURES.split() if picture in told), found)
    if found:
        return found
    if brand.startswith((b"3gp", b"3gr", b"3gs", b"3ge", b"3gg")):
        return "video/3gpp"
    if brand.startswith(b"3g2"):
        return "video/3gpp2"
    return named if named in _GENERAL else "video/mp4"


# -- RIFF and IFF -------------------------------------------------------------------------------

_FORMS: Final = {
    b"WAVE": "audio/wav",
    b"AVI ": "video/x-msvideo",
    b"WEBP": "image/webp",
    b"RMID": "audio/midi",
    b"AIFF": "audio/aiff",
    b"AIFC": "audio/aiff",
}


def form(head: bytes, named: str) -> str:
    """Tell by its form what a RIFF or IFF file is."""
    found = _FORMS.get(head[8:12], "")
    return named if found == "video/x-msvideo" and named == "video/divx" else found


# -- Matroska -----------------------------------------------------------------------------------


def matroska(head: bytes, named: str) -> str:
    """Tell WebM from Matroska by the document type in the EBML header."""
    at = head.find(b"\x42\x82", 4, 128)
    length = head[at + 2] & 0x7F if 0 < at < len(head) - 2 else 0
    if head[at + 3 : at + 3 + length] == b"webm":
        return named if named == "audio/webm" else "video/webm"
    return named if named == "audio/x-matroska" else "video/x-matroska"


# -- Ogg ----------------------------------------------------------------------------------------

_OGG_VIDEO: Final = (b"\x80theora", b"BBCD\0", b"OVP80", b"\x01video\0\0\0")
_OGG_AUDIO: Final = frozenset({"audio/ogg", "audio/opus"})


def ogg(head: bytes, named: str) -> str:
    """Tell by the first packet whether an Ogg file is sound or a moving picture."""
    first = 27 + (head[26] if len(head) > 26 else 0)  # noqa: PLR2004  # where segments are counted
    if head.startswith(_OGG_VIDEO, first):
        return "video/ogg"
    if head.startswith(b"fishead\0", first):  # a skeleton: the codecs come in the next pages
        return "video/ogg" if b"\x80theora" in head else "audio/ogg"
    if head.startswith(b"OpusHead", first):
        return named if named in _OGG_AUDIO else "audio/opus"
    return "audio/ogg"


# -- MPEG sound ---------------------------------------------------------------------------------

_AFTER_ID3: Final = ((b"fLaC", "audio/flac"), (b"MAC ", "audio/x-ape"), (b"TTA1", "audio/x-tta"))
_TAGGED: Final = frozenset({"audio/flac", "audio/aac", "audio/x-ape", "audio/x-tta"})
# Kilobits a second by the four bits of a header: layer III and II of MPEG 1, then both of MPEG 2.
_LAYER_3: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_LAYER_2: Final = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0)
_LOWER: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
_RATES: Final = (44_100, 48_000, 32_000)


def tagged(head: bytes, named: str) -> str:
    """Tell what follows an ID3 tag: most often an MP3, where the tag is too long to see by name."""
    if len(head) < 10 or head[3] > 4:  # noqa: PLR2004  # the tag's head; there are versions 2 to 4
        return ""
    length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    for signature, found in _AFTER_ID3:
        if head.startswith(signature, 10 + length):
            return found
    if is_adts(head, 10 + length):
        return "audio/aac"
    return named if named in _TAGGED and 10 + length >= len(head) else "audio/mpeg"


def mpeg_audio(head: bytes, named: str) -> str:
    """Tell an MP3 or MP2 by a frame header, and by the next one where it lies in sight."""
    length = _frame_length(head)
    if not length:
        return ""
    if length + 2 > len(head):
        return "audio/mpeg" if named == "audio/mpeg" else ""
    again = head[length] == head[0] and head[length + 1] & 0xFE == head[1] & 0xFE
    return "audio/mpeg" if again else ""


def _frame_length(head: bytes) -> int:
    """Return how long an MPEG audio frame of layer II or III is; 0 where there is none."""
    if len(head) < 4 or head[2] >> 2 & 3 == 3:  # noqa: PLR2004  # a header has four bytes
        return 0
    second, version = head[1], head[1] >> 3 & 3
    layer_3 = second >> 1 & 3 == 1
    table = (_LAYER_3 if layer_3 else _LAYER_2) if version == 3 else _LOWER  # noqa: PLR2004
    rate = _RATES[head[2] >> 2 & 3] >> (0 if version == 3 else 1 if version else 2)  # noqa: PLR2004
    kilobits = table[head[2] >> 4]
    samples = 72 if layer_3 and version != 3 else 144  # noqa: PLR2004
    return kilobits and samples * 1000 * kilobits // rate + (head[2] >> 1 & 1)


def is_adts(head: bytes, offset: int = 0) -> bool:
    """Return whether an AAC frame begins here, and another where it ends if that is in sight."""
    if len(head) < offset + 7 or head[offset] != 0xFF or head[offset + 1] & 0xF6 != 0xF0:  # noqa: PLR2004
        return False
    length = (head[offset + 3] & 3) << 11 | head[offset + 4] << 3 | head[offset + 5] >> 5
    after = offset + length
    if length < 7 or head[offset + 2] >> 2 & 15 > 12:  # noqa: PLR2004  # its header; known rates
        return False
    return after + 2 > len(head) or head[after : after + 2] == head[offset : offset + 2]


def adts(head: bytes, named: str) -> str:
    """Tell an AAC stream."""
    del named
    return "audio/aac" if is_adts(head) else ""


def dolby(head: bytes, named: str) -> str:
    """Tell AC-3 from Enhanced AC-3."""
    version = head[5] >> 3 if len(head) > 5 else 99  # noqa: PLR2004
    if version <= 10:  # noqa: PLR2004  # beyond are the enhanced ones
        return "audio/ac3" if head[4] >> 6 != 3 and head[4] & 63 < 38 else ""  # noqa: PLR2004
    after = 2 * ((head[2] & 7) << 8 | head[3]) + 2 if version <= 16 else len(head)  # noqa: PLR2004
    again = head.startswith(b"\x0bw", after) or named == "audio/eac3"
    return "audio/eac3" if again and after < len(head) else ""


# -- zip: documents, programs, models -----------------------------------------------------------

_ZIPS: Final = frozenset(
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.presentation",
        "application/vnd.oasis.opendocument.graphics",
        "application/epub+zip",
        "application/vnd.apple.pages",
        "application/vnd.apple.numbers",
        "application/vnd.ms-xpsdocument",
        "application/vnd.comicbook+zip",
        "application/java-archive",
        "application/x-wheel+zip",
        "application/vnd.android.package-archive",
        "application/x-pytorch",
        "application/x-checkpoint",
        "application/x-keras",
        "application/x-torch-archive",
        "application/x-npz",
        "model/vnd.usdz+zip",
        "image/openraster",
        "application/x-krita",
        "application/x-mlmodel",
        "application/x-knime",
    )
)
_OFFICE: Final = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_MEMBERS: Final = (
    *_OFFICE,
    *((part, "") for part in (b"[Content_Types].xml", b"_rels/", b"docProps/")),
    (b"AndroidManifest.xml", "application/vnd.android.package-archive"),
    (b"classes.dex", "application/vnd.android.package-archive"),
    (b"META-INF", "application/java-archive"),
)
_MODEL_MEMBERS: Final = (b"/data.pkl", b"/.format_version", b"/.data/serialization_id")
_MODELS: Final = frozenset({"application/x-pytorch", "application/x-checkpoint"})


def zipped(head: bytes, named: str) -> str:
    """Tell by its first member, then by the name, what a zip is."""
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    if first == b"mimetype":
        return _declared(head)
    if first.endswith(_MODEL_MEMBERS):
        return named if named in _MODELS else "application/x-pytorch"
    if first.endswith(b".npy"):
        return "application/x-npz"
    if named in _ZIPS:
        return named
    found = next((mime for part, mime in _MEMBERS if first.startswith(part)), "application/zip")
    if found == "":  # any of them: the parts of one lie beside this one
        return next((mime for part, mime in _OFFICE if part in head), "application/zip")
    return found


def _declared(head: bytes) -> str:
    """Return the type that a zip's first member says it is, as EPUB and OpenDocument do."""
    begin = 38 + int.from_bytes(head[28:30], "little")
    length = int.from_bytes(head[18:22], "little")
    found = head[begin : begin + length if 0 < length < 256 else begin].strip()  # noqa: PLR2004
    declared = found.decode("ascii", "replace")
    template = declared.removesuffix("-template")
    return template if template in _ZIPS else "application/zip"


# -- models -------------------------------------------------------------------------------------

_LARGEST_HEADER: Final = 100_000_000  # as the format's own description bounds it


_BEGIN_PICKLE: Final = frozenset(bytes((code,)) for code in b"\x95\x8a]})(cXUKMGN")


def safetensors(head: bytes) -> bool:
    """Return whether this is a length, and then JSON of no more than that."""
    if head[8:9] != b"{" or head[9:10] not in (b'"', b"}", b" ", b"\n", b"\t", b"\r"):
        return False
    return int.from_bytes(head[:8], "little") <= _LARGEST_HEADER


def pickled(head: bytes, named: str) -> str:
    """Tell by its name whether a pickle is a model."""
    if head[2:3] not in _BEGIN_PICKLE:
        return ""
    return named if named in _MODELS else "application/x-pickle"


# -- moving pictures without a container --------------------------------------------------------

_PACKET, _ENOUGH = 188, 3


def transport(head: bytes, named: str) -> str:
    """Tell an MPEG transport stream by the byte that every packet begins with."""
    for begin, step in ((0, _PACKET), (4, 192), (0, 204)):
        marks = head[begin::step]
        sure = len(marks) >= _ENOUGH or named == "video/mp2t"
        if marks and sure and marks.count(0x47) == len(marks):
            return "video/mp2t"
    return ""


def program_stream(head: bytes, named: str) -> str:
    """Tell by its name the stream that holds nothing but the subtitles of a DVD."""
    del head
    if named == "text/x-microdvd":
        return "application/x-vobsub"
    return named if named == "video/dvd" else "video/mpeg"


def stream(head: bytes, named: str) -> str:
    """Tell H.264 from H.265 by the parameter set that a raw stream begins with."""
    del named
    unit = head[head.index(1) + 1 : head.index(1) + 3]
    if unit[:1] in (b"\x67", b"\x27", b"\x47", b"\x09"):
        return "video/h264"
    return "video/h265" if unit in (b"\x40\x01", b"\x42\x01", b"\x46\x01") else ""
