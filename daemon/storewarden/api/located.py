"""Which place an application means by a path: absolute, or a root's name and a path below it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from storewarden.api.checked import Problem, Wrong
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.rules import NAME_BYTES
from storewarden.catalogue.told.places import Place

_HINT = "write an absolute path below a root, or ROOT/PATH: storewarden status shows the roots"

Roots = Mapping[str, tuple[int, bytes]]
"""The roots of a host by their names: id and path."""


def roots_of(engine: Engine, host_id: int) -> Roots:
    """Return the roots of a host."""
    rows = engine.execute("SELECT name, id, path FROM roots WHERE host_id = ?", (host_id,))
    return {name: (root_id, bytes(path)) for name, root_id, path in rows}


def place(path: str, roots: Roots, pointer: str = "/path") -> Place:
    """Return the place that a path means; it need not be there.

    Raises:
        Wrong: it is below none of the roots, or no file can bear that name.
    """
    whole = os.fsencode(path)
    root_id, below = _absolute(whole, roots) if whole.startswith(b"/") else _named(whole, roots)
    if root_id is None or whole.endswith(b"/"):
        what = "is a directory" if whole.endswith(b"/") else "is below none of the roots"
        raise Wrong([Problem(pointer, what, _HINT)])
    directory, _, name = below.rpartition(b"/")
    if any(len(part) > NAME_BYTES for part in below.split(b"/")):
        raise Wrong([Problem(pointer, f"has a name of more than {NAME_BYTES} bytes", "")])
    return Place(root_id, directory, name)


def _absolute(path: bytes, roots: Roots) -> tuple[int | None, bytes]:
    """Return the root that a path lies below, the innermost there is, and the rest of it."""
    path = b"/" + os.path.normpath(path).lstrip(b"/")
    best: tuple[int | None, bytes] = (None, path)
    for root_id, top in roots.values():
        base = top.rstrip(b"/") + b"/"
        if path.startswith(base) and len(path) > len(base) and len(path) - len(base) < len(best[1]):
            best = (root_id, path[len(base) :])
    return best


def _named(path: bytes, roots: Roots) -> tuple[int | None, bytes]:
    first, _, rest = path.partition(b"/")
    below = os.path.normpath(rest) if rest else b"."
    root = roots.get(os.fsdecode(first))
    if root is None or below in {b".", b".."} or below.startswith((b"../", b"/")):
        return None, below
    return root[0], below
