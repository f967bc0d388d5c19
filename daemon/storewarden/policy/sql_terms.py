"""Terms as SQL for both databases: true, false, or NULL for what is unknown, as ``evaluate`` says.

Rows of files are ``f``, of directories ``d``, of roots ``r``; what else there may be of a file has
the letters of ``sql_joins``. Texts go in as parameters, marked ``?``; times count from ``now``,
which is a parameter too, so that a statement stays the same from one moment to the next.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from storewarden.policy.evaluate import NEAR
from storewarden.policy.expression import Term, Value
from storewarden.policy.known import DAY
from storewarden.policy.terms import RATES, TERMS
from storewarden.wildcard import SPECIAL, is_pattern, regex

Dialect = Literal["sqlite", "postgresql"]

LEAST = -(2**63) + 1
_BESIDE = 64  # conditions in one bracket
_FEW = 2  # values that are compared one by one; more are a list
_ASCII = 0x7F


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with the parameters of its marks, and the tables besides that it needs."""

    text: str
    params: tuple[object, ...] = ()
    joins: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.text)


@dataclass(frozen=True, slots=True)
class Speech:
    """Which database is spoken to, of which moment, and over what time rates are taken."""

    dialect: Dialect
    now_ns: int
    window_ns: int

    @property
    def lite(self) -> bool:
        """Whether it is SQLite."""
        return self.dialect == "sqlite"


def sql(text: str, *params: object, joins: str = "") -> Sql:
    """Return a piece of SQL; ``joins`` are letters divided by spaces."""
    return Sql(text, params, frozenset(joins.split()))


def put(template: str, *pieces: Sql, joins: str = "") -> Sql:
    """Return a template with pieces in place of its ``{}``, their parameters in their order."""
    return Sql(
        template.format(*(piece.text for piece in pieces)),
        tuple(param for piece in pieces for param in piece.params),
        frozenset(joins.split()).union(*(piece.joins for piece in pieces)),
    )


def joined(word: str, pieces: Iterable[Sql], otherwise: str) -> Sql:
    """Return pieces in brackets with a word between them."""
    several = list(pieces)
    if len(several) == 1:
        return several[0]
    if not several:
        return sql(otherwise)
    if len(several) > _BESIDE:  # databases go down one step for each
        halves = several[: len(several) // 2], several[len(several) // 2 :]
        several = [joined(word, half, otherwise) for half in halves]
    return put(f"({f' {word} '.join(['{}'] * len(several))})", *several)


def term(of: Term, speech: Speech) -> Sql:
    """Return one term as a condition."""
    kind = TERMS[of.name]
    if kind.source in {"cost", "measured"}:
        return sql("CAST(NULL AS BOOLEAN)")  # nobody stored it yet
    if kind.kind == "age":
        return _age(of, speech)
    if of.name in RATES:
        return _rate_term(of, speech)
    if kind.source == "recorded":
        return _recorded(of, speech)
    if kind.source == "told":
        return _told(of, speech)
    return _found(of, speech)


# -- by where they come from --------------------------------------------------------------------


def _recorded(of: Term, speech: Speech) -> Sql:
    """What is known of every file."""
    match of.name:
        case "kind":
            equal = texts("f.kind", of.values, speech)
        case "root":
            equal = texts("r.name", of.values, speech, joins="r")
        case "name":
            equal = _names(of.values, speech)
        case "path":
            equal = joined("OR", [_path(os.fsencode(str(v)), speech) for v in of.values], "FALSE")
        case "ext":
            equal = _extensions(of.values, speech)
        case "copies":
            count = "(SELECT count(*) FROM copies c WHERE c.file_id = f.id)"
            return _numbers(count, of)
        case _:
            return _numbers("f.size", of)
    return _or_not(of, equal)


def _told(of: Term, speech: Speech) -> Sql:
    """What people and applications said, or nobody did; either is known."""
    if of.name == "pinned":
        yes = (of.values[0] is True) == (of.compare == "=")
        return sql(f"coalesce(m.pinned, 0) = {int(yes)}", joins="m")
    if of.name == "rating":
        return _or_absent(of, _numbers("m.rating", of, joins="m"))
    if of.name == "owner":
        return _or_absent(of, _or_not(of, texts("m.owner", of.values, speech, joins="m")))
    each = "json_each(m.tags) t" if speech.lite else _TAGS
    tags = texts("t.value", of.values, speech, joins="m")
    return _or_not(of, put(f"EXISTS (SELECT 1 FROM {each} WHERE {{}})", tags))


_TAGS = "jsonb_array_elements_text(CAST(m.tags AS jsonb)) t(value)"
_INSPECTED = "f.inspected_ns IS NOT NULL AND a.outcome <> 'refused'"
_UNDERSTOOD = f"{_INSPECTED} AND coalesce(p.understood, 1) = 1"
_MADE = "p.tool IS NOT NULL AND p.model IS NOT NULL AND p.prompt IS NOT NULL AND p.seed IS NOT NULL"


def _found(of: Term, speech: Speech) -> Sql:
    """What an inspection told, if there was one and it could read the file."""
    if of.name == "regenerable":
        yes = (of.values[0] is True) == (of.compare == "=")
        met = sql(f"({_MADE})" if yes else f"(NOT ({_MADE}))", joins="a p")
        return put(f"CASE WHEN {_UNDERSTOOD} THEN {{}} END", met)
    met = _or_absent(of, _inside(of, speech))
    guard = _UNDERSTOOD if TERMS[of.name].source == "made" and of.name != "tool" else _INSPECTED
    return put(f"CASE WHEN {guard} THEN {{}} END", met, joins="a p" if "p." in guard else "a")


def _inside(of: Term, speech: Speech) -> Sql:
    """Return the comparison with a column that an inspection fills."""
    match of.name:
        case "width" | "height":
            return _numbers(f"a.{of.name}", of, joins="a")
        case "duration":
            return _numbers("a.duration_ns", of, joins="a")
        case "seed":
            equal = texts("p.seed", tuple(map(str, of.values)), speech, joins="p")
        case "prompt":
            equal = joined("OR", [_prompt(str(value), speech) for value in of.values], "FALSE")
        case "tool" | "model":
            equal = texts(f"p.{of.name}", of.values, speech, joins="p")
        case "mime":
            equal = texts("a.mime", of.values, speech, joins="a")
        case _:
            letter = of.name[0]
            equal = texts(f"{letter}.name", of.values, speech, joins=f"a {letter}")
    return _or_not(of, equal)


def _or_not(of: Term, equal: Sql) -> Sql:
    return equal if of.compare == "=" else put("(NOT {})", equal)


def _or_absent(of: Term, met: Sql) -> Sql:
    """What is absent meets ``!=`` and nothing else."""
    return put(f"coalesce({{}}, {'TRUE' if of.compare == '!=' else 'FALSE'})", met)


# -- numbers and times --------------------------------------------------------------------------


def _numbers(column: str, of: Term, joins: str = "") -> Sql:
    values = [sql(f"{column} {_compare(of)} ?", value, joins=joins) for value in of.values]
    if of.compare == "!=":
        return joined("AND", values, "TRUE")
    return joined("OR", values, "FALSE")


def _compare(of: Term) -> str:
    return "<>" if of.compare == "!=" else of.compare


_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}  # young is a late time


