"""How well a file answers a query, from where and how often its words occur; pure.

Whole numbers only, so that every database and every machine puts the answers in one order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from storewarden.catalogue.query import FIELDS, Item

WEIGHTS = {
    "path": 8,
    "prompt": 10,
    "negative": 1,
    "transcript": 5,
    "summary": 8,
    "model": 6,
}
_OFTEN = (0, 10, 13, 15, 16)  # a word said twice tells more, said a hundred times hardly
ENOUGH = len(_OFTEN) - 1  # occurrences in a field; more are not counted
_TOGETHER = 3  # the words side by side are worth as much as each of them in three more places

Counts = tuple[int, ...]  # one for each of FIELDS
Places = Mapping[str, Sequence[int]]  # the words of one field, and the positions of each


@dataclass(frozen=True, slots=True)
class Found:
    """A file that answers, and how often each wanted item occurs in each field of it."""

    id: int
    items: tuple[Counts, ...]
    whole: Counts | None = None  # all free words as one phrase

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that something was found in, the weightiest first."""
        told = [at for at in range(len(FIELDS)) if any(counts[at] for counts in self.items)]
        return tuple(sorted((FIELDS[at] for at in told), key=lambda field: -WEIGHTS[field]))


def score(found: Found) -> int:
    """Return how well it answers; more is better."""
    total = sum(map(_worth, found.items))
    if found.whole:
        total += _TOGETHER * len(found.items) * _worth(found.whole)
    return total


def ranked(all_found: Sequence[Found]) -> list[Found]:
    """Return the best first, of equal ones the newest."""
    return sorted(all_found, key=lambda found: (-score(found), -found.id))


@lru_cache(maxsize=4096)  # of a thousand candidates most are alike
def _worth(counts: Counts) -> int:
    return sum(
        WEIGHTS[field] * _OFTEN[min(count, ENOUGH)]
        for field, count in zip(FIELDS, counts, strict=True)
    )


def occurrences(item: Item, places: Places) -> int:
    """Return how often a word, phrase or beginning occurs in a field, counted up to enough."""
    *first, last = item.words
    starts = set(_ending(last, places, prefix=item.prefix))
    for back, word in enumerate(reversed(first), 1):
        held = set(places.get(word, ()))
        starts = {at for at in starts if at - back in held}
    return min(len(starts), ENOUGH)


def _ending(word: str, places: Places, *, prefix: bool) -> list[int]:
    if not prefix:
        return list(places.get(word, ()))
    return [at for each, held in places.items() if each.startswith(word) for at in held]
