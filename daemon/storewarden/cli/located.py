"""Which file a person means by a path, and what to say when there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator


def candidates(path: bytes, here: bytes, roots: dict[str, bytes]) -> Iterator[bytes]:
    """Yield the absolute paths that a word may mean, the likeliest first."""
    yield os.path.normpath(os.path.join(here, path))
    name, _, below = path.partition(b"/")
    root = roots.get(os.fsdecode(name))
    if root is not None and below:
        yield os.path.join(root, below)


def unknown(path: str, roots: dict[str, bytes]) -> Exception:
    """Return the error for a path of which nothing is recorded."""
    from storewarden.errors import StorewardenError
    from storewarden.measure.shown import shown

    absolute = os.path.normpath(os.path.join(os.getcwdb(), os.fsencode(path)))
    inside = any(absolute.startswith(root + b"/") for root in roots.values())
    why = "it was never recorded" if inside else "it is below none of the roots"
    remedy = "storewarden scan" if inside else "storewarden status shows the roots"
    return StorewardenError("nothing is known", where=shown(absolute), why=why, remedy=remedy)
