"""What a token may be used for: read, write, admin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, get_args

from storewarden.api.who import Scope, Who
from storewarden.errors import NotAllowed, UsageError

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
USUAL: Final = frozenset[Scope]({"read", "write"})
WORDS: Final[dict[Scope, str]] = {
    "read": "see what is the user's, and what is public",
    "write": "tell of files, workflows, usage; pin and restore what is the user's",
    "admin": "see and change everything, and look after users",
}


def read_scopes(text: str) -> frozenset[Scope]:
    """Return the scopes that a text lists: ``read,write``.

    Raises:
        UsageError: one is not known, or there is none.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in SCOPES]
    if unknown or not words:
        why = f"{', '.join(unknown)} is none of {', '.join(SCOPES)}" if unknown else "none is named"
        raise UsageError(
            "no such scope", where=text, why=why, remedy="write for example read,write"
        )
    return frozenset(scope for scope in SCOPES if scope in words)


def write_scopes(scopes: Iterable[Scope]) -> str:
    """Return them as a text, always in the same order."""
    kept = set(scopes)
    return ",".join(scope for scope in SCOPES if scope in kept)


def granted(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Return what may be done with them: an administrator may do all."""
    kept = frozenset(scopes)
    return frozenset(SCOPES) if "admin" in kept else kept


def require(who: Who, scope: Scope) -> None:
    """Refuse who may not do what needs this scope.

    Raises:
        NotAllowed: it may not.
    """
    if scope not in who.scopes:
        held = write_scopes(who.scopes) or "nothing"
        raise NotAllowed(
            f"this token may not {scope}",
            why=f"its scope is {held}",
            remedy=f"use one with the scope {scope}: storewarden user token NAME --scope {scope}",
        )
