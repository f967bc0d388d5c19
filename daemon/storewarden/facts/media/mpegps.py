"""MPEG program streams, as on DVD, and bare MPEG video: the first packets, and the last."""

from __future__ import annotations

from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.container import container
from storewarden.facts.media.transport import MOST_GATHERED, Carried, packet, tell
from storewarden.facts.reader import Malformed, Reader

_HEAD: Final = 384 << 10
_TAIL: Final = 256 << 10
_PACK, _SYSTEM, _MAP, _PRIVATE, _SEQUENCE, _END = 0xBA, 0xBB, 0xBC, 0xBD, 0xB3, 0xB9
_SEEN, _HEARD = range(0xE0, 0xF0), range(0xC0, 0xE0)
_MOST_PACKETS: Final = 10_000
_MAPPED: Final = {0x01: "mpeg1video", 0x02: "mpeg2video", 0x10: "mpeg4", 0x1B: "h264", 0x24: "hevc"}
# Codec and bytes before the sound, by the first byte in a private packet.
_SUBSTREAMS: Final = {
    **dict.fromkeys(range(0x80, 0x88), ("ac3", 4)),
    **dict.fromkeys(range(0x88, 0x90), ("dts", 4)),
    **dict.fromkeys(range(0xA0, 0xA8), ("pcm_dvd", 7)),
    **dict.fromkeys(range(0xC0, 0xC8), ("eac3", 4)),
}


class _Stream:
    """What was read so far of one program stream."""

    def __init__(self) -> None:
        self.carried: dict[int, Carried] = {}
        self.mapped: dict[int, str] = {}

    def of(self, number: int, codec: str | None) -> Carried:
        """Return the stream of a number, which may be its first packet's."""
        heard = number not in _SEEN
        return self.carried.setdefault(number, Carried(self.mapped.get(number, codec), heard))


@container
def read(reader: Reader, found: Found) -> None:
    """Read the first packets of each stream, and the last times."""
    head = reader.some(0, _HEAD)
    at = head.find(b"\0\0\1")
    if at < 0 or at + 4 > len(head):
        raise Malformed("has no packets of a program stream")
    if head[at + 3] == _SEQUENCE:
        tell([Carried(None, heard=False, data=bytearray(head[at : at + MOST_GATHERED]))], [], found)
        return
    stream = _Stream()
    for _ in range(_MOST_PACKETS):
        at = head.find(b"\0\0\1", at)
        if at < 0 or at + 32 > len(head):
            break
        at = _packet(stream, head, at)
    if not stream.carried:
        raise Malformed("has neither pictures nor sound at its beginning")
    ordered = [stream.carried[number] for number in sorted(stream.carried, reverse=True)]
    tell(ordered, _last(reader, stream), found)


def _packet(stream: _Stream, head: bytes, at: int) -> int:
    """Read one packet; return where the next one is."""
    number = head[at + 3]
    if number == _PACK:
        return at + (14 + (head[at + 13] & 7) if head[at + 4] & 0xC0 == 0x40 else 12)  # noqa: PLR2004
    if number <= _END:
        return at + 4
    end = at + 6 + int.from_bytes(head[at + 4 : at + 6], "big")
    if number == _MAP:
        _map(stream, head[at + 6 : end])
    elif number in _SEEN or number in _HEARD or number == _PRIVATE:
        _content(stream, head, at, end)
    return end


def _content(stream: _Stream, head: bytes, at: int, end: int) -> None:
    number = head[at + 3]
    begin, time = packet(head, at)
    codec = None
    if number == _PRIVATE:
        number = head[begin] if begin < len(head) else 0
        if number not in _SUBSTREAMS:
            return  # subtitles
        codec, skip = _SUBSTREAMS[number]
        begin += skip
    carried = stream.of(number, codec)
    if time is not None:
        carried.times.append(time)
    if len(carried.data) < MOST_GATHERED:
        carried.data += head[begin:end]


def _map(stream: _Stream, data: bytes) -> None:
    """Read which codec is behind which number."""
    at = 4 + int.from_bytes(data[2:4], "big")
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    at += 2
    while at + 4 <= min(end, len(data)):
        kind, number = data[at], data[at + 1]
        if kind in _MAPPED:
            stream.mapped[number] = _MAPPED[kind]
        elif kind == 0x0F:  # noqa: PLR2004
            stream.mapped[number] = "aac"
        at += 4 + int.from_bytes(data[at + 2 : at + 4], "big")


def _last(reader: Reader, stream: _Stream) -> list[tuple[int, Carried]]:
    """Return the times of the last packets."""
    tail = reader.tail(_TAIL)
    found = []
    at = tail.find(b"\0\0\1")
    while 0 <= at < len(tail) - 32:
        number = tail[at + 3]
        if number in _SEEN or number in _HEARD or number == _PRIVATE:
            begin, time = packet(tail, at)
            number = tail[begin] if number == _PRIVATE and begin < len(tail) else number
            if time is not None and number in stream.carried:
                found.append((time, stream.carried[number]))
        at = tail.find(b"\0\0\1", at + 4)
    return found
