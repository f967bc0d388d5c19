"""Matroska and WebM: what stands before the first cluster, and the tags wherever they stand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media import clusters
from storewarden.facts.media.container import (
    SECOND,
    container,
    frames_a_second,
    lasts,
    only_sound,
    picture,
    sound,
)
from storewarden.facts.media.ebml import Element, children, content, elements, number, real
from storewarden.facts.media.matroskatrack import AUDIO, SUBTITLE, VIDEO, Entry, read_entry
from storewarden.facts.media.tags import decoded, keep, text_at
from storewarden.facts.reader import Malformed, Reader

_EBML, _DOCTYPE, _SEGMENT = 0x1A45DFA3, 0x4282, 0x18538067
_SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
_INFO, _SCALE, _DURATION, _DATE = 0x1549A966, 0x2AD7B1, 0x4489, 0x4461
_TITLE, _MUXER, _WRITER = 0x7BA9, 0x4D80, 0x5741
_TRACKS, _TRACK, _CLUSTER = 0x1654AE6B, 0xAE, 0x1F43B675
_TAGS, _TAG, _TARGETS, _TRACK_UID = 0x1254C367, 0x7373, 0x63C0, 0x63C5
_SIMPLE, _NAME, _STRING = 0x67C8, 0x45A3, 0x4487

_MOST_TRACKS: Final = 256
_MILLISECOND: Final = 1_000_000
_EPOCH: Final = datetime(2001, 1, 1, tzinfo=UTC)
_INFO_TEXTS: Final = {_TITLE: "TITLE", _MUXER: "MUXINGAPP", _WRITER: "WRITINGAPP"}
_FRAMES: Final = "NUMBER_OF_FRAMES"  # as mkvmerge counts them


@dataclass(slots=True)
class _Seen:
    """Which parts of the segment were read, and the picture that the tags may be about."""

    kinds: set[int]
    picture: int = 0
    scale: int = _MILLISECOND  # nanoseconds in a unit of time


@container
def read(reader: Reader, found: Found) -> None:
    """Read information, tracks and tags; never a cluster."""
    webm = False
    for element in elements(reader, 0, reader.size):
        if element.kind == _EBML:
            for inner in children(reader, element):
                if inner.kind == _DOCTYPE:
                    webm = content(reader, inner, 16).rstrip(b"\0") == b"webm"
        elif element.kind == _SEGMENT:
            _segment(reader, element, found, webm=webm)
            return
    raise Malformed("has no segment: nothing tells what is in it")


def _segment(reader: Reader, segment: Element, found: Found, *, webm: bool) -> None:
    found.mime = "video/webm" if webm else "video/x-matroska"
    seen = _Seen(set())
    elsewhere: dict[int, int] = {}
    first = None
    for element in children(reader, segment):
        if element.kind == _CLUSTER:
            first = element
            break
        if element.kind == _SEEK_HEAD:
            elsewhere |= _places(reader, element)
        else:
            _part(reader, element, found, seen)
    for kind in (_INFO, _TRACKS, _TAGS):
        place = segment.begin + elsewhere.get(kind, 0)
        if kind in elsewhere and kind not in seen.kinds and place < segment.end:
            element = next(elements(reader, place, segment.end))
            if element.kind == kind:
                _part(reader, element, found, seen)
    if _TRACKS not in seen.kinds:
        raise Malformed("has no tracks before its first cluster")
    if first and found.duration_ns is None:
        lasts(found, clusters.length(reader, first) * seen.scale, SECOND)
    if found.kind == "audio":
        found.mime = "audio/webm" if webm else "audio/x-matroska"


def _places(reader: Reader, head: Element) -> dict[int, int]:
    """Return where the parts are that do not stand at the beginning."""
    places: dict[int, int] = {}
    for seek in children(reader, head):
        if seek.kind == _SEEK:
            fields = {field.kind: number(reader, field) for field in children(reader, seek)}
            places.setdefault(fields.get(_SEEK_ID, 0), fields.get(_SEEK_POSITION, 0))
    return places


def _part(reader: Reader, element: Element, found: Found, seen: _Seen) -> None:
    """Read a part of the segment that was not read yet."""
    if element.kind in seen.kinds:
        return
    seen.kinds.add(element.kind)
    if element.kind == _INFO:
        _information(reader, element, found, seen)
    elif element.kind == _TRACKS:
        _tracks(reader, element, found, seen)
    elif element.kind == _TAGS:
        for tag in children(reader, element):
            if tag.kind == _TAG:
                _tag(reader, tag, found, seen)


def _information(reader: Reader, info: Element, found: Found, seen: _Seen) -> None:
    duration = 0.0
    for element in children(reader, info):
        if element.kind == _SCALE:
            seen.scale = number(reader, element)
        elif element.kind == _DURATION:
            duration = real(reader, element)
        elif element.kind == _DATE:
            since = int.from_bytes(content(reader, element, 8), "big", signed=True)
            found.more["created"] = (_EPOCH + timedelta(seconds=since // SECOND)).isoformat()
        elif element.kind in _INFO_TEXTS:
            text = decoded(text_at(reader, element.begin, element.length))
            keep(found, "mkv", _INFO_TEXTS[element.kind], text)
    if seen.scale and math.isfinite(duration):
        lasts(found, duration, SECOND / seen.scale)


def _tracks(reader: Reader, tracks: Element, found: Found, seen: _Seen) -> None:
    counts = dict.fromkeys((VIDEO, AUDIO, SUBTITLE), 0)
    entries = [
        read_entry(reader, element)
        for element, _ in zip(children(reader, tracks), range(_MOST_TRACKS), strict=False)
        if element.kind == _TRACK
    ]
    for entry in sorted(entries, key=lambda one: one.type):  # pictures first
        if entry.type not in counts:
            continue
        counts[entry.type] += 1
        if counts[entry.type] == 1:
            _tell(entry, found, seen, beside=counts[VIDEO] > 0)
    found.kind = "video" if counts[VIDEO] else None
    if counts[AUDIO] and not counts[VIDEO]:
        only_sound(found)
    for kind, name in ((VIDEO, "video"), (AUDIO, "audio"), (SUBTITLE, "subtitle")):
        if counts[kind] > (kind != SUBTITLE):
            found.more[f"tracks.{name}"] = counts[kind]


def _tell(entry: Entry, found: Found, seen: _Seen, *, beside: bool) -> None:
    """Tell what the first track of its type is."""
    if entry.type == VIDEO:
        seen.picture = entry.uid
        found.colour = entry.colour
        picture(found, entry.codec, entry.width, entry.height)
        found.fps = frames_a_second(SECOND, entry.frame_ns)
    elif entry.type == AUDIO:
        sound(found, entry.codec, entry.rate, entry.channels, beside=beside)


def _tag(reader: Reader, tag: Element, found: Found, seen: _Seen) -> None:
    """Keep the tags of the whole file; of one track only how many frames it has."""
    track = 0
    for element in children(reader, tag):
        if element.kind == _TARGETS:
            for target in children(reader, element):
                if target.kind == _TRACK_UID:
                    track = number(reader, target)
        elif element.kind == _SIMPLE:
            name, text = _simple(reader, element)
            if not track:
                keep(found, "mkv", name, text)
            elif track == seen.picture and name == _FRAMES and text.isdecimal():
                found.frames = int(text[:18]) or None


def _simple(reader: Reader, simple: Element) -> tuple[str, str]:
    name = text = ""
    for element in children(reader, simple):
        if element.kind == _NAME:
            name = decoded(content(reader, element, 256))
        elif element.kind == _STRING:
            text = decoded(text_at(reader, element.begin, element.length))
    return name, text
