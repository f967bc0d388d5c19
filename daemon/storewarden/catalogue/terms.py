"""What people ask for, as in ``kind=video size>1GiB modified<7d``, as conditions of a query.

Times compare by age: ``modified<7d`` is younger than seven days. Names and paths are patterns with
``* ? [a-z]``; words may be several, as in ``kind=image,video``. Without a term about the state,
files that are gone are left out; ``state=any`` shows them as well.
"""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

from peewee import SQL, Expression, Field, Node, NodeList, Value, fn

from storewarden.catalogue.dialect import Dialect
from storewarden.catalogue.glob import is_pattern, literal_start, regex
from storewarden.catalogue.rules import DIGEST_BYTES, FILE_STATES, LARGEST
from storewarden.catalogue.tables import Directory, File, Root
from storewarden.errors import UsageError
from storewarden.units import parse_duration, parse_size

SHAPE = re.compile(r"([A-Za-z_]+)\s*(!=|<=|>=|==|=|<|>)(.*)", re.DOTALL)
LITERAL = ("name", "path", "ext")  # a name may begin with a space
GONE = ("missing", "purged")
YES, NO = ("yes", "true", "1"), ("no", "false", "0")

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


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


def parse(texts: Sequence[str]) -> tuple[Term, ...]:
    """Return the terms that were written; raises UsageError for what is none."""
    terms = []
    for text in texts:
        match = SHAPE.fullmatch(text)
        if match is None:
            _refuse(text, "is no term", "write NAME=VALUE, as in kind=video or 'size>1GiB'")
        name, compare, value = match.groups()
        if name not in _KINDS:
            _refuse_name(text, name)
        if name not in LITERAL:
            value = value.strip()
        if value == "":
            _refuse(text, "compares with nothing", f"write {name}{compare}VALUE")
        terms.append(Term(name, "=" if compare == "==" else compare, value))
    return tuple(terms)


def conditions(terms: Sequence[Term], dialect: Dialect, now_ns: int) -> list[Node]:
    """Return what a row of files, directories and roots has to meet, all of it."""
    context = Context(dialect, now_ns)
    met = [_KINDS[term.name](term, context) for term in terms]
    if not any(term.name == "state" for term in terms):
        met.append(File.state.not_in(GONE))
    return [condition for condition in met if condition is not None]


# -- kinds of terms -----------------------------------------------------------------------------

Meaning = Callable[[Term, Context], Node | None]


def _words(field: Field[Any], known: tuple[str, ...] = ()) -> Meaning:
    """One of several words; ``known`` lists them where they are fixed."""

    def meaning(term: Term, _context: Context) -> Node | None:
        _only(term, "=", "!=")
        words = term.value.split(",")
        if known and words == ["any"]:
            return None
        for word in words if known else ():
            if word not in known:
                _refuse(str(term), f"{word!r} is no {term.name}", _meant(word, (*known, "any")))
        return field.in_(words) if term.compare == "=" else field.not_in(words)

    return meaning


def _number(field: Field[Any], read: Callable[[str], int]) -> Meaning:
    def meaning(term: Term, _context: Context) -> Expression:
        return _compared(field, term.compare, _read(term, read))

    return meaning


def _age(field: Field[Any]) -> Meaning:
    def meaning(term: Term, context: Context) -> Expression:
        _only(term, *_SWAPPED)
        since = context.now_ns - int(_read(term, parse_duration) * 1_000_000_000)
        return _compared(field, _SWAPPED[term.compare], max(since, -LARGEST))

    return meaning


def _flag(field: Field[Any]) -> Meaning:
    def meaning(term: Term, _context: Context) -> Expression:
        _only(term, "=", "!=")
        if term.value not in YES + NO:
            _refuse(str(term), f"{term.value!r} is neither yes nor no", f"write {term.name}=yes")
        return _compared(field, term.compare, int(term.value in YES))

    return meaning


def _name(term: Term, context: Context) -> Node:
    _only(term, "=", "!=")
    return _negated(term, _matching(File.name, os.fsencode(term.value), context))


def _path(term: Term, context: Context) -> Node:
    """The whole path below the root; ``path=a/b/`` is everything below a/b."""
    _only(term, "=", "!=")
    pattern = os.fsencode(term.value)
    if pattern.endswith(b"/"):
        pattern += b"*"
    if not is_pattern(pattern):
        directory, _, name = pattern.rpartition(b"/")
        return _negated(term, (Directory.path == directory) & (File.name == name))
    met: Node = _matching(_whole_path(context), pattern, context)
    above = literal_start(pattern).rpartition(b"/")[0]
    if above:  # an index finds the directories
        met = (
            (Directory.path == above)
            | ((Directory.path >= above + b"/") & (Directory.path < above + b"0"))
        ) & met
    return _negated(term, met)


