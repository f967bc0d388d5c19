"""Labels for things whose names come from outside: bounded in number, and harmless each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

MOST: Final = 80  # each has eight series, and all of them are to stay below 2,000
OTHER: Final = "other"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_DIGEST: Final = 6  # bytes

_Number = TypeVar("_Number", int, float)


def labels(names: Iterable[str]) -> dict[str, str]:
    """Return the label of each name, the first ones by themselves and the rest as one.

    A plain name is its own label. Of a path it is the last part and a digest of the whole, of what
    is not plain the digest alone: no label holds a path, or what acts on a terminal or a query.
    """
    found: dict[str, str] = {}
    for name in names:
        found[name] = label(name) if len(found) < MOST else OTHER
    return found


def label(name: str) -> str:
    """Return the label of one name."""
    if _PLAIN.fullmatch(name) and name != OTHER:
        return name
    digest = hashlib.blake2b(name.encode(errors="surrogateescape"), digest_size=_DIGEST).hexdigest()
    last = name.rpartition("/")[2]
    return f"{last}~{digest}" if _PLAIN.fullmatch(last) else f"~{digest}"


def folded(
    values: Mapping[str, _Number],
    labels: Mapping[str, str],
    fold: Callable[[_Number, _Number], _Number],
) -> dict[tuple[str, ...], float]:
    """Return values by label; what shares one is folded."""
    found: dict[str, _Number] = {}
    for name, value in values.items():
        key = labels[name]
        found[key] = fold(found[key], value) if key in found else value
    return {(key,): float(value) for key, value in found.items()}
