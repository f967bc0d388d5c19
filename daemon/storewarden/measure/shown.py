r"""How anything that came from outside is shown to people: on one line, and harmless.

A file's name may hold any byte: a newline forges a log line, an escape sequence commands the
terminal, a right-to-left override disguises an ending. Bytes that are no UTF-8 are shown as
``\xff``, control characters as ``\n``, ``\x1b``, ``\u202e``.
"""

from __future__ import annotations

import re

UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters
    "\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"  # line separators, changes of direction
)
SECRET = re.compile(
    r"(?P<before>://[^/\s:@'\"]*:|\bpassword=)(?:(?<==)'[^']*'|(?<==)[^\s'\";]+|[^\s@/'\"]+(?=@))",
    re.IGNORECASE,
)
TOKEN = re.compile(r"(?<![A-Za-z0-9])(?P<before>sw_[a-z2-7]{12}_)[A-Za-z0-9_-]+")


def shown(value: object) -> str:
    """Return the value as one line of text without anything that acts on a terminal."""
    if type(value) is int:
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        text = bytes(value).decode("utf-8", "backslashreplace")
    else:
        text = str(value)
        if not text.isascii():
            text = _without_surrogates(text)
    return UNSAFE.sub(_escape, text)


def without_secrets(text: str) -> str:
    """Return the text with passwords of URLs and connection strings, and tokens, blotted out."""
    if "sw_" in text:
        text = TOKEN.sub(r"\g<before>***", text)
    return SECRET.sub(r"\g<before>***", text)


def _without_surrogates(text: str) -> str:
    r"""Turn what ``os.fsdecode`` made of invalid bytes into ``\xff``, other surrogates likewise."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _escape(match: re.Match[str]) -> str:
    return repr(match.group())[1:-1] if match.group() <= "\xff" else f"\\u{ord(match.group()):04x}"
