"""A plan in a pipe: a line for each file, tens of thousands of them in the blink of an eye."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from storewarden.measure.shown import shown

if TYPE_CHECKING:
    from storewarden.pipeline.planning import Item

_HARMLESS = bytes(range(0x20, 0x7F))
_FIELDS = 8
_BEHIND_PATH = 6


def write_lines(pages: Iterable[Sequence[bytes]]) -> None:
    """Write lines as the catalogue tells them, with what stands in paths made harmless."""
    for lines in pages:
        whole = b"".join(lines)
        # most paths are plain, which is seen of thousands at once: only tabs and ends are left
        if len(whole.translate(None, _HARMLESS)) != _FIELDS * len(lines):
            whole = b"".join(map(_harmless, lines))
        sys.stdout.write(whole.decode())


def _harmless(line: bytes) -> bytes:
    """Return a line whose path stays on it; only paths hold what people choose."""
    root, told = line.split(b"\t", 1)
    path, *fields = told.rsplit(b"\t", _BEHIND_PATH)
    return b"\t".join((root, shown(path).encode(), *fields))


def write_items(items: Iterable[Item]) -> None:
    """Write the same lines of items."""
    from functools import lru_cache

    known = lru_cache(1024)(shown)  # the same few words, a million times
    write = sys.stdout.write
    for item in items:
        due = "" if item.due_ns is None else item.due_ns
        write(
            f"{known(item.root)}\t{shown(item.path)}\t{known(item.action.word)}\t{item.policy}"
            f"\t{due}\t{item.size}\t{known(item.store or '')}\t{kept_back(item)}\n"
        )


def kept_back(item: Item) -> str:
    """Return the word for what keeps an item from being done."""
    if item.blocked:
        return item.blocked.name.lower()
    return "space" if item.waits else ""
