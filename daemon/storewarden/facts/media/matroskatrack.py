"""One track of a Matroska file: its codec under its usual name, its size, rate and colour."""

from __future__ import annotations

import contextlib
import math
import struct
from dataclasses import dataclass
from typing import Final

from storewarden.facts.media import soundconfig
from storewarden.facts.media.codecs import iso_audio, iso_video
from storewarden.facts.media.colours import UNSAID, of_av1, with_primaries
from storewarden.facts.media.ebml import Element, children, content, number, real
from storewarden.facts.media.parameters import avc_record, hevc_record
from storewarden.facts.media.waveformat import picture_format, sound_format
from storewarden.facts.reader import Malformed, Reader

VIDEO, AUDIO, SUBTITLE = 1, 2, 17

_UID, _TYPE, _CODEC, _PRIVATE, _FRAME = 0x73C5, 0x83, 0x86, 0x63A2, 0x23E383
_VIDEO, _WIDTH, _HEIGHT, _COLOUR = 0xE0, 0xB0, 0xBA, 0x55B0
_TRANSFER, _PRIMARIES = 0x55BA, 0x55BB
_AUDIO, _RATE, _OUTPUT_RATE, _CHANNELS, _BITS = 0xE1, 0xB5, 0x78B5, 0x9F, 0x6264
_RATE_OF_OPUS: Final = 48_000
_MOST_RATE: Final = 2**31

_NAMES: Final = {
    "V_AV1": "av1",
    "V_DIRAC": "dirac",
    "V_FFV1": "ffv1",
    "V_MJPEG": "mjpeg",
    "V_MPEG1": "mpeg1video",
    "V_MPEG2": "mpeg2video",
    "V_MPEG4/ISO/ASP": "mpeg4",
    "V_MPEG4/ISO/AP": "mpeg4",
    "V_MPEG4/ISO/SP": "mpeg4",
    "V_MPEG4/ISO/AVC": "h264",
    "V_MPEG4/MS/V3": "msmpeg4v3",
    "V_MPEGH/ISO/HEVC": "hevc",
    "V_MPEGI/ISO/VVC": "vvc",
    "V_PRORES": "prores",
    "V_REAL/RV10": "rv10",
    "V_REAL/RV20": "rv20",
    "V_REAL/RV30": "rv30",
    "V_REAL/RV40": "rv40",
    "V_SNOW": "snow",
    "V_THEORA": "theora",
    "V_UNCOMPRESSED": "rawvideo",
    "V_VP8": "vp8",
    "V_VP9": "vp9",
    "A_AC3": "ac3",
    "A_ALAC": "alac",
    "A_DTS": "dts",
    "A_EAC3": "eac3",
    "A_FLAC": "flac",
    "A_MLP": "mlp",
    "A_MPEG/L1": "mp1",
    "A_MPEG/L2": "mp2",
    "A_MPEG/L3": "mp3",
    "A_OPUS": "opus",
    "A_TRUEHD": "truehd",
    "A_TTA1": "tta",
    "A_VORBIS": "vorbis",
    "A_WAVPACK4": "wavpack",
    "A_REAL/COOK": "cook",
    "A_REAL/SIPR": "sipr",
    "A_REAL/28_8": "ra_288",
    "A_REAL/14_4": "ra_144",
    "A_REAL/ATRC": "atrac3",
}


@dataclass(slots=True)
class Entry:
    """What the headers of a track tell; 0 is not told."""

    type: int = 0
    uid: int = 0
    name: str = ""
    private: bytes = b""
    frame_ns: int = 0
    codec: str = ""
    width: int = 0
    height: int = 0
    colour: str | None = None
    primaries: int = UNSAID
    transfer: int = UNSAID
    rate: int = 0
    channels: int = 0
    bits: int = 0


