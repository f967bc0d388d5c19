"""What answers requests: put together by the daemon, known here by what it can do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from storewarden.api.carry import Also
from storewarden.api.deeds import Deed
from storewarden.api.done import Done
from storewarden.api.events.streams import Streams
from storewarden.api.who import Who
from storewarden.catalogue.engine import Engine
from storewarden.clock import Clock
from storewarden.config.schema import Settings

READERS: Final = 3  # of the catalogue's six connections; the daemon has its own work


class Tells(Protocol):
    """Carries out deeds."""

    def tell(self, deeds: Sequence[Deed], who: Who, also: Also | None = None) -> list[Done]:
        """Keep all of them for good, or none, and return what came of each."""
        ...


class Knows(Protocol):
    """Knows who shows a token."""

    def who(self, text: str) -> Who: ...

    def forget(self) -> None: ...


@dataclass(slots=True)
class Parts:
    """Everything that handlers need."""

    engine: Engine
    host_id: int
    clock: Clock
    teller: Tells
    known: Knows
    streams: Streams
    settings: Callable[[], Settings]  # those in force
    reading: threading.BoundedSemaphore
