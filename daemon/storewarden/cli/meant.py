"""What to say of a name that there is none of, and which one was probably meant."""

from __future__ import annotations

from collections.abc import Sequence


def unknown(what: str, name: str, known: Sequence[str]) -> Exception:
    """Return the error for a policy, a root or the like that is not there."""
    from difflib import get_close_matches

    from storewarden.errors import UsageError
    from storewarden.measure.shown import shown

    near = get_close_matches(name, known, n=1)
    there = f"there are {', '.join(map(shown, known))}" if known else f"there is no {what} at all"
    remedy = f"did you mean {shown(near[0])}?" if near else there
    return UsageError(f"there is no such {what}", where=shown(name), remedy=remedy)
