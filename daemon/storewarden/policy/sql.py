"""A condition as SQL: over the tables of the catalogue, true, false, or NULL where it is unknown.

``SELECT f.id FROM {joins(rendered.joins, dialect)} WHERE {rendered.text}`` finds what meets it.
``NOT`` and NULL are Kleene's logic, which is what conditions mean.
"""

from __future__ import annotations

from collections.abc import Iterable

from storewarden.policy.expression import All, Any, Class, Condition, Not, Term
from storewarden.policy.expression import terms as terms_of
from storewarden.policy.known import WINDOW
from storewarden.policy.sql_pieces import Dialect, Speech, Sql, joined, put
from storewarden.policy.sql_terms import term
from storewarden.policy.terms import RATES, TERMS

__all__ = ["Dialect", "Sql", "joins", "render", "surely_known", "whole"]

_JOINS = {
    "a": "LEFT JOIN facts a ON a.file_id = f.id",
    "p": "LEFT JOIN prompts p ON p.file_id = f.id",
    "td": "LEFT JOIN told_files td ON td.file_id = f.id",
    "w": "LEFT JOIN workflows w ON w.id = coalesce(td.workflow_id, a.workflow_id)",
    "s": "LEFT JOIN scenes s ON s.id = coalesce(td.scene_id, a.scene_id)",
    "u": "LEFT JOIN usage u ON u.file_id = f.id",
    "m": "LEFT JOIN marks m ON m.file_id = f.id",
    "x": "LEFT JOIN sidecars x ON x.file_id = f.id",
    "pl": "LEFT JOIN placed pl ON pl.file_id = f.id",
}
# cheap ones first: where one decides, the others are not asked
_COST = {"recorded": 1, "told": 3, "media": 3, "made": 4, "cost": 3, "measured": 0, "use": 5}
_COSTLY = {"path": 2, "ext": 2, "name": 2, "copies": 6, "tag": 6, "prompt": 6}


def render(condition: Condition, dialect: Dialect, now_ns: int, window_ns: int = WINDOW) -> Sql:
    """Return a condition as SQL that says what ``evaluate`` says."""
    return whole(condition, Speech(dialect, now_ns, window_ns))


def whole(condition: Condition, speech: Speech) -> Sql:
    """Return a condition in the words of one database."""
    match condition:
        case Term():
            return term(condition, speech)
        case All(parts):
            return joined("AND", (whole(part, speech) for part in sorted(parts, key=cost)), "TRUE")
        case Any(parts):
            return joined("OR", (whole(part, speech) for part in sorted(parts, key=cost)), "FALSE")
        case Not(part):
            return put("(NOT {})", whole(part, speech))
        case Class(part=part):
            return whole(part, speech)


def joins(needed: Iterable[str], dialect: Dialect) -> str:
    """Return what stands behind FROM so that every letter means its table.

    Files come first, whatever their database thinks: they are chosen by id.
    """
    join = "CROSS JOIN" if dialect == "sqlite" else "JOIN"
    wanted = set(needed)
    parts = [
        "files f",
        f"{join} directories d ON d.id = f.directory_id",
        f"{join} roots r ON r.id = d.root_id",
        *(text for letter, text in _JOINS.items() if letter in wanted),
    ]
    return " ".join(parts)


def surely_known(condition: Condition) -> bool:
    """Tell whether a condition is true or false of every file."""
    return all(TERMS[each.name].surely_known for each in terms_of(condition))


def cost(condition: Condition) -> int:
    """Return about how long a database takes to answer."""
    return max(
        (
            _COST[TERMS[each.name].source] + _COSTLY.get(each.name, 0) + 4 * (each.name in RATES)
            for each in terms_of(condition)
        ),
        default=0,
    )
