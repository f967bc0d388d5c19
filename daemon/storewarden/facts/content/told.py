"""Facts of one word or a sentence, cleaned and cut as they are kept."""

from __future__ import annotations

import html
from typing import Final

from storewarden.facts.found import Found
from storewarden.model import Scalar

_MOST_FACTS: Final = 64
_LONGEST: Final = 4000
_LARGEST: Final = 2**63 - 1


def clean(text: str) -> str:
    """Return a text that any database and any terminal takes: no half characters, no NUL."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\0", " ")


def unescape(text: str) -> str:
    """Return a text with `&amp;` and the like as what they stand for."""
    try:
        return html.unescape(text)
    except ValueError:  # a number of thousands of digits
        return text


def tell(found: Found, key: str, value: object) -> None:
    """Keep a fact under a name, if it is one: no empty text, no number beyond a column."""
    if value is None or len(found.more) >= _MOST_FACTS:
        return
    kept: Scalar
    if isinstance(value, str):
        kept = clean(value[:_LONGEST]).strip()
        if not kept:
            return
    elif isinstance(value, bool):
        kept = value
    elif isinstance(value, int):
        if abs(value) > _LARGEST:
            return
        kept = value
    elif isinstance(value, float):
        if abs(value) > _LARGEST or value != value:  # noqa: PLR0124  # not a number
            return
        kept = value
    else:
        return
    found.more.setdefault(key, kept)
