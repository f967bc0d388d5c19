"""Terms as SQL for both databases: true, false, or NULL for what is unknown, as ``evaluate`` says.

Rows of files are ``f``, of directories ``d``, of roots ``r``; what else there may be of a file has
the letters of ``sql.joins``. Texts go in as parameters, marked ``?``; times count from ``now``,
which is a parameter too, so that a statement stays the same from one moment to the next.
"""

from __future__ import annotations

from storewarden.policy import sql_texts
from storewarden.policy.evaluate import NEAR
from storewarden.policy.expression import Term
from storewarden.policy.known import DAY
from storewarden.policy.sql_pieces import Speech, Sql, joined, put, sql
from storewarden.policy.sql_texts import texts
from storewarden.policy.terms import RATES, TERMS

LEAST = -(2**63) + 1
COST = (
    "(CASE WHEN td.cost_currency <> ''"
    " THEN CAST(td.cost_nano AS DOUBLE PRECISION) / 1000000000 END)"
)


def term(of: Term, speech: Speech) -> Sql:
    """Return one term as a condition."""
    kind = TERMS[of.name]
    if kind.source == "measured":
        return sql("CAST(NULL AS BOOLEAN)")  # nobody stored it yet
    if kind.source == "cost":
        return _numbers(COST, of, joins="td")
    if kind.kind == "age" or of.name in RATES:
        return _age(of, speech) if kind.kind == "age" else _rate_term(of, speech)
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
            equal = sql_texts.names(of.values, speech)
        case "path":
            equal = joined(
                "OR", [sql_texts.path(str(value), speech) for value in of.values], "FALSE"
            )
        case "ext":
            equal = sql_texts.extensions(of.values, speech)
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
    if of.name == "file_type":
        return _or_absent(of, _or_not(of, texts("td.file_type", of.values, speech, joins="td")))
    if of.name == "owner":
        return _or_absent(of, _or_not(of, texts("m.owner", of.values, speech, joins="m")))
    each = "json_each(m.tags) t" if speech.lite else _TAGS
    tags = texts("t.value", of.values, speech, joins="m")
    return _or_not(of, put(f"EXISTS (SELECT 1 FROM {each} WHERE {{}})", tags))


_TAGS = "jsonb_array_elements_text(CAST(m.tags AS jsonb)) t(value)"
_TOLD_TOO = {"workflow": "td.workflow_id", "scene": "td.scene_id"}
_INSPECTED = "f.inspected_ns IS NOT NULL AND a.outcome <> 'refused'"
_UNDERSTOOD = f"{_INSPECTED} AND coalesce(p.understood, 1) = 1"
_MADE = "p.tool IS NOT NULL AND p.model IS NOT NULL AND p.prompt IS NOT NULL AND p.seed IS NOT NULL"


def _found(of: Term, speech: Speech) -> Sql:
    """What an inspection told, if there was one and it could read the file."""
    if of.name == "regenerable":
        yes = (of.values[0] is True) == (of.compare == "=")
        return regenerable(yes=yes)
    met = _or_absent(of, _inside(of, speech))
    if of.name in _TOLD_TOO:
        guard = f"({_TOLD_TOO[of.name]} IS NOT NULL OR ({_INSPECTED}))"
        return put(f"CASE WHEN {guard} THEN {{}} END", met, joins="a td")
    guard = _UNDERSTOOD if TERMS[of.name].source == "made" and of.name != "tool" else _INSPECTED
    return put(f"CASE WHEN {guard} THEN {{}} END", met, joins="a p" if "p." in guard else "a")


def regenerable(*, yes: bool = True) -> Sql:
    """Return whether it is known how a file was made, or is not; NULL where that is unknown."""
    met = f"({_MADE})" if yes else f"(NOT ({_MADE}))"
    return sql(f"CASE WHEN {_UNDERSTOOD} THEN {met} END", joins="a p")


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
            equal = joined(
                "OR", [sql_texts.prompt(str(value), speech) for value in of.values], "FALSE"
            )
        case "tool" | "model":
            equal = texts(f"p.{of.name}", of.values, speech, joins="p")
        case "mime":
            equal = texts("a.mime", of.values, speech, joins="a")
        case _:
            letter = of.name[0]
            equal = texts(f"{letter}.name", of.values, speech, joins=f"a td {letter}")
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
    measured = rate(of.name, speech)
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


def rate(name: str, speech: Speech) -> Sql:
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
