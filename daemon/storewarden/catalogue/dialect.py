"""One text of SQL for both databases: what differs is written in braces and spoken here.

``{id}``            the type of a table's own number, its primary key
``{int}``           64 bits
``{bytes}``         names, paths, digests
``{real}``          a number with a fraction
``{strict}``        ends a CREATE TABLE: SQLite shall check types as PostgreSQL does
``{x 2e2e}``        a literal of bytes
``{no 2f in name}`` true when the byte does not occur in the column
``{text of name}``  bytes as text; PostgreSQL escapes those that are not ASCII
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Dialect = Literal["sqlite", "postgresql"]

_WORDS: dict[Dialect, dict[str, str]] = {
    "sqlite": {
        "id": "INTEGER NOT NULL PRIMARY KEY",
        "int": "INTEGER",
        "bytes": "BLOB",
        "real": "REAL",
        "strict": " STRICT",
    },
    "postgresql": {
        "id": "BIGSERIAL NOT NULL PRIMARY KEY",
        "int": "BIGINT",
        "bytes": "BYTEA",
        "real": "DOUBLE PRECISION",
        "strict": "",
    },
}
_BRACES = re.compile(
    r"\{(?:(id|int|bytes|real|strict)|x ([0-9a-f]+)|no ([0-9a-f]{2}) in (\w+)|text of ([\w.]+))\}"
)
_QUOTED_OR_MARK = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|[?%]")


def speak(sql: str, dialect: Dialect) -> str:
    """Return the SQL with everything in braces said as the database wants it."""

    def say(match: re.Match[str]) -> str:
        word, literal, byte, column, held = match.groups()
        if word:
            return _WORDS[dialect][word]
        if literal:
            return _literal(literal, dialect)
        if held:
            return _text(held, dialect)
        if dialect == "sqlite":
            return f"instr({column}, {_literal(byte, dialect)}) = 0"
        return f"position({_literal(byte, dialect)} in {column}) = 0"

    return _BRACES.sub(say, sql)


def _literal(digits: str, dialect: Dialect) -> str:
    return f"x'{digits}'" if dialect == "sqlite" else f"'\\x{digits}'::bytea"


def _text(column: str, dialect: Dialect) -> str:
    return f"CAST({column} AS TEXT)" if dialect == "sqlite" else f"encode({column}, 'escape')"


@lru_cache(maxsize=512)
def percent_marks(sql: str) -> str:
    """Return SQL written with ``?`` as psycopg reads it: ``%s``, and every other ``%`` doubled."""

    def mark(match: re.Match[str]) -> str:
        text = match.group()
        return "%s" if text == "?" else text.replace("%", "%%")

    return _QUOTED_OR_MARK.sub(mark, sql)
