"""The recording parts over a catalogue, and over a real directory, driven without threads.

A `Book` is a recorder whose disk is a set that the test writes: what it records is what it is
told. A `World` is the whole flow over one or more real directories: what happens there is made by
the test, as are the hints that an emitter would send of it; time moves when the test says so.
"""

from __future__ import annotations

import marshal
import os
import stat
import time
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from blake3 import blake3

from storewarden.catalogue import migrate, roots
from storewarden.catalogue.connect import open_catalogue
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.depart import Departures
from storewarden.catalogue.digests import Digests
from storewarden.catalogue.directories import Directories
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.record import Compared, Recorder
from storewarden.catalogue.written import Recorded
from storewarden.clock import SystemClock
from storewarden.config.schema import RootSettings
from storewarden.daemon.ground import Ground, stages_on
from storewarden.errors import StorewardenError
from storewarden.model import (
    Blind,
    Change,
    DirectoryDirty,
    DirectoryFound,
    DirectoryGone,
    DirectoryMoved,
    Entry,
    Hint,
    Listing,
    Touched,
)
from storewarden.pipeline.findings import Kept
from storewarden.pipeline.flow import Flow
from storewarden.pipeline.inbox import Arrived, RootDown, RootUp, ScanBatch, ScanBegun
from storewarden.pipeline.parts import Committed
from storewarden.pipeline.state import RootState, ScanTally, ScanWish, Watches
from storewarden.watch.exclude import Exclusions
from storewarden.watch.walk import MARSHAL_VERSION, Found, Walk

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND
HOST = roots.Machine("a test", "test-machine")
COLUMNS = (
    "id root path name inode mode links uid gid size blocks modified_ns changed_ns accessed_ns"
    " kind state growing generation first_seen_ns recorded_ns gone_ns digest digested_ns"
)


def clean(engine: Engine) -> None:
    """Remove every row, so that the next test may begin with tables that stand."""
    with engine.transaction():
        engine.execute("DELETE FROM hosts")


def prepared(url: str, state: Path) -> Engine:
    """Open a catalogue and bring it up to date."""
    engine = open_catalogue(url, state, role="test")
    migrate.migrate(engine, SystemClock())
    return engine


def registered(engine: Engine, names: Iterable[str | tuple[str, bytes]]) -> Ground:
    """Give a host and its roots their rows."""
    host_id = roots.register_host(engine, HOST, NOW)
    ids = {}
    for one in names:
        name, path = one if isinstance(one, tuple) else (one, b"/" + one.encode())
        ids[name] = roots.register_root(engine, host_id, name, path).id
    return Ground(engine, None, host_id, SystemClock(), ids)  # type: ignore[arg-type]  # no lease


# -- what a catalogue holds -----------------------------------------------------------------


class File(NamedTuple):
    """One row of files with the place it is in."""

    id: int
    root: str
    path: bytes
    name: bytes
    inode: int
    mode: int
    links: int
    uid: int
    gid: int
    size: int
    blocks: int
    modified_ns: int
    changed_ns: int
    accessed_ns: int
    kind: str
    state: str
    growing: int
    generation: int
    first_seen_ns: int
    recorded_ns: int
    gone_ns: int | None
    digest: bytes | None
    digested_ns: int | None

    @property
    def whole(self) -> bytes:
        """Its path from the root."""
        return self.path + b"/" + self.name if self.path else self.name


def all_files(engine: Engine, root: str | None = None) -> list[File]:
    """Return the rows of files, those of one root or all."""
    columns = [
        {"root": "r.name", "path": "d.path"}.get(column, f"f.{column}")
        for column in COLUMNS.split()
    ]
    return [
        File(*row)
        for row in engine.execute(
            f"SELECT {', '.join(columns)} FROM files f JOIN directories d"
            " ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
            f"{'' if root is None else ' WHERE r.name = ?'}"
            " ORDER BY r.name, d.path, f.name, f.id",
            () if root is None else (root,),
        )
    ]


