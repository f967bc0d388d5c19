"""The recorder's round: take in, settle, look, record, commit. The only place with this order.

Everything here runs in the recorder thread. A round ends with one commit; when that fails,
nothing of the round is believed and everything in it is looked at again.
"""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from storewarden.catalogue.counts import Counts
from storewarden.catalogue.depart import Departures
from storewarden.catalogue.digests import Digested, Digests
from storewarden.catalogue.directories import Directories
from storewarden.catalogue.record import Look, Recorded, Recorder
from storewarden.clock import Clock
from storewarden.errors import CatalogueRefused, LeaseLost, StorewardenError
from storewarden.model import (
    Change,
    DirectoryDirty,
    DirectoryFound,
    DirectoryGone,
    DirectoryMoved,
    Hint,
    Listing,
    RootDirty,
    Touched,
    Unreadable,
)
from storewarden.pipeline.finish import ScanEnd
from storewarden.pipeline.inbox import (
    Arrived,
    BlindnessChanged,
    DigestsReady,
    Inbox,
    Message,
    RootDown,
    RootUp,
    ScanBatch,
    ScanBegun,
)
from storewarden.pipeline.look import RootElsewhere, holds, look, opened
from storewarden.pipeline.state import Relist, RootState, ScanEnding, ScanTally, ScanWish
from storewarden.watch.below import open_directory
from storewarden.watch.settle import Rest
from storewarden.watch.walk import VANISHED, Found, Walk

log = logging.getLogger(__name__)

# One round commits about this many files: 4,000 rows are 30-60 ms, so a file that settles
# during a burst still has its row a quarter of a second later.
ROUND_FILES = 4_000
ROUND_LISTED = 20_000
# What was refused or failed is tried again after this; doubles up to the second.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 10.0

_HINT_AGAIN = {Rest.SETTLED: Hint.CLOSED, Rest.GROWING: Hint.OPENED, Rest.GONE: Hint.GONE}


@dataclass(slots=True)
class Committed:
    """What one round changed, for the figures."""

    recorded: dict[str, Recorded] = field(default_factory=lambda: defaultdict(Recorded))
    waited: float = 0.0  # seconds from the oldest hint of the round to its commit
    digested: int = 0  # bytes

    def add(self, root: str, recorded: Recorded) -> None:
        """Count what one operation changed."""
        self.recorded[root].add(recorded)


@dataclass(slots=True)
class _Round:
    """What has to be done again when the commit fails."""

    now: float
    now_ns: int
    done: Committed = field(default_factory=Committed)
    looked: list[tuple[RootState, bytes, bytes, Rest]] = field(default_factory=list)
    relisted: list[tuple[RootState, bytes, bool]] = field(default_factory=list)
    scans: list[ScanTally] = field(default_factory=list)
    ended: list[ScanTally] = field(default_factory=list)
    moved: int = 0
    gone: dict[str, int] = field(default_factory=dict)
    digests: int = 0


