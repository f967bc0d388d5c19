"""Directly at a catalogue: deeds and questions in transactions of our own, beside a daemon or not.

What applications tell is cached by nobody, so that it needs no lease.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storewarden.api.deeds import Deed
from storewarden.api.done import Done
from storewarden.api.teller import Teller
from storewarden.api.who import MACHINE
from storewarden.catalogue import drivers
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events.rounds import follow
from storewarden.catalogue.hosts import host_id, this_machine
from storewarden.catalogue.roots import register_host
from storewarden.catalogue.version import require_current
from storewarden.client.backend import Question, told_once
from storewarden.client.checking import check_all
from storewarden.client.errors import Closed
from storewarden.client.patience import Deadline, Patience
from storewarden.clock import Clock, SystemClock
from storewarden.config.load import load
from storewarden.config.schema import Settings
from storewarden.errors import CatalogueBusy, CatalogueUnavailable, StorewardenError

if TYPE_CHECKING:  # for who asks
    from storewarden.api.reading.reader import Reader
    from storewarden.client.happened import Event

_ROLE = "storewarden-client"
_URLS = ("sqlite:", *drivers.SERVERS)

# What a child has of its parent: to close it would be to write into the parent's catalogue.
_LEFT_ALONE: list[dict[bool, Engine]] = []


class Direct:
    """A catalogue by its address, or by the configuration that names it."""

    def __init__(
        self,
        catalogue: str,
        timeout: float,
        patience: Patience | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Find out where it is; it is opened when it is first used.

        Raises:
            ConfigError: the configuration cannot be used.
        """
        self._settings = None if catalogue.startswith(_URLS) else _settings(catalogue)
        self._url = catalogue if self._settings is None else self._settings.catalogue
        self._state = Path() if self._settings is None else self._settings.state
        self.timeout, self._patience = timeout, patience or Patience()
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._engines: dict[bool, Engine] = {}
        self._teller: Teller | None = None
        self._process = os.getpid()
        self._closed = False

    def tell(self, deeds: Sequence[Deed]) -> list[Done]:
        """Keep all of the deeds, or none of them."""
        check_all(deeds)
        busy: tuple[type[StorewardenError], ...] = (CatalogueBusy,)
        if not any(map(told_once, deeds)):
            # nobody can know whether it was kept when a server went away
            busy = (CatalogueBusy, CatalogueUnavailable)
        return self._patience.keep_on(
            lambda _deadline: self._kept(deeds), Deadline(self.timeout), busy
        )

    def ask(self, question: Question) -> Any:
        """Return the record that answers a question."""
        from storewarden.client.answering import Answering  # noqa: PLC0415  # for who asks

        return Answering(self._settings).answer(self._reader(), question)

    def events(
        self, kinds: Sequence[str], terms: Sequence[str], after: str | None, seconds: float | None
    ) -> Generator[Event, None, None]:
        """Yield what happens, looking for it again and again."""
        from storewarden.client.listening import listen  # noqa: PLC0415  # for who listens

        return listen(self._reader, kinds, terms, after, seconds)

    def close(self) -> None:
        """Close the catalogue."""
        with self._lock:
            self._closed = True
            for engine in self._engines.values():
                engine.close()
            self._engines.clear()

    def __str__(self) -> str:
        from storewarden.measure.shown import without_secrets  # noqa: PLC0415  # who looks at us

        return without_secrets(self._url)

    def _kept(self, deeds: Sequence[Deed]) -> list[Done]:
        with self._lock:
            engine = self._opened(readonly=False)
            if self._teller is None:
                host = register_host(engine, this_machine(), self._clock.wall_ns())
                follow(engine, host, self._clock.wall_ns)  # who listens shall hear of it
                self._teller = Teller(engine, host, self._clock)
            teller = self._teller
        return teller.tell(deeds, MACHINE)

    def _reader(self) -> Reader:
        from storewarden.api.reading.reader import Reader  # noqa: PLC0415  # for who asks

        with self._lock:
            engine = self._opened(readonly=True)
        return Reader(engine, MACHINE, host_id(engine, this_machine()), self._clock.wall_ns())

    def _opened(self, *, readonly: bool) -> Engine:
        """Return the catalogue, opened; to be called by one thread at a time."""
        if self._closed:
            raise Closed("this client was closed", where=str(self))
        if self._process != os.getpid():  # of a parent, who goes on using them
            _LEFT_ALONE.append(self._engines)
            self._engines, self._teller, self._process = {}, None, os.getpid()
        if readonly not in self._engines:
            engine = open_catalogue(self._url, self._state, readonly=readonly, role=_ROLE)
            try:
                require_current(engine)
            except BaseException:
                engine.close()
                raise
            self._engines[readonly] = engine
        return self._engines[readonly]


def _settings(path: str) -> Settings:
    return load(Path(path), os.environ, Path.cwd())
