"""Texts, names and paths in SQL, and patterns that mean what wildcards mean everywhere here.

Each database has a quick way of its own for most patterns. Where it reads characters and not bytes,
or knows other signs, the pattern itself is asked, byte by byte.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from storewarden.policy.expression import Value
from storewarden.policy.sql_pieces import Speech, Sql, joined, put, sql
from storewarden.wildcard import SPECIAL, is_pattern, regex

_FEW = 2  # values that are compared one by one; more are a list
_ASCII = 0x7F


def texts(column: str, values: Iterable[Value], speech: Speech, joins: str = "") -> Sql:
    """Return the condition that a text is one of several, or matches one of several patterns."""
    words = [os.fsencode(str(value)) for value in values]
    plain = [word for word in words if not is_pattern(word)]
    pieces = [_listed(column, [_utf8(word) for word in plain], joins)] if plain else []
    pieces += [_text_like(column, word, speech, joins) for word in words if is_pattern(word)]
    return joined("OR", pieces, "FALSE")


def _utf8(word: bytes) -> str:
    # what is no UTF-8 is in no text of a catalogue; this is in none either
    return word.decode("utf-8", "replace")


def _listed(column: str, values: list[object] | list[str] | list[bytes], joins: str = "") -> Sql:
    if len(values) <= _FEW:
        return joined("OR", [sql(f"{column} = ?", each, joins=joins) for each in values], "FALSE")
    return sql(f"{column} IN ({', '.join('?' * len(values))})", *values, joins=joins)


def _text_like(column: str, pattern: bytes, speech: Speech, joins: str) -> Sql:
    if speech.lite:
        if (simple := _sqlite_glob(pattern)) is not None:
            return sql(f"{column} GLOB ?", simple, joins=joins)
        return sql(f"glob_bytes(?, CAST({column} AS BLOB)) = 1", pattern, joins=joins)
    if _stars_only(pattern):
        return sql(f"{column} LIKE ?", _like(pattern).decode("utf-8", "replace"), joins=joins)
    latin = f"convert_from(convert_to({column}, 'UTF8'), 'LATIN1')"
    return sql(f"{latin} ~ ?", regex(pattern), joins=joins)


def names(values: Iterable[Value], speech: Speech) -> Sql:
    """Return the condition that a name is one of several, or matches one of several patterns."""
    words = [os.fsencode(str(value)) for value in values]
    plain = [word for word in words if not is_pattern(word)]
    pieces = [_listed("f.name", plain)] if plain else []
    pieces += [bytes_like("f.name", word, speech) for word in words if is_pattern(word)]
    return joined("OR", pieces, "FALSE")


def bytes_like(column: str, pattern: bytes, speech: Speech) -> Sql:
    """Return the condition that bytes match a pattern, in the cheapest way that says the same."""
    start, star, end = pattern.partition(b"*")
    if star and not end and not is_pattern(start):
        return _begins(column, start)
    if star and not start and end and not is_pattern(end):
        return _ends(column, end, speech)
    if not speech.lite:
        if _stars_only(pattern):
            return sql(f"{column} LIKE ?", _like(pattern))
        return sql(f"convert_from({column}, 'LATIN1') ~ ?", regex(pattern))
    if (simple := _sqlite_glob(pattern)) is not None:
        return sql(f"CAST({column} AS TEXT) GLOB ?", simple)
    return sql(f"glob_bytes(?, {column}) = 1", pattern)


def _begins(column: str, start: bytes) -> Sql:
    """Return the condition that bytes begin so: they lie between it and what follows it."""
    if not start:
        return sql("TRUE")
    stem = start.rstrip(b"\xff")
    low = sql(f"{column} >= ?", start)
    if not stem:
        return low
    above = stem[:-1] + bytes([stem[-1] + 1])
    return put("({} AND {})", low, sql(f"{column} < ?", above))


def _ends(column: str, end: bytes, speech: Speech) -> Sql:
    if speech.lite:
        return sql(f"substr({column}, -{len(end)}) = ?", end)
    return sql(f"substr({column}, length({column}) - {len(end) - 1}) = ?", end)


def path(value: str, speech: Speech) -> Sql:
    """Return the condition that the path below the root matches."""
    pattern = os.fsencode(value)
    if pattern.endswith(b"/"):
        pattern += b"*"
    if not is_pattern(pattern):
        above, _, name = pattern.rpartition(b"/")
        return put("({} AND {})", sql("d.path = ?", above, joins="d"), sql("f.name = ?", name))
    start, star, end = pattern.partition(b"*")
    if star and not end and not is_pattern(start):
        above, _, rest = start.rpartition(b"/")
        within = put("{} AND {}", sql("d.path = ?", above, joins="d"), _begins("f.name", rest))
        deeper = _begins("d.path", start)
        return put("(({}) OR {})", within, deeper, joins="d")
    if star and not start and end and not is_pattern(end) and b"/" not in end:
        return _ends("f.name", end, speech)
    slash_, kind = ("x'2f'", "BLOB") if speech.lite else ("'\\x2f'::bytea", "BYTEA")
    whole = (
        "CAST(CASE WHEN length(d.path) = 0 THEN f.name"
        f" ELSE d.path || {slash_} || f.name END AS {kind})"
    )
    return put("{}", bytes_like(whole, pattern, speech), joins="d")


def extensions(values: Iterable[Value], speech: Speech) -> Sql:
    """Return the condition that a name ends so, whatever its case, and does not begin with it."""
    by_length: dict[int, list[bytes]] = {}
    for value in values:
        end = b"." + os.fsencode(str(value)).removeprefix(b".").lower()
        by_length.setdefault(len(end), []).append(end)
    pieces = []
    for length, ends in by_length.items():
        if speech.lite:
            tail = f"lower(CAST(substr(f.name, -{length}) AS TEXT))"
            marks = [sql(f"{tail} = CAST(? AS TEXT)", end) for end in ends]
            if all(end.isascii() for end in ends):
                marks = [_listed(tail, [end.decode() for end in ends])]
        else:
            tail = f"convert_from(substr(f.name, length(f.name) - {length - 1}), 'LATIN1')"
            tail = f'lower({tail} COLLATE "C")'
            marks = [_listed(tail, [end.decode("latin-1") for end in ends])]
        met = joined("OR", marks, "FALSE")
        pieces.append(put(f"(length(f.name) > {length} AND {{}})", met))
    return joined("OR", pieces, "FALSE")


def prompt(value: str, speech: Speech) -> Sql:
    """Return the condition that a prompt holds a text; with a star it is a pattern for all."""
    pattern = os.fsencode(value).lower()
    lowered = "lower(p.prompt)" if speech.lite else 'lower(p.prompt COLLATE "C")'
    if b"*" in pattern:
        return _text_like(lowered, pattern, speech, "p")
    if speech.lite:
        return sql(f"instr({lowered}, ?) > 0", _utf8(pattern), joins="p")
    return sql(f"position(? in {lowered}) > 0", _utf8(pattern), joins="p")


# -- patterns in the words of the databases -----------------------------------------------------


def _stars_only(pattern: bytes) -> bool:
    return not any(sign in pattern for sign in b"?[")


def _like(pattern: bytes) -> bytes:
    return re.sub(rb"([\\%_])", rb"\\\1", pattern).replace(b"*", b"%")


def _sqlite_glob(pattern: bytes) -> str | None:
    """Return the pattern that SQLite's own GLOB takes for the same; None when there is none.

    It reads characters where ours are bytes: they are the same as long as each is ASCII, and no
    sign stands for any one of them.
    """
    if not _stars_only(pattern) or max(pattern) > _ASCII or 0 in pattern:
        return None
    return pattern.decode()


assert SPECIAL == b"*?["  # noqa: S101  # what is said above of patterns knows of no other signs