class Flow:
    """The recorder. ``step`` is one round; all state below is the recorder thread's own."""

    def __init__(
        self,
        inbox: Inbox,
        recorder: Recorder,
        departures: Departures,
        digests: Digests,
        directories: Directories,
        counts: Counts,
        clock: Clock,
        *,
        want_scan: Callable[[str, ScanWish], None],
        scan_ended: Callable[[ScanTally], None],
        blind_changed: Callable[[str, Sequence[object]], None],
        committed: Callable[[Committed], None],
        failed: Callable[[StorewardenError], None],
    ) -> None:
        self.roots: dict[str, RootState] = {}
        self.inbox = inbox
        self.recorder = recorder
        self.departures = departures
        self.digests = digests
        self.directories = directories
        self.counts = counts
        self._clock = clock
        self._want_scan = want_scan
        self._scan_ended = scan_ended
        self._blind_changed = blind_changed
        self._committed = committed
        self._failed = failed
        self._moved: list[DirectoryMoved] = []
        self._digested: list[Digested] = []
        self._blindness: dict[str, BlindnessChanged] = {}
        self._hinted: dict[str, float] = {}  # when the oldest unanswered hint of a root came
        self._pause = 0.0
        self._limit = ROUND_FILES

    # -- the round ------------------------------------------------------------------------

    def step(self) -> float:
        """Do one round; return how long nothing needs to be done unless something arrives."""
        now = self._clock.monotonic()
        for message in self.inbox.take():
            self._take(message)
        if not self._work(now):
            return self._idle_for(now)
        return self._round(now)

    def _work(self, now: float) -> bool:
        if self._moved or self._digested or self._blindness or self.inbox.has_scan():
            return True
        return any(
            root.up and (root.busy() or self._due(root, now)) for root in self.roots.values()
        )

    @staticmethod
    def _due(root: RootState, now: float) -> bool:
        due = root.settle.next_due()
        return due is not None and due <= now

    def _idle_for(self, now: float) -> float:
        due = [root.settle.next_due() for root in self.roots.values() if root.up]
        return min((max(0.0, at - now) for at in due if at is not None), default=60.0)

    def _round(self, now: float) -> float:
        round_ = _Round(now, self._clock.wall_ns())
        try:
            with self.recorder.batch():
                self._stages(round_)
        except LeaseLost:
            raise
        except CatalogueRefused as error:
            return self._refused(round_, error)
        except StorewardenError as error:
            self._again(round_)
            return self._fail(error)
        self._succeeded(round_)
        return 0.0

    def _stages(self, round_: _Round) -> None:
        """The order of the stages: what moved, what went, what settled, what was listed."""
        self._move(round_)
        for root in self.roots.values():
            if root.up:
                self._in_root(root, round_)
        self._take_scans(round_)
        for root in self.roots.values():
            if root.ending is not None:
                self._end_slice(root, root.ending, round_)
        if self._digested:
            self.digests.store(self._digested, round_.now_ns)
            round_.digests = len(self._digested)
        for change in self._blindness.values():
            self._blind_changed(change.root, change.blind)

    def _in_root(self, root: RootState, round_: _Round) -> None:
        try:
            with opened(root.settings.path, root.place or (0, 0)) as root_fd:
                self._confirm_gone(root, root_fd, round_)
                self._look(root, root_fd, round_)
            self._list_slice(root, round_)
        except RootElsewhere:
            # Seen here before the sentinel sees it: believe nothing until it has judged.
            root.down()

    def _succeeded(self, round_: _Round) -> None:
        self._pause = 0.0
        self._limit = min(self._limit * 2, ROUND_FILES)
        del self._moved[: round_.moved]
        del self._digested[: round_.digests]
        self._blindness.clear()
        for name, count in round_.gone.items():
            del self.roots[name].gone[:count]
        hinted = self._hinted
        if round_.looked and hinted:
            round_.done.waited = self._clock.monotonic() - min(hinted.values())
        for root in self.roots.values():
            if not self._due(root, round_.now):
                hinted.pop(root.name, None)
        self._committed(round_.done)
        for tally in round_.ended:
            self._scan_ended(tally)

    def _again(self, round_: _Round) -> None:
        """Take back what the failed round believed: all of it is to be looked at again."""
        for root, directory, name, rest in round_.looked:
            if rest in _HINT_AGAIN:
                root.settle.note(directory, name, _HINT_AGAIN[rest], round_.now)
        for root, path, recursive in round_.relisted:
            root.want_listed(path, recursive=recursive)
            root.end_relist()
        for tally in round_.scans:
            tally.broken = "the catalogue could not be written"
        for tally in round_.ended:
            root = self.roots[tally.root]
            root.scan, root.ending = tally, self._scan_end(root, tally)

    def _fail(self, error: StorewardenError) -> float:
        self._failed(error)
        if not error.transient:
            raise error
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        return self._pause

    def _refused(self, round_: _Round, error: CatalogueRefused) -> float:
        """Find the one file that the catalogue refuses by halves; it must not keep others out."""
        self._failed(error)
        if self._limit > 1:
            self._again(round_)
            self._limit //= 2
            return 0.0
        for root, directory, name, _ in round_.looked:
            where = os.fsdecode(b"/".join((root.settings.path, directory, name)))
            log.error("a file cannot be recorded", extra={"facts": {"path": where, "why": error}})
        for root, path, _ in round_.relisted:
            where = os.fsdecode(root.settings.path + b"/" + path)
            log.error("a directory cannot be recorded", extra={"facts": {"path": where}})
            root.end_relist()
        for tally in round_.scans:
            tally.broken = str(error)
        return 0.0

    # -- taking in ------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        match message:
            case Arrived():
                message.taken()
                for change in message.changes:
                    self._change(change, message.at)
            case RootUp():
                self._root_up(message)
            case RootDown():
                if message.root in self.roots:
                    self.roots[message.root].down()
            case BlindnessChanged():
                self._blindness[message.root] = message
            case DigestsReady():
                self._digested += message.digested
            case ScanBegun():
                root = self.roots[message.tally.root]
                root.scan = message.tally
                root.live = {}
                message.tally.fresh = not self.counts.any()

    def _root_up(self, message: RootUp) -> None:
        root = self.roots.get(message.settings.name)
        if root is None or root.settings != message.settings:
            root = self.roots[message.settings.name] = RootState(message.settings)
        root.place, root.watches = message.place, message.watches

    def _change(self, change: Change, at: float) -> None:
        root = self.roots.get(change.root)
        if root is None or not root.up:
            return  # a whole scan follows when it is there again
        match change:
            case Touched():
                root.settle.note_all(change.names, at)
                for directory in change.names:
                    root.touched(directory, at)
                self._hinted.setdefault(root.name, at)
            case DirectoryFound():
                root.want_listed(change.path, recursive=True)
            case DirectoryDirty():
                root.want_listed(change.path, recursive=False)
            case DirectoryMoved():
                root.settle.moved(change.old, change.new)
                self._moved.append(change)
            case DirectoryGone():
                root.gone.append(change.path)
            case RootDirty():
                self._want_scan(root.name, ScanWish(change.reason))
        for directory in root.settle.overflow():
            root.want_listed(directory, recursive=False)

    # -- what moved, what went ------------------------------------------------------------

    def _move(self, round_: _Round) -> None:
        for change in self._moved:
            if not self.departures.moved(change.root, change.old, change.new, round_.now_ns):
                self.roots[change.root].want_listed(change.new, recursive=True)
        round_.moved = len(self._moved)

    def _confirm_gone(self, root: RootState, root_fd: int, round_: _Round) -> None:
        for path in root.gone:
            try:
                os.close(open_directory(root_fd, path))
            except OSError as error:
                if error.errno in VANISHED:
                    count = self.departures.tree(root.name, path, round_.now_ns)
                    round_.done.add(root.name, Recorded(missing=count))
                continue
            root.want_listed(path, recursive=True)
        round_.gone[root.name] = len(root.gone)

    # -- what settled ---------------------------------------------------------------------

    def _look(self, root: RootState, root_fd: int, round_: _Round) -> None:
        by_directory: dict[bytes, list[bytes]] = defaultdict(list)
        for directory, name in root.settle.due(round_.now, self._limit):
            by_directory[directory].append(name)
        for directory, names in by_directory.items():
            looked = look(root_fd, directory, names)
            if looked.error:
                root.unreadable[directory] = looked.error
                continue  # unanswered: settle hands the names out again
            root.unreadable.pop(directory, None)
            ready, growing = self._answer(root, directory, looked.found, round_)
            if ready:
                recorded = self.recorder.names(
                    root.name,
                    directory,
                    looked.place,
                    ready,
                    growing=growing,
                    now_ns=round_.now_ns,
                )
                round_.done.add(root.name, recorded)
                self._look_at_links(root, looked.place[0], recorded.linked, round_)
            self._gone(root, directory, looked.absent, round_)
            root.touched(directory, round_.now)

    def _answer(
        self, root: RootState, directory: bytes, found: Iterable[Look], round_: _Round
    ) -> tuple[list[Look], frozenset[bytes]]:
        """Tell settle what was seen; return what is to be recorded, and what of it still grows."""
        ready: list[Look] = []
        growing: set[bytes] = set()
        seen, now, looked = root.settle.seen, round_.now, round_.looked.append
        for pair in found:
            entry = pair[0]
            name = entry[0]
            rest = seen(directory, name, (entry[1], entry[6], entry[8], entry[9]), False, now)  # noqa: FBT003  # settle's order
            if rest is Rest.WAIT:
                continue
            if rest is Rest.GROWING:
                growing.add(name)
            ready.append(pair)
            looked((root, directory, name, rest))
        return ready, frozenset(growing)

    def _gone(
        self, root: RootState, directory: bytes, names: Iterable[bytes], round_: _Round
    ) -> None:
        gone = []
        for name in names:
            rest = root.settle.seen(directory, name, None, False, round_.now)  # noqa: FBT003  # settle's order
            if rest is Rest.GONE:
                gone.append(name)
                round_.looked.append((root, directory, name, rest))
        if gone:
            left = self.departures.names(root.name, directory, gone, round_.now_ns)
            round_.done.add(root.name, Recorded(missing=left.count))
            self._look_at_links(root, left.device, left.linked, round_)

    def _look_at_links(
        self, root: RootState, device: int, inodes: Sequence[int], round_: _Round
    ) -> None:
        """A link made or gone changes what the other names show, and no event says so."""
        if inodes:
            for directory, name in self.recorder.links(root.name, device, inodes):
                root.settle.note(directory, name, Hint.CLOSED, round_.now)

    # -- what was listed ------------------------------------------------------------------

    def _list_slice(self, root: RootState, round_: _Round) -> None:
        """List a part of what has to be listed inside the daemon."""
        left = ROUND_LISTED
        while left > 0 and (root.relist is not None or root.relists):
            if root.relist is None:
                root.relist = self._begin_relist(root)
            relist = root.relist
            round_.relisted.append((root, relist.path, relist.recursive))
            found = next(relist.found, None)
            if found is None:
                self._end_relist(root, relist)
                continue
            relist.listings += 1
            left -= 1 + self._listed(root, [found], round_, None)

    def _begin_relist(self, root: RootState) -> Relist:
        path = next(iter(root.relists))
        recursive = root.relists.pop(path)
        with opened(root.settings.path, root.place or (0, 0)) as descriptor:
            root_fd = os.dup(descriptor)
        walk = Walk(root.name, root_fd, root.exclusions)
        return Relist(path, recursive, root_fd, walk.below(path, recursive=recursive))

    @staticmethod
    def _end_relist(root: RootState, relist: Relist) -> None:
        root.end_relist()
        if relist.listings == 0 and relist.path:
            root.gone.append(relist.path)  # it was gone before it could be listed

    def _listed(
        self, root: RootState, found: Sequence[Found], round_: _Round, tally: ScanTally | None
    ) -> int:
        """Record listings of one root; return how many files they held."""
        listings: list[Listing] = []
        for one in found:
            if isinstance(one, Unreadable):
                root.unreadable[one.path] = one.error
                if tally is not None:
                    tally.errors += 1
                continue
            root.unreadable.pop(one.path, None)
            if tally is not None and root.stale(one.path, one.taken):
                root.want_listed(one.path, recursive=False)
                self._met(tally, root, one)
                continue
            if root.watches is not None and root.watches.ensure(one.path, one.device, one.inode):
                root.want_listed(one.path, recursive=False)
            listings.append(one)
        if not listings:
            return 0
        compared = self.recorder.listings(
            root.name,
            listings,
            quiet_before_ns=round_.now_ns - int(root.settings.settle * 1e9),
            now_ns=round_.now_ns,
            origins=tally is None or not tally.fresh,
        )
        round_.done.add(root.name, compared.recorded)
        note = partial(root.settle.note, hint=Hint.OPENED, now=round_.now)
        for directory, names in compared.restless.items():
            for name in names:
                note(directory, name)
        if tally is not None:
            tally.recorded.add(compared.recorded)
            tally.absent.extend(compared.absent)
            for directory_id in compared.visited:
                tally.visit(directory_id)
        else:
            for absent in self.departures.absent(root.name, compared.absent):
                root.settle.note(absent.path, absent.name, Hint.GONE, round_.now)
        for directory in root.settle.overflow():
            root.want_listed(directory, recursive=False)
        return sum(listing.count for listing in listings)

    def _met(self, tally: ScanTally, root: RootState, listing: Listing) -> None:
        """Count a directory as met that changed while it was scanned and is listed again."""
        known = self.directories.known(self.counts.roots[root.name], listing.path)
        if known is not None:
            tally.visit(known.id)

    def _take_scans(self, round_: _Round) -> None:
        left = ROUND_LISTED
        while left > 0 and (batch := self.inbox.take_scan()) is not None:
            left -= 1 + self._scan_batch(batch, round_)

    def _scan_batch(self, batch: ScanBatch, round_: _Round) -> int:
        root, tally = self.roots[batch.tally.root], batch.tally
        files = 0
        if root.up and not tally.broken:
            round_.scans.append(tally)
            files = self._listed(root, batch.found, round_, tally)
            tally.listed += files
        if batch.ended and root.scan is tally:
            root.ending = self._scan_end(root, tally)
        return files

    def _scan_end(self, root: RootState, tally: ScanTally) -> ScanEnd:
        return ScanEnd(
            root, tally, self.departures, self.directories, self.counts, self._clock.wall_ns
        )

    @staticmethod
    def _end_slice(root: RootState, ending: ScanEnding, round_: _Round) -> None:
        """Draw some of a scan's conclusions."""
        round_.scans.append(ending.tally)
        missing = ending.slice()
        if missing is None:
            round_.ended.append(ending.tally)
            root.scan = root.ending = root.live = None
        else:
            round_.done.add(root.name, Recorded(missing=missing))

    # -- the end --------------------------------------------------------------------------

    def finish(self) -> None:
        """Record what still settles as it is now, as growing: the next start looks again."""
        for message in self.inbox.take():
            self._take(message)
        now = self._clock.monotonic()
        while self._work(now) and self._round(now) == 0.0:
            now = self._clock.monotonic()
        round_ = _Round(now, self._clock.wall_ns())
        try:
            with self.recorder.batch():
                for root in self.roots.values():
                    if root.up:
                        self._record_restless(root, round_)
        except StorewardenError as error:
            self._failed(error)  # nothing is lost: the scan at the next start meets it all
        else:
            self._committed(round_.done)

    def _record_restless(self, root: RootState, round_: _Round) -> None:
        with suppress(RootElsewhere), opened(root.settings.path, root.place or (0, 0)) as root_fd:
            for directory, names in root.settle.drain().items():
                looked = look(root_fd, directory, list(names))
                if looked.found:
                    growing = frozenset(entry[0] for entry, _ in looked.found)
                    round_.done.add(
                        root.name,
                        self.recorder.names(
                            root.name,
                            directory,
                            looked.place,
                            looked.found,
                            growing=growing,
                            now_ns=round_.now_ns,
                        ),
                    )
                left = self.departures.names(root.name, directory, looked.absent, round_.now_ns)
                round_.done.add(root.name, Recorded(missing=left.count))

    def still_there(self, root_name: str, directory: bytes, name: bytes, inode: int) -> bool:
        """Look whether a name still holds an inode; true when nobody can tell."""
        root = self.roots.get(root_name)
        if root is None or root.place is None:
            return True
        try:
            with opened(root.settings.path, root.place) as root_fd:
                return holds(root_fd, directory, name, inode)
        except RootElsewhere:
            return True
