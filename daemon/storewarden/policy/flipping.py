"""When time alone may change what is true of a file: what ``flips`` says, as SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from storewarden.policy.evaluate import LATEST, limits
from storewarden.policy.expression import Condition
from storewarden.policy.expression import terms as terms_of
from storewarden.policy.known import DAY
from storewarden.policy.sql_pieces import Speech, Sql, joined, put, sql
from storewarden.policy.sql_terms import LEAST, clock, window_began
from storewarden.policy.terms import RATES, TERMS


def flips(conditions: Iterable[Condition], speech: Speech) -> Sql:
    """Return the earliest time to come at which one of the conditions may be otherwise."""
    ages: dict[str, set[int]] = {}
    rates: set[str] = set()
    for condition in conditions:
        for term in terms_of(condition):
            if term.name in RATES:
                rates.add(term.name)
            elif TERMS[term.name].kind == "age":
                name = "last_used" if term.name == "idle" else term.name
                ages.setdefault(name, set()).update(limits(term))
    pieces = [_passed(clock(name, speech), ages[name], speech) for name in sorted(ages)]
    if rates:
        pieces.append(_midnight([name.partition("_")[0] for name in sorted(rates)], speech))
    return earliest(pieces, speech)


def earliest(times: Sequence[Sql], speech: Speech) -> Sql:
    """Return the earliest of times that may each be NULL, or NULL when all are."""
    if not times:
        return sql("CAST(NULL AS BIGINT)")
    if len(times) == 1:
        return times[0]
    if not speech.lite:
        return put(f"least({', '.join(['{}'] * len(times))})", *times)
    known = ", ".join([f"coalesce({{}}, {LATEST})"] * len(times))
    return put(f"nullif(min({known}), {LATEST})", *times)


def _passed(since: Sql, ages: set[int], speech: Speech) -> Sql:
    """Return when the next of some ages is reached."""
    cases = [
        put(
            f"WHEN {{}} > {{}} THEN {{}} + {age}",
            since,
            sql("?", max(speech.now_ns - age, LEAST)),
            since,
        )
        for age in sorted(ages)
    ]
    return put(f"CASE {' '.join(['{}'] * len(cases))} END", *cases)


def _midnight(columns: Sequence[str], speech: Speech) -> Sql:
    """Return the next midnight in UTC of what was used in the window: its rates fall by then."""
    used = joined("OR", (sql(f"n.{column} > 0") for column in columns), "FALSE")
    days = put(
        f"SELECT 1 FROM usage_days n WHERE n.file_id = f.id AND n.day >= {{}} / {DAY} AND {{}}",
        window_began(speech),
        used,
    )
    midnight = (speech.now_ns // DAY + 1) * DAY
    return put("CASE WHEN EXISTS ({}) THEN {} END", days, sql("CAST(? AS BIGINT)", midnight))
