"""Plain text: how much of it there is; and of prose the words, so that they can be searched."""

from __future__ import annotations

from typing import Final

from storewarden.facts.bounded import MOST_TEXT
from storewarden.facts.content.decoded import Decoded, decoded
from storewarden.facts.content.told import tell
from storewarden.facts.found import Found
from storewarden.facts.reader import Reader
from storewarden.model import Transcript

_SAMPLE: Final = 64 << 10
_PIECE: Final = 256 << 10  # words are counted piecewise: a list of all would be large


def read(reader: Reader, found: Found) -> None:
    """Read tables, logs and programs: only how large they are."""
    # What is too long to be counted needs no reading for its encoding.
    _measured(decoded(reader, MOST_TEXT if reader.size <= MOST_TEXT else _SAMPLE), found)


def read_prose(reader: Reader, found: Found) -> None:
    """Read what somebody wrote for somebody to read."""
    read = decoded(reader)
    _measured(read, found)
    if said := read.text.strip():
        found.transcript = Transcript("text", said)


def _measured(read: Decoded, found: Found) -> None:
    tell(found, "text.encoding", read.encoding)
    if read.whole:
        lines = read.text.count("\n") + (bool(read.text) and not read.text.endswith("\n"))
        tell(found, "text.lines", lines)
        tell(found, "text.words", _words(read.text))


def _words(text: str) -> int:
    count = 0
    for at in range(0, len(text), _PIECE):
        piece = text[at : at + _PIECE]
        count += len(piece.split())
        if at and not text[at - 1].isspace() and not piece[0].isspace():
            count -= 1  # one word in two pieces
    return count
