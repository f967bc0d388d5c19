"""What a flow is made of, and whom it tells what comes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from storewarden.catalogue.counts import Counts
from storewarden.catalogue.depart import Departures
from storewarden.catalogue.digests import Digests
from storewarden.catalogue.directories import Directories
from storewarden.catalogue.inspections import Inspections
from storewarden.catalogue.record import Recorder
from storewarden.catalogue.sweep import Sweep
from storewarden.catalogue.usage import Usage
from storewarden.catalogue.written import Recorded
from storewarden.errors import StorewardenError
from storewarden.model import Blind
from storewarden.pipeline.findings import Kept
from storewarden.pipeline.inbox import Inbox
from storewarden.pipeline.state import RootState, ScanTally
from storewarden.watch.own import OwnReads


@dataclass(frozen=True, slots=True)
class Stages:
    """The parts that record. All but inbox and own reads are the recorder thread's own."""

    inbox: Inbox
    states: dict[str, RootState]
    counts: Counts
    directories: Directories
    digests: Digests
    inspections: Inspections
    sweep: Sweep
    recorder: Recorder
    departures: Departures
    usage: Usage
    own: OwnReads


@dataclass(slots=True)
class Committed:
    """What one round changed, for the figures."""

    recorded: dict[str, Recorded] = field(default_factory=lambda: defaultdict(Recorded))
    waited: float = 0.0  # seconds from the oldest hint of the round to its commit
    digested: int = 0  # bytes of which digests were stored

    def add(self, root: str, recorded: Recorded) -> None:
        """Count what one operation changed."""
        self.recorded[root].add(recorded)


class Reports(Protocol):
    """Whom the recorder thread tells what comes of its rounds."""

    def lost_events(self, root: str, reason: str) -> None:
        """Hear that only a scan of the whole root makes it right again."""
        ...

    def root_doubted(self, root: str, why: str) -> None:
        """Hear that the root at its path is not the one that is watched: judge it anew."""
        ...

    def scan_ended(self, tally: ScanTally) -> None:
        """Hear that a scan's conclusions are drawn and committed."""
        ...

    def blind_changed(self, root: str, blind: Sequence[Blind]) -> None:
        """Write what cannot be seen of a root, inside the round's transaction."""
        ...

    def committed(self, done: Committed) -> None:
        """Hear that a round is in the catalogue."""
        ...

    def kept(self, kept: Kept) -> None:
        """Hear that facts are in the catalogue."""
        ...

    def failed(self, error: StorewardenError) -> None:
        """Hear that a round is not, and will be done again."""
        ...
