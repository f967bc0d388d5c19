"""One term as it was written, and how its parts become SQL; what all kinds of terms share."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

from storewarden.catalogue.dialect import Dialect
from storewarden.catalogue.orm import Expression, Node, Value, fn
from storewarden.catalogue.rules import LARGEST
from storewarden.errors import UsageError
from storewarden.units import parse_duration
from storewarden.wildcard import is_pattern, regex

YES, NO = ("yes", "true", "1"), ("no", "false", "0")
SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}  # young is a late time

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Term:
    """One term as it was written."""

    name: str
    compare: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}{self.compare}{self.value}"


@dataclass(frozen=True, slots=True)
class Context:
    """What the meaning of a term depends on besides itself."""

    dialect: Dialect
    now_ns: int


Meaning = Callable[[Term, Context], Node | None]


# -- what is compared ---------------------------------------------------------------------------


def compared(subject: Any, compare: str, value: float) -> Expression:
    """Return the comparison; an unknown value meets none, not even ``!=``."""
    met: Expression = _COMPARE[compare](subject, value)
    return met


def negated(term: Term, met: Any) -> Node:
    """Return the condition, or its opposite where the term says ``!=``."""
    wanted: Node = met if term.compare == "=" else ~met
    return wanted


def matching(subject: Any, pattern: bytes, context: Context) -> Node:
    """Return the condition that bytes match a pattern."""
    if not is_pattern(pattern):
        met: Node = subject == Value(pattern)
        return met
    if context.dialect == "sqlite":
        return fn.GLOB_BYTES(Value(pattern), subject) == 1
    return Expression(one_character_each(subject, context), "~", Value(regex(pattern)))


def one_character_each(subject: Any, context: Context) -> Any:
    """Return bytes as text of one character each; SQLite compares bytes anyway."""
    if context.dialect == "sqlite":
        return subject.cast("TEXT")
    return fn.CONVERT_FROM(subject, "LATIN1")


def read(term: Term, how: Callable[[str], Any]) -> Any:
    """Return the value of a term as ``how`` reads it, or refuse it."""
    try:
        value = how(term.value)
    except ValueError as error:
        numbers = how in (int, float)
        reason = f"{term.value!r} is no number" if numbers else str(error)
        refuse(str(term), reason, "")
    if how is int and not -LARGEST <= value <= LARGEST:
        refuse(str(term), f"{term.value} is beyond 64 bits", "")
    return value


def since(term: Term, context: Context) -> int:
    """Return the time that an age means."""
    only(term, *SWAPPED)
    return max(context.now_ns - int(read(term, parse_duration) * 1_000_000_000), -LARGEST)


def flag(term: Term) -> bool:
    """Return whether a term asks for what is so."""
    only(term, "=", "!=")
    if term.value not in YES + NO:
        refuse(str(term), f"{term.value!r} is neither yes nor no", f"write {term.name}=yes")
    return (term.value in YES) == (term.compare == "=")


def known_words(term: Term, known: Sequence[str], *also: str) -> list[str]:
    """Return the words of a term, or refuse one that is none of the known."""
    words = term.value.split(",")
    for word in words:
        if word not in known:
            refuse(str(term), f"{word!r} is no {term.name}", meant(word, (*known, *also)))
    return words


# -- refusals -----------------------------------------------------------------------------------


def only(term: Term, *allowed: str) -> None:
    """Refuse a comparison that a term does not go with."""
    if term.compare not in allowed:
        refuse(
            str(term),
            f"{term.name} does not go with {term.compare}",
            f"write {' or '.join(f'{term.name}{compare}…' for compare in allowed)}",
        )


def meant(word: str, known: Sequence[str]) -> str:
    """Return what to write instead of a word that is not known."""
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"


def refuse(text: str, why: str, remedy: str) -> NoReturn:
    """Say what is wrong with a term."""
    raise UsageError(
        "a term cannot be understood",
        where=text.encode("utf-8", "backslashreplace").decode(),
        why=why,
        remedy=remedy,
    )
