"""Who reads, from which catalogue, and as of when: what every question is asked with."""

from __future__ import annotations

from dataclasses import dataclass

from storewarden.api.scopes import require
from storewarden.api.who import Who
from storewarden.catalogue.engine import Engine
from storewarden.errors import UsageError

PAGE, MOST = 100, 1000  # what a page holds, unless asked otherwise; and at most


@dataclass(frozen=True, slots=True)
class Reader:
    """What a question is asked with. ``host_id`` None: of every host that shares the catalogue."""

    engine: Engine
    who: Who
    host_id: int | None
    now_ns: int

    def __post_init__(self) -> None:
        require(self.who, "read")

    @property
    def user_id(self) -> int | None:
        """The user to whom only their own and what is public is shown; None: all is shown."""
        return None if self.who.sees_all else self.who.user_id


def within(limit: int) -> int:
    """Return how much a page shall hold, or refuse a number that is none for it.

    Raises:
        UsageError: it is below 1 or above ``MOST``.
    """
    if not 1 <= limit <= MOST:
        raise UsageError(
            "no page has that size",
            where=f"limit={limit}",
            why=f"it is not between 1 and {MOST}",
            remedy="ask for fewer, and for the next page",
        )
    return limit