def _age(of: Term, speech: Speech) -> Sql:
    since = clock(of.name, speech)
    times = (max(speech.now_ns - int(value), LEAST) for value in of.values)
    late = (put(f"{{}} {_SWAPPED[of.compare]} {{}}", since, sql("?", time)) for time in times)
    return joined("OR", late, "FALSE")


def clock(name: str, speech: Speech) -> Sql:
    """Return the time that an age counts from; NULL where that is unknown."""
    if name in {"age", "created"}:
        return sql("f.first_seen_ns")
    if name == "modified":
        return sql("f.modified_ns")
    known = "r.usage_since_ns, f.first_seen_ns, f.modified_ns, coalesce(u.last_ns, 0)"
    if speech.lite:  # null as soon as one is
        return sql(f"max({known})", joins="r u")
    latest = f"CASE WHEN r.usage_since_ns IS NOT NULL THEN greatest({known}) END"
    return sql(f"({latest})", joins="r u")


def window_began(speech: Speech) -> Sql:
    """Return when the window of rates begins; NULL where nobody counts."""
    latest = "max" if speech.lite else "greatest"
    began = f"{latest}({_mark(speech)}, r.usage_since_ns, f.first_seen_ns)"
    if not speech.lite:
        began = f"(CASE WHEN r.usage_since_ns IS NOT NULL THEN {began} END)"
    return sql(began, speech.now_ns - speech.window_ns, joins="r")


def _mark(speech: Speech) -> str:
    return "?" if speech.lite else "CAST(? AS BIGINT)"


def _rate_term(of: Term, speech: Speech) -> Sql:
    measured = _rate(of.name, speech)
    pieces = [_about(measured, of, float(value), speech) for value in of.values]
    return joined("AND" if of.compare == "!=" else "OR", pieces, "FALSE")


def _about(measured: Sql, of: Term, value: float, speech: Speech) -> Sql:
    """Compare a rate; equal is as near as people write it."""
    mark = "?" if speech.lite else "CAST(? AS DOUBLE PRECISION)"
    if of.compare in {"=", "!="}:
        low, high = sql(mark, value - NEAR), sql(mark, value + NEAR)
        near = put("({} > {} AND {} < {})", measured, low, measured, high)
        return _or_not(of, near)
    return put(f"{{}} {of.compare} {{}}", measured, sql(mark, value))


def _rate(name: str, speech: Speech) -> Sql:
    """Return how often a day a file is opened or written; NULL where nobody counts."""
    began = window_began(speech)
    column = name.partition("_")[0]
    many = f"coalesce(sum(n.{column}), 0)"
    many = many if speech.lite else f"CAST({many} AS DOUBLE PRECISION)"
    times = put(
        f"(SELECT {many} FROM usage_days n WHERE n.file_id = f.id AND n.day >= {{}} / {DAY})",
        began,
    )
    longest = "max" if speech.lite else "greatest"
    length = put("{} - {}", sql(_mark(speech), speech.now_ns), began)
    span = put(f"{longest}({DAY}, {{}})", length)
    if not speech.lite:
        span = put("(CASE WHEN r.usage_since_ns IS NOT NULL THEN {} END)", span)
    return put(f"({{}} * {float(DAY)!r} / {{}})", times, span)


# -- texts --------------------------------------------------------------------------------------


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


def _names(values: Iterable[Value], speech: Speech) -> Sql:
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


def _path(pattern: bytes, speech: Speech) -> Sql:
    """Return the condition that the path below the root matches."""
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


def _extensions(values: Iterable[Value], speech: Speech) -> Sql:
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


def _prompt(value: str, speech: Speech) -> Sql:
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
