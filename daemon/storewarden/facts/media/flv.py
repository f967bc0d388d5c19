"""FLV: what onMetaData says, and the first tags."""

from __future__ import annotations

import math
import struct
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media import soundconfig
from storewarden.facts.media.container import container, lasts, only_sound, picture, sound
from storewarden.facts.media.parameters import avc_record
from storewarden.facts.media.tags import keep
from storewarden.facts.reader import Malformed, Reader, TooMuch

_AUDIO, _VIDEO, _SCRIPT = 8, 9, 18
_TAG: Final = 11  # bytes of its header; the length of the one before stands between them
_MOST_TAGS: Final = 64
_MOST_SCRIPT: Final = 1 << 20
_MOST_VALUES: Final = 1000
_DEEPEST: Final = 8

_PICTURES: Final = {
    2: "flv1",
    3: "flashsv",
    4: "vp6f",
    5: "vp6a",
    6: "flashsv2",
    7: "h264",
    8: "h263",
    9: "mpeg4",
    12: "hevc",
    13: "av1",
}
_SOUNDS: Final = {
    0: "pcm_s16le",
    1: "adpcm_swf",
    2: "mp3",
    3: "pcm_s16le",
    4: "nellymoser",
    5: "nellymoser",
    6: "nellymoser",
    7: "pcm_alaw",
    8: "pcm_mulaw",
    10: "aac",
    11: "speex",
    14: "mp3",
}
_FOURCC: Final = {b"hvc1": "hevc", b"av01": "av1", b"vp09": "vp9", b"avc1": "h264", b"vp08": "vp8"}
_RATES: Final = (5_512, 11_025, 22_050, 44_100)
# Those that have but one rate, and one channel.
_FIXED: Final = {4: 16_000, 5: 8_000, 7: 8_000, 8: 8_000, 11: 16_000}
_AAC, _H264 = 10, 7
Value = float | str | bool | None


@container
def read(reader: Reader, found: Found) -> None:
    """Read the first tags, until pictures and sound that are announced were met."""
    head = reader.at(0, 9)
    if head[:3] != b"FLV":
        raise Malformed("is no FLV file")
    wanted = {kind for kind, bit in ((_AUDIO, 4), (_VIDEO, 1)) if head[4] & bit} | {_SCRIPT}
    at = int.from_bytes(head[5:9], "big") + 4
    seen: set[int] = set()
    for _ in range(_MOST_TAGS):
        header = reader.some(at, _TAG)
        if len(header) < _TAG or wanted <= seen:
            break
        kind, length = header[0] & 31, int.from_bytes(header[1:4], "big")
        if kind not in seen:
            seen.add(kind)
            _tag(reader, kind, at + _TAG, length, found)
        at += _TAG + length + 4
    if not seen & {_AUDIO, _VIDEO}:
        raise Malformed("has neither pictures nor sound at its beginning")
    if _VIDEO not in seen:
        only_sound(found)


def _tag(reader: Reader, kind: int, begin: int, length: int, found: Found) -> None:
    if kind == _SCRIPT:
        if length > _MOST_SCRIPT:
            raise TooMuch(f"has a script of {length:,} bytes")
        _metadata(reader.at(begin, length), found)
    elif kind == _VIDEO and length:
        _picture(reader.some(begin, min(length, 1024)), found)
    elif kind == _AUDIO and length:
        _sound(reader.some(begin, min(length, 64)), found)


def _picture(data: bytes, found: Found) -> None:
    named = data[0] & 0x80
    codec = _FOURCC.get(data[1:5], "") if named else _PICTURES.get(data[0] & 15, "")
    if found.audio_codec is None and found.sample_rate:
        found.audio_codec = found.codec  # it came first
    if data[0] & 15 == _H264 and data[1] == 0:
        told = avc_record(data[5:])
        if told:
            found.colour = told.colour
            found.width, found.height = told.width, told.height
    picture(found, codec or None, found.width or 0, found.height or 0)


def _sound(data: bytes, found: Found) -> None:
    code = data[0] >> 4
    rate, channels = _RATES[data[0] >> 2 & 3], 1 + (data[0] & 1)
    if code in _FIXED:
        rate, channels = _FIXED[code], 1
    if code == _AAC and data[1] == 0:
        told = soundconfig.aac(data[2:])
        rate, channels = told.rate or rate, told.channels or channels
    beside = found.width is not None or found.codec is not None
    sound(found, _SOUNDS.get(code), rate, channels, beside=beside)


def _metadata(data: bytes, found: Found) -> None:
    """Keep what the script calls onMetaData tells."""
    values = dict(_Script(data).values())
    width, height = values.get("width"), values.get("height")
    if _size(width) and _size(height):
        found.width, found.height = _size(width), _size(height)
    rate, duration = values.get("framerate"), values.get("duration")
    if isinstance(rate, float) and 0 < rate < 1e6:  # noqa: PLR2004
        found.fps = round(rate, 6)
    if isinstance(duration, float):
        lasts(found, duration, 1)
    for key, value in values.items():
        if isinstance(value, str):
            keep(found, "flv", key.lower(), value)


def _size(value: Value) -> int:
    if isinstance(value, float) and math.isfinite(value) and 0 < value < 2**31:
        return int(value)
    return 0


class _Script:
    """Values as ActionScript writes them (AMF 0)."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._left = _MOST_VALUES

    def values(self) -> list[tuple[str, Value]]:
        """Return the names and plain values of the object behind the first text."""
        self._value(0)
        found: list[tuple[str, Value]] = []
        kind = self._take(1)[0]
        if kind in {3, 8}:
            self._take(4 if kind == 8 else 0)  # noqa: PLR2004
            self._members(found, 1)
        return found

    def _take(self, count: int) -> bytes:
        self._at += count
        if self._at > len(self._data):
            raise Malformed("ends in the middle of its script")
        return self._data[self._at - count : self._at]

    def _text(self, width: int) -> str:
        return self._take(int.from_bytes(self._take(width), "big")).decode("utf-8", "replace")

    def _members(self, found: list[tuple[str, Value]], depth: int) -> None:
        while self._at < len(self._data):
            name = self._text(2)
            if not name and self._data[self._at : self._at + 1] == b"\x09":
                self._take(1)
                return
            found.append((name, self._value(depth)))

    def _value(self, depth: int) -> Value:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise TooMuch("has a script with too much in it")
        kind = self._take(1)[0]
        if kind == 0:
            return float(struct.unpack(">d", self._take(8))[0])
        if kind == 1:
            return self._take(1) != b"\0"
        if kind in {2, 12}:
            return self._text(2 if kind == 2 else 4)  # noqa: PLR2004
        self._skip(kind, depth)
        return None

    def _skip(self, kind: int, depth: int) -> None:
        """Step over a value that is none of the plain ones."""
        if kind in {3, 8}:
            self._take(4 if kind == 8 else 0)  # noqa: PLR2004
            self._members([], depth + 1)
        elif kind == 10:  # noqa: PLR2004  # a list
            for _ in range(int.from_bytes(self._take(4), "big")):
                self._value(depth + 1)
        elif kind == 11:  # noqa: PLR2004  # a date
            self._take(10)
        elif kind not in {5, 6}:
            raise Malformed("has a script of a kind that there is not")
