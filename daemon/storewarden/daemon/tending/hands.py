"""What every deed for databases works with: the catalogue, policies, stores, a place for scratch.

Used by one thread at a time. There is always a store named ``backups``: where the configuration has
none of that name, a directory of ours beside the catalogue.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.lease import Lease
from storewarden.clock import Clock
from storewarden.config.schema import Settings, StoreSettings
from storewarden.daemon.acting.roots import OpenRoots
from storewarden.daemon.acting.stores import Stores, open_stores, prepare
from storewarden.daemon.acting.wish import Result, Wish
from storewarden.errors import PermanentError, StoreUnavailable
from storewarden.policy.rules import PolicySet
from storewarden.store.contract import Store
from storewarden.store.known import known
from storewarden.watch.own import OwnReads

BACKUPS: Final = "backups"
_SCRATCH: Final = "scratch"


class TendingStores(Mapping[str, Store]):
    """The configured stores, and ``backups``, whose directory is made when it is first used."""

    def __init__(self, settings: Settings, clock: Clock, sleep: Callable[[float], None]) -> None:
        """Touch nothing."""
        self._settings = _with_backups(settings)
        self._stores = open_stores(self._settings, os.environ, clock=clock, sleep=sleep)

    def follow(self, settings: Settings) -> None:
        """Take other settings over."""
        self._settings = _with_backups(settings)
        self._stores.follow(self._settings)

    def __getitem__(self, name: str) -> Store:
        store = self._stores[name]
        if name == BACKUPS and self._stores.settings_of(name).path == _ours(self._settings):
            self._make()
        return store

    def __iter__(self) -> Iterator[str]:
        return iter(self._stores)

    def __len__(self) -> int:
        return len(self._stores)

    @property
    def configured(self) -> Stores:
        """The stores, with how each is configured and what its last call came to."""
        return self._stores

    def close(self) -> None:
        """Give back what they hold."""
        self._stores.close()

    def _make(self) -> None:
        """Make our own directory a store, once: nobody but us could say that it shall be one."""
        if known(self._settings.state, BACKUPS) is None:
            ours = _ours(self._settings)
            try:
                os.makedirs(ours, mode=0o700, exist_ok=True)
            except OSError as error:
                raise StoreUnavailable(
                    "the directory of a store cannot be made",
                    where=os.fsdecode(ours),
                    why=error.strerror or str(error),
                    remedy="make room, or remove what stands there",
                ) from error
            prepare(self._settings, BACKUPS)


@dataclass(slots=True)
class Hands:
    """What deeds work with. ``policies`` is None while none are in force, or none can be read."""

    engine: Engine
    host_id: int
    clock: Clock
    settings: Settings
    stores: TendingStores
    roots: OpenRoots
    scratch: Path
    lease: Lease
    act: Callable[[Wish], Result]  # carries out acts on files, and returns what came of them
    policies: PolicySet | None = None
    own: OwnReads = field(default_factory=OwnReads)  # what we read is nobody's use

    @property
    def now_ns(self) -> int:
        """The wall clock."""
        return self.clock.wall_ns()


def empty_scratch(state: Path) -> Path:
    """Return the directory for private copies, emptied of what a killed program left there.

    Only who holds the lease may: it is in use by nobody else then.

    Raises:
        PermanentError: it cannot be made.
    """
    scratch = state / _SCRATCH
    try:
        if scratch.is_symlink():
            scratch.unlink()
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError(
            "a directory cannot be made", where=str(scratch), why=error.strerror or str(error)
        ) from error
    return scratch


def _with_backups(settings: Settings) -> Settings:
    if BACKUPS in settings.store_names:
        return settings
    own = StoreSettings(BACKUPS, path=_ours(settings))
    return replace(settings, stores=(*settings.stores, own))


def _ours(settings: Settings) -> bytes:
    return os.fsencode(settings.state / BACKUPS)
