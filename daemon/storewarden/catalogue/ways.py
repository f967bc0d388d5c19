"""Which index leads to the files that a term leaves, the newest first; see ``pages``."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from storewarden.catalogue import fact_terms
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.fact_tables import FactsRow, PromptRow, Scene, Workflow
from storewarden.catalogue.file_terms import FILE_TERMS
from storewarden.catalogue.orm import Field, Node
from storewarden.catalogue.policy_tables import Mark
from storewarden.catalogue.tables import File
from storewarden.catalogue.term import Context, Term, flag
from storewarden.catalogue.told_tables import ToldFile
from storewarden.wildcard import is_pattern

FIRST, MOST = 250, 4000  # numbers that one statement reads
FEW = 10_000  # numbers that are read and sorted in the time of a page
RARE = 1000
END = 2**63 - 1  # no number is beyond it

Some = Callable[[int, int], Node]
"""The query of numbers below one, so many at most, the highest first."""


class Way(NamedTuple):
    """Queries that together have the numbers of all files that may be wanted, each in order.

    ``settles``: the term that all of them meet, so that nobody need ask again. ``patience``: how
    many numbers are worth a look before a walk through all files is quicker.
    """

    queries: tuple[Some, ...]
    settles: Term | None = None
    patience: int = 20_000

    def ids(self, engine: Engine, below: int) -> Iterator[int]:
        """Yield the numbers below one, the highest first, each of them once."""
        each = (_ids(engine, query, below) for query in self.queries)
        for number, _ in groupby(heapq.merge(*each, reverse=True)):
            yield number

    def rare(self, engine: Engine) -> bool:
        """Tell whether it leads to so few that nothing else can lead to fewer by much."""
        left = RARE
        for query in self.queries:
            left -= len(engine.rows(query(END, left + 1)))
            if left < 0:
                return False
        return True


Find = Callable[[Engine, Term], Way | None]


def best(engine: Engine, asked: Sequence[Term], mine: Way | None = None) -> Way | None:
    """Return the way that likely passes the fewest files; None where no index knows a term.

    ``mine`` leads to all that may be seen at all, where that is not everything.
    """
    found = {term.name: term for term in asked}
    for name, find in _FIRST.items():
        if name in found and (way := find(engine, found[name])):
            return way
    others = (find(engine, found[name]) for name, find in _LAST.items() if name in found)
    for way in others:
        if way is None:
            continue
        # words are met by their own way alone without a look at all that have them
        if mine is None or way.rare(engine) or (way.settles and not mine.rare(engine)):
            return way
    return mine


def few(engine: Engine, asked: Sequence[Term], now_ns: int) -> list[int] | None:
    """Return the numbers of all files that ranges leave, the highest first, where those are few.

    None: no index tells of any of the terms, or each of them leaves many.
    """
    found: set[int] | None = None
    for query in _ranges(engine, asked, now_ns):
        if not engine.rows(query.limit(1).offset(FEW)):
            these = {number for (number,) in engine.rows(query)}
            found = these if found is None else found & these
    return None if found is None else sorted(found, reverse=True)


def numbers(number: Any, *met: Any) -> Some:
    """Return the query of a column of numbers, where all of that is met."""

    def query(below: int, most: int) -> Node:
        rows = number.model.select(number).where(*met, number < below)
        found: Node = rows.order_by(number.desc()).limit(most)
        return found

    return query


def _ids(engine: Engine, query: Some, below: int) -> Iterator[int]:
    size = FIRST
    while rows := engine.rows(query(below, size)):
        yield from (number for (number,) in rows)
        if len(rows) < size:
            return
        below, size = rows[-1][0], min(2 * size, MOST)


# -- of which terms -----------------------------------------------------------------------------


def _plain(term: Term) -> list[str] | None:
    """Return the words of a term that asks for just these."""
    words = list(dict.fromkeys(term.value.split(",")))
    if term.compare != "=" or any(is_pattern(os.fsencode(word)) for word in words):
        return None
    return words


def _said(number: Any, field: Field[Any]) -> Find:
    """By a column that has one of several words."""

    def way(_engine: Engine, term: Term) -> Way | None:
        words = _plain(term)
        if words is None:
            return None
        return Way(tuple(numbers(number, field == word) for word in words))

    return way


def _belonging(parent: Any, said: Field[Any], told: Field[Any]) -> Find:
    """By workflow or scene, as files say it and as applications tell it."""

    def way(engine: Engine, term: Term) -> Way | None:
        words = _plain(term)
        if words is None:
            return None
        parents = engine.rows(parent.select(parent.id).where(parent.name.in_(words)))
        queries = [
            query
            for (one,) in parents
            for query in (
                numbers(FactsRow.file, said == one),
                numbers(ToldFile.file, told == one),
            )
        ]
        return Way(tuple(queries))

    return way


def _marked(*met: Any) -> Find:
    """By what people and applications said: few files have a row for that."""

    def way(_engine: Engine, term: Term) -> Way | None:
        return None if term.compare == "!=" else Way((numbers(Mark.file, *met),))

    return way


def _flagged(number: Any, met: Any) -> Find:
    """By what is so of few files."""

    def way(_engine: Engine, term: Term) -> Way | None:
        return Way((numbers(number, met),)) if flag(term) else None

    return way


def _saying(field: str) -> Find:
    """By the words of a text."""

    def way(engine: Engine, term: Term) -> Way | None:
        if term.compare != "=":
            return None

        def query(below: int, most: int) -> Node:
            return fact_terms.newest_saying(field, term, engine.dialect, below, most)

        return Way((query,), term)

    return way


_FIRST: dict[str, Find] = {
    "seed": _said(PromptRow.file, PromptRow.seed),
    "scene": _belonging(Scene, FactsRow.scene, ToldFile.scene),
    "workflow": _belonging(Workflow, FactsRow.workflow, ToldFile.workflow),
}
_LAST: dict[str, Find] = {
    "owner": _said(Mark.file, Mark.owner),
    "pinned": _flagged(Mark.file, Mark.pinned == 1),
    "tag": _marked(Mark.tags != "[]"),
    "rating": _marked(Mark.rating.is_null(False)),  # noqa: FBT003  # peewee's own word for it
    "public": _flagged(ToldFile.file, ToldFile.public == 1),
    "file_type": _said(ToldFile.file, ToldFile.file_type),
    "prompt": _saying("prompt"),
    "negative": _saying("negative"),
    "model": _said(PromptRow.file, PromptRow.model),
    "tool": _said(PromptRow.file, PromptRow.tool),
}
_RANGES = ("size", "modified")


def _ranges(engine: Engine, asked: Sequence[Term], now_ns: int) -> Iterator[Any]:
    """Yield queries for the files of a range, which no index has in the order of their numbers."""
    context = Context(engine.dialect, now_ns)
    for term in asked:
        if term.name in _RANGES and term.compare != "!=":
            yield File.select(File.id).where(FILE_TERMS[term.name](term, context))
