"""Parts of a picture that may be broken without spoiling what stands behind them."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from storewarden.facts.reader import Malformed


class Parts:
    """Each ``with parts:`` reads one part; what is wrong with the first broken one is kept."""

    __slots__ = ("_complaint", "_seen")

    def __init__(self) -> None:
        self._complaint: Malformed | None = None
        self._seen: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Malformed):
            return False
        self._complaint = self._complaint or error
        return True

    def first(self, what: str) -> bool:
        """Return whether this is the first part of a sort of which a file has one.

        Thousands of them would each be small enough to be read.
        """
        seen = what in self._seen
        self._seen.add(what)
        return not seen

    def complain(self) -> None:
        """Raise what was wrong with the first broken part, now that the others are read."""
        if self._complaint:
            raise self._complaint
