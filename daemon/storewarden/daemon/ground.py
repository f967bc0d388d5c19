"""What every writer stands on: the catalogue opened and brought up to date, and the lease on it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from storewarden.catalogue import keep, lease, roots, usage
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.depart import Departures
from storewarden.catalogue.digests import Digests
from storewarden.catalogue.directories import Directories
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events.rounds import Rounds, follow
from storewarden.catalogue.inspections import Inspections
from storewarden.catalogue.record import Recorder
from storewarden.catalogue.sweep import Sweep, note_places, uninspected
from storewarden.catalogue.usage import Usage
from storewarden.catalogue.words import Words
from storewarden.clock import Clock
from storewarden.config.schema import RootSettings, Settings
from storewarden.errors import PermanentError
from storewarden.facts.kinds import kind_of
from storewarden.facts.sidecars import belongs
from storewarden.pipeline.inbox import Inbox
from storewarden.pipeline.parts import Stages
from storewarden.pipeline.state import RootState, still_there
from storewarden.watch.identity import RootIdentity
from storewarden.watch.own import OwnReads

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Ground:
    """An open catalogue that nobody else may write for this host."""

    engine: Engine
    lease: lease.Lease
    host_id: int
    clock: Clock
    roots: dict[str, int]  # name to id
    rounds: Rounds | None = None  # the journal of events, where one is kept

    def register(self, wanted: Sequence[RootSettings]) -> None:
        """Give each configured root its row."""
        for root in wanted:
            row = roots.register_root(self.engine, self.host_id, root.name, root.path)
            self.roots[root.name] = row.id
            self.note_counting(root)
            note_places(self.engine, row.id, root.places)

    def uninspected(self, wanted: Collection[str]) -> dict[str, int]:
        """Return how many files of each root wait to be looked into: of others than these, none."""
        waiting = uninspected(self.engine, [self.roots[name] for name in wanted])
        return {name: waiting.get(id_, 0) for name, id_ in self.roots.items()}

    def note_counting(self, root: RootSettings) -> None:
        """Remember since when the use of a root's files is counted."""
        now_ns = self.clock.wall_ns()
        usage.begin(self.engine, self.roots[root.name], now_ns, counted=root.usage)


@contextmanager
def prepared(settings: Settings, clock: Clock, program: str) -> Iterator[Ground]:
    """Open the catalogue, mend it if it is damaged, migrate it, and hold its lease."""
    make_directories(settings)
    engine, _ = keep.open_for_writing(settings.catalogue, settings.state, clock, program)
    try:
        host_id = roots.register_host(engine, roots.this_machine(), clock.wall_ns())
        held = lease.take(engine, host_id, program, clock, time.sleep)
        try:
            rounds = follow(engine, host_id, clock.wall_ns)
            ground = Ground(engine, held, host_id, clock, {}, rounds)
            ground.register(settings.roots)
            yield ground
        finally:
            held.release()
    finally:
        engine.close()


def make_directories(settings: Settings) -> None:
    """Make the state directory and the built-in roots; a configured root is never made."""
    wanted = [os.fsencode(settings.state)]
    wanted += [root.path for root in settings.roots if root.create]
    for path in wanted:
        try:
            os.makedirs(path, mode=0o755, exist_ok=True)
        except OSError as error:
            raise PermanentError(
                "a directory cannot be made",
                where=os.fsdecode(path),
                why=error.strerror or str(error),
                remedy="make it, or name another in the configuration",
            ) from error


class RootMemory:
    """What the catalogue remembers of roots, as the sentinel needs it."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def known(self, root: str) -> RootIdentity | None:
        """Return what a root was known by when it was last up; None when it never was."""
        for row in roots.roots(self._ground.engine, self._ground.host_id):
            one = row.identity
            if row.name == root and one.device is not None and one.inode is not None:
                return RootIdentity(
                    device=one.device,
                    inode=one.inode,
                    filesystem_id=one.filesystem_id or "",
                    location=one.location or b"",
                    marker=one.uuid,
                )
        return None

    def knows_below(self, root: str, path: bytes, after_id: int) -> bool:
        """Tell whether a present file below a directory has a row that was made after one."""
        return roots.has_files_below(self._ground.engine, self._ground.roots[root], path, after_id)

    def newest(self) -> int:
        """Return the highest id of all rows of files."""
        return roots.newest_file(self._ground.engine)

    def hidden(self, root: str) -> list[tuple[str, bytes]]:
        """Return what could not be seen of a root when last told: reasons and places."""
        rows = roots.blindness(self._ground.engine, self._ground.roots[root])
        return [(row.reason, bytes(row.path)) for row in rows]

    def remember(self, root: str, identity: RootIdentity) -> None:
        """Store what a root is known by from now on."""
        ground = self._ground
        row = next(r for r in roots.roots(ground.engine, ground.host_id) if r.name == root)
        known = roots.Identity(
            uuid=identity.marker or row.identity.uuid,
            device=identity.device,
            inode=identity.inode,
            filesystem_id=identity.filesystem_id,
            location=identity.location,
        )
        if row.identity != known:
            roots.write_identity(ground.engine, row.id, known)


def stages_on(ground: Ground) -> Stages:
    """Put the stages together over an open catalogue."""
    engine = ground.engine
    counts = Counts(engine, ground.roots)
    directories = Directories(engine)
    states: dict[str, RootState] = {}
    look_back = partial(still_there, states)
    return Stages(
        inbox=Inbox(),
        states=states,
        counts=counts,
        directories=directories,
        digests=Digests(engine, counts),
        inspections=Inspections(engine, counts, belongs, Words(engine)),
        sweep=Sweep(engine, counts),
        recorder=Recorder(engine, counts, directories, kind_of=kind_of, still_there=look_back),
        departures=Departures(engine, counts, directories),
        usage=Usage(engine, counts, directories),
        own=OwnReads(),
    )
