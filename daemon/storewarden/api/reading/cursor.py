"""Where a page ends, as an opaque word that is handed back for the next one; pure.

It holds numbers of rows and nothing that is secret. What was not made here, was cut, or belongs to
another list is refused in clear words, and never read as a place.
"""

from __future__ import annotations

import base64
import binascii
import struct
from hashlib import blake2b
from typing import NoReturn

from storewarden.errors import UsageError

_CHECK = 6  # bytes that tell what was made here from what was not
_LONGEST = 200


def encode(of: str, *numbers: int) -> str:
    """Return the word for a place in a list; ``of`` names the list."""
    packed = struct.pack(f">{len(numbers)}q", *numbers)
    return base64.urlsafe_b64encode(packed + _check(of, packed)).rstrip(b"=").decode()


def decode(of: str, text: str, count: int = 1) -> tuple[int, ...]:
    """Return the numbers of a word that ``encode`` made for the same list.

    Raises:
        UsageError: it is no such word.
    """
    if len(text) > _LONGEST or not text.isascii():
        _refuse(text)
    try:
        whole = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        _refuse(text)
    packed, check = whole[:-_CHECK], whole[-_CHECK:]
    if len(packed) != 8 * count or check != _check(of, packed):
        _refuse(text)
    numbers: tuple[int, ...] = struct.unpack(f">{count}q", packed)
    return numbers


def _check(of: str, packed: bytes) -> bytes:
    return blake2b(of.encode() + b"\0" + packed, digest_size=_CHECK, person=b"storewarden").digest()


def _refuse(text: str) -> NoReturn:
    shown = text.encode("ascii", "backslashreplace").decode()
    raise UsageError(
        "no page begins there",
        where=shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…",
        why="this is no next that this list answered with",
        remedy="ask with the next of the page before, unchanged, or without any for the first page",
    )
