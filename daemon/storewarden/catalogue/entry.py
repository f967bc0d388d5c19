"""What of a file's texts goes into the index, as the words of each field; pure.

PostgreSQL keeps 256 positions of a word, none above 16,383, and a megabyte in all. Only a
transcript is ever longer: of it every word can be found, and what PostgreSQL cannot tell of phrases
in it is looked up in the text. The other fields are cut to what it can tell all of, on every
database alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from storewarden.catalogue.query import FIELDS
from storewarden.catalogue.tokens import tokens

POSITIONS = 255  # of one word in one field
FARTHEST = 16_382  # position
LONG = "transcript"  # the only field that may have more of either
BORDER = "¶"  # between two texts of one field, so that no phrase runs over it; never a word
_WORDS = 100_000  # in all fields of a file together …
_BYTES = 500_000  # … and the bytes of its different words: with their positions, below a megabyte
_SMALL = 255  # so many words break no limit
# What is short comes first: no transcript keeps a path or a prompt out of the index
_ORDER = ("path", "model", "prompt", "negative", "summary", "transcript")

Texts = Mapping[str, Sequence[str]]  # by field


def entry(texts: Texts) -> dict[str, list[str]]:
    """Return the words of each field that has any."""
    cut = {field: _field(texts[field]) for field in _ORDER if texts.get(field)}
    if sum(map(len, cut.values())) > _SMALL:
        cut = {
            field: words if field == LONG else _within_positions(words)
            for field, words in cut.items()
        }
        cut = _within_bytes(cut)
    return {field: cut[field] for field in FIELDS if cut.get(field)}


def _field(parts: Iterable[str]) -> list[str]:
    words: list[str] = []
    for part in parts:
        found = tokens(part)
        if words and found:
            words.append(BORDER)
        words += found
    return words


def _within_positions(words: list[str]) -> list[str]:
    words = words[:FARTHEST]
    often = {word for word, count in Counter(words).items() if count > POSITIONS}
    if not often:
        return words
    kept: list[str] = []
    seen: Counter[str] = Counter()
    for word in words:
        if word in often:
            seen[word] += 1
            if seen[word] > POSITIONS:
                continue
        kept.append(word)
    return kept


def _within_bytes(cut: dict[str, list[str]]) -> dict[str, list[str]]:
    left, room = _WORDS, _BYTES
    kept: dict[str, list[str]] = {}
    for field, all_words in cut.items():
        words = all_words[:left]
        different = dict.fromkeys(words)
        if 4 * sum(map(len, different)) + len(different) > room:  # no character has more bytes
            words = _until(words, room)
            different = dict.fromkeys(words)
        room -= sum(len(word.encode()) + 1 for word in different)
        left -= len(words)
        kept[field] = words
    return kept


def _until(words: list[str], room: int) -> list[str]:
    """Return the words before the first one that no longer finds room."""
    seen: set[str] = set()
    for at, word in enumerate(words):
        if word not in seen:
            room -= len(word.encode()) + 1
            if room < 0:
                return words[:at]
            seen.add(word)
    return words
