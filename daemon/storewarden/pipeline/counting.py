"""What was counted of files' use, on its way into the catalogue. Recorder thread.

Counts come last: a round stores some of them when it is done with what is true of the files, and
what the catalogue does not take goes back to who counted it.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Final

from storewarden.catalogue.usage import Usage
from storewarden.errors import CatalogueRefused
from storewarden.model import UsageCount
from storewarden.pipeline.inbox import UsageReady

log = logging.getLogger(__name__)

_SLICE: Final = 2_000  # files in a round that has nothing else to do
_LITTLE: Final = 100  # in one that has


class Counting:
    """Stores counts, some in each round."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._ready: deque[UsageReady] = deque()
        self._at = 0  # how much of the first is stored
        self._unknown: list[UsageCount] = []  # of the first: files without a row
        self._stored = 0  # by this round, of the first
        self._found_unknown: list[UsageCount] = []
        self.held = False  # at the end: only once all files are recorded

    def take(self, message: UsageReady) -> None:
        """Take counts in."""
        self._ready.append(message)

    def waiting(self) -> bool:
        """Tell whether there is something to store."""
        return bool(self._ready) and not self.held

    def store(self, *, quiet: bool) -> None:
        """Store some, inside the round's transaction; ``quiet``: the round does nothing else."""
        self._stored, self._found_unknown = 0, []
        if not self.waiting():
            return
        first = self._ready[0]
        counted = first.counted[self._at : self._at + (_SLICE if quiet else _LITTLE)]
        try:
            self._found_unknown = self._usage.store(first.root, counted)
        except CatalogueRefused as error:
            # No file may be kept out because of it: these counts alone are dropped.
            facts = {"root": first.root, "why": error}
            log.error("use could not be stored", extra={"facts": facts})  # noqa: TRY400  # it says it all
        self._stored = len(counted)

    def committed(self) -> None:
        """Hear that the round is in the catalogue."""
        if not self._stored:
            return
        self._at += self._stored
        self._unknown += self._found_unknown
        self._stored, self._found_unknown = 0, []
        first = self._ready[0]
        if self._at >= len(first.counted):
            self._ready.popleft()
            first.back(self._unknown)
            self._at, self._unknown = 0, []

    def failed(self) -> None:
        """Give everything back: the catalogue takes nothing now."""
        self._stored, self._found_unknown = 0, []
        while self._ready:
            first = self._ready.popleft()
            first.back((*self._unknown, *first.counted[self._at :]))
            self._at, self._unknown = 0, []

    def store_rest(self) -> None:
        """Store all there is, inside the last transaction."""
        self.held = False
        while self._ready:
            self.store(quiet=True)
            self.committed()
