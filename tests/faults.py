"""Make the catalogue fail at the moment that a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from storewarden.catalogue.engine import Engine
from storewarden.errors import CatalogueFull, StorewardenError

# Everything that a transaction does to the database, its end included.
_CALLS = ("_run", "_run_in", "_run_each", "_run_many", "_load", "_revise", "_commit")


class Faults:
    """Counts what an engine does inside transactions, and fails one call, or all after it."""

    def __init__(self, engine: Engine) -> None:
        self.calls = 0
        self.failed = 0
        self._left = 0
        self._lasting = False
        self._error: Callable[[], StorewardenError] = _full
        self._engine = engine
        for name in _CALLS:
            setattr(engine, name, self._guarded(getattr(engine, name)))

    def _guarded(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any) -> Any:
            if self._engine.inside_transaction():
                self._count()
            return call(*arguments)

        return guarded

    def _count(self) -> None:
        self.calls += 1
        if self._left == 0:
            return
        self._left -= 1
        if self._left == 0:
            self._left = int(self._lasting)
            self.failed += 1
            raise self._error()

    def after(
        self,
        calls: int,
        *,
        lasting: bool = False,
        error: Callable[[], StorewardenError] | None = None,
    ) -> None:
        """Let the call after so many fail; ``lasting``: and every other until `mend`."""
        self._left = calls + 1
        self._lasting = lasting
        self._error = error or _full

    def mend(self) -> None:
        """Let everything succeed again."""
        self._left = 0

    @contextmanager
    def lasting(self) -> Iterator[None]:
        """Let nothing be written meanwhile, as on a full disk."""
        self.after(0, lasting=True)
        try:
            yield
        finally:
            self.mend()


def _full() -> StorewardenError:
    return CatalogueFull("no space for the catalogue", where="a test")
