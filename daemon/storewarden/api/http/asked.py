"""What may stand behind the question mark of each question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from storewarden.api import shapes
from storewarden.api.reading.stats import By
from storewarden.api.shapes import Shape

Limit = Annotated[int, Shape("how many a page holds", 1, 1000)]
After = Annotated[str, Shape("what the page before said as `next`", 1, 4000)]
Term = Annotated[
    str, Shape("a term as `storewarden files` takes it: kind=video, size>1MiB", 1, 4000)
]
Words = Annotated[str, Shape('words, all of which are found: "in this order", -without', 1, 4000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Nothing may be asked beside the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged:
    """A page of a list."""

    after: After | None = None
    limit: Limit = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesAsked:
    """Files that meet all terms, a page of them."""

    term: tuple[Term, ...] = ()
    after: After | None = None
    limit: Limit = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAsked:
    """Files in whose texts, prompts and names words are found."""

    q: Words
    term: tuple[Term, ...] = ()
    limit: Annotated[int, Shape("how many are shown", 1, 1000)] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyAsked:
    """What becomes of a file."""

    not_: Annotated[str | None, Shape("also why this action does not happen: trash", 1, 40)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsAsked:
    """Statistics."""

    by: By | None = None
    since: Annotated[
        str | None, Shape("from the beginning of this day on, in UTC", 1, 64, moment=True)
    ] = None
    limit: Annotated[int, Shape("how many rows are shown", 1, 1000)] = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageAsked:
    """Calls of services, a page of them."""

    since: shapes.When | None = None
    provider: shapes.Name | None = None
    workflow: shapes.Name | None = None
    after: After | None = None
    limit: Limit = 100
