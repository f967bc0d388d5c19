"""Terms about what was found out of a file: its facts, how it was made, how it is used.

Each asks whether there is a row that says so, so that what is not known meets nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any

from storewarden.catalogue import query, rates, search_file, search_server
from storewarden.catalogue.dialect import Dialect
from storewarden.catalogue.fact_tables import (
    FactsRow,
    PromptRow,
    Scene,
    SidecarRow,
    TranscriptRow,
    UsageDay,
    UsageRow,
    Workflow,
)
from storewarden.catalogue.orm import SQL, EnclosedNodeList, Expression, Field, Node, NodeList, fn
from storewarden.catalogue.rules import OUTCOMES
from storewarden.catalogue.tables import File
from storewarden.catalogue.term import (
    SWAPPED,
    Context,
    Meaning,
    Term,
    compared,
    flag,
    known_words,
    matching,
    only,
    read,
    refuse,
    since,
)
from storewarden.catalogue.told_tables import ToldFile, ToldText
from storewarden.catalogue.wanted import Wanted
from storewarden.units import parse_duration
from storewarden.wildcard import is_pattern

Narrow = Callable[[Term, Context], Node | None]
Rows = Any  # a model of fact_tables; no checker knows its columns

_NEAR = 0.005  # 29.97 is what people write for 30000/1001


def row(model: Rows, *met: Any) -> Node:
    """Return the condition that there is such a row of the file."""
    there: Node = fn.EXISTS(model.select(SQL("1")).where(model.file == File.id, *met))
    return there


# -- numbers ------------------------------------------------------------------------------------


def _number(model: Rows, field: Field[Any], how: Callable[[str], int] = int) -> Meaning:
    def meaning(term: Term, _context: Context) -> Node:
        return row(model, compared(field, term.compare, read(term, how)))

    return meaning


def _fraction(model: Rows, field: Field[Any]) -> Meaning:
    """A number with a fraction; ``=`` is as near as people write it."""

    def meaning(term: Term, _context: Context) -> Node:
        return row(model, _about(field, term.compare, real(term)))

    return meaning


def _rate(column: Field[Any]) -> Meaning:
    def meaning(term: Term, context: Context) -> Node:
        rate = rates.rate(column, context.dialect, context.now_ns)
        return _about(rate, term.compare, real(term))

    return meaning


def real(term: Term) -> float:
    """Return the value of a term as a number with a fraction."""
    value = float(read(term, float))
    if not abs(value) < 1e300:  # noqa: PLR2004  # inf and nan are words that float() knows
        refuse(str(term), f"{term.value!r} is no number", "")
    return value


def _about(subject: Any, compare: str, value: float) -> Node:
    if compare == "=":
        return compared(subject, ">", value - _NEAR) & compared(subject, "<", value + _NEAR)
    if compare == "!=":
        return compared(subject, "<=", value - _NEAR) | compared(subject, ">=", value + _NEAR)
    return compared(subject, compare, value)


def _duration(text: str) -> int:
    return round(parse_duration(text) * 1_000_000_000)


def _used(term: Term, context: Context) -> Node:
    """How long ago it was last opened."""
    limit = since(term, context)
    return row(UsageRow, compared(UsageRow.last_ns, SWAPPED[term.compare], limit))


# -- texts --------------------------------------------------------------------------------------


def _text(model: Rows, field: Field[Any]) -> Meaning:
    """One of several words or patterns."""

    def meaning(term: Term, context: Context) -> Node:
        met = one_of(field, term, context)
        return row(model, met if term.compare == "=" else ~met)

    return meaning


def _named(parent: Rows, told: Any, own: Any) -> Meaning:
    """The same for the name of a workflow or a scene: what was told of it wins."""

    def meaning(term: Term, context: Context) -> Node:
        met = one_of(parent.name, term, context)
        which = fn.COALESCE(
            ToldFile.select(told).where(ToldFile.file == File.id),
            FactsRow.select(own).where(FactsRow.file == File.id),
        )
        rows = parent.select(SQL("1")).where(Expression(parent.id, "=", which))
        there: Node = fn.EXISTS(rows.where(met if term.compare == "=" else ~met))
        return there

    return meaning


def one_of(subject: Any, term: Term, context: Context) -> Any:
    """Return the condition that a text is one of several, or matches one of several patterns."""
    only(term, "=", "!=")
    words = _values(term)
    plain = [word for word in words if not is_pattern(os.fsencode(word))]
    met = [subject.in_(plain)] if plain else []
    met += [
        matching(_as_bytes(subject, context), word.encode(), context)
        for word in words
        if word not in plain
    ]
    return reduce(or_, met)


def _values(term: Term) -> list[str]:
    try:
        term.value.encode()
    except UnicodeEncodeError:
        refuse(str(term), "is no UTF-8", f"write {term.name} as it is shown, or a pattern with *")
    return term.value.split(",")


def _as_bytes(subject: Any, context: Context) -> Any:
    if context.dialect == "sqlite":
        return subject.cast("BLOB")
    return fn.CONVERT_TO(subject, "UTF8")


def _outcome(term: Term, _context: Context) -> Node:
    only(term, "=", "!=")
    words = known_words(term, OUTCOMES)
    met = FactsRow.outcome.in_(words)
    return row(FactsRow, met if term.compare == "=" else ~met)


def _language(term: Term, context: Context) -> Node:
    """Of what is said in the file, or in a sidecar of it, or was told of it."""
    said = one_of(ToldText.language, term, context)
    said = said if term.compare == "=" else ~said
    told = ToldText.select(SQL("1")).join(ToldFile, on=ToldFile.id == ToldText.told)
    met = one_of(TranscriptRow.language, term, context)
    met = met if term.compare == "=" else ~met
    beside = TranscriptRow.select(SQL("1")).join(
        SidecarRow, on=SidecarRow.file == TranscriptRow.file
    )
    either: Any = row(TranscriptRow, met)
    beside_it = fn.EXISTS(beside.where(SidecarRow.owner == File.id, met))
    any_of_them: Node = either | beside_it | fn.EXISTS(told.where(ToldFile.file == File.id, said))
    return any_of_them


def _lora(term: Term, context: Context) -> Node:
    """Any of the small models; without one is only what tells how it was made."""
    name = "json_extract(each.value, '$.name')" if context.dialect == "sqlite" else "each->>'name'"
    each = (
        "json_each(loras) AS each"
        if context.dialect == "sqlite"
        else "jsonb_array_elements(CAST(loras AS jsonb)) AS each"
    )
    met = one_of(SQL(name), term, context)
    found = NodeList((SQL(f"EXISTS (SELECT 1 FROM {each} WHERE"), met, SQL(")")))
    if term.compare == "=":
        return row(PromptRow, found)
    return row(PromptRow, PromptRow.understood == 1, NodeList((SQL("NOT"), found)))


def _seed(term: Term, _context: Context) -> Node:
    """One of several whole numbers; they may have more than 64 bits."""
    met = PromptRow.seed.in_(_seeds(term))
    only(term, "=", "!=")
    return row(PromptRow, met if term.compare == "=" else ~met)


def _seeds(term: Term) -> list[str]:
    seeds = term.value.split(",")
    for seed in seeds:
        if not re.fullmatch(r"\s*-?[0-9]{1,40}\s*", seed):
            refuse(str(term), f"{seed!r} is no whole number", f"write {term.name}=42")
    return [str(int(seed)) for seed in seeds]


# -- words --------------------------------------------------------------------------------------


def _said(field: str, column: Field[Any]) -> Meaning:
    """The words of a text, as the search understands them."""

    def meaning(term: Term, context: Context) -> Node:
        only(term, "=", "!=")
        # no index on it: how many files it leaves is for ``narrow`` to say
        files = EnclosedNodeList((_saying(field, term, context),))
        files_id = NodeList((SQL("+"), File.id))
        if term.compare == "=":
            return Expression(files_id, "IN", files)
        known = row(PromptRow, column.is_null(False))  # noqa: FBT003  # peewee's own word for it
        return NodeList((known, SQL("AND"), files_id, SQL("NOT IN"), files))

    return meaning


def _saying(field: str, term: Term, context: Context) -> Node:
    wanted = Wanted(query.parse(term.value, field=field))
    if context.dialect == "sqlite":
        return search_file.matching(wanted)
    return search_server.matching(wanted)


def newest_saying(field: str, term: Term, dialect: Dialect, below: int, most: int) -> Node:
    """Return the query of the newest files below a number that a term about words leaves."""
    wanted = Wanted(query.parse(term.value, field=field))
    if dialect == "sqlite":
        return search_file.newest_matching(wanted, below, most)
    return search_server.newest_matching(wanted, below, most)


# -- yes and no ---------------------------------------------------------------------------------


def _sidecar(term: Term, _context: Context) -> Node:
    there = row(SidecarRow)
    return there if flag(term) else NodeList((SQL("NOT"), there))


def _inspected(term: Term, _context: Context) -> Node:
    met: Node = File.inspected_ns.is_null(not flag(term))
    return met


# -- what an index finds at once ----------------------------------------------------------------


def _with_text(field: Field[Any]) -> Narrow:
    def narrow(term: Term, _context: Context) -> Node | None:
        words = _values(term)
        if term.compare != "=" or any(is_pattern(word.encode()) for word in words):
            return None
        rows: Node = PromptRow.select(PromptRow.file).where(field.in_(words))
        return rows

    return narrow


def _with_seed(term: Term, _context: Context) -> Node | None:
    if term.compare != "=":
        return None
    rows: Node = PromptRow.select(PromptRow.file).where(PromptRow.seed.in_(_seeds(term)))
    return rows


def _with_parent(parent: Rows, told: Any, own: Any) -> Narrow:
    def narrow(term: Term, context: Context) -> Node | None:
        if term.compare != "=":
            return None
        met = one_of(parent.name, term, context)
        said: Any = ToldFile.select(ToldFile.file).join(parent, on=told == parent.id)
        rows = FactsRow.select(FactsRow.file).join(parent, on=own == parent.id)
        there: Any = ToldFile.file.is_null(False)  # noqa: FBT003  # peewee's own word for it
        found: Node = said.where(met, there).union_all(rows.where(met))
        return found

    return narrow


def _with_words(field: str) -> Narrow:
    def narrow(term: Term, context: Context) -> Node | None:
        if term.compare != "=":
            return None
        return _saying(field, term, context)

    return narrow


NARROW: dict[str, Narrow] = {
    "model": _with_text(PromptRow.model),
    "tool": _with_text(PromptRow.tool),
    "seed": _with_seed,
    "workflow": _with_parent(Workflow, ToldFile.workflow, FactsRow.workflow),
    "scene": _with_parent(Scene, ToldFile.scene, FactsRow.scene),
    "prompt": _with_words("prompt"),
    "negative": _with_words("negative"),
}

FACT_TERMS: dict[str, Meaning] = {
    "mime": _text(FactsRow, FactsRow.mime),
    "width": _number(FactsRow, FactsRow.width),
    "height": _number(FactsRow, FactsRow.height),
    "frames": _number(FactsRow, FactsRow.frames),
    "duration": _number(FactsRow, FactsRow.duration_ns, _duration),
    "codec": _text(FactsRow, FactsRow.codec),
    "bit_rate": _number(FactsRow, FactsRow.bit_rate),
    "fps": _fraction(FactsRow, FactsRow.fps),
    "sample_rate": _number(FactsRow, FactsRow.sample_rate),
    "channels": _number(FactsRow, FactsRow.channels),
    "pages": _number(FactsRow, FactsRow.pages),
    "outcome": _outcome,
    "inspected": _inspected,
    "workflow": _named(Workflow, ToldFile.workflow, FactsRow.workflow),
    "scene": _named(Scene, ToldFile.scene, FactsRow.scene),
    "tool": _text(PromptRow, PromptRow.tool),
    "model": _text(PromptRow, PromptRow.model),
    "lora": _lora,
    "prompt": _said("prompt", PromptRow.prompt),
    "negative": _said("negative", PromptRow.negative),
    "seed": _seed,
    "steps": _number(PromptRow, PromptRow.steps),
    "sampler": _text(PromptRow, PromptRow.sampler),
    "guidance": _fraction(PromptRow, PromptRow.guidance),
    "source": _text(PromptRow, PromptRow.source_type),
    "language": _language,
    "sidecar": _sidecar,
    "used": _used,
    "opens_per_day": _rate(UsageDay.opens),
    "writes_per_day": _rate(UsageDay.writes),
}
