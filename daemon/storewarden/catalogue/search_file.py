"""Searching the index of words in SQLite: FTS5, told nothing but words of ours in quotes."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.orm import SQL, Node, NodeList, Value
from storewarden.catalogue.query import FIELDS, Item
from storewarden.catalogue.ranking import ENOUGH, Found
from storewarden.catalogue.wanted import Wanted

FOUND_AT = "found_at"  # the function that counts, see ``found_at``
FILE_ID = SQL("words.rowid")


def newest(engine: Engine, wanted: Wanted, limit: int) -> list[Found]:
    """Return the newest files that have all that is wanted."""
    return [
        _found(file_id, counts, wanted) for file_id, counts in engine.rows(_asked(wanted, limit))
    ]


def _asked(wanted: Wanted, limit: int) -> Node:
    return NodeList(
        (
            SQL(f"SELECT rowid, {FOUND_AT}(words) FROM words WHERE words MATCH"),
            Value(expression(wanted)),
            *((SQL("AND rowid >"), Value(wanted.above)) if wanted.above > 0 else ()),
            *((SQL("AND"), wanted.condition) if wanted.condition is not None else ()),
            SQL("ORDER BY rowid DESC LIMIT"),
            Value(limit),
        )
    )


def matching(wanted: Wanted) -> Node:
    """Return the numbers of all files that have what is wanted, as a query in a query."""
    return NodeList((SQL("SELECT rowid FROM words WHERE words MATCH"), Value(expression(wanted))))


def newest_matching(wanted: Wanted, below: int, most: int) -> Node:
    """Return the query of the newest numbers below one, of files that have what is wanted."""
    return NodeList(
        (
            *(matching(wanted), SQL("AND rowid <"), Value(below)),
            *(SQL("ORDER BY rowid DESC LIMIT"), Value(most)),
        )
    )


def expression(wanted: Wanted) -> str:
    """Return what FTS5 is asked; the phrases in it stand in the order of the items."""
    items = (wanted.query.whole,) if wanted.whole else ()
    there = " AND ".join(
        _phrase(item, wanted.fields_of(item)) for item in (*items, *wanted.query.wanted) if item
    )
    gone = " OR ".join(_phrase(item, item.fields) for item in wanted.query.excluded)
    return f"({there}) NOT ({gone})" if gone else there


def _phrase(item: Item, fields: Iterable[str]) -> str:
    star = " *" if item.prefix else ""
    return f'{{{" ".join(fields)}}} : "{" ".join(item.words)}"{star}'


def found_at(api: apsw.FTS5ExtensionApi, *_values: apsw.SQLiteValue) -> bytes:
    """Answer how often each phrase occurs in each field: a byte for each, phrase by phrase."""
    return bytes(
        [
            count if (count := len(places)) < ENOUGH else ENOUGH
            for phrase in range(api.phrase_count)
            for places in api.phrase_locations(phrase)
        ]
    )


def _found(file_id: int, counts: bytes, wanted: Wanted) -> Found:
    width = len(FIELDS)
    each = [tuple(counts[at : at + width]) for at in range(0, len(counts), width)]
    whole = each.pop(0) if wanted.whole else None
    return Found(file_id, tuple(each[: len(wanted.query.wanted)]), whole)
