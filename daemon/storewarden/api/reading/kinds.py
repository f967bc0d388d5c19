"""Kinds of values that records have in common, each with its words for documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from storewarden.api.shapes import Shape

Id = Annotated[int, Shape("its number in the catalogue")]
Place = Annotated[
    str,
    Shape(
        "the absolute path on its host, to be told or opened; bytes that are no UTF-8 as Python's"
        " surrogateescape has them"
    ),
]
Shown = Annotated[str, Shape("the path below its root, as harmless text")]
Hex = Annotated[str, Shape("the bytes of the path, where text cannot hold it")]
Nanoseconds = Annotated[int, Shape("nanoseconds since 1970")]
Span = Annotated[int, Shape("nanoseconds")]
Moment = Annotated[str, Shape("a time with its zone, as 2026-01-31T12:00:00Z")]
Anything = Annotated[Mapping[str, Any], Shape("anything, as it was told")]
Next = Annotated[str, Shape("what to ask with for the page after this one; none: it was the last")]
