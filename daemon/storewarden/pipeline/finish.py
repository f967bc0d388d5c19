"""The end of a scan: what it did not meet is looked at once more, and only then called missing."""

from __future__ import annotations

import logging
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from storewarden.catalogue.counts import Counts
from storewarden.catalogue.depart import Absent, Departures
from storewarden.catalogue.directories import Directories
from storewarden.catalogue.written import Recorded
from storewarden.pipeline.look import RootElsewhere, look, opened
from storewarden.pipeline.state import RootState, ScanTally

log = logging.getLogger(__name__)

_SLICE = 4_000
# Below this many files a share means nothing: two of five are not a lost disk.
_FEW = 20


class ScanEnd:
    """Draws the conclusions of one scan, a slice in each round, inside the round's transaction."""

    def __init__(
        self,
        root: RootState,
        tally: ScanTally,
        departures: Departures,
        directories: Directories,
        counts: Counts,
        wall_ns: Callable[[], int],
    ) -> None:
        self.root = root
        self.tally = tally
        self._done = Recorded()
        self._departures = departures
        self._directories = directories
        self._counts = counts
        self._wall_ns = wall_ns
        self._slices = self._conclude()

    def slice(self) -> Recorded | None:
        """Do one slice; return what it marked missing, None when all is concluded."""
        self._done = Recorded()
        try:
            next(self._slices)
        except StopIteration:
            return None
        return self._done

    def _conclude(self) -> Iterator[None]:
        tally = self.tally
        if not self._believable():
            return
        begun_ns = self._wall_ns()
        yield from self._never_met()
        confirmed: array[int] = array("q")
        for start in range(0, len(tally.absent), _SLICE):
            confirmed.extend(self._still_absent(tally.absent[start : start + _SLICE]))
            yield
        if not self._believable():
            return
        if self._too_many(len(confirmed)):
            tally.held += len(confirmed)
            return
        for start in range(0, len(confirmed), _SLICE):
            if not self._believable():
                return
            chunk = confirmed[start : start + _SLICE]
            self._done = self._departures.files(
                self.root.name, chunk, self._wall_ns(), recorded_before_ns=begun_ns
            )
            tally.recorded.missing += self._done.missing
            yield

    def _believable(self) -> bool:
        """Tell whether anything may be concluded from what this scan did not meet."""
        tally = self.tally
        return tally.whole and not tally.broken and not tally.errors

    def _never_met(self) -> Iterator[None]:
        """Take the files of directories that the walk did not come by for absent."""
        root_id = self._counts.roots[self.root.name]
        for count, (directory_id, _) in enumerate(self._directories.below(root_id, b"")):
            if not self.tally.met(directory_id):
                self.tally.absent.extend(self._departures.present_in(directory_id))
            if count % _SLICE == _SLICE - 1:
                yield

    def _still_absent(self, ids: Sequence[int]) -> Iterator[int]:
        """Return those of ``ids`` that are not there, after a look at where each is said to be."""
        by_directory: dict[bytes, list[Absent]] = defaultdict(list)
        for absent in self._departures.absent(self.root.name, ids):
            by_directory[absent.path].append(absent)
        gone: list[Absent] = []
        try:
            with opened(self.root.settings.path, self.root.place or (0, 0)) as root_fd:
                for path, absents in by_directory.items():
                    looked = look(root_fd, path, [absent.name for absent in absents])
                    if looked.error:
                        self.tally.errors += 1
                        self.tally.broken = "a directory could not be looked into"
                        return
                    names = set(looked.absent)
                    gone += (absent for absent in absents if absent.name in names)
        except RootElsewhere as error:
            self.tally.broken = str(error)
            return
        yield from self._not_hidden(gone)

    def _not_hidden(self, gone: Sequence[Absent]) -> Iterator[int]:
        """Return the ids of those that no mount hides; the others are held."""
        if not gone:
            return
        hidden = self.root.hidden(self._wall_ns())
        if hidden is None:
            self.tally.broken = "something was mounted or unmounted inside the root"
            return
        places = () if self.tally.wish.accept_missing else tuple(hidden)
        for absent in gone:
            if places and (absent.path + b"/").startswith(places):
                self.tally.held += 1
            else:
                yield absent.id

    def _too_many(self, count: int) -> bool:
        """Tell whether so many files are gone that a person has to say it is true."""
        present = self._counts.present(self.root.name)
        share = self.root.settings.missing_share
        return not self.tally.wish.accept_missing and count > max(_FEW, present * share)
