"""FLAC: the blocks before the first frame."""

from __future__ import annotations

from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.found import Found
from storewarden.facts.media import id3, vorbiscomment
from storewarden.facts.media.container import container, lasts, only_sound, sound
from storewarden.facts.media.soundconfig import flac as stream_info
from storewarden.facts.reader import Malformed, Reader, TooMuch, Truncated

_STREAM_INFO, _COMMENTS = 0, 4
_MOST_BLOCKS: Final = 1000


@container
def read(reader: Reader, found: Found) -> None:
    """Read the stream information and the comments."""
    begin = id3.read(reader, 0, found)
    if reader.some(begin, 4) != b"fLaC":
        raise Malformed("is no FLAC file")
    only_sound(found)
    at, last = begin + 4, 0
    for _ in range(_MOST_BLOCKS):
        header = reader.at(at, 4)
        last, kind = header[0] & 0x80, header[0] & 0x7F
        length = int.from_bytes(header[1:], "big")
        at += 4
        if kind == _STREAM_INFO:
            told = stream_info(reader.at(at, 34))
            sound(found, "flac", told.rate, told.channels, beside=False)
            lasts(found, told.samples, told.rate)
        elif kind == _COMMENTS:
            vorbiscomment.read(reader.some(at, min(length, MOST_TEXT)), found)
        at += length
        if at > reader.size:
            raise Truncated(at - length, length, reader.size)
        if last:
            return
    raise TooMuch(f"has more than {_MOST_BLOCKS:,} blocks before its sound")
