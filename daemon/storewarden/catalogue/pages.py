"""A page of files that meet terms, the newest first, whatever number of files there are.

Numbers that an index has in their order are looked at from the highest to the lowest, so many at a
time, until the page is full. Which index that is, is decided here and not by the database: SQLite
counts nothing, and a server plans for all files where a page needs a hundred.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from storewarden.catalogue import find, terms
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.find import FileRow
from storewarden.catalogue.orm import SQL, Expression, ModelSelect, Node, NodeList, Value
from storewarden.catalogue.tables import File, Root
from storewarden.catalogue.term import Term
from storewarden.catalogue.ways import END, FEW, Way, best, few


class Page(NamedTuple):
    """Some files, and whether there are more below the last of them."""

    rows: tuple[FileRow, ...]
    more: bool


class Asked(NamedTuple):
    """What the files of a page are to meet: terms, and what else; ``mine`` leads to the latter."""

    terms: tuple[Term, ...]
    now_ns: int
    host_id: int | None = None
    met: tuple[Node, ...] = ()
    mine: Way | None = None


def page(engine: Engine, asked: Asked, limit: int, below: int = END) -> Page:
    """Return the newest files below a number that meet all that is asked."""
    found = list(itertools.islice(_found(engine, asked, limit + 1, below), limit + 1))
    return Page(tuple(found[:limit]), len(found) > limit)


def _found(engine: Engine, asked: Asked, size: int, below: int) -> Iterator[FileRow]:
    numbers = few(engine, asked.terms, asked.now_ns)
    way = best(engine, asked.terms, asked.mine) if numbers is None else None
    ids = way.ids(engine, below) if way else (one for one in numbers or () if one < below)
    if numbers is not None or way is not None:
        query = _query(engine, asked, way.settles if way else None)
        left, step = way.patience if way else FEW, size
        while some := list(itertools.islice(ids, step)):
            yield from map(find.file_row, engine.rows(query.where(_among(engine, some))))
            left, step, below = left - len(some), min(2 * step, find.PAGE), some[-1]
            if left < 0:
                break
        else:
            return
    rows = engine.rows(_query(engine, asked).where(File.id < below).limit(size))
    yield from map(find.file_row, rows)


def _among(engine: Engine, numbers: Sequence[int]) -> Node:
    """Return the condition that a file is one of some, in the same words for any number of them."""
    if engine.dialect == "sqlite":
        some = NodeList(
            (SQL("(SELECT value FROM json_each("), Value(json.dumps(numbers)), SQL("))"))
        )
        return Expression(File.id, "IN", some)
    return NodeList((File.id, SQL("= ANY("), Value(list(numbers), unpack=False), SQL(")")))


def _query(engine: Engine, asked: Asked, settled: Term | None = None) -> ModelSelect[File]:
    """Return the query of files that meet what is asked, but for the term that is settled."""
    rest = [term for term in asked.terms if term is not settled]
    conditions: list[Any] = [*terms.conditions(rest, engine.dialect, asked.now_ns), *asked.met]
    if asked.host_id is not None:
        conditions.append(Root.host == asked.host_id)
    files_first = engine.dialect == "sqlite"  # a server knows that by itself
    query = find.joined(*find.COLUMNS, few=files_first).order_by(File.id.desc())
    return query.where(*conditions) if conditions else query
