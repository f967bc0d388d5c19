"""How long a Matroska file is whose writer could not go back to say so, as browsers record them."""

from __future__ import annotations

import contextlib
from typing import Final

from storewarden.facts.media.ebml import Element, children, elements, number
from storewarden.facts.reader import Malformed, Reader

_CLUSTER, _TIME, _GROUP, _BLOCK, _SIMPLE = 0x1F43B675, 0xE7, 0xA0, 0xA1, 0xA3
_MARK: Final = bytes.fromhex("1F43B675")
_TAILS: Final = (128 << 10, 2 << 20)  # a cluster is some seconds long
_HIGHER: Final = 0xFFFFFF  # beyond it are kinds that stand beside clusters, not in them
_MOST_TRIES: Final = 8  # places that look like a cluster


def length(reader: Reader, first: Element) -> int:
    """Return the units from the ``first`` cluster to the last block of the last; 0 is unknown."""
    for size in _TAILS:
        start = max(first.begin - 12, reader.size - size)
        tail = reader.some(start, reader.size - start)
        at = tail.rfind(_MARK)
        for _ in range(_MOST_TRIES):
            if at < 0:
                break
            with contextlib.suppress(Malformed):
                end = _end(reader, next(elements(reader, start + at, reader.size)))
                if end is not None:
                    return max(0, end - (_end(reader, first, whole=False) or 0))
            at = tail.rfind(_MARK, 0, at)
    return 0


def _end(reader: Reader, cluster: Element, *, whole: bool = True) -> int | None:
    """Return the time of the last block in a cluster, or of itself; None when it tells none."""
    time, last = None, 0
    with contextlib.suppress(Malformed):  # it may end anywhere, where a recording was cut off
        for element in children(reader, cluster):
            if element.kind > _HIGHER:
                break
            if element.kind == _TIME:
                time = number(reader, element)
                if not whole:
                    break
            elif element.kind in {_SIMPLE, _GROUP}:
                last = max(last, _offset(reader, element))
    return None if time is None else time + last


def _offset(reader: Reader, element: Element) -> int:
    """Return how long after its cluster a block begins."""
    if element.kind == _GROUP:
        block = next((one for one in children(reader, element) if one.kind == _BLOCK), None)
        return _offset(reader, block) if block else 0
    head = reader.some(element.begin, 12)
    width = 9 - head[0].bit_length() if head else 0
    return int.from_bytes(head[width : width + 2], "big", signed=True)
