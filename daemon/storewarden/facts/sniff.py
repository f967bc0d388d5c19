"""What a file is by its first bytes, and only where those say nothing by its name."""

from __future__ import annotations

from typing import Final, NamedTuple

from storewarden.facts.inspectors import NOTHING
from storewarden.facts.kinds import kind_of, mime_of

HEAD: Final = 4096
"""How many bytes from the beginning of a file are looked at."""


class Sniffed(NamedTuple):
    """A kind, a type, and the name of the inspector that can tell more."""

    kind: str
    mime: str
    inspector: str


# Where, which bytes, and what a file with them is.
_SIGNATURES: Final = (
    (0, b"\x89PNG\r\n\x1a\n", Sniffed("image", "image/png", "png")),
    (0, b"\xff\xd8\xff", Sniffed("image", "image/jpeg", "jpeg")),
)


def sniff(head: bytes, name: bytes) -> Sniffed:
    """Return what a file is that begins with ``head`` and is called ``name``; it never fails."""
    for offset, signature, sniffed in _SIGNATURES:
        if head.startswith(signature, offset):
            return sniffed
    return Sniffed(kind_of(name), mime_of(name), NOTHING)
