"""What a person searches for, read into items; pure.

``lighthouse dusk`` is both words, ``"at dusk"`` a phrase, ``light*`` whatever begins so, ``-fog``
and ``-"bad hands"`` what shall not be there. A field before it narrows an item: ``prompt:dusk``,
``model:flux*``, ``-path:old``. Nothing else means anything but itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from storewarden.catalogue.tokens import tokens
from storewarden.errors import UsageError

FIELDS = ("path", "prompt", "negative", "transcript", "summary", "model")
# What somebody wanted out of a picture is no answer to the question for it, only a last resort
TOLD = tuple(field for field in FIELDS if field != "negative")

_LONGEST = 10_000  # characters of a query
_MOST = 100  # items in it
_ITEM = re.compile(
    r"""\s* (?P<excluded>-*)
        (?: (?P<field>[A-Za-z_]+) : (?=\S) )?
        (?: "(?P<phrase>[^"]*)(?P<closed>"?)(?P<star>\*?) | (?P<word>[^\s"]*) )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Item:
    """One word, phrase or beginning, and where it shall be or not be."""

    words: tuple[str, ...]
    prefix: bool = False  # the last word is the beginning of one
    field: str | None = None
    excluded: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """Where an answer that is worth most has it."""
        return (self.field,) if self.field else TOLD


@dataclass(frozen=True, slots=True)
class Query:
    """All of the wanted items shall be there, none of the excluded ones."""

    wanted: tuple[Item, ...]
    excluded: tuple[Item, ...] = ()

    @property
    def whole(self) -> Item | None:
        """Return the words that stand free as one phrase, where there are several."""
        free = [item for item in self.wanted if item.field is None]
        if len(free) < 2 or any(item.prefix for item in free[:-1]):  # noqa: PLR2004  # a pair
            return None
        return Item(tuple(word for item in free for word in item.words), free[-1].prefix)


def parse(text: str, *, field: str | None = None) -> Query:
    """Read a query; raises UsageError for one that asks for nothing or is not closed.

    With ``field`` all of it is about that field, and a colon means nothing.
    """
    if len(text) > _LONGEST:
        _refuse(text[:40] + "…", f"it has {len(text)} characters", f"write at most {_LONGEST}")
    items: list[Item] = []
    at = 0
    while match := _ITEM.match(text, at):
        if match.end() == at:
            break
        at = match.end()
        item = _item(text, match, field)
        if item.words:
            items.append(item)
    if len(items) > _MOST:
        _refuse(text, f"it has {len(items)} parts", f"write at most {_MOST}")
    wanted = tuple(item for item in items if not item.excluded)
    if not wanted:
        _refuse_empty(text, excluding=bool(items))
    return Query(wanted, tuple(item for item in items if item.excluded))


def _item(text: str, match: re.Match[str], field: str | None) -> Item:
    if match["phrase"] is not None and not match["closed"]:
        _refuse(text, "a quotation mark is not closed", 'close it, as in "at dusk"')
    inside = match["word"] if match["phrase"] is None else match["phrase"]
    prefix = bool(match["star"]) if match["phrase"] is not None else inside.endswith("*")
    named = match["field"]
    if named is not None and field is None and named.lower() in FIELDS:
        field = named.lower()
    elif named is not None:
        if field is None:
            _refuse_near(text, named)
        inside = f"{named} {inside}"
    words = tuple(tokens(inside))
    return Item(words, prefix and bool(words), field, bool(match["excluded"]))


def _refuse_near(text: str, named: str) -> None:
    """Refuse what is nearly the name of a field; any other colon is a separator."""
    close = get_close_matches(named.lower(), FIELDS, n=1, cutoff=0.75)
    if close:
        _refuse(text, f"there is no field {named!r}", f"did you mean {close[0]}:…?")


def _refuse_empty(text: str, *, excluding: bool) -> NoReturn:
    if excluding:
        _refuse(
            text,
            "it only says what shall not be there",
            "add a word that shall be there, or list files by terms: storewarden files",
        )
    _refuse(text, "there is no word in it", "write a word, as in: storewarden search dusk")


def _refuse(text: str, why: str, remedy: str) -> NoReturn:
    shown = text.encode("utf-8", "backslashreplace").decode()
    raise UsageError("a search cannot be understood", where=shown, why=why, remedy=remedy)
