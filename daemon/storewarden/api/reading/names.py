"""Paths as answers have them: text to look at, and the name itself, to be sent back."""

from __future__ import annotations

from storewarden.measure.shown import shown


def named(path: bytes) -> tuple[str, str | None]:
    """Return a path as harmless text, and its bytes in hexadecimal where text cannot hold it."""
    text = shown(path)
    return text, None if text.encode() == path else path.hex()


def place(top: bytes, path: bytes) -> str:
    """Return the absolute path of a file, as a deed takes it; ``top`` is where its root lies."""
    return (top.rstrip(b"/") + b"/" + path).decode("utf-8", "surrogateescape")
