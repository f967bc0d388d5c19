"""Changes of directories, folded before delivery. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from storewarden.model import Change, DirectoryFound, DirectoryGone, DirectoryMoved


def pruned(changes: Sequence[Change]) -> list[Change]:
    """Leave out what a later change of the same batch says too; keep the order.

    A directory found, or gone, speaks for all below it. Across a rename nothing is compared, as
    the same path means something else before and after it.
    """
    kept: list[Change] = []
    found: set[bytes] = set()
    gone: set[bytes] = set()
    for change in reversed(changes):
        if isinstance(change, DirectoryMoved):
            found.clear()
            gone.clear()
        elif isinstance(change, DirectoryFound):
            if _covered(change.path, found):
                continue
            found.add(change.path)
            gone.clear()
        elif isinstance(change, DirectoryGone):
            if _covered(change.path, gone):
                continue
            gone.add(change.path)
        kept.append(change)
    kept.reverse()
    return kept


def _covered(path: bytes, paths: set[bytes]) -> bool:
    """Tell whether a path or one above it is in a set."""
    if not paths:
        return False
    while path not in paths:
        above, slash, _ = path.rpartition(b"/")
        if not slash:
            return b"" in paths
        path = above
    return True
