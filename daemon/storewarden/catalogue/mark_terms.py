"""Terms about what people and applications said of a file; who said nothing leaves it unmarked."""

from __future__ import annotations

from typing import Any

from storewarden.catalogue.fact_terms import Narrow, one_of, real, row
from storewarden.catalogue.orm import SQL, Field, Node, NodeList
from storewarden.catalogue.policy_tables import Mark
from storewarden.catalogue.term import Context, Meaning, Term, compared, flag, negated
from storewarden.catalogue.told_tables import ToldFile

_NANO = 1_000_000_000
Rows = Any  # a model of the tables; no checker knows its columns


def _text(model: Rows, field: Field[Any]) -> Meaning:
    def meaning(term: Term, context: Context) -> Node:
        met = one_of(field, term, context)
        return row(model, met if term.compare == "=" else ~met)

    return meaning


def _rating(term: Term, _context: Context) -> Node:
    return row(Mark, compared(Mark.rating, term.compare, real(term)))


def _cost(term: Term, _context: Context) -> Node:
    """What making it cost, where all of it was told in one currency."""
    told = ToldFile.cost_nano.cast("DOUBLE PRECISION") / _NANO
    return row(ToldFile, ToldFile.cost_currency != "", compared(told, term.compare, real(term)))


def _tag(term: Term, context: Context) -> Node:
    """One of its tags; a file of which nobody said anything has none."""
    lite = context.dialect == "sqlite"
    each = (
        "json_each(tags) AS each"
        if lite
        else "jsonb_array_elements_text(CAST(tags AS jsonb)) AS each (value)"
    )
    met = one_of(SQL("each.value"), term, context)
    found = NodeList((SQL(f"EXISTS (SELECT 1 FROM {each} WHERE"), met, SQL(")")))
    return negated(term, row(Mark, found))


def _flagged(model: Rows, field: Field[Any]) -> Meaning:
    def meaning(term: Term, _context: Context) -> Node:
        there = row(model, field == 1)
        return there if flag(term) else NodeList((SQL("NOT"), there))

    return meaning


def _told(field: Field[Any]) -> Narrow:
    def narrow(term: Term, context: Context) -> Node | None:
        if term.compare != "=":
            return None
        there: Any = ToldFile.file.is_null(False)  # noqa: FBT003  # peewee's own word for it
        rows: Node = ToldFile.select(ToldFile.file).where(one_of(field, term, context), there)
        return rows

    return narrow


MARK_NARROW: dict[str, Narrow] = {"file_type": _told(ToldFile.file_type)}

MARK_TERMS: dict[str, Meaning] = {
    "file_type": _text(ToldFile, ToldFile.file_type),
    "public": _flagged(ToldFile, ToldFile.public),
    "cost": _cost,
    "owner": _text(Mark, Mark.owner),
    "rating": _rating,
    "tag": _tag,
    "pinned": _flagged(Mark, Mark.pinned),
}
