"""Radiance HDR: lines of text and then pixels."""

from __future__ import annotations

import re
from typing import Final

from storewarden.facts.found import Found
from storewarden.facts.image import words
from storewarden.facts.reader import Malformed, Reader

_HEAD: Final = 16 << 10
_SIZE: Final = re.compile(rb"\n\n([-+][XY]) (\d{1,10}) ([-+][XY]) (\d{1,10})\n")
_SOFTWARE: Final = re.compile(rb"^SOFTWARE=(.{1,200})$", re.MULTILINE)


def read(reader: Reader, found: Found) -> None:
    """Read the lines before the pixels."""
    head = reader.some(0, _HEAD).replace(b"\r\n", b"\n")
    if not head.startswith((b"#?RADIANCE\n", b"#?RGBE\n")):
        raise Malformed("does not begin like a Radiance picture")
    size = _SIZE.search(head)
    if not size:
        raise Malformed("has no line with its size behind its header")
    one, two = int(size[2]), int(size[4])
    found.width, found.height = (two, one) if size[1].endswith(b"Y") else (one, two)
    found.frames, found.colour = 1, "rgb 32 bit float"
    if software := _SOFTWARE.search(head[: size.start()]):
        found.more["software"] = words.plain(software[1].strip())
