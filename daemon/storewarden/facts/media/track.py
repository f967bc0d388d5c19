"""One track of a movie: its codec, size, rate and length, without its tables of samples."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from storewarden.facts.media import soundconfig
from storewarden.facts.media.boxes import Box, child, children, content
from storewarden.facts.media.codecs import OBJECT_TYPES, iso_audio, iso_video
from storewarden.facts.media.colours import of_av1, of_vp9, with_primaries
from storewarden.facts.media.container import frames_a_second
from storewarden.facts.media.mpegaudio import frame
from storewarden.facts.media.parameters import avc_record, hevc_record
from storewarden.facts.reader import Malformed, Reader

_VIDEO_FIELDS: Final = 78  # of a sample entry, before its boxes
_SOUND_FIELDS: Final = (28, 44, 64)  # by the version QuickTime gives them
_RATE_OF_OPUS: Final = 48_000
_MOST_TABLE: Final = 16  # bytes of a table of samples that are looked at
_PRORES: Final = {b"ap4h": "yuv444p 12 bit", b"ap4x": "yuv444p 12 bit"}

# The matrix of a track that is shown turned, by its four corners, and by how many degrees it is.
_ONE: Final = 1 << 16
_TURNS: Final = {
    (0, _ONE, -_ONE, 0): 90,
    (-_ONE, 0, 0, -_ONE): 180,
    (0, -_ONE, _ONE, 0): 270,
}


@dataclass(slots=True)
class Track:
    """What the headers of a track tell; 0 is not told."""

    number: int = 0
    handler: bytes = b""
    scale: int = 0
    duration: int = 0
    code: bytes = b""
    codec: str | None = None
    width: int = 0
    height: int = 0
    rotation: int = 0
    colour: str | None = None
    rate: int = 0
    channels: int = 0
    samples: int = 0
    fps: float | None = None
    first: int = 0  # where its first sample is


def read_track(reader: Reader, trak: Box) -> Track:
    """Read a track; what is missing in it stays untold."""
    track = Track()
    for box in children(reader, trak):
        if box.kind == b"tkhd":
            _track_header(content(reader, box, 96), track)
        elif box.kind == b"mdia":
            for inner in children(reader, box):
                _media(reader, inner, track)
    if track.codec == "mp3" and track.first:
        _frame(reader.some(track.first, 4), track)
    return track


def _frame(data: bytes, track: Track) -> None:
    """Take from a frame what writers of MP3 into movies leave as it was by default."""
    told = frame(data)
    if told:
        track.codec, track.rate, track.channels = f"mp{told.layer}", told.rate, told.channels


def _track_header(data: bytes, track: Track) -> None:
    base = 12 if data[0] else 0
    (track.number,) = struct.unpack_from(">I", data, 20 if data[0] else 12)
    across = struct.unpack_from(">ii4xii", data, base + 40)
    track.rotation = _TURNS.get(across, 0)


def _media(reader: Reader, box: Box, track: Track) -> None:
    if box.kind == b"mdhd":
        data = content(reader, box, 32)
        track.scale, track.duration = struct.unpack_from(
            ">IQ" if data[0] else ">II", data, 20 if data[0] else 12
        )
    elif box.kind == b"hdlr":
        track.handler = reader.at(box.begin + 8, 4)
    elif box.kind == b"minf":
        table = child(reader, box, b"stbl")
        for inner in children(reader, table) if table else ():
            _sample_table(reader, inner, track)


def _sample_table(reader: Reader, box: Box, track: Track) -> None:
    if box.kind == b"stsd":
        entry = next(children(reader, box, 8), None)
        if entry is not None:
            _describe(reader, entry, track)
    elif box.kind in {b"stsz", b"stz2"}:
        (track.samples,) = struct.unpack_from(">8xI", content(reader, box, _MOST_TABLE))
        track.fps = track.fps or frames_a_second(track.samples * track.scale, track.duration)
    elif box.kind in {b"stco", b"co64"}:
        width = 4 if box.kind == b"stco" else 8
        track.first = int.from_bytes(content(reader, box, 8 + width)[8:], "big")
    elif box.kind == b"stts":
        data = content(reader, box, _MOST_TABLE)
        entries = int.from_bytes(data[4:8], "big")
        if entries == 1:
            (step,) = struct.unpack_from(">12xI", data)
            track.fps = frames_a_second(track.scale, step)


def _describe(reader: Reader, entry: Box, track: Track) -> None:
    """Read the first sample entry: the codec, and what its own records add."""
    track.code = entry.kind
    if track.handler == b"vide":
        fields = reader.at(entry.begin, _VIDEO_FIELDS)
        track.codec = iso_video(entry.kind)
        track.width, track.height = struct.unpack_from(">24xHH", fields)
        if track.codec == "prores":
            track.colour = _PRORES.get(entry.kind, "yuv422p 10 bit")
        skip = _VIDEO_FIELDS
    elif track.handler == b"soun":
        skip = _describe_sound(reader, entry, track)
    else:
        return
    for box in children(reader, entry, skip):
        _record(reader, box, track)


def _describe_sound(reader: Reader, entry: Box, track: Track) -> int:
    """Read the fields of a sound; return how many bytes they take."""
    fields = reader.some(entry.begin, 64)
    version, channels, bits, rate = struct.unpack_from(">8xH6xHH4xI", fields)
    track.codec = iso_audio(entry.kind)
    track.channels, track.rate = channels, rate >> 16
    if version == 2:  # noqa: PLR2004  # QuickTime's, for more than two channels and 64 kHz
        precise, track.channels, bits, flags = struct.unpack_from(">32xdI4xII", fields)
        track.rate = int(precise) if 0 < precise < 2**31 else 0
        if entry.kind == b"lpcm":
            track.codec = _pcm(bits, flags)
    elif entry.kind in {b"sowt", b"twos"}:
        track.codec = f"pcm_s{bits}{'le' if entry.kind == b'sowt' else 'be'}"
        track.codec = "pcm_s8" if bits == 8 else track.codec  # noqa: PLR2004
    return _SOUND_FIELDS[version] if version < len(_SOUND_FIELDS) else _SOUND_FIELDS[0]


def _pcm(bits: int, flags: int) -> str:
    """Return the name of plain samples; the flags are Core Audio's."""
    floating, big, signed = flags & 1, flags & 2, flags & 4
    if floating:
        return f"pcm_f{bits}{'be' if big else 'le'}"
    if bits == 8:  # noqa: PLR2004
        return "pcm_s8" if signed else "pcm_u8"
    return f"pcm_s{bits}{'be' if big else 'le'}"


