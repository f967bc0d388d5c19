"""What can be done for databases: each deed by its word, imported when it is first wished."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, Protocol, cast

from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.wish import TendResult, TendWish, Told
from storewarden.errors import UsageError

Tell = Callable[[Told], None]
Stopping = Callable[[], bool]


class Deed(Protocol):
    """Does one kind of thing for the databases of a wish."""

    def __call__(
        self, hands: Hands, wish: TendWish, told: Tell, stopping: Stopping, /
    ) -> TendResult:
        """Return what came of it for each; one that goes wrong keeps the others from nothing.

        Raises:
            GivenUp: we are to stop.
            StorewardenError: nothing could be done for any: the catalogue cannot be used, the lease
                is lost, the wish makes no sense.
        """
        ...


_HERE: Final = "storewarden.daemon.tending"
DEEDS: Final[Mapping[str, str]] = {
    "analyze": f"{_HERE}.vacuuming:analyzing",
    "backup": f"{_HERE}.backing_up:backing_up",
    "check": f"{_HERE}.checking:checking",
    "drill": f"{_HERE}.drilling:drilling",
    "forget": f"{_HERE}.forgetting:forgetting",
    "look": f"{_HERE}.looking:look",
    "migrate": f"{_HERE}.migrating:migrate",
    "queries": f"{_HERE}.gathering:gather",
    "restore": f"{_HERE}.restoring:restore",
    "rows_apply": f"{_HERE}.row_keeping:apply_rows",
    "rows_orphans": f"{_HERE}.row_keeping:orphan_rows",
    "rows_plan": f"{_HERE}.row_keeping:plan_rows",
    "rows_restore": f"{_HERE}.row_keeping:restore_rows",
    "tidy": f"{_HERE}.tidying:tidy",
    "vacuum": f"{_HERE}.vacuuming:vacuuming",
}
"""Where each deed is: its module, and its function there."""


def deed(what: str) -> Deed:
    """Return a deed.

    Raises:
        UsageError: nothing is called so.
    """
    if what not in DEEDS:
        raise UsageError("nothing is called so", where=what, remedy=", ".join(sorted(DEEDS)))
    module, _, name = DEEDS[what].partition(":")
    return cast("Deed", getattr(import_module(module), name))
