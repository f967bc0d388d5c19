"""The part of a text that shows why it answers, with what was searched for marked; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from storewarden.catalogue.query import Item
from storewarden.catalogue.tokens import folded, placed

WIDTH = 160  # characters
_BEFORE = 40  # of them before the first mark
_CHUNK = 4000  # a long text is looked through piece by piece
_OVERLAP = 256  # so that a phrase over the edge of a piece is seen
_ENOUGH = 50  # marks to choose from
CUT = "…"


class Snippet(NamedTuple):
    """A line of a field's text; ``marks`` are where what was searched for begins and ends in it."""

    field: str
    text: str
    marks: tuple[tuple[int, int], ...]


class _Mark(NamedTuple):
    begin: int
    end: int
    item: int


def snippet(field: str, text: str, items: Sequence[Item], width: int = WIDTH) -> Snippet | None:
    """Return the piece where most of the items stand close together; None when none is there."""
    marks = _marks(text, [item for item in items if item.field in (None, field)])
    if not marks:
        return None
    chosen = _densest(marks, width)
    begin, end = _window(text, chosen, width)
    return _line(field, text, begin, end, [mark for mark in marks if mark.begin < end])


def _marks(text: str, items: Sequence[Item]) -> list[_Mark]:
    found: set[_Mark] = set()
    for offset, piece in _pieces(text):
        plain = folded(piece)
        hopeful = [at for at, item in enumerate(items) if all(w in plain for w in item.words)]
        if hopeful:
            words = list(placed(piece))
            for at in hopeful:
                found.update(
                    _Mark(offset + begin, offset + end, at)
                    for begin, end in _matches(items[at], words)
                )
        if len(found) >= _ENOUGH or len({mark.item for mark in found}) == len(items):
            break
    return sorted(found)[: 2 * _ENOUGH]


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield pieces that do not begin or end inside a word of the usual length."""
    begin = 0
    while begin < len(text):
        end = begin + _CHUNK
        if end < len(text):
            end = max(text.rfind(" ", begin + _CHUNK - _OVERLAP, end), end - _OVERLAP)
        yield begin, text[begin:end]
        if end >= len(text):
            return
        begin = max(text.rfind(" ", end - _OVERLAP, end - _OVERLAP // 2), end - _OVERLAP)


def _matches(item: Item, words: Sequence[tuple[str, int, int]]) -> Iterator[tuple[int, int]]:
    *before, last = item.words
    for at, (word, _, end) in enumerate(words):
        if word != last and not (item.prefix and word.startswith(last)):
            continue
        first = at - len(before)
        if first >= 0 and [each for each, _, _ in words[first:at]] == before:
            yield words[first][1], end


def _densest(marks: Sequence[_Mark], width: int) -> _Mark:
    """Return the first mark of the stretch that holds the most different items."""

    def held(at: int) -> int:
        reach = marks[at].begin + width - _BEFORE
        return len({mark.item for mark in marks[at:] if mark.end <= reach})

    return marks[max(range(len(marks)), key=lambda at: (held(at), -at))]


def _window(text: str, first: _Mark, width: int) -> tuple[int, int]:
    """Return where to cut, between words if there is a gap near."""
    begin = max(0, min(first.begin - _BEFORE, len(text) - width))
    if begin:
        gap = text.find(" ", begin, first.begin)
        begin = gap + 1 if gap >= 0 else begin
    end = min(len(text), max(begin + width, first.end))
    if end < len(text):
        gap = text.rfind(" ", first.end, end + 1)
        end = gap if gap >= 0 else end
    return begin, end


def _line(field: str, text: str, begin: int, end: int, marks: Iterable[_Mark]) -> Snippet:
    """Put it on one line, every run of blanks as one, and move the marks along."""
    parts: list[str] = [CUT] if begin else []
    moved: dict[int, int] = {}  # where a character of the text stands in the line
    length = len(parts)
    for at in range(begin, end):
        character = text[at]
        moved[at] = length
        if character.isspace():
            if not parts or parts[-1] in (" ", CUT):
                continue
            character = " "
        parts.append(character)
        length += 1
    line = "".join(parts).rstrip() + (CUT if end < len(text) else "")
    inside = [mark for mark in marks if mark.begin >= begin and mark.end <= end]
    return Snippet(field, line, tuple(_merged(_moved(inside, moved, length))))


def _moved(marks: Iterable[_Mark], moved: dict[int, int], length: int) -> Iterator[tuple[int, int]]:
    for mark in marks:
        yield moved[mark.begin], min(moved[mark.end - 1] + 1, length)


def _merged(marks: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    held: tuple[int, int] | None = None
    for begin, end in sorted(marks):
        if held and begin <= held[1]:
            held = held[0], max(held[1], end)
            continue
        if held:
            yield held
        held = begin, end
    if held:
        yield held
