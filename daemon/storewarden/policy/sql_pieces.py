"""Pieces of SQL with their parameters, and how larger ones are put together of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Dialect = Literal["sqlite", "postgresql"]

_BESIDE = 64  # conditions in one bracket


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