def present(engine: Engine, root: str | None = None) -> dict[bytes, File]:
    """Return the files that are there, by their path."""
    files = [
        one
        for one in all_files(engine)
        if one.state == "present" and (root is None or one.root == root)
    ]
    by_path = {one.whole: one for one in files}
    assert len(by_path) == len(files), "two rows for one file"
    return by_path


def history(engine: Engine, file_id: int) -> list[str]:
    return [
        event
        for (event,) in engine.execute(
            "SELECT event FROM history WHERE file_id = ? ORDER BY id", (file_id,)
        )
    ]


def dump(engine: Engine, *, digests: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows that recording writes, for "nothing was written"."""
    directory = "id, root_id, path, device, inode" + (", digest" if digests else "")
    return {
        "directories": engine.execute(f"SELECT {directory} FROM directories ORDER BY id"),
        "files": engine.execute("SELECT * FROM files ORDER BY id"),
        "totals": engine.execute("SELECT * FROM totals ORDER BY root_id, kind, state"),
        "history": engine.execute("SELECT * FROM history ORDER BY id"),
    }


def check_totals(engine: Engine, counts: Counts) -> None:
    """The figures that are kept equal those that are counted, stored and in memory."""
    counted = {
        (name, kind, state): (files, int(size))
        for name, kind, state, files, size in engine.execute(
            "SELECT r.name, f.kind, f.state, count(*), sum(f.size) FROM files f"
            " JOIN directories d ON d.id = f.directory_id JOIN roots r ON r.id = d.root_id"
            " GROUP BY r.name, f.kind, f.state"
        )
    }
    stored = {
        (name, kind, state): (files, size)
        for name, kind, state, files, size in engine.execute(
            "SELECT r.name, t.kind, t.state, t.files, t.bytes FROM totals t"
            " JOIN roots r ON r.id = t.root_id WHERE t.files <> 0 OR t.bytes <> 0"
        )
    }
    assert stored == counted
    assert {key: figures for key, figures in counts.totals.items() if figures != (0, 0)} == counted


# -- a recorder whose disk is what the test says ---------------------------------------------


def entry(
    name: bytes,
    inode: int = 1,
    *,
    size: int = 5,
    modified: int = NOW - 60 * SECOND,
    changed: int = NOW - 60 * SECOND,
    mode: int = stat.S_IFREG | 0o644,
    links: int = 1,
    uid: int = 1000,
) -> Entry:
    return (name, inode, mode, links, uid, 1000, size, 8, modified, changed)


def listing(
    path: bytes,
    entries: Sequence[Entry],
    *,
    root: str = "r",
    place: tuple[int, int] = (7, 2),
    taken: float = 0.0,
) -> Listing:
    """Return what a walk would say of a directory with these files."""
    (whole,) = parts_of(path, entries, len(entries), root=root, place=place, taken=taken)
    return whole


def parts_of(
    path: bytes,
    entries: Sequence[Entry],
    size: int,
    *,
    root: str = "r",
    place: tuple[int, int] = (7, 2),
    taken: float = 0.0,
) -> list[Listing]:
    """Return what a walk would say of a very large directory: so many files in a part."""
    ordered = sorted(entries)
    chunks = [ordered[start : start + size] for start in range(0, len(ordered), size or 1)] or [[]]
    digest = blake3()
    listings = []
    for part, chunk in enumerate(chunks):
        packed = marshal.dumps(chunk, MARSHAL_VERSION)
        digest.update(packed)
        last = part == len(chunks) - 1
        accessed = array("q", [NOW] * len(chunk)).tobytes()
        listings.append(
            Listing(
                *(root, path, *place, taken, packed, accessed, len(chunk)),
                digest=digest.digest() if last else b"",
                part=part,
                last=last,
                after=chunks[part - 1][-1][0] if part else b"",
                until=b"" if last else chunk[-1][0],
            )
        )
    return listings


class Book:
    """A recorder and all that goes with it; what is on the disk is ``disk``."""

    def __init__(self, engine: Engine, names: Sequence[str] = ("r", "s")) -> None:
        self.engine = engine
        self.ground = registered(engine, names)
        self.disk: set[tuple[str, bytes, bytes, int]] = set()
        self.now_ns = NOW
        self.reopen()

    def reopen(self) -> None:
        """Forget what memory holds, as a restart does."""
        self.counts = Counts(self.engine, self.ground.roots)
        self.directories = Directories(self.engine)
        self.recorder = Recorder(
            self.engine,
            self.counts,
            self.directories,
            kind_of=lambda name: "image" if name.endswith(b".png") else "other",
            still_there=lambda *asked: asked in self.disk,
        )
        self.departures = Departures(self.engine, self.counts, self.directories)
        self.digests = Digests(self.engine, self.counts)

    def names(
        self,
        *entries: Entry,
        path: bytes = b"",
        root: str = "r",
        device: int = 7,
        growing: Iterable[bytes] = (),
    ) -> Recorded:
        """Record files of one directory, just looked at."""
        with self.recorder.batch():
            return self.recorder.names(
                root,
                path,
                (device, 2),
                [(one, NOW) for one in entries],
                growing=frozenset(growing),
                now_ns=self.now_ns,
            )

    def listings(self, *listings: Listing, stale: Collection[bytes] = ()) -> Compared:
        """Record what a walk found; all that changed in the last two seconds is restless."""
        with self.recorder.batch():
            return self.recorder.listings(
                listings[0].root,
                listings,
                quiet_before_ns=self.now_ns - 2 * SECOND,
                now_ns=self.now_ns,
                stale=stale,
            )

    def gone(self, *names: bytes, path: bytes = b"", root: str = "r") -> int:
        with self.recorder.batch():
            return self.departures.names(root, path, names, self.now_ns).missing

    def present(self, root: str | None = None) -> dict[bytes, File]:
        return present(self.engine, root)

    def missing(self) -> list[File]:
        return [one for one in all_files(self.engine) if one.state == "missing"]

    def one(self, name: bytes) -> File:
        """Return the row of a file that is there."""
        return self.present()[name]

    def history(self, file_id: int) -> list[str]:
        return history(self.engine, file_id)

    def digest_of(self, path: bytes = b"", root: str = "r") -> bytes | None:
        """Return the digest that is stored of a directory's listing."""
        rows = self.engine.execute(
            "SELECT digest FROM directories WHERE root_id = ? AND path = ?",
            (self.ground.roots[root], path),
        )
        return rows[0][0] if rows else None

    def give_digest(self, file: File, digest: bytes) -> None:
        with self.recorder.batch():
            self.engine.execute(
                "UPDATE files SET digest = ?, digested_ns = 1 WHERE id = ?", (digest, file.id)
            )


# -- the whole flow over real directories -----------------------------------------------------


class MovableClock:
    """The machine's clocks, moved forward as the test wishes: files' times are the kernel's."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def wall_ns(self) -> int:
        return time.time_ns() + int(self.ahead * SECOND)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += seconds


@dataclass
class Heard:
    """What the flow reported."""

    committed_: list[Committed] = field(default_factory=list)
    errors: list[StorewardenError] = field(default_factory=list)
    ended: list[ScanTally] = field(default_factory=list)
    kept_facts: list[Kept] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)
    doubted: list[str] = field(default_factory=list)
    blind: list[tuple[str, Sequence[Blind]]] = field(default_factory=list)

    def lost_events(self, root: str, reason: str) -> None:
        self.lost.append((root, reason))

    def root_doubted(self, root: str, why: str) -> None:
        self.doubted.append(root)

    def scan_ended(self, tally: ScanTally) -> None:
        self.ended.append(tally)

    def blind_changed(self, root: str, blind: Sequence[Blind]) -> None:
        self.blind.append((root, blind))

    def committed(self, done: Committed) -> None:
        self.committed_.append(done)

    def kept(self, kept: Kept) -> None:
        self.kept_facts.append(kept)

    def failed(self, error: StorewardenError) -> None:
        self.errors.append(error)


def settings_of(name: str, path: Path, **more: Any) -> RootSettings:
    return RootSettings(name, os.fsencode(path), **{"settle": 2.0, "settle_cap": 60.0, **more})


class World:
    """The recorder's flow over real directories, one step at a time."""

    def __init__(self, engine: Engine, *settings: RootSettings) -> None:
        self.engine = engine
        self.settings = {one.name: one for one in settings}
        self.ground = registered(engine, [(one.name, one.path) for one in settings])
        self.clock = MovableClock()
        self.watches: dict[str, Watches | None] = {}
        self.mounts_judged: Callable[[], bool] = lambda: True
        self.start()

    def start(self) -> None:
        """Put everything together, as a start of the daemon does, and bring the roots up."""
        self.stages = stages_on(self.ground)
        self.heard = Heard()
        self.flow = Flow(self.stages, self.heard, self.clock)
        for one in self.settings.values():
            self.up(one.name)

    def die(self) -> None:
        """Leave things as a killed process does, but for what only the next migration mends."""
        self.flow._bulk.close()
        for root in self.stages.states.values():
            root.end_relist()

    def up(self, root: str = "r") -> None:
        settings = self.settings[root]
        status = os.stat(settings.path)
        place = (status.st_dev, status.st_ino)
        watches = self.watches.get(root)
        self.stages.inbox.put(RootUp(settings, place, watches, self.mounts_judged))

    def down(self, root: str = "r") -> None:
        self.stages.inbox.put(RootDown(root))

    def state(self, root: str = "r") -> RootState:
        return self.stages.states[root]

    # -- hints ---------------------------------------------------------------------------

    def tell(self, *changes: Change) -> None:
        """Deliver changes as an emitter does."""
        self.stages.inbox.put(Arrived(changes, self.clock.monotonic(), lambda: None))

    def closed(self, *names: bytes, path: bytes = b"", root: str = "r") -> None:
        self.hint(Hint.CLOSED, *names, path=path, root=root)

    def hint(self, hint: Hint, *names: bytes, path: bytes = b"", root: str = "r") -> None:
        self.tell(Touched(root, {path: dict.fromkeys(names, hint)}))

    def found(self, path: bytes, root: str = "r") -> None:
        self.tell(DirectoryFound(root, path))

    def dirty(self, path: bytes, root: str = "r") -> None:
        self.tell(DirectoryDirty(root, path))

    def moved(self, old: bytes, new: bytes, root: str = "r") -> None:
        self.tell(DirectoryMoved(root, old, new))

    def gone(self, path: bytes, root: str = "r") -> None:
        self.tell(DirectoryGone(root, path))

    # -- time ----------------------------------------------------------------------------

    def steps(self, most: int = 1000) -> None:
        """Take steps until there is nothing to do at this moment."""
        for _ in range(most):
            if self.flow.step() > 0:
                return
        raise AssertionError(f"still at work after {most} rounds")

    def settle(self, seconds: float = 400.0) -> None:
        """Let time pass in small pieces until nothing is under way."""
        self.steps()
        passed = 0.0
        while passed < seconds:
            busy = any(one.settle.pending() or one.busy() for one in self.stages.states.values())
            if not busy:
                return
            self.clock.advance(0.25)
            passed += 0.25
            self.steps()
        raise AssertionError(f"not at rest after {seconds} s")

    # -- scans ---------------------------------------------------------------------------

    def walk(self, root: str = "r") -> Iterator[Found]:
        """Walk a root as the child does, with the times that our clock tells."""
        settings = self.settings[root]
        large = self.stages.directories.large_digests(self.ground.roots[root], 20_000)
        descriptor = os.open(settings.path, os.O_RDONLY)
        try:
            walk = Walk(root, descriptor, Exclusions(settings.exclude), large=large)
            for found in walk.below():
                if isinstance(found, Listing):
                    yield replace(found, taken=found.taken + self.clock.ahead)
                else:
                    yield found
        finally:
            os.close(descriptor)

    def scan_begins(self, root: str = "r", *, accept_missing: bool = False) -> ScanTally:
        while any(one.scan or one.ending for one in self.stages.states.values()):
            self.clock.advance(1)  # there is one at a time
            self.flow.step()
        wish = ScanWish("test", accept_missing=accept_missing)
        tally = ScanTally(root, wish, self.clock.monotonic())
        self.stages.inbox.put(ScanBegun(tally))
        return tally

    def scan_found(self, tally: ScanTally, *found: Found) -> None:
        self._hand_over(ScanBatch(tally, found))

    def scan_ends(self, tally: ScanTally, *, whole: bool = True) -> None:
        tally.whole = whole
        self._hand_over(ScanBatch(tally, (), ended=True))

    def _hand_over(self, batch: ScanBatch) -> None:
        while not self.stages.inbox.put_scan(batch, 0):  # it waits after a failure
            self.clock.advance(1)
            self.flow.step()

    def scan(
        self,
        root: str = "r",
        *,
        accept_missing: bool = False,
        at_once: int = 256,
        between: Callable[[], None] = lambda: None,
    ) -> ScanTally:
        """Scan a whole root and let its conclusions be drawn."""
        tally = self.scan_begins(root, accept_missing=accept_missing)
        found = list(self.walk(root))
        for start in range(0, len(found), at_once):
            self.scan_found(tally, *found[start : start + at_once])
            self.flow.step()
            between()
        self.scan_ends(tally)
        self.steps()
        assert self.heard.ended[-1] is tally
        return tally

    # -- what came of it -----------------------------------------------------------------

    def check(self) -> None:
        check_totals(self.engine, self.stages.counts)

    def present(self, root: str = "r") -> dict[bytes, File]:
        return present(self.engine, root)

    def differences(self, root: str = "r", *, links: bool = True) -> list[str]:
        """Tell in what the catalogue differs from a plain walk of the disk.

        ``links`` false: but for what a link changes that went before it was recorded: no event
        tells of it at the other names.
        """
        columns = slice(None, None if links else -2)
        rows: dict[bytes, tuple[int, ...]] = {
            path: (f.inode, f.size, f.mode, f.uid, f.gid, f.modified_ns, f.links, f.changed_ns)
            for path, f in self.present(root).items()
        }
        disk = {path: seen[columns] for path, seen in on_disk(self.settings[root].path).items()}
        rows = {path: row[columns] for path, row in rows.items()}
        wrong = [f"{path!r} is not recorded" for path in disk.keys() - rows.keys()]
        wrong += [f"{path!r} is a ghost" for path in rows.keys() - disk.keys()]
        return wrong + [
            f"{path!r} is {rows[path]}, should be {disk[path]}"
            for path in rows.keys() & disk.keys()
            if rows[path] != disk[path]
        ]


def on_disk(top: bytes) -> dict[bytes, tuple[int, ...]]:
    """Return inode, size, mode, links, owner and times of each regular file; by os.walk alone."""
    found: dict[bytes, tuple[int, ...]] = {}
    for directory, _, names in os.walk(top):
        for name in names:
            path = os.path.join(directory, name)
            s = os.lstat(path)
            if stat.S_ISREG(s.st_mode) and b".storewarden" not in path[len(top) :].split(b"/")[:2]:
                mode = s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns
                linked = s.st_nlink, s.st_ctime_ns
                found[os.path.relpath(path, top)] = (s.st_ino, s.st_size, *mode, *linked)
    return found
