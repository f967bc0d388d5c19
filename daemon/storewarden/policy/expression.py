"""A condition over the facts of a file: one tree, read from YAML, for SQL and for people alike.

Truth has three values: a term about what is not known is neither true nor false but ``None``
(Kleene's logic), and an unknown condition satisfies nothing that frees bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from storewarden.config.problems import Place

Truth = bool | None
Compare = Literal["=", "!=", "<", "<=", ">", ">="]
Value = str | int | float | bool
"""Times are integer nanoseconds, sizes bytes; text may be a pattern with ``* ? [a-z]``."""


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison; of several values any may meet ``=``, and none may meet ``!=``."""

    name: str
    compare: Compare
    values: tuple[Value, ...]
    written: str = ""  # as the user wrote the value, for explanations
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class All:
    """True when every part is; what has no parts is true."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """True when one part is; what has no parts is false."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True when its part is false; unknown when that is."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Class:
    """A condition by its name, with what it means."""

    name: str
    part: Condition


Condition = Term | All | Any | Not | Class


def terms(condition: Condition) -> Iterator[Term]:
    """Yield every term of a condition, in the order in which it was written."""
    match condition:
        case Term():
            yield condition
        case All(parts) | Any(parts):
            for part in parts:
                yield from terms(part)
        case Not(part) | Class(part=part):
            yield from terms(part)
