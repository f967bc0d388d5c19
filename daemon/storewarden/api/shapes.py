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
    characters of its JSON.
    """

    words: str
    least: int | None = None
    most: int | None = None
    one_of: tuple[str, ...] = ()
    pattern: str = ""


Name = Annotated[str, Shape("a name without control characters", 1, LINE)]
Line = Annotated[str, Shape("one line of text", 0, LINE)]
Text = Annotated[str, Shape("text", 0, TEXT)]
Path = Annotated[
    str,
    Shape(
        "the path of a file below a root: absolute, or ROOT/PATH; bytes that are no UTF-8 as"
        " Python's surrogateescape has them",
        1,
        8192,
    ),
]
Count = Annotated[int, Shape("a number", 0, 2**62)]
Seconds = Annotated[float, Shape("seconds", 0, 10**9)]
When = Annotated[str, Shape("a time with its zone, as 2026-01-31T12:00:00Z", 1, 64)]
Cost = Annotated[Decimal, Shape("an amount of money, to the billionth", 0, 10**9)]
Currency = Annotated[str, Shape("a currency", 3, 3, pattern="[A-Z]{3}")]
Language = Annotated[str, Shape("a language, as en or pt-BR", 2, 35, pattern="[A-Za-z0-9-]+")]
Key = Annotated[str, Shape("what tells this deed from all others", 1, LINE)]
More = Annotated[Mapping[str, Any], Shape("anything else, as JSON", 0, MORE)]
Tag = Annotated[str, Shape("a tag", 1, LINE)]
Rating = Annotated[float, Shape("a rating", 0, 5)]
