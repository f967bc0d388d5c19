"""Documents, archives, models, databases and texts as their real writers leave them, and small."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import apsw
from backports import zstd

from tests.makers import models, pdfs

_LONG_AGO = (2024, 1, 1, 0, 0, 0)

SRT = """1
00:00:01,000 --> 00:00:03,500
<i>The lighthouse</i> stands

2
00:00:04,000 --> 00:00:06,250
at dusk &amp; dawn.
"""
VTT = """WEBVTT
Kind: captions
Language: en

NOTE nobody says this

00:01.000 --> 00:03.500 align:start position:0%
The<00:00:01.500><c> lighthouse</c>

00:03.500 --> 00:05.000
The lighthouse
stands
"""
ASS = """[Script Info]
Title: dusk

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:03.50,Default,,0,0,0,,{\\i1}The lighthouse{\\i0}\\Nstands, still
Comment: 0,0:00:01.00,0:00:03.50,Default,,0,0,0,,nobody says this
"""
SBV = "0:00:01.000,0:00:03.500\nThe lighthouse\nstands\n\n0:00:04.000,0:00:06.250\nat dusk.\n"
LRC = "[ti:Dusk]\n[ar:Nobody]\n[00:12.00]The lighthouse\n[00:15.30][01:15.30]stands\n"
MICRODVD = "{0}{25}The {y:i}lighthouse|stands\n{50}{75}at dusk.\n"
TTML = """<?xml version="1.0" encoding="utf-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="de-DE"><body><div>
<p begin="00:00:01.000" end="00:00:03.500">Der <span>Leuchtturm</span><br/>steht</p>
<p begin="00:00:04.000" end="00:00:06.250">am Abend.</p></div></body></tt>
"""
SAMI = "<SAMI><BODY><SYNC Start=1000><P Class=EN>The lighthouse<br>stands<SYNC Start=3500><P>&nbsp;"

WHISPER = {
    "text": " The lighthouse stands at dusk.",
    "segments": [
        {"id": 0, "start": 0.0, "end": 2.5, "text": " The lighthouse", "tokens": [1, 2]},
        {"id": 1, "start": 2.5, "end": 4.0, "text": " stands at dusk."},
    ],
    "language": "en",
}
WHISPER_CPP = {
    "systeminfo": "AVX = 1",
    "result": {"language": "de"},
    "transcription": [{"timestamps": {"from": "00:00:00,000"}, "text": " Der Leuchtturm"}],
}
DOWNLOAD = {
    "id": "dQw4w9WgXcQ",
    "title": "A lighthouse at dusk",
    "description": "Filmed from the pier.\nMusic by nobody.",
    "duration": 212,
    "uploader": "Nobody",
    "extractor": "youtube",
    "extractor_key": "Youtube",
    "webpage_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "upload_date": "20240131",
    "width": 1920,
}
GENERATED = {
    "prompt": "lighthouse at dusk",
    "negative_prompt": "blurry",
    "seed": 42,
    "steps": 20,
    "workflow_id": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
    "metadata": {"scene_number": 3},
}
API_GRAPH = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 42, "positive": ["6", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "lighthouse at dusk"}},
}
UI_GRAPH = {
    "last_node_id": 6,
    "nodes": [
        {"id": 3, "type": "KSampler", "widgets_values": [42, "fixed", 20]},
        {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["lighthouse at dusk"]},
    ],
    "links": [[1, 6, 0, 3, 1, "CONDITIONING"]],
    "version": 0.4,
}


def zipped(
    members: Mapping[str, str] | Mapping[str, bytes],
    *,
    stored: Sequence[str] = (),
    comment: bytes = b"",
) -> bytes:
    """Return a zip by Python's own writer."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.comment = comment
        for name, content in members.items():
            member = zipfile.ZipInfo(name, _LONG_AGO)
            packing = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(member, content, packing)
    return into.getvalue()


def large_zip(members: Mapping[str, str]) -> bytes:
    """Return a zip in the form that those of more than 4 GB have."""
    with mock.patch("zipfile.ZIP64_LIMIT", 4):
        return zipped(members)


