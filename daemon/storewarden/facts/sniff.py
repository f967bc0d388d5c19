"""What a file is by its first bytes, and only where those say nothing by its name."""

from __future__ import annotations

from typing import Final, NamedTuple

from storewarden.facts.inspectors import NOTHING
from storewarden.facts.kinds import UNKNOWN, extensions
from storewarden.facts.plain import is_text, type_of_text
from storewarden.facts.signatures import type_of

HEAD: Final = 4096
"""How many bytes from the beginning of a file are looked at."""


class Sniffed(NamedTuple):
    """A kind, a type, and the name of the inspector that can tell more."""

    kind: str
    mime: str
    inspector: str


# Who reads which types. What is not here has a kind and a type, and no more is known of it.
_READ_BY: Final = {
    "png": "image/png image/apng",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "tiff": """image/tiff image/x-adobe-dng image/x-canon-cr2 image/x-nikon-nef image/x-sony-arw
        image/x-olympus-orf image/x-panasonic-rw2 image/x-pentax-pef image/x-samsung-srw""",
    "icon": "image/vnd.microsoft.icon image/icns",
    "camera": "image/x-canon-cr3 image/x-fuji-raf",
    "psd": "image/vnd.adobe.photoshop image/x-psb",
    "heif": "image/heic image/heif image/avif",
    "jxl": "image/jxl",
    "jp2": "image/jp2 image/jpx",
    "qoi": "image/x-qoi",
    "netpbm": """image/x-portable-bitmap image/x-portable-graymap image/x-portable-pixmap
        image/x-portable-anymap""",
    "exr": "image/x-exr",
    "hdr": "image/vnd.radiance",
    "tga": "image/x-tga",
    "dds": "image/vnd-ms.dds",
    "svg": "image/svg+xml image/svg+xml-compressed",
    "isobmff": """video/mp4 video/quicktime video/3gpp video/3gpp2 video/x-f4v audio/mp4""",
    "matroska": "video/x-matroska video/webm audio/x-matroska audio/webm",
    "riff": "video/x-msvideo video/divx audio/wav",
    "flac": "audio/flac",
    "ogg": "video/ogg audio/ogg audio/opus",
    "mpegaudio": "audio/mpeg",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "mpegts": "video/mp2t",
    "mpegps": "video/mpeg video/dvd",
    "flv": "video/x-flv",
    "asf": "video/x-ms-asf video/x-ms-wmv audio/x-ms-wma",
    "caf": "audio/x-caf",
    "au": "audio/basic",
    "amr": "audio/amr",
    "ac3": "audio/ac3 audio/eac3",
    "ivf": "video/x-ivf",
    "y4m": "video/x-yuv4mpeg",
    "pdf": "application/pdf application/illustrator",
    "zipped": """application/zip application/java-archive application/x-wheel+zip
        application/vnd.android.package-archive application/vnd.comicbook+zip application/epub+zip
        application/vnd.openxmlformats-officedocument.wordprocessingml.document
        application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
        application/vnd.openxmlformats-officedocument.presentationml.presentation
        application/vnd.oasis.opendocument.text application/vnd.oasis.opendocument.spreadsheet
        application/vnd.oasis.opendocument.presentation
        application/vnd.oasis.opendocument.graphics application/x-npz image/openraster
        application/x-krita application/x-keras""",
    "archive": """application/gzip application/x-tar application/x-7z-compressed application/x-xz
        application/zstd application/vnd.rar application/vnd.comicbook-rar application/x-bzip2
        application/x-lz4""",
    "safetensors": "application/x-safetensors",
    "gguf": "application/x-gguf",
    "checkpoint": "application/x-pytorch application/x-checkpoint",
    "sqlite": "application/vnd.sqlite3",
    "json": "application/json application/x-comfyui+json application/x-workflow",
    "subtitle": """application/x-subrip text/vtt text/x-ssa text/x-sbv application/ttml+xml
        text/x-lrc text/x-microdvd application/x-sami""",
    "prose": "text/plain text/markdown text/x-rst text/asciidoc text/x-nfo text/x-fountain",
    "text": """text/x-log text/x-tex text/csv text/tab-separated-values application/x-ndjson
        application/json5 application/yaml application/toml text/x-ini application/xml
        application/rdf+xml text/html text/css text/javascript text/x-jsx text/x-python
        application/x-ipynb+json application/x-sh text/x-c text/x-c++ text/x-rust text/x-go
        text/x-java text/x-ruby text/x-php text/x-lua application/sql text/x-diff
        application/vnd.apple.mpegurl audio/x-scpls text/x-cube text/x-edl application/x-cwl+yaml
        text/x-wdl text/x-nextflow text/x-snakemake application/x-galaxy+json
        application/x-bpmn+xml application/x-pentaho+xml application/x-alteryx+xml text/x-nuke""",
}

# Types that no extension stands for.
_UNNAMED: Final = {
    "application/x-ole-storage": "other",
    "application/x-executable": "other",
    "application/x-vobsub": "subtitle",
}

# Types that are text, besides all that the inspectors of text read.
_ALSO_TEXT: Final = """
    image/svg+xml application/postscript image/x-eps application/rtf message/rfc822
    multipart/related text/x-scc model/gltf+json model/obj model/mtl model/stl application/x-ply
    application/x-fbx model/vnd.usdz+zip
"""


def _tables() -> tuple[dict[bytes, Sniffed], dict[str, Sniffed]]:
    """Return what is told by extension, and what by type."""
    readers = {mime: name for name, mimes in _READ_BY.items() for mime in mimes.split()}
    kinds = _UNNAMED | {mime: kind for _, kind, mime in extensions()}
    if strangers := readers.keys() - kinds.keys():
        raise ValueError(f"types of no kind: {strangers}")
    by_type = {
        mime: Sniffed(kind, mime, readers.get(mime, NOTHING)) for mime, kind in kinds.items()
    }
    return {extension: by_type[mime] for extension, _, mime in extensions()}, by_type


_NAMED, _TYPED = _tables()
_TEXTS: Final = frozenset(
    " ".join((_READ_BY["json"], _READ_BY["subtitle"], _READ_BY["text"], _ALSO_TEXT)).split()
) | frozenset(_READ_BY["prose"].split())
_NOTHING: Final = Sniffed("other", UNKNOWN, NOTHING)
_LYING: Final = Sniffed("text", "text/plain", "text")  # text under the name of something else


def sniff(head: bytes, name: bytes) -> Sniffed:
    """Return what a file is that begins with ``head`` and is called ``name``; it never fails."""
    stem, _, extension = name.rpartition(b".")
    named = _NAMED.get(extension.lower(), _NOTHING) if stem else _NOTHING
    if not head:
        return Sniffed(named.kind, named.mime, NOTHING)
    if found := type_of(head, named.mime):
        return _TYPED[found]
    expected = named.mime if named.mime in _TEXTS else ""
    if is_text(head, named=bool(expected)):
        told = type_of_text(head, expected)
        return _TYPED[told] if told != "text/plain" or expected else _LYING
    return named
