"""What conditions speak of: every term, the type of its values, and when it is known at all."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from storewarden.policy.expression import Compare, Term, Value
from storewarden.units import (
    LARGEST,
    UnitError,
    format_duration,
    format_size,
    parse_duration,
    parse_share,
    parse_size,
    write_duration,
    write_size,
)

Kind = Literal["text", "size", "age", "duration", "number", "whole", "seed", "flag"]
"""An ``age`` is how long ago something was, and moves with time; a ``duration`` stands."""

Source = Literal["recorded", "media", "made", "use", "told", "cost", "measured"]
"""Who has to have looked before the fact is known: ``recorded`` and ``told`` always are."""

COMPARES: tuple[Compare, ...] = get_args(Compare)
_EQUAL: tuple[Compare, ...] = ("=", "!=")
_ORDERED: tuple[Compare, ...] = ("<", "<=", ">", ">=")
_ALLOWED: dict[Kind, tuple[Compare, ...]] = {
    **dict.fromkeys(("text", "seed", "flag"), _EQUAL),
    "age": _ORDERED,
    **dict.fromkeys(("size", "duration", "number", "whole"), COMPARES),
}
_SECOND = 1_000_000_000
_LARGEST_NUMBER = 1e300
_LARGEST_SEED = 40  # digits
_EXACT = 2**53  # beyond it a float leaves whole numbers out


class TermType(NamedTuple):
    """What a term is about, how it compares, and what has to be known for it."""

    name: str
    kind: Kind
    source: Source
    says: str
    patterns: bool = False  # its texts may hold * ? [a-z]
    order: bool = False  # files may be ordered by it
    match: bool = True  # it may stand in a match; else only where care is taken

    @property
    def compares(self) -> tuple[Compare, ...]:
        """How it may be compared."""
        return _ALLOWED[self.kind]

    @property
    def surely_known(self) -> bool:
        """Whether it is known of every file."""
        return self.source in {"recorded", "told"}

    @property
    def moves(self) -> bool:
        """Whether time alone changes it."""
        return self.kind == "age" or self.name in RATES


def _text(name: str, source: Source, says: str, *, patterns: bool = True) -> TermType:
    return TermType(name, "text", source, says, patterns=patterns)


RATES = ("opens_per_day", "writes_per_day")

_ALL = (
    _text("kind", "recorded", "what it is: image, video, audio, database, document, model, …"),
    _text("root", "recorded", "the name of the root it lies in"),
    _text("path", "recorded", "its whole path below the root; a/b/ is everything below a/b"),
    _text("name", "recorded", "the last part of its path"),
    _text("ext", "recorded", "what its name ends with after a dot", patterns=False),
    TermType("size", "size", "recorded", "its bytes", order=True),
    TermType("age", "age", "recorded", "since it was first seen", order=True),
    TermType("modified", "age", "recorded", "since it was last written", order=True),
    TermType("idle", "age", "use", "since it was last used"),
    TermType("last_used", "age", "use", "the same as idle", order=True),
    TermType("opens_per_day", "number", "use", "how often a day it is opened", order=True),
    TermType("writes_per_day", "number", "use", "how often a day it is written"),
    _text("mime", "media", "the type of its content"),
    TermType("width", "whole", "media", "its pixels across"),
    TermType("height", "whole", "media", "its pixels down"),
    TermType("duration", "duration", "media", "how long it plays"),
    _text("workflow", "media", "the run, project or conversation that it belongs to"),
    _text("scene", "media", "the part of a workflow that it belongs to"),
    _text("tool", "made", "the program that made it"),
    _text("model", "made", "the model that it was made with"),
    _text("prompt", "made", "words in its prompt; with * a pattern for all of it"),
    TermType("seed", "seed", "made", "the number its making began with"),
    TermType(
        "regenerable",
        "flag",
        "made",
        "whether its tool, model, prompt and seed are all known",
        order=True,
    ),
    TermType("cost", "number", "cost", "what making it cost", order=True),
    TermType("rating", "number", "told", "how well it was rated", order=True),
    _text("tag", "told", "one of its tags"),
    _text("owner", "told", "whose it is, as was told"),
    _text("file_type", "told", "what it is to its workflow, as an application told"),
    TermType("pinned", "flag", "told", "whether it is pinned"),
    TermType("copies", "whole", "recorded", "how many other stores have a verified copy"),
    TermType(
        "free_ratio", "number", "measured", "the share of its pages that is free", match=False
    ),
)
TERMS: Mapping[str, TermType] = MappingProxyType({each.name: each for each in _ALL})
ORDERS = tuple(each.name for each in _ALL if each.order)


class TermError(ValueError):
    """A term that cannot be; ``str()`` is ``reason; hint``."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(f"{reason}; {hint}" if hint else reason)
        self.reason, self.hint = reason, hint