def docx() -> bytes:
    """Return what Word writes, without most of it."""
    core = "<cp:coreProperties><dc:title>Dusk &amp; dawn</dc:title><dc:creator>Mö</dc:creator>"
    app = "<Properties><Pages>7</Pages><Words>1234</Words><Application>Word</Application>"
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "docProps/app.xml": app + "</Properties>",
            "docProps/core.xml": core + "</cp:coreProperties>",
            "word/document.xml": "<w:document/>",
        }
    )


def pptx() -> bytes:
    """Return slides whose writer did not count them."""
    slides: dict[str, str] = {f"ppt/slides/slide{number}.xml": "<p:sld/>" for number in range(1, 4)}
    return zipped({"[Content_Types].xml": "<Types/>", "ppt/presentation.xml": "<p/>"} | slides)


def xlsx() -> bytes:
    """Return a table."""
    return zipped({"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<workbook/>"})


def odt(kind: str = "text") -> bytes:
    """Return what LibreOffice writes, without most of it."""
    statistic = '<meta:document-statistic meta:page-count="5" meta:word-count="600"/>'
    meta = f"<office:meta><dc:title>Dusk</dc:title>{statistic}</office:meta>"
    mime = f"application/vnd.oasis.opendocument.{kind}"
    return zipped({"mimetype": mime, "meta.xml": meta}, stored=("mimetype",))


def epub() -> bytes:
    """Return a book of two chapters."""
    container = '<container><rootfile full-path="OEBPS/content.opf"/></container>'
    said = '<dc:title id="t">Dusk</dc:title><dc:creator>Nobody</dc:creator>'
    package = (
        f"<package><metadata>{said}<dc:language>en</dc:language></metadata>"
        '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
    )
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "OEBPS/content.opf": package,
        },
        stored=("mimetype",),
    )


def openraster() -> bytes:
    """Return a picture in layers."""
    stack = '<?xml version="1.0"?><image version="0.0.3" w="640" h="480"><stack/></image>'
    return zipped({"mimetype": "image/openraster", "stack.xml": stack}, stored=("mimetype",))


