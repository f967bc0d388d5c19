"""Text, by being text: what it is then is for its name to say, unless it says so itself."""

from __future__ import annotations

import re
from typing import Final

_BOMS: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\r\f\b\x1b\x1a")
_NO_CONTROLS: Final = bytes(byte for byte in range(256) if byte not in _CONTROLS)
_LOOK: Final = 512  # control characters come early where there are any
_CUT: Final = 3  # bytes at the end that may be the beginning of a character

_ROOT: Final = re.compile(rb"<([A-Za-z][\w.:-]{0,40})")
_ROOTS: Final = {
    b"svg": "image/svg+xml",
    b"svg:svg": "image/svg+xml",
    b"tt": "application/ttml+xml",
    b"tt:tt": "application/ttml+xml",
    b"x:xmpmeta": "application/rdf+xml",
    b"rdf:RDF": "application/rdf+xml",
    b"html": "text/html",
}
# These say it so clearly that no name says it better.
_SURE: Final = frozenset({"image/svg+xml", "application/ttml+xml", "text/vtt", "text/x-ssa"})
_BEGINNINGS: Final = (
    (b"WEBVTT", "text/vtt"),
    (b"[Script Info]", "text/x-ssa"),
    (b"#EXTM3U", "application/vnd.apple.mpegurl"),
    (b"<!DOCTYPE html", "text/html"),
    (b"<!doctype html", "text/html"),
)
_JSON: Final = re.compile(rb'\{\s*["}]|\[\s*[\[{"\]]')
_SHEBANG: Final = re.compile(rb"#![^\n]*?\b(python|ruby|perl|node|lua|php|sh|bash|zsh|dash|ksh)")
_SHEBANGS: Final = {
    b"python": "text/x-python",
    b"ruby": "text/x-ruby",
    b"node": "text/javascript",
    b"lua": "text/x-lua",
    b"php": "text/x-php",
    b"perl": "text/plain",
}


def is_text(head: bytes, *, named: bool) -> bool:
    """Return whether these bytes are text; ``named`` when the file is called so.

    Text in an old encoding of one byte a character looks like nothing in particular: it is text
    only where the name says so.
    """
    if encoding := _BOMS.get(head[:2]):
        return _decodes(head[: len(head) & ~1], encoding)
    if b"\0" in head or head[:_LOOK].translate(None, _NO_CONTROLS):
        return False
    return named or head.startswith(b"#!") or _decodes(head[:1024], "utf-8")


def _decodes(head: bytes, encoding: str) -> bool:
    try:
        text = head.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start > 0 and error.start >= len(head) - _CUT
    return "\0" not in text


def type_of_text(head: bytes, named: str) -> str:
    """Return the type of a text that is called ``named``, which is "" where that is no text's."""
    start = head.removeprefix(b"\xef\xbb\xbf")[:1024].lstrip()
    if start[:1] in b"<#[W":
        told = _told(start)
        if told in _SURE or (told and not named):
            return told
    if named:
        return named
    return "application/json" if _JSON.match(start) else "text/plain"


def _told(start: bytes) -> str:
    """Return the type that a text gives itself, "" when it gives none."""
    for beginning, found in _BEGINNINGS:
        if start.startswith(beginning):
            return found
    if start.startswith(b"<"):
        root = _ROOT.search(start)
        told = _ROOTS.get(root[1], "") if root else ""
        return told or ("application/xml" if start.startswith(b"<?xml") else "")
    if script := _SHEBANG.match(start):
        return _SHEBANGS.get(script[1], "application/x-sh")
    return ""
