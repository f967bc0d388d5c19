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


def told_place(
    top: bytes | None,
    told_directory: bytes,
    told_name: bytes,
    directory: bytes | None,
    name: bytes | None,
) -> str | None:
    """Return where a told file is now, else where it was told of; None where nothing was told."""
    if top is None:
        return None
    if directory is None or name is None:
        directory, name = told_directory, told_name
    path = bytes(directory) + b"/" + bytes(name) if directory else bytes(name)
    return place(bytes(top), path)
