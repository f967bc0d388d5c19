"""What nobody needs in a store is removed: what was never finished, what failed acts left."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from storewarden.act import leftover
from storewarden.act.carry.work import Roots
from storewarden.act.scrub import DAY
from storewarden.catalogue.engine import Engine
from storewarden.daemon.acting.stores import Stores
from storewarden.errors import FileUnusable

_DAY_NS: Final = int(DAY) * 1_000_000_000
_UNFINISHED: Final = 7 * _DAY_NS  # old, for what was begun; an upload may take days
_SINCE: Final = 30 * _DAY_NS  # acts that were given up since then are looked at
_MOST: Final = 1_000  # of them, in one sweep


class Sweeping:
    """Sweeps stores. What asks the catalogue and the roots is apart from what asks a store."""

    def __init__(self, engine: Engine, host_id: int, stores: Stores, roots: Roots) -> None:
        self._engine, self._host_id = engine, host_id
        self._stores, self._roots = stores, roots
        self._after: dict[str, int] = {}  # the last act that was looked at, by store

    def unwanted(self, name: str, now_ns: int) -> list[str]:
        """Return keys in a store that acts may have left and whose files are here."""
        with self._engine.transaction():  # who lost the lease removes nothing any more
            pass
        found: list[str] = []
        given_up = leftover.given_up(
            *(self._engine, self._host_id, name, now_ns - _SINCE, now_ns - _DAY_NS),
            after=self._after.get(name, 0),
            limit=_MOST,
        )
        for act in given_up:
            with suppress(FileUnusable), self._roots.opened(act.root) as root:
                found += leftover.needless(self._engine, root.descriptor, act)
        self._after[name] = given_up[-1].id if len(given_up) == _MOST else 0
        return found

    def sweep(self, name: str, unwanted: list[str], now_ns: int) -> int:
        """Ask a store to remove them, and what was begun long ago and never finished."""
        store = self._stores[name]
        return leftover.remove(store, unwanted) + store.sweep(now_ns - _UNFINISHED)
