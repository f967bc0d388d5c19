"""Texts as Vorbis, Opus, Theora and FLAC have them: ``NAME=text`` behind each other."""

from __future__ import annotations

from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.media.tags import decoded, keep
from storewarden.facts.reader import Truncated

_MOST_COMMENTS: Final = 10_000
_PICTURES: Final = {"METADATA_BLOCK_PICTURE", "COVERART"}


def read(data: bytes, found: Found) -> None:
    """Keep the comments in a block; pictures among them are left."""
    _, at = _piece(data, 0)
    count = int.from_bytes(data[at : at + 4], "little")
    at += 4
    for _ in range(min(count, _MOST_COMMENTS)):
        piece, at = _piece(data, at)
        name, _, text = piece.partition(b"=")
        key = decoded(name).upper()
        if key not in _PICTURES:
            keep(found, "vorbis", key, decoded(text))


def _piece(data: bytes, at: int) -> tuple[bytes, int]:
    """Return a text that its length precedes, and where it ends."""
    end = at + 4 + int.from_bytes(data[at : at + 4], "little")
    if at + 4 > len(data) or end > len(data):
        raise Truncated(at, end - at, len(data))
    return data[at + 4 : end], end
