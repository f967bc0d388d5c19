"""What MPEG transport and program streams have in common: packets of a stream, with their times."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.container import frames_a_second, lasts, only_sound, picture, sound
from storewarden.facts.media.elementary import pictures, sounds

CLOCK: Final = 90_000
"""Ticks of times in a second."""

MOST_GATHERED: Final = 32 << 10
"""How many bytes of a stream are looked at."""

_WRAP: Final = 1 << 33
_MOST_TIMES: Final = 4096
_SAME: Final = 2  # ticks by which times of one rate differ


@dataclass(slots=True)
class Carried:
    """One stream that is carried: what the transport says of it, and its first bytes."""

    codec: str | None
    heard: bool  # a sound, not pictures
    data: bytearray = field(default_factory=bytearray)
    times: list[int] = field(default_factory=list)
    channels: int = 0


def time_of(data: bytes, at: int) -> int:
    """Return the time that five bytes hold."""
    packed = int.from_bytes(data[at : at + 5], "big")
    return packed >> 3 & 0x7 << 30 | packed >> 2 & 0x7FFF << 15 | packed >> 1 & 0x7FFF


def packet(data: bytes, at: int) -> tuple[int, int | None]:
    """Return where the content of a packet begins, and its time; of MPEG-1 as of MPEG-2."""
    begin = at + 6
    if data[begin] & 0xC0 == 0x80:  # noqa: PLR2004  # MPEG-2
        timed = data[begin + 1] & 0x80
        return begin + 3 + data[begin + 2], time_of(data, begin + 3) if timed else None
    while begin < at + 22 and data[begin] == 0xFF:  # noqa: PLR2004  # stuffing
        begin += 1
    if data[begin] & 0xC0 == 0x40:  # noqa: PLR2004  # a size of buffers
        begin += 2
    if data[begin] & 0xE0 == 0x20:  # noqa: PLR2004
        return begin + (10 if data[begin] & 0x10 else 5), time_of(data, begin)
    return begin + 1, None


def tell(streams: list[Carried], last: list[tuple[int, Carried]], found: Found) -> None:
    """Tell what is carried, and from the times of the ``last`` packets how long it is."""
    step = 0.0
    seen = next((one for one in streams if not one.heard), None)
    heard = next((one for one in streams if one.heard), None)
    if seen is not None:
        told = pictures(bytes(seen.data), seen.codec)
        found.colour = told.colour
        picture(found, told.codec, told.width, told.height)
        found.fps = told.fps or _rate(seen.times)
        step = CLOCK / found.fps if found.fps else 0.0
    if heard is not None:
        codec, said = sounds(bytes(heard.data), heard.codec)
        channels = heard.channels or said.channels
        rate = 48_000 if codec == "opus" else said.rate
        sound(found, codec, rate, channels, beside=seen is not None)
        if seen is None:
            only_sound(found)
    first = min((min(one.times[:64]) for one in streams if one.times), default=None)
    if first is not None and last:
        lasts(found, round(_length(first, last, step)), CLOCK)


def _length(first: int, last: list[tuple[int, Carried]], step: float) -> float:
    """Return the ticks from the first time to the end of what comes last."""
    return max((time - first) % _WRAP + (0 if one.heard else step) for time, one in last)


def _rate(times: list[int]) -> float | None:
    """Return the rate of pictures by the least time between two of them."""
    ordered = sorted(set(times[:_MOST_TIMES]))
    steps = [later - earlier for earlier, later in pairwise(ordered)]
    if not steps:
        return None
    least = min(steps)
    alike = [step for step in steps if step - least < _SAME]
    return frames_a_second(CLOCK * len(alike), sum(alike))
