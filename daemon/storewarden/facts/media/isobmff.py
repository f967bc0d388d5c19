"""MP4, MOV, M4A, 3GP: what the movie box tells, and what lies beside it.

The movie box is looked for from box to box, so where it lies and how large the file is costs
nothing; the tables of samples in it are not read.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media import fragments, movietags
from storewarden.facts.media.boxes import C2PA, XMP, Box, boxes, children, content, identity
from storewarden.facts.media.container import (
    container,
    lasts,
    only_sound,
    picture,
    sound,
)
from storewarden.facts.media.tags import decoded, keep, text_at
from storewarden.facts.media.track import Track, read_track
from storewarden.facts.reader import Malformed, Reader

_MOST_TRACKS: Final = 256
_EPOCH: Final = datetime(1904, 1, 1, tzinfo=UTC)
_UNKNOWN: Final = (0, 2**32 - 1, 2**64 - 1)  # durations that say nothing

# What the brand tells beyond the extension: the type, and what it is when it holds no picture.
_BRANDS: Final = {
    b"qt  ": ("video/quicktime", "video/quicktime"),
    b"3gp": ("video/3gpp", "audio/3gpp"),
    b"3g2": ("video/3gpp2", "audio/3gpp2"),
    b"M4A": ("audio/mp4", "audio/mp4"),
    b"M4B": ("audio/mp4", "audio/mp4"),
}
_PLAIN: Final = ("video/mp4", "audio/mp4")


@container
def read(reader: Reader, found: Found) -> None:
    """Read the movie box, wherever it is, and the texts and credentials beside it."""
    brand, fragmented, seen = b"", None, False
    for box in boxes(reader):
        if box.kind == b"ftyp":
            brand = reader.some(box.begin, 4)
        elif box.kind == b"moov":
            seen = True
            fragmented = _movie(reader, box, found, brand)
        elif box.kind == b"moof" and fragmented is not None:
            fragments.measure(reader, box, fragmented, found)
            break
        elif box.kind == b"sidx" and fragmented is not None:
            fragments.index(reader, box, fragmented)
        else:
            _beside(reader, box, found)
    if not seen:
        raise Malformed("has no movie box: nothing tells what is in it")


def _beside(reader: Reader, box: Box, found: Found) -> None:
    """Look at a box that anybody may put beside the movie."""
    if box.kind == b"jumb":
        found.more["c2pa.present"] = True
    elif box.kind == b"uuid":
        whose = identity(reader, box)
        if whose == C2PA:
            found.more["c2pa.present"] = True
        elif whose == XMP:
            keep(found, "xmp", "", decoded(text_at(reader, box.begin + 16, box.length - 16)))


def _movie(reader: Reader, moov: Box, found: Found, brand: bytes) -> fragments.Fragmented | None:
    """Read the movie box; return what is to be known of its fragments when it has any."""
    tracks: list[Track] = []
    scale, extended = 0, None
    for box in children(reader, moov):
        if box.kind == b"mvhd":
            scale = _movie_header(reader, box, found)
        elif box.kind == b"trak" and len(tracks) < _MOST_TRACKS:
            tracks.append(read_track(reader, box))
            _tell(tracks, found, brand)
        elif box.kind in {b"udta", b"meta"}:
            movietags.read(reader, box, found)
        elif box.kind == b"mvex":
            extended = box
        else:
            _beside(reader, box, found)
    if found.duration_ns is None:
        longest = max(tracks, key=lambda one: one.duration / (one.scale or 1), default=Track())
        lasts(found, longest.duration, longest.scale)
    return fragments.extends(reader, extended, scale, tracks) if extended else None


def _movie_header(reader: Reader, box: Box, found: Found) -> int:
    """Read when it was made and how long it lasts; return the units of a second."""
    data = content(reader, box, 32)
    created, scale, duration = struct.unpack_from(">Q8xIQ" if data[0] else ">I4xII", data, 4)
    if duration not in _UNKNOWN:
        lasts(found, duration, scale)
    if 0 < created < 2**32:
        found.more["created"] = (_EPOCH + timedelta(seconds=created)).isoformat()
    return int(scale)


def _tell(tracks: list[Track], found: Found, brand: bytes) -> None:
    """Tell what the last of these tracks adds to those before."""
    track = tracks[-1]
    same = [one for one in tracks if one.handler == track.handler]
    seen = any(one.handler == b"vide" for one in tracks)
    video, audio = _BRANDS.get(brand) or _BRANDS.get(brand[:3]) or _PLAIN
    found.mime = video if seen else audio
    if len(same) > 1 and track.handler in _NAMES:
        found.more[f"tracks.{_NAMES[track.handler]}"] = len(same)
    elif track.handler == b"vide":
        _tell_picture(tracks, track, found)
    elif track.handler == b"soun":
        sound(found, track.codec, track.rate, track.channels, beside=seen)
    elif track.handler in _SUBTITLES:
        found.more["tracks.subtitle"] = sum(one.handler in _SUBTITLES for one in tracks)
    found.kind = "video" if seen else None
    if tracks and not seen and any(one.handler == b"soun" for one in tracks):
        only_sound(found)


_NAMES: Final = {b"vide": "video", b"soun": "audio"}
_SUBTITLES: Final = {b"sbtl", b"subt", b"text", b"clcp"}


def _tell_picture(tracks: list[Track], track: Track, found: Found) -> None:
    if any(one.handler == b"soun" for one in tracks):
        found.audio_codec = found.codec  # it came first, and was taken for all there is
    found.colour = track.colour
    picture(found, track.codec, track.width, track.height)
    found.frames = track.samples or None
    found.fps = track.fps
    found.orientation = track.rotation or None
