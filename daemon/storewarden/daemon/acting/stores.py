"""The stores of the configuration, each as its settings want it, none in the way of the others."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from storewarden.clock import Clock, SystemClock
from storewarden.config.schema import LOCAL, Settings, StoreSettings
from storewarden.errors import StoreRefused
from storewarden.store.configured import Configured, StoreState
from storewarden.store.contract import Store
from storewarden.store.directory import DirectoryStore
from storewarden.store.known import Known, known, note
from storewarden.store.rate import Limited
from storewarden.store.readonly import ReadOnly
from storewarden.store.retry import Patience, Retrying

# A disk that is not there will not be there a second later; a line may be.
_NEAR: Final = Patience(attempts=2, first_pause=0.25, longest_pause=0.25)
# Each attempt is three of obstore's, and a server that says nothing takes half a minute of each.
_FAR: Final = Patience(attempts=2, first_pause=0.5, longest_pause=0.5)
_PROBED: Final = "storewarden/is-it-there"


class Prepared(NamedTuple):
    """A directory that is a store from now on."""

    identity: str
    path: str
    new: bool  # whether it was none before


class Stores(Mapping[str, Store]):
    """Stores by their names, in the order of the configuration; follows it when it changes."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        chance: Callable[[], float],
        patience: Patience | None = None,
    ) -> None:
        self._environ, self._clock, self._patience = environ, clock, patience
        self._sleep, self._chance = sleep, chance
        self._stores: dict[str, Configured] = {}
        self._settings: dict[str, StoreSettings] = {}
        self.follow(settings)

    def follow(self, settings: Settings) -> None:
        """Take other settings over; a store whose own did not change stays as it is."""
        wanted = {one.name: one for one in settings.stores if one.name != LOCAL}
        self._stores = {
            name: self._stores[name]
            if self._settings.get(name) == one
            else self._configured(one, settings.state)
            for name, one in wanted.items()
        }
        self._settings = wanted

    def __getitem__(self, name: str) -> Store:
        store = self._stores[name]
        return ReadOnly(store) if self._settings[name].read_only else store

    def __iter__(self) -> Iterator[str]:
        return iter(self._stores)

    def __len__(self) -> int:
        return len(self._stores)

    def settings_of(self, name: str) -> StoreSettings:
        """Return how a store is configured."""
        return self._settings[name]

    def state_of(self, name: str) -> StoreState:
        """Return what the last call to a store came to; nothing is asked of it."""
        return self._stores[name].state

    def close(self) -> None:
        """Give back what they hold."""
        for store in self._stores.values():
            store.close()

    def _configured(self, one: StoreSettings, state: Path) -> Configured:
        return Configured(one.name, lambda: self._made(one, state), self._clock)

    def _made(self, one: StoreSettings, state: Path) -> Store:
        store = _directory(one, state, self._sleep) or self._remote(one)
        if one.rate is not None:
            store = Limited(store, one.rate, clock=self._clock, sleep=self._sleep)
        patience = self._patience or (_NEAR if one.path is not None else _FAR)
        return Retrying(store, patience, sleep=self._sleep, chance=self._chance)

    def _remote(self, one: StoreSettings) -> Store:
        from storewarden.store.connect import connect  # noqa: PLC0415  # 16 MB with obstore

        return connect(one, self._environ)


def open_stores(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    sleep: Callable[[float], None] = time.sleep,
    chance: Callable[[], float] = random.random,
    patience: Patience | None = None,
) -> Stores:
    """Return the configured stores but `local`; nothing is asked of any before it is used.

    One that cannot be used raises its reason with every call, and is tried again later.

    Args:
        settings: the whole configuration.
        environ: for credentials.
        clock: for rates and pauses.
        sleep: waits; what it raises ends the call that waits.
        chance: from 0 to 1, so that those who failed together do not come back together.
        patience: with a store that is away; None is what suits a daemon.
    """
    clock = clock or SystemClock()
    return Stores(settings, environ, clock=clock, sleep=sleep, chance=chance, patience=patience)


def ask(store: Store) -> None:
    """Return when a store is there.

    Raises:
        StorewardenError: it is not, and why: in the words of its server, which has none for a
            question about one object.
    """
    try:
        store.find(_PROBED)
    except StoreRefused:
        next(iter(store.list()), None)
        raise


def prepare(settings: Settings, name: str, *, instead: bool = False) -> Prepared:
    """Make the directory of a store one, because a person said so, and remember which it is.

    Args:
        settings: the whole configuration.
        name: of the store.
        instead: of another directory that was prepared before under this name.

    Raises:
        StoreRefused: it is no directory store, or another one was prepared under this name.
        StoreUnavailable: its directory is not there, or cannot be written.
    """
    one = _directory_settings(settings, name)
    before, path = known(settings.state, name), os.fsdecode(one.path or b"")
    store = DirectoryStore(name, path)
    there = store.identity()
    if before is not None and there != before.identity and not instead:
        raise _another(name, path, there, before)
    if not there and one.read_only:
        raise StoreRefused(
            "a store is only read", where=name, why="it is none yet", remedy="remove read_only"
        )
    identity = there or store.prepare()
    note(settings.state, name, Known(identity, path))
    return Prepared(identity, path, new=not there)


def _directory_settings(settings: Settings, name: str) -> StoreSettings:
    one = next((one for one in settings.stores if one.name == name and name != LOCAL), None)
    if one is None:
        raise StoreRefused(
            "there is no such store",
            where=name,
            remedy="the configuration names stores; storewarden store list shows them",
        )
    if one.path is None:
        raise StoreRefused(
            "only a directory is prepared",
            where=name,
            why="it is an object store",
            remedy=f"storewarden store check {name} tells whether it can be used",
        )
    return one


def _another(name: str, path: str, there: str, before: Known) -> StoreRefused:
    found = f"its marker says {there}" if there else "it has no marker"
    return StoreRefused(
        "another directory was prepared as this store",
        where=f"{name}: {path}",
        why=f"{found}, and {before.identity} is meant, which lay at {before.path}",
        remedy="mount its disk; if that is gone for good and this one takes its place: "
        f"storewarden store prepare {name} --instead",
    )


def _directory(one: StoreSettings, state: Path, sleep: Callable[[float], None]) -> Store | None:
    """Return the store of a directory that was prepared; None when it is no directory."""
    if one.path is None:
        return None
    prepared = known(state, one.name)
    if prepared is None:
        raise StoreRefused(
            "a store was never prepared",
            where=f"{one.name}: {one.shown}",
            why="nobody said that this directory is it",
            remedy=f"storewarden store prepare {one.name}",
        )
    return DirectoryStore(one.name, os.fsdecode(one.path), identity=prepared.identity, sleep=sleep)