def tar(members: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar by Python's own writer."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w", format=form) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return into.getvalue().rstrip(b"\0") + bytes(1024)


def seven_zip(body: bytes = b"packed") -> bytes:
    """Return the head of a 7z archive before some bytes that claim to be the rest."""
    start = struct.pack("<QQL", 0, len(body), zlib.crc32(body))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<L", zlib.crc32(start)) + start + body


def sqlite(*statements: str, wal: bool = False) -> bytes:
    """Return a database by SQLite itself; in WAL mode all of it is in the one file."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "made.db"
        connection = apsw.Connection(str(path))
        list(connection.execute("PRAGMA page_size = 1024"))
        if wal:
            list(connection.execute("PRAGMA journal_mode = wal"))
        for statement in ("CREATE TABLE a (b)", "INSERT INTO a VALUES (1)", *statements):
            list(connection.execute(statement))
        connection.close()
        return path.read_bytes()


def as_json(told: Any) -> bytes:
    """Return JSON as most programs write it."""
    return json.dumps(told).encode()


_TWO: dict[str, bytes] = {"a.txt": b"lighthouse", "b/c.txt": b"dusk" * 200}

# By inspector: files by a name that they would have.
FILES: dict[str, Callable[[], dict[str, bytes]]] = {
    "pdf": lambda: {
        "pillow.pdf": pdfs.by_pillow(),
        "plain.pdf": pdfs.plain(pdfs.objects(3)),
        "packed.pdf": pdfs.packed(pdfs.objects(3)),
        "changed.pdf": pdfs.changed(pdfs.plain(pdfs.objects(2)), pdfs.objects(4)),
        "xmp.pdf": pdfs.with_xmp(b"<x:xmpmeta/>"),
        "encrypted.pdf": pdfs.plain(pdfs.objects(3), b"/Root 1 0 R/Encrypt<</V 4>>"),
    },
    "zipped": lambda: {
        "letter.docx": docx(),
        "slides.pptx": pptx(),
        "table.xlsx": xlsx(),
        "letter.odt": odt(),
        "book.epub": epub(),
        "layers.ora": openraster(),
        "two.zip": zipped(_TWO, comment=b"by hand"),
        "none.zip": zipped({}),
        "large.zip": large_zip({"a.txt": "lighthouse", "b.txt": "at dusk"}),
        "comic.cbz": zipped({"01.jpg": "1", "02.jpg": "2", "ComicInfo.xml": "<ComicInfo/>"}),
        "program.jar": zipped({"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n"}),
        "arrays.npz": zipped({"a.npy": b"\x93NUMPY\1\0"}),
    },
    "archive": lambda: {
        "two.tar": tar(_TWO),
        "old.tar": tar(_TWO, tarfile.GNU_FORMAT),
        "two.tar.gz": gzip.compress(tar(_TWO), mtime=0),
        "one.gz": gzip.compress(b"lighthouse at dusk", mtime=0),
        "one.bz2": bz2.compress(b"lighthouse at dusk"),
        "one.xz": lzma.compress(b"lighthouse at dusk" * 9),
        "one.zst": zstd.compress(b"lighthouse at dusk" * 9),
        "one.7z": seven_zip(),
        "one.rar": b"Rar!\x1a\x07\1\0\x33\x92\xb5\xe5\x0a\1\5\6\0\5\1\1\x80\x80\0",
    },
    "safetensors": lambda: {
        "lora.safetensors": models.tensors(
            {
                "lora_unet_a.lora_down.weight": ("F16", (4, 16)),
                "lora_unet_a.lora_up.weight": ("F16", (16, 4)),
                "lora_unet_a.alpha": ("F32", ()),
            },
            models.METADATA,
        ),
        "bare.safetensors": models.tensors({"w": ("BF16", (2, 3))}),
    },
    "gguf": lambda: {
        "dusk.gguf": models.gguf(models.LLAMA, models.LLAMA_SHAPES),
        "first.gguf": models.gguf(models.LLAMA, models.LLAMA_SHAPES, version=1),
        "big.gguf": models.gguf(models.LLAMA, models.LLAMA_SHAPES, order=">"),
    },
    "checkpoint": lambda: {
        "dusk.ckpt": models.checkpoint(),
        "dusk.pt": models.checkpoint("dusk"),
        "old.pth": models.old_checkpoint(),
        "list.ckpt": pickle.dumps([1, 2], protocol=4),
    },
    "sqlite": lambda: {
        "app.db": sqlite("PRAGMA user_version = 7", "PRAGMA application_id = -5"),
        "wal.db": sqlite(wal=True),
    },
    "json": lambda: {
        "clip.json": as_json(WHISPER),
        "cpp.json": as_json(WHISPER_CPP),
        "clip.info.json": as_json(DOWNLOAD),
        "image.json": as_json(GENERATED),
        "api.json": as_json(API_GRAPH),
        "sent.json": as_json({"prompt": API_GRAPH, "client_id": "a"}),
        "ui.json": as_json(UI_GRAPH),
        "settings.json": as_json({"a": [1, 2, {"b": None}], "é": "\ud800"}),
        "list.json": b'[{"prompt": "dusk", "seed": 1}, 2]',
    },
    "subtitle": lambda: {
        "clip.srt": SRT.encode(),
        "windows.srt": SRT.replace("\n", "\r\n").encode("utf-16"),
        "clip.vtt": VTT.encode(),
        "clip.ass": ASS.encode(),
        "clip.sbv": SBV.encode(),
        "song.lrc": LRC.encode(),
        "clip.sub": MICRODVD.encode(),
        "clip.ttml": TTML.encode(),
        "clip.smi": SAMI.encode(),
    },
    "prose": lambda: {
        "note.txt": b"The lighthouse\nstands at dusk.",
        "note.md": "# Dämmerung\n\nDer Leuchtturm\n".encode(),
        "old.txt": "Dämmerung\n".encode("cp1252"),
        "windows.txt": "Dämmerung\r\n".encode("utf-16"),
    },
    "text": lambda: {
        "rows.csv": b"a,b\n1,2\n",
        "run.log": b"started\nstopped\n",
        "tool.py": b"print('dusk')\n",
        "README": b"read me\n",
    },
}