def _extension(term: Term, context: Context) -> Node:
    """What follows the last dot of a name that does not begin with it; case does not count."""
    _only(term, "=", "!=")
    met: Node | None = None
    for word in term.value.split(","):
        end = b"." + os.fsencode(word.removeprefix("."))
        tail = fn.SUBSTR(File.name, fn.LENGTH(File.name) - len(end) + 1)
        one = (fn.LENGTH(File.name) > len(end)) & (
            fn.LOWER(_text(tail, context)) == end.lower().decode("latin-1")
        )
        met = one if met is None else met | one
    return _negated(term, met)


def _digest(term: Term, _context: Context) -> Node:
    """Sixty-four hexadecimal digits, or the first of them and a star; ``none`` is none yet."""
    _only(term, "=", "!=")
    if term.value == "none":
        return File.digest.is_null(term.compare == "=")
    digits = term.value.removesuffix("*").lower()
    whole = 2 * DIGEST_BYTES
    if not re.fullmatch(r"[0-9a-f]{1,64}", digits) or (
        digits == term.value and len(digits) < whole
    ):
        _refuse(str(term), f"is no digest of {whole} digits", "write digest=ab12* or digest=none")
    low, high = (bytes.fromhex(digits.ljust(whole, fill)) for fill in "0f")
    met = File.digest.between(low, high)
    return met if term.compare == "=" else (~met | File.digest.is_null())


_KINDS: dict[str, Meaning] = {
    "kind": _words(File.kind),
    "root": _words(Root.name),
    "state": _words(File.state, FILE_STATES),
    "name": _name,
    "path": _path,
    "ext": _extension,
    "size": _number(File.size, parse_size),
    "modified": _age(File.modified_ns),
    "changed": _age(File.changed_ns),
    "accessed": _age(File.accessed_ns),
    "seen": _age(File.first_seen_ns),
    "recorded": _age(File.recorded_ns),
    "gone": _age(File.gone_ns),
    "growing": _flag(File.growing),
    "generation": _number(File.generation, int),
    "links": _number(File.links, int),
    "inode": _number(File.inode, int),
    "uid": _number(File.uid, int),
    "gid": _number(File.gid, int),
    "digest": _digest,
}
NAMES = tuple(_KINDS)


# -- SQL ----------------------------------------------------------------------------------------


def _compared(field: Field[Any], compare: str, value: int) -> Expression:
    met: Expression = _COMPARE[compare](field, value)
    return met


def _negated(term: Term, met: Any) -> Node:
    wanted: Node = met if term.compare == "=" else ~met
    return wanted


def _matching(subject: Any, pattern: bytes, context: Context) -> Node:
    """Return the condition that bytes match a pattern."""
    if not is_pattern(pattern):
        met: Node = subject == Value(pattern)
        return met
    if context.dialect == "sqlite":
        return fn.GLOB_BYTES(Value(pattern), subject) == 1
    return Expression(_text(subject, context), "~", Value(regex(pattern)))


def _text(subject: Any, context: Context) -> Any:
    """Return bytes as text of one character each; SQLite compares bytes anyway."""
    if context.dialect == "sqlite":
        return subject.cast("TEXT")
    return fn.CONVERT_FROM(subject, "LATIN1")


def _whole_path(context: Context) -> Node:
    """Return the path of a file below its root."""
    slash, end = ("x'2f'", "BLOB") if context.dialect == "sqlite" else ("'\\x2f'::bytea", "BYTEA")
    return NodeList(
        (
            SQL("CAST(CASE WHEN length("),
            *(Directory.path, SQL(") = 0 THEN"), File.name, SQL("ELSE"), Directory.path),
            *(SQL(f"|| {slash} ||"), File.name, SQL(f"END AS {end})")),
        )
    )


# -- refusals -----------------------------------------------------------------------------------


def _read(term: Term, read: Callable[[str], Any]) -> Any:
    try:
        value = read(term.value)
    except ValueError as error:
        reason = f"{term.value!r} is no number" if read is int else str(error)
        _refuse(str(term), reason, "")
    if read is int and not -LARGEST <= value <= LARGEST:
        _refuse(str(term), f"{term.value} is beyond 64 bits", "")
    return value


def _only(term: Term, *allowed: str) -> None:
    if term.compare not in allowed:
        _refuse(
            str(term),
            f"{term.name} does not go with {term.compare}",
            f"write {' or '.join(f'{term.name}{compare}…' for compare in allowed)}",
        )


def _refuse_name(text: str, name: str) -> NoReturn:
    _refuse(text, f"there is no term {name!r}", _meant(name.lower(), NAMES))


def _meant(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"


def _refuse(text: str, why: str, remedy: str) -> NoReturn:
    raise UsageError(
        "a term cannot be understood",
        where=text.encode("utf-8", "backslashreplace").decode(),
        why=why,
        remedy=remedy,
    )