def read_entry(reader: Reader, track: Element) -> Entry:
    """Read a track; what is missing in it stays untold."""
    entry = Entry()
    for element in children(reader, track):
        _field(reader, element, entry)
    if entry.type == AUDIO:
        entry.channels = entry.channels or 1
    entry.codec = _NAMES.get(entry.name) or _composed(entry)
    if entry.codec == "opus":
        entry.rate = _RATE_OF_OPUS
    with contextlib.suppress(Malformed, IndexError, struct.error):
        _from_private(entry)  # a record of a kind to come leaves what the track itself tells
    entry.colour = with_primaries(entry.colour, entry.primaries, entry.transfer)
    return entry


def _field(reader: Reader, element: Element, entry: Entry) -> None:
    if element.kind == _TYPE:
        entry.type = number(reader, element)
    elif element.kind == _UID:
        entry.uid = number(reader, element)
    elif element.kind == _CODEC:
        entry.name = content(reader, element, 64).rstrip(b"\0").decode("ascii", "replace")
    elif element.kind == _PRIVATE:
        entry.private = content(reader, element, 4096)
    elif element.kind == _FRAME:
        entry.frame_ns = number(reader, element)
    elif element.kind == _VIDEO:
        for inner in children(reader, element):
            _video_field(reader, inner, entry)
    elif element.kind == _AUDIO:
        for inner in children(reader, element):
            _audio_field(reader, inner, entry)


def _video_field(reader: Reader, element: Element, entry: Entry) -> None:
    if element.kind == _WIDTH:
        entry.width = number(reader, element) & 0xFFFFFFFF
    elif element.kind == _HEIGHT:
        entry.height = number(reader, element) & 0xFFFFFFFF
    elif element.kind == _COLOUR:
        for inner in children(reader, element):
            if inner.kind == _PRIMARIES:
                entry.primaries = number(reader, inner)
            elif inner.kind == _TRANSFER:
                entry.transfer = number(reader, inner)


def _audio_field(reader: Reader, element: Element, entry: Entry) -> None:
    if element.kind in {_RATE, _OUTPUT_RATE}:
        rate = real(reader, element)
        plausible = math.isfinite(rate) and 0 < rate < _MOST_RATE
        entry.rate = max(entry.rate, round(rate) if plausible else 0)
    elif element.kind == _CHANNELS:
        entry.channels = number(reader, element) & 0xFFFF
    elif element.kind == _BITS:
        entry.bits = number(reader, element) & 0xFFFF


def _composed(entry: Entry) -> str:
    """Return the name of a codec that its identifier alone does not tell."""
    name = entry.name
    if name.startswith("A_AAC"):
        return "aac"
    if name.startswith("A_PCM/FLOAT"):
        return f"pcm_f{entry.bits or 32}le"
    if name.startswith("A_PCM/INT"):
        order = "be" if name.endswith("BIG") else "le"
        return "pcm_u8" if entry.bits == 8 else f"pcm_s{entry.bits}{order}"  # noqa: PLR2004
    if name == "V_QUICKTIME":
        return iso_video(entry.private[4:8])
    if name == "A_QUICKTIME":
        return iso_audio(entry.private[4:8])
    return name[2:].lower()


def _from_private(entry: Entry) -> None:
    """Add what the codec says of itself."""
    private = entry.private
    if entry.name == "V_MS/VFW/FOURCC":
        entry.codec = picture_format(private).codec
    elif entry.name == "A_MS/ACM":
        entry.codec = sound_format(private).codec
    elif not private:
        return
    elif entry.codec == "h264":
        told = avc_record(private)
        entry.colour = told.colour if told else None
    elif entry.codec == "hevc":
        entry.colour = hevc_record(private)
    elif entry.codec == "av1":
        entry.colour = of_av1(private)
    elif entry.codec == "aac":
        said = soundconfig.aac(private)
        entry.rate, entry.channels = said.rate or entry.rate, said.channels or entry.channels
    elif entry.codec == "prores":
        entry.colour = "yuv422p 10 bit"
