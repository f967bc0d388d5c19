"""What we read of databases is nobody's use of them: said before, as the kernel does not tell who.

A check every day and a look every hour would else keep a database here for ever that nobody uses.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

from storewarden.config.schema import RootSettings
from storewarden.daemon.tending.hands import Hands


def unnoticed(hands: Hands, places: Iterable[bytes]) -> AbstractContextManager[None]:
    """Take reads of files at absolute paths for ours while this lasts."""
    roots = sorted(hands.settings.roots, key=lambda root: len(root.path), reverse=True)
    found = (_in_root(roots, place) for place in places)
    return hands.own.working([one for one in found if one is not None])


def _in_root(roots: Iterable[RootSettings], place: bytes) -> tuple[str, bytes] | None:
    for root in roots:
        top = root.path.rstrip(b"/") + b"/"
        if place.startswith(top):
            return root.name, place[len(top) :]
    return None
