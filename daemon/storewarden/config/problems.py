"""Where something stands in a configuration, and what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from storewarden.config.secret import redacted

FILE, VARIABLE = 0, 1  # the order in which problems are told

_MOST = 200  # lines that help a person
_LONG = 60  # characters of a user's value that a message repeats
_WORD = re.compile(r"[A-Za-z0-9_<>*-]+")


class Origin(NamedTuple):
    """A file or a variable; relative paths in it begin at ``base``."""

    name: str
    base: Path
    rank: int = FILE


class Place(NamedTuple):
    """A character in an origin, counted from 1; line 0 is the origin as a whole."""

    origin: Origin
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        name = printable(self.origin.name)
        return f"{name}:{self.line}:{self.column}" if self.line else name


class Problem(NamedTuple):
    """One thing that is wrong: ``place: path.to.key: what; hint``."""

    place: Place
    path: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        line = ": ".join(part for part in (str(self.place), self.path, self.what) if part)
        return f"{line}; {self.hint}" if self.hint else line

    def order(self) -> tuple[int, str, int, int]:
        """Return what problems are sorted by: files first, each from its beginning."""
        origin = self.place.origin
        return origin.rank, origin.name, self.place.line, self.place.column


@dataclass(slots=True)
class Problems:
    """Collects problems, so that all are told at once."""

    found: list[Problem] = field(default_factory=list)

    def add(self, place: Place, path: str, what: str, hint: str = "") -> None:
        """Remember a problem."""
        self.found.append(Problem(place, path, what, hint))

    def lines(self) -> tuple[str, ...]:
        """Return them as lines, sorted by place, none twice."""
        ordered = sorted(self.found, key=Problem.order)
        lines = tuple(dict.fromkeys(map(str, ordered)))
        more = len(lines) - _MOST
        return (*lines[:_MOST], f"… and {more} more") if more > 0 else lines


def printable(text: str) -> str:
    """Return ``text`` on one line: whatever does not show, or turns text around, is escaped."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def shown(value: str) -> str:
    """Quote a user's value for a message: short, on one line, without passwords."""
    text = printable(redacted(value))
    return f"'{text}'" if len(text) <= _LONG else f"'{text[: _LONG - 1]}…'"


def joined(path: str, key: str) -> str:
    """Return the path of ``key`` below ``path``; a key that is no word is quoted."""
    word = key if _WORD.fullmatch(key) else shown(key)
    return f"{path}.{word}" if path else word


def did_you_mean(word: str, words: list[str], otherwise: str = "") -> str:
    """Return ``did you mean X?`` when one of ``words`` is near, else ``otherwise``."""
    near = nearest(word, words)
    return f"did you mean {near}?" if near else otherwise


def nearest(word: str, words: list[str]) -> str:
    """Return the one of ``words`` that ``word`` nearly is, else nothing."""
    from difflib import get_close_matches  # noqa: PLC0415  # rarely needed; every start pays

    return next(iter(get_close_matches(word, words, 1, cutoff=0.7)), "")
