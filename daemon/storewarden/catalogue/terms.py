"""What people ask for, as in ``kind=video size>1GiB modified<7d``, as conditions of a query.

Times compare by age: ``modified<7d`` is younger than seven days. Names and paths are patterns with
``* ? [a-z]``; words may be several, as in ``kind=image,video``. Without a term about the state,
files that are gone are left out; ``state=any`` shows them as well.

A fact that is not known meets no term about it: of a file whose width nobody could read neither
``width>=512`` nor ``width<512`` nor ``width!=512`` is true. Only ``inspected=no`` asks for such.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from storewarden.catalogue.dialect import Dialect
from storewarden.catalogue.fact_terms import FACT_TERMS, NARROW
from storewarden.catalogue.file_terms import FILE_TERMS
from storewarden.catalogue.mark_terms import MARK_NARROW, MARK_TERMS
from storewarden.catalogue.orm import Node
from storewarden.catalogue.tables import File
from storewarden.catalogue.term import Context, Term, meant, refuse

SHAPE = re.compile(r"([A-Za-z_]+)\s*(!=|<=|>=|==|=|<|>)(.*)", re.DOTALL)
LITERAL = ("name", "path", "ext")  # a name may begin with a space
GONE = ("missing", "purged")

_KINDS = {**FILE_TERMS, **FACT_TERMS, **MARK_TERMS}
_NARROW = {**NARROW, **MARK_NARROW}
NAMES = tuple(_KINDS)

__all__ = ["GONE", "LITERAL", "NAMES", "SHAPE", "Term", "conditions", "narrow", "parse"]


def parse(texts: Sequence[str]) -> tuple[Term, ...]:
    """Return the terms that were written; raises UsageError for what is none."""
    terms = []
    for text in texts:
        match = SHAPE.fullmatch(text)
        if match is None:
            refuse(text, "is no term", "write NAME=VALUE, as in kind=video or 'size>1GiB'")
        name, compare, value = match.groups()
        if name not in _KINDS:
            refuse(text, f"there is no term {name!r}", meant(name.lower(), NAMES))
        if name not in LITERAL:
            value = value.strip()
        if value == "":
            refuse(text, "compares with nothing", f"write {name}{compare}VALUE")
        terms.append(Term(name, "=" if compare == "==" else compare, value))
    return tuple(terms)


def conditions(terms: Sequence[Term], dialect: Dialect, now_ns: int) -> list[Node]:
    """Return what a row of files, directories and roots has to meet, all of it."""
    context = Context(dialect, now_ns)
    met = [_KINDS[term.name](term, context) for term in terms]
    if not any(term.name == "state" for term in terms):
        met.append(File.state.not_in(GONE))
    return [condition for condition in met if condition is not None]


def narrow(terms: Sequence[Term], dialect: Dialect, now_ns: int) -> list[Node]:
    """Return queries for the numbers of the files that a term leaves, where an index has them.

    They say nothing that ``conditions`` does not say; they are for finding a few files at once.
    """
    context = Context(dialect, now_ns)
    found = [_NARROW[term.name](term, context) for term in terms if term.name in _NARROW]
    return [query for query in found if query is not None]
