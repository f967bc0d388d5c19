"""What a value from outside must be: bounds beside the type, for checks, schemas and documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

LINE = 200
TEXT = 1_000_000
MORE = 100_000


@dataclass(frozen=True, slots=True)
class Shape:
    """Bounds of a value, and what it is in words.

    Of a text ``least`` and ``most`` count characters, of a list its items, of a mapping the
    characters of its JSON. A ``pattern`` matches all of it; ``moment`` says that it is a time with
    its zone, ``path`` that it may hold what Python's surrogateescape makes of bytes.
    """

    words: str
    least: int | None = None
    most: int | None = None
    one_of: tuple[str, ...] = ()
    pattern: str = ""
    moment: bool = False
    path: bool = False


# What PostgreSQL cannot hold is refused everywhere; what is shown on a line has no controls.
_ON_A_LINE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*"
_NO_NUL = r"[^\x00]*"

Name = Annotated[str, Shape("a name without control characters", 1, LINE, pattern=_ON_A_LINE)]
Line = Annotated[str, Shape("one line of text", 0, LINE, pattern=_ON_A_LINE)]
Text = Annotated[str, Shape("text without NUL", 0, TEXT, pattern=_NO_NUL)]
Path = Annotated[
    str,
    Shape(
        "the path of a file below a root: absolute, or ROOT/PATH; bytes that are no UTF-8 as"
        " Python's surrogateescape has them",
        1,
        8192,
        pattern=_NO_NUL,
        path=True,
    ),
]
Count = Annotated[int, Shape("a number", 0, 2**62)]
Tally = Annotated[int, Shape("a number of calls or tokens", 0, 10**12)]
Seconds = Annotated[float, Shape("seconds", 0, 10**9)]
Took = Annotated[float, Shape("the seconds that calls took", 0, 10**6)]
When = Annotated[str, Shape("a time with its zone, as 2026-01-31T12:00:00Z", 1, 64, moment=True)]
Cost = Annotated[Decimal, Shape("an amount of money, to the billionth", 0, 10**9)]
Currency = Annotated[str, Shape("a currency", 3, 3, pattern="[A-Z]{3}")]
Language = Annotated[str, Shape("a language, as en or pt-BR", 2, 35, pattern="[A-Za-z0-9-]+")]
Key = Annotated[str, Shape("what tells this deed from all others", 1, LINE, pattern=_ON_A_LINE)]
More = Annotated[Mapping[str, Any], Shape("anything else, as JSON", 0, MORE)]
Tag = Annotated[str, Shape("a tag", 1, LINE, pattern=_ON_A_LINE)]
Rating = Annotated[float, Shape("a rating", 0, 5)]
