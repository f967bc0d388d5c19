"""Statements as they may be told: without values, and what says the same looks the same."""

from __future__ import annotations

import re
from typing import Final

from storewarden.measure.shown import shown

LONGEST: Final = 2_000
_LONGEST_READ: Final = 20_000  # characters of a statement that are looked at at all

# Comments, dollar quotes, strings with their letter before them, numbers that are no part of a
# name. What stands in double quotes may be a name, or to SQLite a text.
_VALUE: Final = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)
    | [eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)
    | [xXbBnN]?'(?:[^']|'')*(?:'|\Z)
    | "(?P<quoted>(?:[^"]|"")*)(?:"|\Z)
    | (?P<word> [A-Za-z_\u0080-\uffff][\w$]* )
    | (?P<mark> [?:@$]\w+ )
    | [-+]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME: Final = re.compile(r"[A-Za-z_][\w$]{0,62}")
_SPACE: Final = re.compile(r"\s+")
_LIST: Final = re.compile(r"\(\s*(?:\?|%s)(?:\s*,\s*(?:\?|%s))+\s*\)")
_ROWS: Final = re.compile(r"\(\?, …\)(?:\s*,\s*\(\?, …\))+")


def without_values(statement: str) -> str:
    """Return a statement with a mark for each value, on one line; lists are made short."""
    text = _VALUE.sub(_marked, statement[:_LONGEST_READ])
    text = _LIST.sub("(?, …)", _SPACE.sub(" ", text).strip())
    return _ROWS.sub("(?, …)", text)[:LONGEST]


def source_of(place: bytes) -> str:
    """Return what the statements of a database are kept under: never what ours are."""
    text = shown(place)
    return text if text.startswith(("/", "postgresql://")) else f"/{text}"


def _marked(match: re.Match[str]) -> str:
    if match["comment"] is not None:
        return " "
    if match["word"] is not None or match["mark"] is not None:
        return match.group()
    quoted = match["quoted"]
    if quoted is not None and _NAME.fullmatch(quoted):
        return match.group()
    return "?"
