"""The index of words: one row a file, rewritten from what the catalogue knows of it.

Both databases are given the words that ``tokens`` cut, never a text: neither has a say in what a
word is. In PostgreSQL a letter before each word tells its field.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.entry import BORDER, FARTHEST, LONG, POSITIONS, entry
from storewarden.catalogue.query import FIELDS
from storewarden.catalogue.texts import talking, texts

LETTERS = dict(zip(FIELDS, ("F", "P", "N", "T", "S", "M"), strict=True))
BEYOND = FARTHEST + 1  # the position that says: there are more, and where is not known
_AT_ONCE = 256
_LONG_AT_ONCE = 4  # a transcript and its words may take 50 MB

Entry = Mapping[str, Sequence[str]]  # the words of each field


class Words:
    """Writes the index, inside a transaction of whoever changed what it is made of."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def index(self, ids: Iterable[int]) -> None:
        """Rewrite the rows of these files; one that is no longer there is passed over."""
        wanted = sorted(set(ids))
        long = talking(self._engine, wanted)
        self._in_slices([each for each in wanted if each not in long], _AT_ONCE)
        self._in_slices(sorted(long), _LONG_AT_ONCE)

    def _in_slices(self, ids: Sequence[int], size: int) -> None:
        for start in range(0, len(ids), size):
            found = texts(self._engine, ids[start : start + size])
            entries = {file_id: entry(told) for file_id, told in found.items()}
            if self._engine.dialect == "sqlite":
                self._write_file(entries)
            else:
                self._write_server(entries)

    def _write_file(self, entries: Mapping[int, Entry]) -> None:
        columns = ", ".join(FIELDS)
        marks = ", ".join("?" * len(FIELDS))
        self._engine.executemany(
            f"INSERT OR REPLACE INTO words (rowid, {columns}) VALUES (?, {marks})",
            (
                (file_id, *(" ".join(words.get(field, ())) for field in FIELDS))
                for file_id, words in entries.items()
            ),
        )

    def _write_server(self, entries: Mapping[int, Entry]) -> None:
        self._engine.executemany(
            "INSERT INTO words (file_id, words, clipped) VALUES (?, ?::tsvector, ?)"
            " ON CONFLICT (file_id) DO UPDATE"
            " SET words = excluded.words, clipped = excluded.clipped",
            ((file_id, *vector(words)) for file_id, words in entries.items()),
        )


def vector(words: Entry) -> tuple[str, int]:
    """Return a tsvector as its input format has it, and 1 when not all positions fit."""
    lexemes: list[str] = []
    clipped = 0
    for field, told in words.items():
        letter = LETTERS[field]
        for word, positions in positions_of(told).items():
            kept = positions
            if field == LONG and (len(positions) > POSITIONS or positions[-1] > FARTHEST):
                clipped = 1
                kept = [at for at in positions[:POSITIONS] if at <= FARTHEST] + [BEYOND]
            lexemes.append(f"'{letter}{word}':{','.join(map(str, kept))}")
    return " ".join(lexemes), clipped


def positions_of(told: Sequence[str]) -> dict[str, list[int]]:
    """Return where each word stands, counted from 1."""
    found: dict[str, list[int]] = defaultdict(list)
    for at, word in enumerate(told, 1):
        if word != BORDER:
            found[word].append(at)
    return found
