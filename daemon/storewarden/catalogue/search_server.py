"""Searching the index of words in PostgreSQL: tsvectors whose lexemes begin with their field.

A transcript may have more positions than a tsvector keeps. Such a row is marked as clipped: it has
all of its words, and what hangs on their positions is looked up in its text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.entry import LONG, entry
from storewarden.catalogue.orm import SQL, Node, NodeList, Value
from storewarden.catalogue.query import FIELDS, Item
from storewarden.catalogue.ranking import ENOUGH, Counts, Found, Places, occurrences
from storewarden.catalogue.texts import texts
from storewarden.catalogue.wanted import Wanted
from storewarden.catalogue.words import BEYOND, LETTERS, positions_of

FILE_ID = SQL("words.file_id")
_FIELD_OF = {letter: field for field, letter in LETTERS.items()}

_Told = dict[str, Places]  # by field, the words that matter here and where they stand


def newest(engine: Engine, wanted: Wanted, limit: int) -> list[Found]:
    """Return the newest files that have all that is wanted."""
    found: list[Found] = []
    below: int | None = None
    while len(found) < limit:
        rows = engine.rows(_page(wanted, below, limit))
        found += _checked(engine, wanted, rows)
        if len(rows) < limit:
            break
        below = rows[-1][0]
    return found[:limit]


def matching(wanted: Wanted) -> Node:
    """Return the numbers of all files that have what is wanted, as a query in a query.

    Exact for the fields that are never clipped.
    """
    return SQL(f"SELECT file_id FROM words WHERE words @@ {_literal(_tsquery(wanted))}")


def newest_matching(wanted: Wanted, below: int, most: int) -> Node:
    """Return the query of the newest numbers below one, of files that have what is wanted.

    Exact for the fields that are never clipped.
    """
    return NodeList(
        (
            *(matching(wanted), SQL("AND file_id <"), Value(below)),
            *(SQL("ORDER BY file_id DESC LIMIT"), Value(most)),
        )
    )


def _page(wanted: Wanted, below: int | None, limit: int) -> Node:
    """Return the query of one page: numbers, whether clipped, and where the words stand."""
    exact, prefixes = _lexemes(wanted)
    return NodeList(
        (
            SQL(
                "SELECT page.file_id, page.clipped, ARRAY("
                "SELECT lexeme || ' ' || array_to_string(positions, ' ') FROM unnest(page.words)"
                " WHERE lexeme = ANY("
            ),
            Value(exact, unpack=False),
            SQL(") OR lexeme ^@ ANY("),
            Value(prefixes, unpack=False),
            SQL(f")) FROM (SELECT file_id, clipped, words FROM words WHERE {_met(wanted)}"),
            *((SQL("AND file_id <"), Value(below)) if below is not None else ()),
            *((SQL("AND file_id >"), Value(wanted.above)) if wanted.above > 0 else ()),
            *((SQL("AND"), wanted.condition) if wanted.condition is not None else ()),
            SQL("ORDER BY file_id DESC LIMIT"),
            Value(limit),
            SQL(") AS page ORDER BY page.file_id DESC"),
        )
    )


def _met(wanted: Wanted) -> str:
    loose, strict = (_literal(_tsquery(wanted, loose=loose)) for loose in (True, False))
    if strict == loose:
        return f"words @@ {strict}"
    return f"words @@ {loose} AND (clipped = 1 OR words @@ {strict})"


def _literal(tsquery: str) -> str:
    """Return a tsquery as it stands in a statement.

    Not as a parameter: after some repetitions the server would plan once for all words, and read
    the whole table for a rare one as it does for a common one.
    """
    doubled = tsquery.replace("'", "''")
    return f"'{doubled}'::tsquery"


# -- what is asked ------------------------------------------------------------------------------


def _tsquery(wanted: Wanted, *, loose: bool = False) -> str:
    """Return the tsquery; a loose one asks for the words of phrases wherever they stand."""
    there = [_one_of(item, wanted.fields_of(item), loose=loose) for item in _wanted(wanted)]
    gone = [
        f"!({_one_of(item, item.fields, loose=False)})"
        for item in wanted.query.excluded
        if not loose or len(item.words) == 1
    ]
    return " & ".join(f"({part})" for part in (*there, *gone))


def _wanted(wanted: Wanted) -> Iterator[Item]:
    if wanted.whole and wanted.query.whole:
        yield wanted.query.whole
    yield from wanted.query.wanted


def _one_of(item: Item, fields: Iterable[str], *, loose: bool) -> str:
    return " | ".join(
        _phrase(item, LETTERS[field], " & " if loose else " <-> ") for field in fields
    )


def _phrase(item: Item, letter: str, joint: str) -> str:
    lexemes = [f"'{letter}{word}'" for word in item.words]
    if item.prefix:
        lexemes[-1] += ":*"
    return f"({joint.join(lexemes)})"


def _lexemes(wanted: Wanted) -> tuple[list[str], list[str]]:
    """Return the lexemes whose positions matter, and the beginnings of such."""
    exact: list[str] = []
    prefixes: list[str] = []
    for item in (*wanted.query.wanted, *wanted.query.excluded):
        for letter in LETTERS.values():
            *first, last = (letter + word for word in item.words)
            exact += first
            (prefixes if item.prefix else exact).append(last)
    return exact, prefixes


# -- what is answered ---------------------------------------------------------------------------


def _checked(engine: Engine, wanted: Wanted, rows: Sequence[Sequence[Any]]) -> Iterator[Found]:
    """Yield what really has all that is wanted, with what it was found by."""
    told = {file_id: _places(lexemes) for file_id, _, lexemes in rows}
    unsure = {
        file_id for file_id, clipped, _ in rows if clipped and not _sure(wanted, told[file_id])
    }
    for file_id in unsure:
        # one at a time: each of these texts is a long one
        for words in texts(engine, [file_id]).values():
            told[file_id] = {field: positions_of(each) for field, each in entry(words).items()}
    for file_id, clipped, _ in rows:
        found = _found(file_id, wanted, told[file_id])
        if not clipped or _answers(wanted, found, told[file_id]):
            yield found


def _places(lexemes: Iterable[str]) -> _Told:
    told: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for lexeme in lexemes:
        word, *positions = lexeme.split(" ")
        told[_FIELD_OF[word[0]]][word[1:]] = [int(at) for at in positions]
    return dict(told)


def _sure(wanted: Wanted, told: _Told) -> bool:
    """Tell whether the positions that were kept are enough to judge by."""
    places = told.get(LONG, {})
    cut = {word for word, held in places.items() if held[-1] == BEYOND}
    if not cut:
        return True
    items = (*_wanted(wanted), *wanted.query.excluded)
    return all(len(item.words) == 1 and _often(item, places) for item in items if _of(item, cut))


def _of(item: Item, words: Iterable[str]) -> bool:
    *first, last = item.words
    return any(w in first or w == last or (item.prefix and w.startswith(last)) for w in words)


def _often(item: Item, places: Places) -> bool:
    return occurrences(item, places) >= ENOUGH


def _found(file_id: int, wanted: Wanted, told: _Told) -> Found:
    counts = [_counts(item, wanted.fields_of(item), told) for item in wanted.query.wanted]
    whole = wanted.query.whole if wanted.whole else None
    return Found(file_id, tuple(counts), _counts(whole, whole.fields, told) if whole else None)


def _counts(item: Item, fields: Iterable[str], told: Mapping[str, Places]) -> Counts:
    return tuple(
        occurrences(item, told[field]) if field in fields and field in told else 0
        for field in FIELDS
    )


def _answers(wanted: Wanted, found: Found, told: _Told) -> bool:
    there = all(map(any, found.items)) and (found.whole is None or any(found.whole))
    return there and not any(
        any(_counts(item, item.fields, told)) for item in wanted.query.excluded
    )
