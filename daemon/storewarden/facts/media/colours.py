"""How colour is stored in a video, in the words of its pixel formats."""

from __future__ import annotations

from typing import Final

from storewarden.facts.media.bits import Bits

UNSAID: Final = 2
"""The number by which headers say that they do not tell primaries or transfer."""

_LAYOUTS: Final = ("gray", "yuv420p", "yuv422p", "yuv444p")
_PRIMARIES: Final = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    9: "bt2020",
    11: "smpte431",
    12: "smpte432",
}
_TRANSFERS: Final = {16: "smpte2084", 18: "arib-std-b67"}  # those of high dynamic range
_DEPTHS: Final = range(1, 17)


def colour(chroma: int, depth: int, primaries: int = UNSAID, transfer: int = UNSAID) -> str | None:
    """Return how colour is stored, as in ``yuv420p 10 bit bt2020``; None when it is nonsense."""
    if not 0 <= chroma < len(_LAYOUTS) or depth not in _DEPTHS:
        return None
    return with_primaries(f"{_LAYOUTS[chroma]} {depth} bit", primaries, transfer)


def with_primaries(said: str | None, primaries: int, transfer: int = UNSAID) -> str | None:
    """Add primaries and transfer to what is said already, where they are said by another header."""
    words = [said, _PRIMARIES.get(primaries), _TRANSFERS.get(transfer)]
    fresh = (word for word in words if word and (word is said or word not in (said or "")))
    return " ".join(fresh) or None


def of_av1(record: bytes) -> str | None:
    """Return the colour that an av1C record tells."""
    bits = Bits(record[2:3])
    bits.take(1)
    high, twelve, grey, halved_across, halved_down = (bits.flag() for _ in range(5))
    depth = (12 if twelve else 10) if high else 8
    chroma = 0 if grey else 3 - halved_across - halved_down
    return colour(chroma, depth)


def of_vp9(record: bytes) -> str | None:
    """Return the colour that a vpcC record tells, without version and flags."""
    chroma = (1, 1, 2, 3)[record[2] >> 1 & 3]
    return colour(chroma, record[2] >> 4, record[3], record[4])
