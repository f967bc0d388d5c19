"""AVI: the header list tells all, what follows the pictures are their places."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.chunks import Chunk, chunks, content
from storewarden.facts.media.container import (
    frames_a_second,
    lasts,
    only_sound,
    picture,
    sound,
)
from storewarden.facts.media.rifftags import list_texts
from storewarden.facts.media.tags import decoded, keep, text_at
from storewarden.facts.media.waveformat import picture_format, sound_format
from storewarden.facts.reader import Malformed, Reader

_STREAM_HEADER: Final = struct.Struct("<4s16xIIII")  # type, …, scale, rate, start, length
_MOST_STREAMS: Final = 64


@dataclass(slots=True)
class _Stream:
    """The header of one stream."""

    type: bytes
    scale: int
    rate: int
    length: int


@dataclass(slots=True)
class _Movie:
    """What was read so far."""

    streams: list[_Stream]
    frames: int = 0  # as the large format counts them


def read(reader: Reader, begin: int, end: int, found: Found) -> None:
    """Read the lists of an AVI file."""
    movie = _Movie([])
    try:
        for chunk in chunks(reader, begin, end):
            if chunk.kind != b"LIST":
                _beside(reader, chunk, found)
            elif reader.some(chunk.begin, 4) == b"hdrl":
                _headers(reader, chunk, movie, found)
            else:
                list_texts(reader, chunk, found)
    finally:
        _length(movie, found)
    if not movie.streams:
        raise Malformed("has no stream: nothing tells what is in it")


def _beside(reader: Reader, chunk: Chunk, found: Found) -> None:
    if chunk.kind == b"_PMX":
        keep(found, "xmp", "", decoded(text_at(reader, chunk.begin, chunk.length)))
    elif chunk.kind == b"C2PA":
        found.more["c2pa.present"] = True


def _headers(reader: Reader, headers: Chunk, movie: _Movie, found: Found) -> None:
    for chunk in chunks(reader, headers.begin + 4, headers.begin + headers.length):
        kind = reader.some(chunk.begin, 4) if chunk.kind == b"LIST" else b""
        if kind == b"strl" and len(movie.streams) < _MOST_STREAMS:
            _stream(reader, chunk, movie, found)
        elif kind == b"odml":
            for inner in chunks(reader, chunk.begin + 4, chunk.begin + chunk.length):
                if inner.kind == b"dmlh":
                    (movie.frames,) = struct.unpack_from("<I", content(reader, inner, 4))


def _stream(reader: Reader, chunk: Chunk, movie: _Movie, found: Found) -> None:
    stream = None
    for inner in chunks(reader, chunk.begin + 4, chunk.begin + chunk.length):
        if inner.kind == b"strh":
            kind, scale, rate, _, length = _STREAM_HEADER.unpack_from(content(reader, inner, 64))
            stream = _Stream(kind, scale, rate, length)
            movie.streams.append(stream)
        elif inner.kind == b"strf" and stream is not None:
            _format(content(reader, inner, 128), stream, movie, found)


def _format(data: bytes, stream: _Stream, movie: _Movie, found: Found) -> None:
    kinds = [one.type for one in movie.streams]
    if stream.type == b"vids" and kinds.count(b"vids") == 1:
        if b"auds" in kinds:
            found.audio_codec = found.codec
        told = picture_format(data)
        picture(found, told.codec, told.width, told.height)
        found.kind, found.mime = "video", None
        found.fps = frames_a_second(stream.rate, stream.scale)
    elif stream.type == b"auds":
        if kinds.count(b"auds") == 1:
            heard = sound_format(data)
            beside = b"vids" in kinds
            sound(found, heard.codec, heard.rate, heard.channels, beside=beside)
            if not beside:
                only_sound(found)
        else:
            found.more["tracks.audio"] = kinds.count(b"auds")


def _length(movie: _Movie, found: Found) -> None:
    """Tell how long it is: as long as the longest stream."""
    longest = 0
    for stream in movie.streams:
        if stream.type == b"vids":
            found.frames = max(stream.length, movie.frames) or None
        length = max(stream.length, movie.frames * (stream.type == b"vids"))
        lasts(found, length * stream.scale, stream.rate)
        longest = max(longest, found.duration_ns or 0)
    found.duration_ns = longest or None
