"""What waits to be inspected, and the facts that inspection found out."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.model import Facts, Place


class Uninspected(NamedTuple):
    """A file that is to be inspected, and what it was when it was recorded."""

    id: int
    root: str
    path: bytes  # of its directory
    name: bytes
    inode: int
    size: int
    modified_ns: int


class Inspected(NamedTuple):
    """The facts of a file, what it was while it was read, and what it may belong to."""

    id: int
    path: bytes  # of its directory, as it was called while it was read
    name: bytes
    inode: int
    size: int
    modified_ns: int
    facts: Facts
    place: Place
    sidecar_stems: tuple[bytes, ...] = ()
    sidecar_role: str = ""
    language: str | None = None
