"""Memory that is given back after much work: caches and the holes that it left in the heap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from storewarden.catalogue.engine import Engine
from storewarden.daemon import process

_MUCH: Final = 20_000  # files recorded, listed, decided or counted


class Tidy:
    """Counts work, and gives memory back when it was much and is over.

    12 MB of 66 after the first scan of a million files; 14 of 62 after they were decided.
    """

    def __init__(self, engine: Engine, busy: Callable[[], bool]) -> None:
        self._engine = engine
        self._busy = busy
        self._files = 0  # of two threads that add at once one may be missed: the next is not

    def worked(self, files: int) -> None:
        """Note that so many files were gone through; any thread."""
        self._files += files

    def step(self) -> None:
        """Give memory back if it is time for that."""
        if self._files < _MUCH or self._busy():
            return
        self._files = 0
        self._engine.release_memory()
        process.give_memory_back()
