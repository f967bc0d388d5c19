"""Every inspector by its name: what reads one type of file, and which version of it.

A version is raised when an inspector would find more, or something else, in a file that it has
read already: the catalogue then has such files inspected again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from storewarden.facts.content import (
    archive,
    checkpoint,
    gguf,
    json,
    pdf,
    safetensors,
    sqlite,
    subtitle,
    text,
    zipped,
)
from storewarden.facts.found import Found
from storewarden.facts.image import (
    bmp,
    camera,
    dds,
    exr,
    gif,
    hdr,
    heif,
    icon,
    jp2,
    jpeg,
    jxl,
    netpbm,
    png,
    psd,
    qoi,
    svg,
    tga,
    tiff,
    webp,
)
from storewarden.facts.media import (
    aac,
    ac3,
    aiff,
    amr,
    asf,
    au,
    caf,
    flac,
    flv,
    isobmff,
    ivf,
    matroska,
    mpegaudio,
    mpegps,
    mpegts,
    ogg,
    riff,
    y4m,
)
from storewarden.facts.reader import Reader


class Inspector(NamedTuple):
    """``read`` fills in what it finds, and raises Malformed where it can go no further."""

    version: int
    read: Callable[[Reader, Found], None]


def nothing(reader: Reader, found: Found) -> None:
    """Look no further: all that is known of this type is that it is one."""
    del reader, found


NOTHING = "none"

INSPECTORS: dict[str, Inspector] = {
    NOTHING: Inspector(1, nothing),
    "png": Inspector(1, png.read),
    "jpeg": Inspector(1, jpeg.read),
    "webp": Inspector(1, webp.read),
    "gif": Inspector(1, gif.read),
    "bmp": Inspector(1, bmp.read),
    "tiff": Inspector(1, tiff.read),
    "camera": Inspector(1, camera.read),
    "icon": Inspector(1, icon.read),
    "psd": Inspector(1, psd.read),
    "heif": Inspector(1, heif.read),
    "jxl": Inspector(1, jxl.read),
    "jp2": Inspector(1, jp2.read),
    "qoi": Inspector(1, qoi.read),
    "netpbm": Inspector(1, netpbm.read),
    "exr": Inspector(1, exr.read),
    "hdr": Inspector(1, hdr.read),
    "tga": Inspector(1, tga.read),
    "dds": Inspector(1, dds.read),
    "svg": Inspector(1, svg.read),
    "pdf": Inspector(1, pdf.read),
    "zipped": Inspector(1, zipped.read),
    "archive": Inspector(1, archive.read),
    "safetensors": Inspector(1, safetensors.read),
    "gguf": Inspector(1, gguf.read),
    "checkpoint": Inspector(1, checkpoint.read),
    "sqlite": Inspector(1, sqlite.read),
    "json": Inspector(1, json.read),
    "subtitle": Inspector(1, subtitle.read),
    "prose": Inspector(1, text.read_prose),
    "text": Inspector(1, text.read),
    "isobmff": Inspector(1, isobmff.read),
    "matroska": Inspector(1, matroska.read),
    "riff": Inspector(1, riff.read),
    "flac": Inspector(1, flac.read),
    "ogg": Inspector(1, ogg.read),
    "mpegaudio": Inspector(1, mpegaudio.read),
    "aac": Inspector(1, aac.read),
    "aiff": Inspector(1, aiff.read),
    "mpegts": Inspector(1, mpegts.read),
    "mpegps": Inspector(1, mpegps.read),
    "flv": Inspector(1, flv.read),
    "asf": Inspector(1, asf.read),
    "caf": Inspector(1, caf.read),
    "au": Inspector(1, au.read),
    "amr": Inspector(1, amr.read),
    "ac3": Inspector(1, ac3.read),
    "ivf": Inspector(1, ivf.read),
    "y4m": Inspector(1, y4m.read),
}
