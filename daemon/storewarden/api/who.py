"""Who says or asks something, and what they may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["read", "write", "admin"]


@dataclass(frozen=True, slots=True)
class Who:
    """A user known by a token, or the machine itself (``user_id`` None), with its scopes.

    The machine is whoever may use the unix socket without a token, and a client that opens the
    catalogue itself: it sees everything, and what it says belongs to nobody unless it says whose.
    """

    user_id: int | None = None
    name: str = ""
    scopes: frozenset[Scope] = frozenset({"read", "write", "admin"})

    @property
    def sees_all(self) -> bool:
        """Whether nothing is hidden from it."""
        return self.user_id is None or "admin" in self.scopes


MACHINE = Who()
