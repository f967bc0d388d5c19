"""Movies in fragments: how long they last is told by no one header.

Asked are, in this order: the movie's own promise, an index before the fragments, the one behind
them, and only then every fragment, up to a bound.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.boxes import Box, boxes, child, children, content
from storewarden.facts.media.container import SECOND, frames_a_second, lasts
from storewarden.facts.media.track import Track
from storewarden.facts.reader import Reader, TooMuch

_MOST_FRAGMENTS: Final = 1000
_MOST_SAMPLES: Final = 16 << 10  # of one run, whose lengths are looked at
_SIDX_ENTRY: Final = 12
_MFRO: Final = 16
_FURTHER: Final = {b"moof", b"sidx", b"styp", b"emsg", b"prft"}  # behind what is not the last

# Which optional fields come with a fragment of a track, by flags.
_BASE, _DESCRIPTION, _STEP = 0x1, 0x2, 0x8
_OFFSET, _FIRST, _EACH_STEP, _EACH = 0x1, 0x4, 0x100, 0xF00


@dataclass(slots=True)
class Part:
    """What was seen of one track in fragments, in its own units."""

    track: Track
    step: int = 0  # of samples that tell none themselves
    begin: int | None = None
    end: int = 0
    samples: int = 0


@dataclass(slots=True)
class Fragmented:
    """What is known of a movie in fragments."""

    scale: int = 0
    promised: int = 0  # its length in those units; 0 is not told
    indexed_ns: int = 0
    parts: dict[int, Part] = field(default_factory=dict)


def extends(reader: Reader, mvex: Box, scale: int, tracks: list[Track]) -> Fragmented:
    """Read what a movie box says about the fragments behind it."""
    movie = Fragmented(scale, parts={track.number: Part(track) for track in tracks})
    for box in children(reader, mvex):
        data = content(reader, box, 32)
        if box.kind == b"mehd":
            (movie.promised,) = struct.unpack_from(">Q" if data[0] else ">I", data, 4)
        elif box.kind == b"trex":
            number, step = struct.unpack_from(">4xI4xI", data)
            if number in movie.parts:
                movie.parts[number].step = step
    return movie


def index(reader: Reader, box: Box, movie: Fragmented) -> None:
    """Add up an index before the fragments that it is of, if it is of all of them."""
    data = content(reader, box)
    (scale,) = struct.unpack_from(">I", data, 8)
    head = 32 if data[0] else 24
    (behind,) = struct.unpack_from(">Q" if data[0] else ">I", data, head - (12 if data[0] else 8))
    (count,) = struct.unpack_from(">H", data, head - 2)
    entries = data[head : head + count * _SIDX_ENTRY]
    whole = entries[: len(entries) // _SIDX_ENTRY * _SIDX_ENTRY]
    ticks, end = 0, box.end + behind
    for size, step, _ in struct.iter_unpack(">III", whole):
        ticks += step
        end += size & 0x7FFFFFFF
    if scale and reader.some(end + 4, 4) not in _FURTHER:
        movie.indexed_ns = max(movie.indexed_ns, ticks * SECOND // scale)


def measure(reader: Reader, first: Box, movie: Fragmented, found: Found) -> None:
    """Tell length and frame rate of a movie whose first fragment this is."""
    _fragment(reader, first, movie)
    found.fps = next(filter(None, map(_rate, movie.parts.values())), found.fps)
    if movie.promised and movie.scale:
        lasts(found, movie.promised, movie.scale)
    elif movie.indexed_ns:
        lasts(found, movie.indexed_ns, SECOND)
    else:
        try:
            _follow(reader, first, movie)
        finally:
            lasts(found, max((_end_ns(part) for part in movie.parts.values()), default=0), SECOND)


def _rate(part: Part) -> float | None:
    if part.track.handler != b"vide":
        return None
    return frames_a_second(part.samples * part.track.scale, part.end - (part.begin or 0))


def _end_ns(part: Part) -> int:
    return part.end * SECOND // part.track.scale if part.track.scale else 0


def _follow(reader: Reader, first: Box, movie: Fragmented) -> None:
    """Look at the last fragments, or at all where nothing tells which are the last."""
    start = _last(reader) or first.end
    seen = 0
    for box in boxes(reader, start):
        if box.kind == b"moof":
            seen += 1
            if seen > _MOST_FRAGMENTS:
                raise TooMuch(f"has more than {_MOST_FRAGMENTS:,} fragments and no index of them")
            _fragment(reader, box, movie)


def _last(reader: Reader) -> int:
    """Return where the last fragment is that the index at the end of the file knows; 0 is none."""
    tail = reader.tail(_MFRO)
    if tail[4:8] != b"mfro":
        return 0
    begin = reader.size - int.from_bytes(tail[12:], "big")
    if begin < 0 or reader.some(begin + 4, 4) != b"mfra":
        return 0
    latest = 0
    for box in boxes(reader, begin + 8, reader.size):
        if box.kind == b"tfra":
            latest = max(latest, _entry(reader, box))
    return latest if latest and reader.some(latest + 4, 4) == b"moof" else 0


def _entry(reader: Reader, tfra: Box) -> int:
    """Return where the last fragment of a track is."""
    data = reader.at(tfra.begin, 16)
    lengths, count = struct.unpack_from(">8xII", data)
    times = 16 if data[0] else 8
    size = times + 3 + sum(lengths >> shift & 3 for shift in (0, 2, 4))
    last = tfra.begin + 16 + (count - 1) * size
    if not count or last + size > tfra.end:
        return 0
    return int.from_bytes(reader.at(last + times // 2, times // 2), "big")


def _fragment(reader: Reader, moof: Box, movie: Fragmented) -> None:
    for box in children(reader, moof):
        if box.kind == b"traf":
            header = child(reader, box, b"tfhd")
            data = content(reader, header, 32) if header else b""
            part = movie.parts.get(int.from_bytes(data[4:8], "big"))
            if part is not None:
                _run(reader, box, part, _step(data, part.step))


def _step(data: bytes, usual: int) -> int:
    """Return how long samples of a fragment last that do not say so themselves."""
    flags = int.from_bytes(data[1:4], "big")
    at = 8 + 8 * bool(flags & _BASE) + 4 * bool(flags & _DESCRIPTION)
    return int(struct.unpack_from(">I", data, at)[0]) if flags & _STEP else usual


def _run(reader: Reader, traf: Box, part: Part, step: int) -> None:
    """Add the samples of a fragment of a track."""
    for box in children(reader, traf):
        if box.kind == b"tfdt":
            data = content(reader, box, 16)
            (part.end,) = struct.unpack_from(">Q" if data[0] else ">I", data, 4)
        elif box.kind == b"trun":
            if part.begin is None:
                part.begin = part.end
            count, ticks = _samples(content(reader, box, _MOST_SAMPLES * 16), step)
            part.samples += count
            part.end += ticks


def _samples(data: bytes, step: int) -> tuple[int, int]:
    """Return how many samples a run has, and how long they last together."""
    flags, count = int.from_bytes(data[1:4], "big"), int.from_bytes(data[4:8], "big")
    if not flags & _EACH_STEP:
        return count, count * step
    width = 4 * (flags & _EACH).bit_count()
    begin = 8 + 4 * bool(flags & _OFFSET) + 4 * bool(flags & _FIRST)
    present = min(count, max(0, len(data) - begin) // width)
    table = struct.iter_unpack(f">I{width - 4}x", data[begin : begin + present * width])
    return present, sum(ticks for (ticks,) in table)
