"""Patterns with ``* ? [a-z]`` over bytes, for both databases alike.

Bytes are compared, not letters: ``?`` is one byte. ``*`` matches slashes as well. The pattern is
turned into a regular expression over Latin-1, where every byte is one character; Python and
PostgreSQL read the same one.
"""

from __future__ import annotations

import re
from functools import lru_cache

SPECIAL = b"*?["


def is_pattern(text: bytes) -> bool:
    """Tell whether a text is more than a literal."""
    return any(byte in SPECIAL for byte in text)


def literal_start(pattern: bytes) -> bytes:
    """Return what everything that matches begins with."""
    ends = [at for at in (pattern.find(bytes([byte])) for byte in SPECIAL) if at >= 0]
    return pattern[: min(ends, default=len(pattern))]


@lru_cache(maxsize=128)
def regex(pattern: bytes) -> str:
    """Return the regular expression over Latin-1 text that means the same."""
    parts = []
    at = 0
    while at < len(pattern):
        byte = pattern[at : at + 1]
        if byte == b"*":
            parts.append(".*")
        elif byte == b"?":
            parts.append(".")
        elif (
            byte == b"["
            and (end := pattern.find(b"]", at + 2 + (pattern[at + 1 : at + 2] == b"!"))) > 0
        ):
            parts.append(_choice(pattern[at + 1 : end]))
            at = end
        else:
            parts.append(_escaped(pattern[at]))
        at += 1
    return f"^{''.join(parts)}$"


def _choice(inside: bytes) -> str:
    """Return a choice of bytes; a range that runs backwards holds nothing but its ends."""
    inverse = inside[:1] == b"!"
    rest = inside[1:] if inverse else inside
    parts = []
    at = 0
    while at < len(rest):
        if rest[at + 1 : at + 2] == b"-" and at + 2 < len(rest):
            low, high = sorted((rest[at], rest[at + 2]))
            parts.append(f"{_escaped(low)}-{_escaped(high)}")
            at += 3
        else:
            parts.append(_escaped(rest[at]))
            at += 1
    return f"[{'^' if inverse else ''}{''.join(parts)}]"


def _escaped(byte: int) -> str:
    character = chr(byte)
    return character if character.isascii() and character.isalnum() else f"\\u{byte:04x}"


@lru_cache(maxsize=128)
def _compiled(pattern: bytes) -> re.Pattern[str]:
    return re.compile(regex(pattern), re.DOTALL)


def matches(pattern: bytes, value: bytes) -> bool:
    """Tell whether a value matches; SQLite calls this as ``glob_bytes``."""
    return _compiled(bytes(pattern)).fullmatch(bytes(value).decode("latin-1")) is not None
