"""What was listed is compared and recorded: single directories, new trees, whole scans."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from storewarden.catalogue.record import Compared
from storewarden.model import Hint, Listing, Unreadable
from storewarden.pipeline.finish import ScanEnd
from storewarden.pipeline.inbox import ScanBatch
from storewarden.pipeline.look import opened
from storewarden.pipeline.parts import Stages
from storewarden.pipeline.round import ROUND_LISTED, Round
from storewarden.pipeline.state import Relist, RootState, ScanEnding, ScanTally
from storewarden.watch.walk import Found, Walk


class Listings:
    """Takes listings from the daemon's own walks and from scans, inside a round."""

    def __init__(self, stages: Stages, wall_ns: Callable[[], int]) -> None:
        self._stages = stages
        self._inbox = stages.inbox
        self._wall_ns = wall_ns

    def list_slice(self, root: RootState, round_: Round) -> None:
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
        with opened(root.settings.path, root.place or (0, 0)) as descriptor:
            root_fd = os.dup(descriptor)
        recursive = root.relists.pop(path)
        walk = Walk(root.name, root_fd, root.exclusions)
        return Relist(path, recursive, root_fd, walk.below(path, recursive=recursive))

    @staticmethod
    def _end_relist(root: RootState, relist: Relist) -> None:
        root.end_relist()
        if relist.listings == 0 and relist.path:
            root.gone.append(relist.path)  # it was gone before it could be listed

    def _listed(
        self, root: RootState, found: Sequence[Found], round_: Round, tally: ScanTally | None
    ) -> int:
        """Record what a walk found of one root; return how many files it held."""
        listings = [
            listing for one in found if (listing := self._listing(root, one, tally)) is not None
        ]
        if not listings:
            return 0
        stale = {one.path for one in listings if tally and root.stale(one.path, one.taken)}
        compared = self._stages.recorder.listings(
            root.name,
            listings,
            quiet_before_ns=round_.now_ns - int(root.settings.settle * 1e9),
            now_ns=round_.now_ns,
            origins=tally is None or not tally.fresh,
            stale=stale,
        )
        round_.add(root, compared.recorded)
        for directory, names in compared.restless.items():
            root.settle.note_all({directory: dict.fromkeys(names, Hint.OPENED)}, round_.now)
        self._conclude(root, compared, round_, tally)
        return sum(listing.count for listing in listings)

    @staticmethod
    def _listing(root: RootState, found: Found, tally: ScanTally | None) -> Listing | None:
        """Return a listing unless it is none, and have its directory watched."""
        if isinstance(found, Unreadable):
            root.unreadable[found.path] = found.error
            if tally is not None:
                tally.errors += 1
                tally.unreadable.add(found.path)
            return None
        root.unreadable.pop(found.path, None)
        if root.watches is not None and root.watches.ensure(found.path, found.device, found.inode):
            root.want_listed(found.path, recursive=False)
        return found

    def _conclude(
        self, root: RootState, compared: Compared, round_: Round, tally: ScanTally | None
    ) -> None:
        """Keep what a scan did not meet for its end; look soon at what a single listing lacks."""
        if tally is not None:
            tally.recorded.add(compared.recorded)
            tally.absent.extend(compared.absent)
            for directory_id in compared.visited:
                tally.visit(directory_id)
            return
        for absent in self._stages.departures.absent(root.name, compared.absent):
            root.settle.note(absent.path, absent.name, Hint.GONE, round_.now)

    def take_scans(self, round_: Round) -> None:
        """Take what scans have found since, as much as fits into a round."""
        left = ROUND_LISTED
        while left > 0 and (batch := self._inbox.take_scan()) is not None:
            left -= 1 + self._scan_batch(batch, round_)

    def _scan_batch(self, batch: ScanBatch, round_: Round) -> int:
        root, tally = self._stages.states[batch.tally.root], batch.tally
        files = 0
        if root.up and not tally.broken:
            round_.scans.append(tally)
            files = self._listed(root, batch.found, round_, tally)
            tally.listed += files
        if batch.ended:
            if root.scan is tally:
                self.conclude(root, tally)
            else:
                round_.ended.append(tally)  # it was given up before it began
        return files

    def conclude(self, root: RootState, tally: ScanTally) -> None:
        """Begin, or begin again, to draw a scan's conclusions."""
        stages = self._stages
        root.scan = tally
        root.ending = ScanEnd(
            root, tally, stages.departures, stages.directories, stages.counts, self._wall_ns
        )

    def draw_conclusions(self, round_: Round) -> None:
        """Draw a slice of the conclusions of each scan that came to its end."""
        for root in self._stages.states.values():
            if root.ending is not None:
                self._end_slice(root, root.ending, round_)

    @staticmethod
    def _end_slice(root: RootState, ending: ScanEnding, round_: Round) -> None:
        """Draw some of a scan's conclusions."""
        round_.scans.append(ending.tally)
        done = ending.slice()
        if done is None:
            round_.ended.append(ending.tally)
            if ending.tally.whole and not ending.tally.broken:
                root.only_unreadable(ending.tally.unreadable)
            root.scan = root.ending = root.live = None
        else:
            round_.add(root, done)
            if done.missing:
                root.lost_at = round_.now
