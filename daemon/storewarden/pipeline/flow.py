"""The recorder's round: take in, settle, look, record, commit. The only place with this order.

Everything here runs in the recorder thread. A round ends with one commit; when that fails,
nothing of the round is believed and everything in it is looked at again.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, suppress
from typing import Final

from storewarden.catalogue.digests import Digested
from storewarden.clock import Clock
from storewarden.errors import CatalogueRefused, LeaseLost, StorewardenError
from storewarden.model import (
    Change,
    DirectoryDirty,
    DirectoryFound,
    DirectoryGone,
    DirectoryMoved,
    RootDirty,
    Touched,
)
from storewarden.pipeline.counting import Counting
from storewarden.pipeline.deciding import Deciding
from storewarden.pipeline.findings import Findings
from storewarden.pipeline.inbox import (
    Arrived,
    BlindnessChanged,
    CatalogueDoubted,
    DigestsReady,
    FactsReady,
    Message,
    RootDown,
    RootUp,
    ScanBegun,
    SweepAsked,
    UsageReady,
)
from storewarden.pipeline.listing import Listings
from storewarden.pipeline.look import RootElsewhere, opened
from storewarden.pipeline.parts import Reports, Stages
from storewarden.pipeline.round import ROUND_FILES, Round
from storewarden.pipeline.settling import Settling
from storewarden.pipeline.state import RootState, ScanTally

log = logging.getLogger(__name__)

# What failed is tried again after the first; that doubles up to the second.
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 10.0
_IDLE: Final = 60.0
_DOUBT: Final = 0.25  # the sentinel looks at mounts once a second
# A daemon that is told to stop has two seconds in all.
LAST_ROUNDS: Final = 0.8
# An event may come so long after what it tells of: files below a directory that had moved already
# were looked for at its old path meanwhile.
_LATE: Final = 5.0
# More is not kept while the catalogue cannot be written: scans make up for what is dropped.
_MOST_MOVES: Final = 10_000
_MOST_DIGESTS: Final = 5_000
# While facts come in without end, files are decided so often.
_STARVED: Final = 1.0


class Flow:
    """The recorder. ``step`` is one round; all state below is the recorder thread's own."""

    def __init__(
        self, stages: Stages, reports: Reports, clock: Clock, deciding: Deciding | None = None
    ) -> None:
        self._stages = stages
        self._deciding = deciding
        self._decide_at = 0.0
        self._reports = reports
        self._clock = clock
        self._roots = stages.states
        self._settling = Settling(stages, clock.monotonic)
        self._listings = Listings(stages, clock.wall_ns)
        self._counting = Counting(stages.usage)
        self._findings = Findings(stages.inspections, stages.sweep, stages.recorder.batch)
        self._moved: list[tuple[DirectoryMoved, float]] = []  # and when it was told
        self._digested: list[Digested] = []
        self._blindness: dict[str, BlindnessChanged] = {}
        self._hinted: dict[str, float] = {}  # when the oldest unanswered hint of a root came
        self._pause = 0.0
        self._not_before = 0.0  # no round before this: the last one failed
        self._limit = ROUND_FILES
        self._bulk = ExitStack()  # open during the first scan of an empty catalogue

    def step(self) -> float:
        """Do one round; return how long nothing needs to be done unless something arrives."""
        now = self._clock.monotonic()
        for message in self._stages.inbox.take():
            self._take(message)
        for root in self._roots.values():
            if root.up:
                root.list_what_overflowed()
                root.resolve_doubts()
        if now < self._not_before:
            wait = self._not_before - now
        else:
            wait = self._round(now) if self._work(now) else self._idle_for(now)
            if self._findings.waiting() and not self.failing():
                wait = self._keep()
            if self._deciding is not None and not self.failing():
                wait = self._decide(self._deciding, wait)
        for root in self._roots.values():
            root.show(now)
        return wait

    def _keep(self) -> float:
        """Store facts in a transaction of their own: recording never fails with them."""
        try:
            self._reports.kept(self._findings.keep(self._clock.wall_ns()))
        except LeaseLost:
            raise
        except StorewardenError as error:
            return self._later(error)
        return 0.0

    def _decide(self, deciding: Deciding, wait: float) -> float:
        """Decide some files while nothing else is to be done, or nothing was for a while."""
        now = self._clock.monotonic()
        if wait == 0.0 and now < self._decide_at + _STARVED:
            return wait
        self._decide_at = now
        try:
            return min(wait, deciding.step())
        except LeaseLost:
            raise
        except StorewardenError as error:
            return self._later(error)

    def failing(self) -> bool:
        """Tell whether the last round failed (any thread)."""
        return self._pause > 0

    # -- is there work? -------------------------------------------------------------------

    def _work(self, now: float) -> bool:
        if self._moved or self._digested or self._blindness or self._stages.inbox.has_scan():
            return True
        if self._counting.waiting():
            return True
        return any(
            root.ending is not None or (root.up and (root.busy() or self._due(root, now)))
            for root in self._roots.values()
        )

    @staticmethod
    def _due(root: RootState, now: float) -> bool:
        due = root.settle.next_due()
        return due is not None and due <= now

    def _idle_for(self, now: float) -> float:
        up = [root for root in self._roots.values() if root.up]
        due = [root.settle.next_due() for root in up]
        idle = _DOUBT if any(root.doubtful for root in up) else _IDLE
        return min([idle, *(max(0.0, at - now) for at in due if at is not None)])

    # -- the round ------------------------------------------------------------------------

    def _round(self, now: float) -> float:
        round_ = Round(now, self._clock.wall_ns())
        try:
            with self._stages.recorder.batch():
                self._in_order(round_)
        except LeaseLost:
            raise
        except CatalogueRefused as error:
            return self._refused(round_, error)
        except StorewardenError as error:
            return self._failed(round_, error)
        except BaseException:
            self._undo(round_)  # a mistake of ours ends this thread; the next one does it again
            raise
        self._succeeded(round_)
        return 0.0

    def _in_order(self, round_: Round) -> None:
        """The order of the stages: what moved, what went, what settled, what was listed."""
        self._move(round_)
        for root in self._roots.values():
            if root.up:
                self._in_root(root, round_)
        self._listings.take_scans(round_)
        self._listings.draw_conclusions(round_)
        self._settling.look_at_links(round_)
        if self._digested:
            self._stages.digests.store(self._digested, round_.now_ns)
            round_.digests = len(self._digested)
            round_.done.digested = sum(one.size for one in self._digested)
        for change in self._blindness.values():
            self._reports.blind_changed(change.root, change.blind)
        self._counting.store(quiet=not (round_.looked or round_.scans or round_.relisted))

    def _move(self, round_: Round) -> None:
        departures = self._stages.departures
        for change, at in self._moved:
            root = self._roots[change.root]
            if self._crossed(change):
                root.gone.append(change.old)
                root.want_listed(change.new, recursive=True)
                continue
            known = departures.moved(change.root, change.old, change.new, round_.now_ns)
            if not known or at - root.lost_at < _LATE:
                root.gone.append(change.new)  # it is there: a look will list it
        round_.moved = len(self._moved)

    def _crossed(self, change: DirectoryMoved) -> bool:
        """Tell whether a scan was there before the event: the rows are not those that moved."""
        if not change.inode:
            return False
        root_id = self._stages.counts.roots[change.root]
        old, new = (
            self._stages.directories.known(root_id, path) for path in (change.old, change.new)
        )
        place = (change.device, change.inode)
        return (old is not None and (old.device, old.inode) != place) or (
            new is not None and (new.device, new.inode) == place
        )

    def _in_root(self, root: RootState, round_: Round) -> None:
        try:
            with opened(root.settings.path, root.place or (0, 0)) as root_fd:
                self._settling.confirm_gone(root, root_fd, round_)
                self._settling.look(root, root_fd, round_, self._limit)
            self._listings.list_slice(root, round_)
        except RootElsewhere as error:
            # Seen here before the sentinel sees it: believe nothing until it has judged.
            root.down()
            self._reports.root_doubted(root.name, str(error))

    def _succeeded(self, round_: Round) -> None:
        self._pause = 0.0
        self._limit = min(self._limit * 2, ROUND_FILES)
        del self._moved[: round_.moved]
        del self._digested[: round_.digests]
        self._blindness.clear()
        self._counting.committed()
        for name, count in round_.gone.items():
            del self._roots[name].gone[:count]
        if round_.looked and self._hinted:
            round_.done.waited = self._clock.monotonic() - min(self._hinted.values())
        for root in self._roots.values():
            if not self._due(root, round_.now):
                self._hinted.pop(root.name, None)
        self._reports.committed(round_.done)
        for tally in round_.ended:
            if tally.fresh:
                self._end_bulk()
            if tally.whole and not tally.broken:
                self._stages.recorder.careful = False
            self._reports.scan_ended(tally)

    def _end_bulk(self) -> None:
        try:
            self._bulk.close()
        except StorewardenError as error:
            self._reports.failed(error)  # what is missing is made at the next start

    def _failed(self, round_: Round, error: StorewardenError) -> float:
        """Take back what the round believed: all of it is to be done again."""
        self._undo(round_)
        self._counting.failed()
        if len(self._moved) > _MOST_MOVES:
            for name in {change.root for change, _ in self._moved}:
                self._reports.lost_events(name, "too-many-moves")
            self._moved.clear()
        del self._digested[_MOST_DIGESTS:]
        return self._later(error)

    def _later(self, error: StorewardenError) -> float:
        """Wait before the catalogue is asked again, longer each time."""
        self._reports.failed(error)
        if not error.transient:
            raise error
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        self._not_before = self._clock.monotonic() + self._pause
        return self._pause

    def _undo(self, round_: Round) -> None:
        round_.look_again()
        round_.list_again()
        for tally in round_.scans:
            tally.broken = "the catalogue could not be written"
        for tally in round_.ended:
            self._listings.conclude(self._roots[tally.root], tally)

    def _refused(self, round_: Round, error: CatalogueRefused) -> float:
        """Find the one file that the catalogue refuses by halves; it must not keep others out."""
        self._reports.failed(error)
        self._stages.recorder.careful = True  # until a scan came to its end that way
        if self._limit > 1:
            self._undo(round_)
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
        for tally in round_.ended:
            self._listings.conclude(self._roots[tally.root], tally)
        del self._moved[: round_.moved]
        del self._digested[: round_.digests]
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
                if message.root in self._roots:
                    self._roots[message.root].down()
            case BlindnessChanged():
                self._blindness[message.root] = message
                if (root := self._roots.get(message.root)) is not None:
                    root.hidden(self._clock.wall_ns())  # since now: what comes later lies on top
            case ScanBegun():
                self._scan_begun(message.tally)
            case CatalogueDoubted():
                self._stages.recorder.doubt()
            case _:
                self._take_slow(message)

    def _take_slow(self, message: DigestsReady | FactsReady | SweepAsked | UsageReady) -> None:
        """Take in what may come late: nobody waits for it."""
        match message:
            case DigestsReady():
                self._digested += message.digested
            case FactsReady():
                self._findings.add(message.inspected)
            case SweepAsked():
                self._findings.ask(message)
            case UsageReady():
                self._counting.take(message)

    def _scan_begun(self, tally: ScanTally) -> None:
        root = self._roots.get(tally.root)
        if root is None or not root.up:
            tally.broken = "the root went away"
            return
        root.scan, root.live, root.trees = tally, {}, {}
        tally.fresh = not self._stages.counts.any()
        if tally.fresh:
            with suppress(StorewardenError):  # it is only quicker with it
                self._bulk.enter_context(self._stages.recorder.bulk())

    def _root_up(self, message: RootUp) -> None:
        root = self._roots.get(message.settings.name)
        if root is None or root.settings != message.settings:
            if root is not None:
                root.down()  # a scan follows, as always when a root comes up
            root = self._roots[message.settings.name] = RootState(message.settings)
        root.place, root.watches = message.place, message.watches
        root.mounts_judged = message.mounts_judged

    def _change(self, change: Change, at: float) -> None:
        root = self._roots.get(change.root)
        if root is None or not root.up:
            return  # a whole scan follows when it is there again
        match change:
            case Touched():
                root.settle.note_all(change.names, at)
                for directory in change.names:
                    root.touched(directory, at)
                self._hinted.setdefault(root.name, at)
            case DirectoryFound():
                root.moved(change.path, at)
                root.want_listed(change.path, recursive=True)
            case DirectoryDirty():
                root.want_listed(change.path, recursive=False)
            case DirectoryMoved():
                root.renamed(change.old, change.new)
                root.moved(change.old, at)
                root.moved(change.new, at)
                self._moved.append((change, at))
            case DirectoryGone():
                root.moved(change.path, at)
                root.gone.append(change.path)
            case RootDirty():
                self._reports.lost_events(root.name, change.reason)

    # -- the end --------------------------------------------------------------------------

    def finish(self, seconds: float = LAST_ROUNDS) -> None:
        """Do what there is to do, for so many seconds, and record as growing what still settles.

        The scan of the next start makes up for the rest.
        """
        self._end_bulk()
        self._counting.held = True
        for message in self._stages.inbox.take():
            self._take(message)
        now = self._clock.monotonic()
        until = now + seconds
        while now < until and self._work(now) and self._round(now) == 0.0:
            now = self._clock.monotonic()
        round_ = Round(now, self._clock.wall_ns())
        try:
            with self._stages.recorder.batch():
                for root in self._roots.values():
                    if root.place is not None:
                        self._record_restless(root, root.place, round_)
                self._counting.store_rest()
        except StorewardenError as error:
            self._reports.failed(error)  # nothing is lost: the scan at the next start meets it
        else:
            self._reports.committed(round_.done)

    def _record_restless(self, root: RootState, place: tuple[int, int], round_: Round) -> None:
        with suppress(RootElsewhere), opened(root.settings.path, place) as root_fd:
            self._settling.record_restless(root, root_fd, round_)
