"""Conditions and orders as one line of text: ``opens_per_day >= 5 or not (pinned or size > 1GiB)``.

``and`` binds closer than ``or``, ``not`` closer than both; what is in brackets comes first. A word
alone is a class, or a term that is true or false. Values with spaces stand in quotes; of several,
divided by commas, any may be meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from storewarden.config.problems import Place, Problems
from storewarden.policy import terms
from storewarden.policy.expression import All, Any, Class, Compare, Condition, Not, Term, Value
from storewarden.policy.rules import Order
from storewarden.policy.terms import TermError

_DEEPEST = 50
_LONGEST = 10_000
_WORDS = ("and", "or", "not")
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<bracket>[()])
      | (?P<compare><=|>=|!=|==|=|<|>)
      | (?P<comma>,)
      | (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<word>[^\s()<>=!,"']+)
    )""",
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    at: int  # the character it begins with, counted from 1


class _ParseError(Exception):
    """What is wrong, and where."""

    def __init__(self, at: int, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.at, self.reason, self.hint = at, reason, hint


def parse(
    text: str,
    place: Place,
    problems: Problems,
    path: str = "",
    classes: Mapping[str, Condition] | None = None,
) -> Condition | None:
    """Return the condition that a text says; None after telling ``problems`` what is wrong."""
    try:
        return _Parser(_tokens(text), place, classes or {}).whole()
    except _ParseError as error:
        where = f"{error.reason} at character {error.at}" if error.at else error.reason
        problems.add(place, path, where, error.hint)
        return None


def parse_order(
    value: str | Sequence[str], place: Place, problems: Problems, path: str = ""
) -> tuple[Order, ...]:
    """Return the order that a text or a list says, as ``regenerable desc, last_used asc``."""
    texts = value.split(",") if isinstance(value, str) else value
    orders: list[Order] = []
    for text in texts:
        name, *way = text.split() or [""]
        if way not in ([], ["asc"], ["desc"]):
            problems.add(place, path, f"{text.strip()!r} is no order", "write size desc")
        elif name not in terms.ORDERS:
            hint = f"there are: {', '.join(terms.ORDERS)}"
            problems.add(place, path, f"files are not ordered by {name!r}", hint)
        elif name in (each.term for each in orders):
            problems.add(place, path, f"{name} is there twice", "leave one out")
        else:
            orders.append(Order(name, descending=way == ["desc"]))
    return tuple(orders)


# -- reading ------------------------------------------------------------------------------------


def _tokens(text: str) -> list[_Token]:
    if len(text) > _LONGEST:
        raise _ParseError(0, "the expression is too long", "put parts of it into classes")
    found: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            sign = text[at:].lstrip()[:1]
            hint = "close the quotes" if sign in "\"'" else "write != or not"
            raise _ParseError(end - len(text[at:end].lstrip()) + 1, f"{sign!r} is unexpected", hint)
        kind = str(match.lastgroup)
        found.append(_Token(kind, match[kind], match.start(kind) + 1))
        at = match.end()
    return found


@dataclass(slots=True)
class _Parser:
    """Reads tokens from left to right."""

    tokens: list[_Token]
    origin: Place
    classes: Mapping[str, Condition]
    at: int = 0
    depth: int = field(default=0)

    def whole(self) -> Condition:
        if not self.tokens:
            raise _ParseError(0, "nothing is no condition", "write for example opens_per_day >= 5")
        condition = self.either()
        if (token := self.next()) is not None:
            hint = "open a bracket before" if token.text == ")" else "join conditions by and, or"
            raise _ParseError(token.at, f"{token.text!r} is unexpected", hint)
        return condition

    def next(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, kind: str, *texts: str) -> _Token | None:
        """Return the next token and step over it, if it is such a one."""
        token = self.next()
        if token is None or token.kind != kind or (texts and token.text not in texts):
            return None
        self.at += 1
        return token

    def either(self) -> Condition:
        parts = [self.both()]
        while self.take("word", "or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def both(self) -> Condition:
        parts = [self.one()]
        while self.take("word", "and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def one(self) -> Condition:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _ParseError(0, "the expression is too deep", "put parts of it into classes")
        try:
            if self.take("word", "not"):
                return Not(self.one())
            if opened := self.take("bracket", "("):
                inside = self.either()
                if not self.take("bracket", ")"):
                    raise _ParseError(opened.at, "the bracket is not closed", "write ) behind it")
                return inside
            return self.term()
        finally:
            self.depth -= 1

    def term(self) -> Condition:
        name = self.word()
        if name is None:
            self.missing("a term")
        compare = self.take("compare")
        if compare is None:
            return self.alone(name)
        values = self.values(name)
        wanted: Compare = "=" if compare.text == "==" else compare.text  # type: ignore[assignment]  # the pattern knows no others
        try:
            read = tuple(terms.read(name.text, value) for value in values)
            terms.check(name.text, wanted, read)
        except TermError as error:
            raise _ParseError(name.at, error.reason, error.hint) from error
        return Term(name.text, wanted, read, ", ".join(map(_quoted, values)), self.origin)

    def values(self, name: _Token) -> list[str]:
        values = []
        while True:
            token = self.take("quoted") or self.word()
            if token is None:
                self.missing(f"a value of {name.text}")
            values.append(_unquoted(token))
            if not self.take("comma"):
                return values

    def alone(self, token: _Token) -> Condition:
        """Return what a word alone says."""
        if token.text in {"true", "false"}:
            return All(()) if token.text == "true" else Any(())
        if token.text in self.classes:
            return Class(token.text, self.classes[token.text])
        try:
            found = terms.find(token.text)
        except TermError as error:
            raise _ParseError(token.at, error.reason, error.hint) from error
        if found.kind != "flag":
            compare = found.compares[-1] if "=" not in found.compares else "="
            hint = f"write for example {found.name} {compare} …"
            raise _ParseError(token.at, f"{found.name} is compared with nothing", hint)
        value: Value = True
        return Term(found.name, "=", (value,), "true", self.origin)

    def missing(self, what: str) -> NoReturn:
        before = self.tokens[self.at - 1] if self.at else None
        where = f"after {before.text!r}" if before else "at the beginning"
        at = before.at if before else self.tokens[0].at
        hint = "write it, or leave out what is before"
        raise _ParseError(at, f"{what} is missing {where}", hint)

    def word(self) -> _Token | None:
        """Return the next token and step over it, if it is a word that joins nothing."""
        token = self.next()
        return None if token and token.text in _WORDS else self.take("word")


def _unquoted(token: _Token) -> str:
    if token.kind == "word":
        return token.text
    return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)


# -- writing ------------------------------------------------------------------------------------


def write(condition: Condition) -> str:
    """Return a text that ``parse`` reads as the same condition."""
    match condition:
        case Term(name, compare, values):
            return f"{name} {compare} {', '.join(_quoted(terms.write(name, v)) for v in values)}"
        case Class(name):
            return name
        case Not(part):
            return f"not {_bracketed(part)}"
        case All(parts):
            return " and ".join(map(_bracketed, parts)) or "true"
        case Any(parts):
            return " or ".join(map(_bracketed, parts)) or "false"


def _bracketed(part: Condition) -> str:
    several = isinstance(part, All | Any) and len(part.parts) > 1
    return f"({write(part)})" if several else write(part)


def _quoted(text: str) -> str:
    """Return a value in quotes where it would be read as something else without."""
    match = _TOKEN.fullmatch(text)
    if match and match.lastgroup == "word" and text == text.strip() and text not in _WORDS:
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
