"""Deeds are checked before they are carried anywhere: everything that is wrong, at once."""

from __future__ import annotations

from collections.abc import Sequence

from storewarden.api.checked import Problem, Wrong, check
from storewarden.api.deeds import Deed


def check_all(deeds: Sequence[Deed]) -> None:
    """Accept deeds, or refuse them; pointers of several begin with the place of theirs.

    Raises:
        Wrong: everything that is wrong with any of them.
    """
    problems: list[Problem] = []
    for place, deed in enumerate(deeds):
        try:
            check(deed)
        except Wrong as wrong:
            if len(deeds) == 1:
                raise
            problems += (one._replace(pointer=f"/{place}{one.pointer}") for one in wrong.problems)
    if problems:
        raise Wrong(problems)
