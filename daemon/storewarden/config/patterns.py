"""What a pattern of names may look like; what it matches is the watcher's business."""

from __future__ import annotations

import re
from collections.abc import Iterator

from storewarden.config.problems import shown

_CLASS = re.compile(r"\[!?\]?([^\]]*)(\]?)")
_RANGE = re.compile(r"(.)-(.)")


def first_complaint(pattern: str, *, names_only: bool) -> tuple[str, str] | None:
    """Return what is wrong with a pattern and what to do, or None."""
    return next(_complaints(pattern, names_only=names_only), None)


def _complaints(pattern: str, *, names_only: bool) -> Iterator[tuple[str, str]]:
    if not pattern.strip("/ "):
        yield "an empty pattern", "remove it"
    if "\0" in pattern:
        yield "contains a zero byte", "no file name holds one"
    if names_only and "/" in pattern:
        yield f"{shown(pattern)} is a path", "only names are known here, as in *.part"
    parts = pattern.removeprefix("./").strip("/").split("/")
    if {"", ".", ".."} & set(parts):
        yield f"{shown(pattern)} can match nothing", "write the path from the root, as in cache/raw"
    if not pattern.strip("*/"):
        yield f"{shown(pattern)} would leave nothing", "remove it, or the whole root"
    for inside, closed in _CLASS.findall(pattern):
        if not closed:
            yield f"{shown(pattern)}: a [ is not closed", "add ], or write [[] for the sign itself"
        for low, high in _RANGE.findall(inside):
            if low > high:
                yield f"{shown(pattern)}: {low}-{high} is no range", f"write {high}-{low}"