# -- reading ------------------------------------------------------------------------------------


def find(name: str) -> TermType:
    """Return the term of a name; raises TermError with the one that was meant."""
    if (found := TERMS.get(name)) is not None:
        return found
    from difflib import get_close_matches  # noqa: PLC0415  # rarely needed; every start pays

    close = get_close_matches(name.lower(), TERMS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(TERMS)}"
    raise TermError(f"there is no term {name!r}", hint)


def read(name: str, text: str) -> Value:
    """Return the value that a text says for a term; raises TermError."""
    term = find(name)
    try:
        return _READ[term.kind](term, text)
    except UnitError as error:
        raise TermError(error.reason, error.hint) from error


def check(name: str, compare: Compare, values: tuple[Value, ...]) -> None:
    """Raise TermError if a term does not go with a comparison, or with so many values."""
    term = find(name)
    if compare not in term.compares:
        instead = " or ".join(f"{name} {each}" for each in term.compares)
        raise TermError(f"{name} does not go with {compare}", f"write {instead}")
    if not values or (len(values) > 1 and compare not in _EQUAL):
        raise TermError(f"{name} {compare} is compared with one value", "write several with =")


def _read_text(term: TermType, text: str) -> Value:
    if not text:
        raise TermError(f"{term.name} is compared with nothing", f"write {term.name} = a text")
    if "\0" in text:
        raise TermError(f"{text!r} is in no name and no text", "leave out the NUL character")
    if term.name == "path" and text.startswith("/"):
        raise TermError(f"{text!r} is no path below a root", "leave out the slash it begins with")
    if term.name == "ext" and any(sign in text for sign in "*?[/"):
        raise TermError(f"{text!r} is no ending of a name", "write it whole, or a pattern as name")
    return text


def _read_number(term: TermType, text: str) -> Value:
    if term.name == "free_ratio" and text.rstrip().endswith("%"):
        return parse_share(text)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not re.fullmatch(r"\s*-?[0-9.]+(e[+-]?[0-9]+)?\s*", text) or math.isnan(value):
        raise TermError(f"{text!r} is no number", f"write for example {term.name} >= 4")
    if not abs(value) < _LARGEST_NUMBER:
        raise TermError(f"{text} is too large", "")
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def _read_whole(term: TermType, text: str) -> Value:
    if not re.fullmatch(r"\s*-?[0-9]+\s*", text):
        raise TermError(f"{text!r} is no whole number", f"write for example {term.name} >= 4")
    if len(text) > _LARGEST_SEED or not -LARGEST <= int(text) <= LARGEST:
        raise TermError(f"{text.strip()} is beyond 64 bits", "")
    return int(text)


def _read_seed(term: TermType, text: str) -> Value:
    if not re.fullmatch(rf"\s*-?[0-9]{{1,{_LARGEST_SEED}}}\s*", text):
        raise TermError(f"{text!r} is no whole number", f"write for example {term.name} = 42")
    return int(text)


def _read_flag(term: TermType, text: str) -> Value:
    if text not in {"true", "false"}:
        raise TermError(f"{text!r} is neither true nor false", f"write {term.name}: true")
    return text == "true"


def _read_time(_term: TermType, text: str) -> Value:
    return round(parse_duration(text) * _SECOND)


_READ: dict[Kind, Callable[[TermType, str], Value]] = {
    "text": _read_text,
    "size": lambda _term, text: parse_size(text),
    "age": _read_time,
    "duration": _read_time,
    "number": _read_number,
    "whole": _read_whole,
    "seed": _read_seed,
    "flag": _read_flag,
}


# -- writing and showing ------------------------------------------------------------------------


def write(name: str, value: Value) -> str:
    """Return a value so that ``read`` reads the very same."""
    kind = TERMS[name].kind
    if kind == "size":
        return write_size(int(value))
    if kind in {"age", "duration"}:
        return write_duration(int(value) / _SECOND)
    return _plain(value)


def show(name: str, value: Value) -> str:
    """Return a fact as people read it, rounded."""
    kind = TERMS[name].kind
    if kind == "size":
        return format_size(int(value))
    if kind in {"age", "duration"}:
        return format_duration(int(value) / _SECOND)
    if kind == "number" and isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return _plain(value)


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    return str(int(value) if whole else value)


def written(term: Term) -> str:
    """Return a term as it was written, with its name and comparison."""
    value = term.written or ", ".join(write(term.name, value) for value in term.values)
    value = value.strip()
    for compare in ("!=", "<=", ">=", "==", "=", "<", ">"):
        if term.written and value.startswith(compare) and TERMS[term.name].kind != "text":
            value = value.removeprefix(compare).lstrip()
            break
    return f"{term.name} {term.compare} {value}"
