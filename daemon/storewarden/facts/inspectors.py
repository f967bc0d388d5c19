"""Every inspector by its name: what reads one type of file, and which version of it.

A version is raised when an inspector would find more, or something else, in a file that it has
read already: the catalogue then has such files inspected again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from storewarden.facts.found import Found
from storewarden.facts.image import jpeg, png, webp
from storewarden.facts.reader import Reader


class Inspector(NamedTuple):
    """``read`` fills in what it finds, and raises Malformed where it can go no further."""

    version: int
    read: Callable[[Reader, Found], None]


def nothing(reader: Reader, found: Found) -> None:
    """Look no further: all that is known of this type is that it is one."""
    del reader, found


NOTHING = "none"

INSPECTORS: dict[str, Inspector] = {
    NOTHING: Inspector(1, nothing),
    "png": Inspector(1, png.read),
    "jpeg": Inspector(1, jpeg.read),
    "webp": Inspector(1, webp.read),
}
