"""How much of what a policy does with rows failed, and whether more is tried."""

from __future__ import annotations

from types import TracebackType

from storewarden.errors import DatabaseBusy, DatabaseChanged, StorewardenError, WorkStopped
from storewarden.policy.rules import Guard
from storewarden.policy.run import IN_A_ROW, JUDGED_FROM
from storewarden.units import format_share


class Errors:
    """Counts what was tried, each in a ``with``; one that fails leaves the next its turn.

    What can only be later, and what is one failure too many by the guard, is raised.
    """

    def __init__(self, guard: Guard) -> None:
        """Nothing was tried yet."""
        self._most = guard.max_errors
        self.tried = self.failed = self._in_a_row = 0
        self.last: StorewardenError | None = None

    def __enter__(self) -> None:
        """Begin to try one."""
        self.tried += 1

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> bool:
        """Take note of what came of it."""
        if error is None:
            self._in_a_row = 0
            return False
        if not isinstance(error, StorewardenError) or isinstance(error, WorkStopped):
            return False
        self.last = error
        if not isinstance(error, (DatabaseBusy, DatabaseChanged)):  # in use: nobody's failure
            self.failed += 1
            self._in_a_row += 1
        return not error.transient and not self.too_many

    @property
    def too_many(self) -> bool:
        """Whether nothing more is tried in this run."""
        if self._most is None:
            return False
        judged = self.tried >= JUDGED_FROM and self.failed > self._most * self.tried
        return judged or self._in_a_row >= IN_A_ROW

    def told(self) -> str:
        """Return what failed, in words."""
        share = format_share(self.failed / self.tried)
        why = f": {self.last.what}" if self.last is not None else ""
        return f"{self.failed} of {self.tried} archives failed, {share}{why}"
