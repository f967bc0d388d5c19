"""Texts in a RIFF file: the list of INFO chunks."""

from __future__ import annotations

from storewarden.facts.found import Found
from storewarden.facts.media.chunks import Chunk, chunks
from storewarden.facts.media.tags import decoded, keep, text_at
from storewarden.facts.reader import Reader


def list_texts(reader: Reader, chunk: Chunk, found: Found) -> None:
    """Keep the texts of a LIST chunk, if it is one of INFO."""
    if reader.some(chunk.begin, 4) != b"INFO":
        return
    for entry in chunks(reader, chunk.begin + 4, chunk.begin + chunk.length):
        text = decoded(text_at(reader, entry.begin, entry.length).partition(b"\0")[0])
        keep(found, "riff", entry.kind.decode("latin-1").strip(), text)
