"""MPEG transport streams: the tables at the beginning, the first packets, and the last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.container import container
from storewarden.facts.media.transport import MOST_GATHERED, Carried, packet, tell
from storewarden.facts.reader import Malformed, Reader

_SYNC: Final = 0x47
# Plain, with a time before each packet, with a check behind each.
_SIZES: Final = ((188, 0), (192, 4), (204, 0))
_HEAD: Final = 384 << 10
_TAILS: Final = (128 << 10, 2 << 20)
_MOST_STREAMS: Final = 64

_SEEN: Final = {
    0x01: "mpeg1video",
    0x02: "mpeg2video",
    0x10: "mpeg4",
    0x1B: "h264",
    0x24: "hevc",
    0x20: "h264",
    0x21: "jpeg2000",
    0x33: "vvc",
    0x42: "cavs",
    0xD1: "dirac",
    0xEA: "vc1",
}
_HEARD: Final = {
    0x03: "mp3",
    0x04: "mp3",
    0x0F: "aac",
    0x11: "aac_latm",
    0x1C: "aac",
    0x81: "ac3",
    0x82: "dts",
    0x83: "truehd",
    0x84: "eac3",
    0x85: "dts",
    0x86: "dts",
    0x87: "eac3",
}
_PRIVATE: Final = 0x06
_REGISTRATION, _EXTENSION = 0x05, 0x7F
_DESCRIBED: Final = {0x6A: "ac3", 0x7A: "eac3", 0x7B: "dts", 0x7C: "aac"}
_REGISTERED: Final = {
    b"Opus": "opus",
    b"AC-3": "ac3",
    b"EAC3": "eac3",
    b"BSSD": "s302m",
    b"DTS1": "dts",
    b"HEVC": "hevc",
    b"VC-1": "vc1",
    b"drac": "dirac",
    b"AV01": "av1",
    b"H264": "h264",
}


class _Stream:
    """What was read so far of one transport stream."""

    def __init__(self) -> None:
        self.tables: set[int] = set()  # where tables of programs are
        self.carried: dict[int, Carried] = {}
        self.sections: dict[int, bytes] = {}  # tables that are not whole yet
        self.begun: set[int] = set()


@container
def read(reader: Reader, found: Found) -> None:
    """Read tables, the first packets of each stream, and the last times."""
    head = reader.some(0, _HEAD)
    size, skip = _size(head)
    stream = _Stream()
    for pid, begins, at, end in _packets(head, size, skip):
        if pid in stream.carried:
            _gather(stream, pid, head[at:end], begins=begins)
        elif pid == 0 or pid in stream.tables:
            _section(stream, pid, head[at:end], begins=begins)
    if not stream.carried:
        raise Malformed("has no table of its streams at the beginning")
    tell(list(stream.carried.values()), _last(reader, stream, size, skip), found)


def _size(head: bytes) -> tuple[int, int]:
    for size, skip in _SIZES:
        marks = head[skip : skip + 4 * size : size]
        if len(marks) > 1 and marks == bytes([_SYNC]) * len(marks):
            return size, skip
    raise Malformed("has no packets of a transport stream")


def _packets(data: bytes, size: int, skip: int) -> Iterator[tuple[int, bool, int, int]]:
    """Yield of each packet its number, whether something begins in it, and where its content is."""
    for start in range(skip, len(data) - 187, size):
        if data[start] != _SYNC:
            continue
        second, third, fourth = data[start + 1 : start + 4]
        at = start + 4
        if fourth & 0x20:
            at += 1 + data[at]
        if fourth & 0x10 and at < start + 188:
            yield (second & 0x1F) << 8 | third, bool(second & 0x40), at, start + 188


def _section(stream: _Stream, pid: int, data: bytes, *, begins: bool) -> None:
    """Gather a table and read it when it is whole."""
    if begins:
        data = data[1 + data[0] :]
    elif pid in stream.sections:
        data = stream.sections.pop(pid) + data
    else:
        return
    if len(data) < 3:  # noqa: PLR2004
        return
    length = 3 + (int.from_bytes(data[1:3], "big") & 0xFFF)
    if len(data) < length:
        stream.sections[pid] = data
    elif pid == 0 and data[0] == 0:
        entries = data[8 : length - 4]
        for at in range(0, len(entries) - 3, 4):
            if entries[at : at + 2] != b"\0\0" and not stream.tables:  # the first program
                stream.tables.add(int.from_bytes(entries[at + 2 : at + 4], "big") & 0x1FFF)
    elif pid and data[0] == 2:  # noqa: PLR2004
        _program(stream, data[:length])


def _program(stream: _Stream, table: bytes) -> None:
    at = 12 + (int.from_bytes(table[10:12], "big") & 0xFFF)
    while at + 5 <= len(table) - 4 and len(stream.carried) < _MOST_STREAMS:
        kind, pid = table[at], int.from_bytes(table[at + 1 : at + 3], "big") & 0x1FFF
        end = at + 5 + (int.from_bytes(table[at + 3 : at + 5], "big") & 0xFFF)
        carried = _carried(kind, table[at + 5 : end])
        if carried:
            stream.carried.setdefault(pid, carried)
        at = end


def _carried(kind: int, descriptors: bytes) -> Carried | None:
    codec, channels, at = "", 0, 0
    while at + 2 <= len(descriptors):
        tag, value = descriptors[at], descriptors[at + 2 : at + 2 + descriptors[at + 1]]
        codec = _DESCRIBED.get(tag, codec)
        if tag == _REGISTRATION:
            codec = _REGISTERED.get(value[:4], codec)
        elif tag == _EXTENSION and value[:1] == b"\x80" and len(value) > 1:
            channels = value[1]  # of Opus
        at += 2 + descriptors[at + 1]
    if kind in _SEEN or (kind == _PRIVATE and codec in _SEEN.values()) or codec == "av1":
        return Carried(_SEEN.get(kind, codec), heard=False)
    if kind in _HEARD or (kind == _PRIVATE and codec):
        return Carried(_HEARD.get(kind, codec), heard=True, channels=channels)
    return None


def _gather(stream: _Stream, pid: int, data: bytes, *, begins: bool) -> None:
    """Keep the first bytes of a stream, and its times."""
    carried = stream.carried[pid]
    if begins and data[:3] == b"\0\0\1" and len(data) > 14:  # noqa: PLR2004
        at, time = packet(data, 0)
        if time is not None:
            carried.times.append(time)
        data = data[at:]
        stream.begun.add(pid)
    if pid in stream.begun and len(carried.data) < MOST_GATHERED:
        carried.data += data


def _last(reader: Reader, stream: _Stream, size: int, skip: int) -> list[tuple[int, Carried]]:
    """Return the times of the last packets."""
    for length in _TAILS:
        start = max(0, reader.size - length) // size * size
        tail = reader.some(start, reader.size - start)
        found = []
        for pid, begins, at, end in _packets(tail, size, skip):
            if begins and pid in stream.carried and tail[at : at + 3] == b"\0\0\1":
                time = packet(tail[at:end] + bytes(32), 0)[1]
                if time is not None:
                    found.append((time, stream.carried[pid]))
        if found or start == 0:
            return found
    return []
