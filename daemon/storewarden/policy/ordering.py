"""What goes first under pressure, by either database.

Of times it is the point and not how long ago it was: ``last_used asc`` is what was used longest
ago, ``age desc`` is what is oldest.
"""

from __future__ import annotations

from collections.abc import Sequence

from storewarden.policy.rules import Order
from storewarden.policy.sql_pieces import Speech, Sql, put, sql
from storewarden.policy.sql_terms import COST, clock, rate, regenerable
from storewarden.policy.terms import RATES

_SAID = {"rating": sql("m.rating", joins="m"), "cost": sql(COST, joins="td")}


def ordering(order: Sequence[Order], speech: Speech) -> Sql:
    """Return what stands behind ORDER BY, without what decides between equals.

    It is empty where no order is written. What is not known goes last. Behind it belong the due
    date and the id.
    """
    pieces = [_by(each, speech) for each in order]
    if not pieces:
        return Sql("")
    return put(", ".join(["{}"] * len(pieces)), *pieces)


def _by(order: Order, speech: Speech) -> Sql:
    value, later_first = _value(order.term, speech)
    way = " DESC" if order.descending != later_first else ""
    return put(f"{{}}{way} NULLS LAST", value)


def _value(term: str, speech: Speech) -> tuple[Sql, bool]:
    """Return what files are ordered by, and whether that runs the other way."""
    match term:
        case "age":
            return sql("f.first_seen_ns"), True  # old is an early time
        case "modified" | "last_used":
            return clock(term, speech), False
        case "regenerable":
            return regenerable(), False
        case "rating" | "cost":
            return _SAID[term], False
        case _ if term in RATES:
            return rate(term, speech), False
        case _:
            return sql(f"f.{term}"), False
