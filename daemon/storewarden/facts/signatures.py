"""First bytes and what a file with them is: one table, in the order in which it is asked."""

from __future__ import annotations

from typing import Final

from storewarden.facts import families
from storewarden.facts.families import Question, either, matching, when

_TIFF: Final = either(
    "image/tiff",
    "image/x-adobe-dng",
    "image/x-nikon-nef",
    "image/x-sony-arw",
    "image/x-pentax-pef",
    "image/x-samsung-srw",
)
_OLE: Final = either(
    "application/x-ole-storage",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
)
_PIXELS: Final = rb"..(?:\s|#[^\n]*\n)+\d+\s+\d+\s"
_NETPBM: Final = (
    *("image/x-portable-bitmap", "image/x-portable-graymap", "image/x-portable-pixmap"),
    *("image/x-portable-bitmap", "image/x-portable-graymap", "image/x-portable-pixmap"),
)
_LEGACY: Final = ("application/x-pytorch", "application/x-checkpoint")

# At byte 0: the bytes, and the type or who knows it.
_FIRST: Final[tuple[tuple[bytes, str | Question], ...]] = (
    # pictures
    (b"\x89PNG\r\n\x1a\n", either("image/png", "image/apng")),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"RIFF", families.form),
    (b"BM", matching(rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "image/bmp")),
    (b"II*\0", when(8, b"CR", "image/x-canon-cr2")),
    (b"II*\0", _TIFF),
    (b"MM\0*", _TIFF),
    (b"II+\0\x08\0", "image/tiff"),
    (b"MM\0+\0\x08", "image/tiff"),
    (b"IIU\0", "image/x-panasonic-rw2"),
    (b"IIRO\x08\0", "image/x-olympus-orf"),
    (b"IIRS\x08\0", "image/x-olympus-orf"),
    (b"MMOR\0\0", "image/x-olympus-orf"),
    (b"FUJIFILMCCD-RAW", "image/x-fuji-raf"),
    (b"\0\0\1\0", matching(rb"....(?!\0\0).\0...\0", "image/vnd.microsoft.icon")),
    (b"\0\0\2\0", matching(rb"....(?!\0\0).\0...\0", "image/vnd.microsoft.icon")),
    (b"icns\0", "image/icns"),
    (b"8BPS\0\1", "image/vnd.adobe.photoshop"),
    (b"8BPS\0\2", "image/x-psb"),
    (b"gimp xcf ", "image/x-xcf"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", either("image/jp2", "image/jpx")),
    (b"\xff\x4f\xff\x51", "image/jp2"),
    (b"qoif", matching(rb".{12}[\3\4][\0\1]", "image/x-qoi")),
    (b"v/1\1", "image/x-exr"),
    (b"#?RADIANCE", "image/vnd.radiance"),
    (b"#?RGBE", "image/vnd.radiance"),
    (b"DDS |\0\0\0", "image/vnd-ms.dds"),
    *((b"P%d" % number, matching(_PIXELS, found)) for number, found in enumerate(_NETPBM, 1)),
    (
        b"P7\n",
        matching(rb"P7\n(?:#|WIDTH|HEIGHT|DEPTH|MAXVAL|TUPLTYPE)", "image/x-portable-anymap"),
    ),
    (b"PF\n", matching(rb"...\d+\s\d+\s", "image/x-portable-anymap")),
    (b"Pf\n", matching(rb"...\d+\s\d+\s", "image/x-portable-anymap")),
    (b"AT&TFORM", "image/vnd.djvu"),
    # sound and moving pictures
    (b"\x1a\x45\xdf\xa3", families.matroska),
    (b"OggS\0", families.ogg),
    (b"riff\x2e\x91\xcf\x11", "audio/x-w64"),
    (b"RF64", families.form),
    (b"BW64", families.form),
    (b"FORM", families.form),
    (b"fLaC", matching(rb"....[\0\x80]\0\0\x22", "audio/flac")),
    (b"ID3", families.tagged),
    *((bytes((0xFF, second)), families.mpeg_audio) for second in b"\xfb\xfa\xf3\xf2\xe3\xe2"),
    *((bytes((0xFF, second)), families.mpeg_audio) for second in b"\xfd\xfc\xf5\xf4"),
    *((bytes((0xFF, second)), families.adts) for second in b"\xf1\xf0\xf9\xf8"),
    (b"\x0bw", families.dolby),
    (b"\x7f\xfe\x80\1", "audio/vnd.dts"),
    (b".snd\0", "audio/basic"),
    (b"#!AMR", "audio/amr"),
    (b"caff\0\1", "audio/x-caf"),
    (b"MThd\0\0\0\6", "audio/midi"),
    (b"wvpk", when(9, b"\4", "audio/x-wavpack")),
    (b"MAC ", matching(rb"....[\x80-\xff]\x0f", "audio/x-ape")),
    (b"TTA1", "audio/x-tta"),
    (b"MPCK", "audio/x-musepack"),
    (b"MP+", matching(rb"...[\x07\x17\x27]", "audio/x-musepack")),
    (b"DSD \x1c\0", "audio/x-dsf"),
    (b"FRM8\0", "audio/x-dff"),
    (b"Creative Voice File\x1a", "audio/x-voc"),
    (b"nut/multimedia container\0", "video/x-nut"),
    (b"FLV\1", "video/x-flv"),
    (
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        either("video/x-ms-asf", "video/x-ms-wmv", "audio/x-ms-wma"),
    ),
    (b"\0\0\1\xba", families.program_stream),
    (b"\0\0\1\xb3", "video/mpeg"),
    (b"\0\0\0\1", families.stream),
    (b"\0\0\1", families.stream),
    (b"\x12\0\x0a", "video/av1"),
    (b"DKIF\0\0", "video/x-ivf"),
    (b"YUV4MPEG2 ", "video/x-yuv4mpeg"),
    (b".RMF\0", either("application/vnd.rn-realmedia", "audio/vnd.rn-realaudio")),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01", "application/mxf"),
    # documents
    (b"%PDF-", either("application/pdf", "application/illustrator")),
    (b"%!PS", either("application/postscript", "image/x-eps", "application/illustrator")),
    (b"\xc5\xd0\xd3\xc6", "image/x-eps"),
    (b"{\\rtf", "application/rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
    # archives
    (b"PK\3\4", families.zipped),
    (b"PK\5\6", either("application/zip", "application/java-archive")),
    (b"PK\7\x08PK\3\4", "application/zip"),
    (b"\x1f\x8b\x08", either("application/gzip", "image/svg+xml-compressed", "image/svg+xml")),
    (b"BZh", matching(rb"...[1-9](?:1AY&SY|\x17rE8P\x90)", "application/x-bzip2")),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"\x04\x22\x4d\x18", "application/x-lz4"),
    (b"LZIP", matching(rb"....[\0\1]", "application/x-lzip")),
    (b"\x5d\0\0", matching(rb".{3}.{2}(?:\xff{8}|.{5}\0{3})", "application/x-lzma")),
    (b"\x1f\x9d", matching(rb"..[\x89-\x90]", "application/x-compress")),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", either("application/vnd.rar", "application/vnd.comicbook-rar")),
    (b"!<arch>\ndebian-binary", "application/vnd.debian.binary-package"),
    (b"\xed\xab\xee\xdb", "application/x-rpm"),
    (b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    (b"07070", matching(rb"07070[127][0-7A-Fa-f]{70}", "application/x-cpio")),
    (b"hsqs", when(28, b"\4\0", "application/x-squashfs")),
    (b"WARC/", matching(rb"WARC/[01]\.\d", "application/warc")),
    # models
    (b"GGUF", matching(rb"....(?:[\1-\x10]\0\0\0|\0\0\0[\1-\x10])", "application/x-gguf")),
    (b"lmgg", when(7, b"\0", "application/x-ggml")),
    (b"tjgg", when(7, b"\0", "application/x-ggml")),
    (b"fmgg", when(7, b"\0", "application/x-ggml")),
    (b"\x80\2\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", either(_LEGACY[0], *_LEGACY)),
    *((bytes((0x80, protocol)), families.pickled) for protocol in range(2, 6)),
    (b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    # databases
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"\0\1\0\0Standard Jet DB\0", "application/vnd.ms-access"),
    (b"\0\1\0\0Standard ACE DB\0", "application/vnd.ms-access"),
    (b"REDIS0", matching(rb"REDIS\d{4}", "application/x-redis-dump")),
    # the rest
    (b"glTF", matching(rb"....[\1\2]\0\0\0", "model/gltf-binary")),
    (b"Kaydara FBX Binary", "application/x-fbx"),
    (b"BLENDER", matching(rb".{7}[-_][vV]", "application/x-blender")),
    (b"PXR-USDC", "model/vnd.usdz+zip"),
    (b"ply\n", when(4, b"format ", "application/x-ply")),
    (b"ply\r\n", when(5, b"format ", "application/x-ply")),
    (b"\x93NUMPY", "application/x-npy"),
    (b"\0asm\1\0\0\0", "application/wasm"),
    (b"PAR1", matching(rb"....[\x00-\x1f\x80-\xff]", "application/vnd.apache.parquet")),
    (b"\3\xd9\xa2\x9a", "application/x-keepass"),
    (b"d8:announce", "application/x-bittorrent"),
    (b"\0\1\0\0\0", matching(rb".{4}\0[\4-\x40].{6}[A-Za-z/]{4}", "font/ttf")),
    (b"OTTO\0", "font/otf"),
    (b"wOFF", matching(rb"....(?:\0\x01\0\0|OTTO|true)", "font/woff")),
    (b"wOF2", matching(rb"....(?:\0\x01\0\0|OTTO|true)", "font/woff2")),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ", either("", "application/x-llamafile")),
)

# A box of ISO base media, by its name at byte 4. Only QuickTime is old enough to have no `ftyp`.
BOXES: Final[dict[bytes, Question]] = {
    b"ftyp": families.iso_media,
    **dict.fromkeys((b"moov", b"mdat", b"wide", b"pnot"), either("video/quicktime", "video/mp4")),
    b"styp": either("video/mp4", "audio/mp4"),
}

# A first box of 150 MB has a size of eight bytes or comes last; and text begins with no such byte.
_LARGE: Final = 9

# Anywhere else: offset, bytes, type.
ELSEWHERE: Final = (
    (4, b"TFL3", "application/x-tflite"),
    (8, b"DUCK", "application/x-duckdb"),
    (16, b"T-DB", "application/x-realm"),
    (60, b"BOOKMOBI", "application/x-mobipocket-ebook"),
    (257, b"ustar\0", "application/x-tar"),
    (257, b"ustar  \0", "application/x-tar"),
)


def _by_first_byte() -> dict[int, tuple[tuple[bytes, str | Question], ...]]:
    rows: dict[int, list[tuple[bytes, str | Question]]] = {}
    for signature, answer in _FIRST:
        rows.setdefault(signature[0], []).append((signature, answer))
    return {first: tuple(told) for first, told in rows.items()}


_ROWS: Final = _by_first_byte()


def type_of(head: bytes, named: str) -> str:
    """Return the type that these first bytes tell, "" when they tell none; ``head`` is not empty.

    ``named`` is the type by name, for what the content leaves open.
    """
    for signature, answer in _ROWS.get(head[0], ()):
        if head.startswith(signature):
            found = answer if isinstance(answer, str) else answer(head, named)
            if found:
                return found
    if head[0] < _LARGE and (box := BOXES.get(head[4:8])):
        return box(head, named)
    if families.safetensors(head):
        return "application/x-safetensors"
    for offset, signature, found in ELSEWHERE:
        if head.startswith(signature, offset):
            return found
    return families.transport(head, named)
