"""What every reader of a container does around its own work: times, rates, and faults of fields."""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Callable
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.reader import Malformed, Reader

SECOND: Final = 10**9
_LONGEST: Final = 100 * 366 * 86400 * SECOND  # a hundred years: beyond it the header lies
_FASTEST: Final = 1_000_000.0
# Codecs that know but one way to store colour.
_PLAIN: Final = {
    *("vp8", "mpeg1video", "mpeg4", "h261", "h263", "flv1", "wmv1", "wmv2", "wmv3"),
    *("msmpeg4v1", "msmpeg4v2", "msmpeg4v3"),
}
_LARGEST_RATE: Final = 2**62  # of what a column can hold

Read = Callable[[Reader, Found], None]


def container(read: Read) -> Read:
    """Make a field that ends too early a fault of the file, and tell the overall bit rate."""

    @functools.wraps(read)
    def whole(reader: Reader, found: Found) -> None:
        try:
            read(reader, found)
        except (struct.error, IndexError):
            raise Malformed("ends in the middle of a field") from None
        finally:
            _bit_rate(reader, found)

    return whole


def _bit_rate(reader: Reader, found: Found) -> None:
    if found.bit_rate is None and found.duration_ns and reader.size:
        rate = reader.size * 8 * SECOND // found.duration_ns
        found.bit_rate = rate if rate <= _LARGEST_RATE else None


def lasts(found: Found, count: float, scale: float) -> None:
    """Tell how long it lasts: ``count`` units of which a second has ``scale``."""
    if scale > 0 and count > 0:
        exact = isinstance(count, int) and isinstance(scale, int)
        duration = count * SECOND // scale if exact else count / scale * SECOND
        if math.isfinite(duration) and 0 < duration <= _LONGEST:
            found.duration_ns = round(duration)


def frames_a_second(number: float, by: float) -> float | None:
    """Return a frame rate; None where the two numbers make none."""
    if by <= 0 or number <= 0:
        return None
    rate = number / by
    return round(rate, 6) if rate <= _FASTEST else None


def only_sound(found: Found, mime: str | None = None) -> None:
    """Tell that a container made for moving pictures holds a sound alone."""
    found.kind = "audio"
    if mime:
        found.mime = mime


def picture(found: Found, codec: str | None, width: int, height: int) -> None:
    """Tell what the first moving picture is; those after it are others, and left."""
    found.codec = codec
    if found.colour is None and codec in _PLAIN:
        found.colour = "yuv420p 8 bit"
    if width > 0 and height > 0:
        found.width, found.height = width, height


def sound(found: Found, codec: str | None, rate: int, channels: int, *, beside: bool) -> None:
    """Tell what the first sound is, ``beside`` a picture or alone."""
    if beside:
        found.audio_codec = codec
    else:
        found.codec = codec
    found.sample_rate = rate if rate > 0 else None
    found.channels = channels if channels > 0 else None
