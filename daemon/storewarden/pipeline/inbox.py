"""Where everything that the recorder works on arrives, from any thread, in order."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from storewarden.catalogue.digests import Digested
from storewarden.catalogue.inspections import Inspected
from storewarden.config.schema import RootSettings
from storewarden.model import Blind, Change, UsageCount
from storewarden.pipeline.look import Place
from storewarden.pipeline.state import ScanTally, Watches
from storewarden.watch.walk import Found

# Batches of listings between scanner and recorder: enough that neither waits for the other,
# little enough that a scan of any size stays within a few megabytes.
_SCAN_BATCHES = 6


@dataclass(frozen=True, slots=True)
class Arrived:
    """Changes from an emitter; ``taken`` tells it that it may deliver more."""

    changes: tuple[Change, ...]
    at: float
    taken: Callable[[], None]


@dataclass(frozen=True, slots=True)
class RootUp:
    """The root is there, is the one that is known, and its watches stand (if it has any)."""

    settings: RootSettings
    place: Place
    watches: Watches | None
    # Whether the watching knows of all that is mounted inside at this moment.
    mounts_judged: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class RootDown:
    """The root is not there, or is another: nothing about its files can be known."""

    root: str


@dataclass(frozen=True, slots=True)
class BlindnessChanged:
    """What cannot be seen of a root is different from before."""

    root: str
    blind: tuple[Blind, ...]


@dataclass(frozen=True, slots=True)
class DigestsReady:
    """Digests that were taken."""

    digested: tuple[Digested, ...]


@dataclass(frozen=True, slots=True)
class FactsReady:
    """Facts that were found out."""

    inspected: tuple[Inspected, ...]


@dataclass(frozen=True, slots=True)
class SweepAsked:
    """Nothing waits to be inspected: are there files of which more could be known today?"""

    versions: dict[str, int]  # of the inspectors
    places: dict[str, tuple[str, ...]]  # the patterns of each root that tell what a path means


@dataclass(frozen=True, slots=True)
class UsageReady:
    """How often files were used; ``back`` takes the counts of files that have no row."""

    root: str
    counted: tuple[UsageCount, ...]
    back: Callable[[Collection[UsageCount]], None]


@dataclass(frozen=True, slots=True)
class CatalogueDoubted:
    """The catalogue was away and may have lost rows: nothing that is remembered of it is true."""


@dataclass(frozen=True, slots=True)
class ScanBegun:
    """A scan starts; its listings follow by the other way in."""

    tally: ScanTally


Message = (
    Arrived
    | RootUp
    | RootDown
    | BlindnessChanged
    | DigestsReady
    | FactsReady
    | SweepAsked
    | UsageReady
    | CatalogueDoubted
    | ScanBegun
)


@dataclass(frozen=True, slots=True)
class ScanBatch:
    """Some of what a scan found; ``ended`` with the last."""

    tally: ScanTally
    found: Sequence[Found]
    ended: bool = False


class Inbox:
    """Hands messages and scan batches to the recorder, and wakes it for each.

    Messages have no bound in number: their senders have one. Scan batches have.
    """

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._scans: queue.Queue[ScanBatch] = queue.Queue(_SCAN_BATCHES)
        self._lock = threading.Lock()
        self.wake: Callable[[], None] = lambda: None

    def put(self, message: Message) -> None:
        """Hand a message to the recorder."""
        with self._lock:
            self._messages.append(message)
        self.wake()

    def put_scan(self, batch: ScanBatch, timeout: float) -> bool:
        """Hand a batch of a scan to the recorder; false when it could not take it in time."""
        try:
            self._scans.put(batch, timeout=timeout)
        except queue.Full:
            return False
        self.wake()
        return True

    def take(self) -> list[Message]:
        """Take all messages there are."""
        with self._lock:
            messages = list(self._messages)
            self._messages.clear()
        return messages

    def take_scan(self) -> ScanBatch | None:
        """Take one batch of a scan, if there is one."""
        try:
            return self._scans.get_nowait()
        except queue.Empty:
            return None

    def has_scan(self) -> bool:
        """Tell whether a batch of a scan waits."""
        return not self._scans.empty()