def _record(reader: Reader, box: Box, track: Track) -> None:
    """Read what a codec says about itself in a box of its own."""
    if box.kind == b"wave":  # QuickTime's place for such boxes
        for inner in children(reader, box):
            if inner.kind != b"wave":
                _record(reader, inner, track)
    elif box.kind == b"sinf":  # encrypted: what it was before
        original = child(reader, box, b"frma")
        if original:
            name = iso_video if track.handler == b"vide" else iso_audio
            track.codec = name(content(reader, original, 4))
    elif box.kind == b"enda":
        if content(reader, box, 2) == b"\0\1" and track.codec and track.codec.endswith("be"):
            track.codec = track.codec[:-2] + "le"
    elif box.kind in _RECORDS:
        _RECORDS[box.kind](content(reader, box, 4096), track)


def _avc(data: bytes, track: Track) -> None:
    told = avc_record(data)
    if told and told.colour:
        track.colour = told.colour


def _colr(data: bytes, track: Track) -> None:
    if data[:4] in {b"nclx", b"nclc"}:
        primaries, transfer = struct.unpack_from(">4xHH", data)
        track.colour = with_primaries(track.colour, primaries, transfer)


def _esds(data: bytes, track: Track) -> None:
    stream = soundconfig.esds(data[4:])
    track.codec = OBJECT_TYPES.get(stream.object_type, track.codec)
    if track.codec == "aac" and len(stream.specific) > 1:
        _take(track, soundconfig.aac(stream.specific))
    elif track.codec == "opus":
        track.rate = _RATE_OF_OPUS


def _dops(data: bytes, track: Track) -> None:
    track.rate, track.channels = _RATE_OF_OPUS, data[1]


def _dfla(data: bytes, track: Track) -> None:
    if data[4] & 0x7F == 0:
        told = soundconfig.flac(data[8:])
        _take(track, soundconfig.Sound(told.rate, told.channels))


def _take(track: Track, told: soundconfig.Sound) -> None:
    track.rate = told.rate or track.rate
    track.channels = told.channels or track.channels


def _forgiving(read: Callable[[bytes, Track], None]) -> Callable[[bytes, Track], None]:
    """A record that is broken or of a kind to come leaves what the entry itself tells."""

    def attempt(data: bytes, track: Track) -> None:
        try:
            read(data, track)
        except (Malformed, IndexError, struct.error):
            return

    return attempt


_RECORDS: Final = {
    b"avcC": _forgiving(_avc),
    b"hvcC": _forgiving(lambda data, track: setattr(track, "colour", hevc_record(data))),
    b"av1C": _forgiving(lambda data, track: setattr(track, "colour", of_av1(data))),
    b"vpcC": _forgiving(lambda data, track: setattr(track, "colour", of_vp9(data[4:]))),
    b"colr": _forgiving(_colr),
    b"esds": _forgiving(_esds),
    b"alac": _forgiving(lambda data, track: _take(track, soundconfig.alac(data[4:]))),
    b"dOps": _forgiving(_dops),
    b"dfLa": _forgiving(_dfla),
    b"dac3": _forgiving(lambda data, track: _take(track, soundconfig.ac3(data))),
    b"dec3": _forgiving(lambda data, track: _take(track, soundconfig.eac3(data))),
}
