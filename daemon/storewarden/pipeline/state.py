"""What the recorder knows of each root while the daemon runs. Owned by the recorder thread."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from storewarden.catalogue.written import Recorded
from storewarden.config.schema import RootSettings
from storewarden.model import Blind, Blindness
from storewarden.pipeline.look import Place, RootElsewhere, holds, opened
from storewarden.watch.exclude import Exclusions, names_matching
from storewarden.watch.settle import Settle, SettleSettings
from storewarden.watch.walk import Found


class Watches(Protocol):
    """What the recorder needs of an emitter."""

    def ensure(self, path: bytes, device: int, inode: int) -> bool:
        """Watch a directory; true when it was not watched (rightly) before."""
        ...

    def blind(self) -> Sequence[Blind]:
        """Return what of the root cannot be seen."""
        ...


@dataclass(slots=True)
class ScanWish:
    """Why a root is to be scanned, and who wants to know what came of it."""

    reason: str
    jobs: tuple[int, ...] = ()
    accept_missing: bool = False

    def joined(self, other: ScanWish) -> ScanWish:
        """Return the wish for one scan that is an answer to both."""
        jobs = self.jobs + tuple(job for job in other.jobs if job not in self.jobs)
        return ScanWish(self.reason, jobs, self.accept_missing or other.accept_missing)


@dataclass(slots=True)
class ScanTally:
    """One scan under way: what it met, what it did not, and whether it can be believed."""

    root: str
    wish: ScanWish
    started: float
    fresh: bool = False  # the catalogue was empty: nothing can have come from elsewhere in it
    visited: bytearray = field(default_factory=bytearray)  # a bit for each directory's id
    unreadable: set[bytes] = field(default_factory=set)
    absent: array[int] = field(default_factory=lambda: array("q"))
    recorded: Recorded = field(default_factory=Recorded)
    errors: int = 0
    whole: bool = False
    broken: str = ""  # why nothing may be concluded from what it did not meet
    held: int = 0  # files it did not meet, too many at once to believe
    listed: int = 0

    def visit(self, directory_id: int) -> None:
        """Remember that this directory was listed to its end."""
        byte, bit = divmod(directory_id, 8)
        if byte >= len(self.visited):
            self.visited.extend(bytes(byte + 4096 - len(self.visited)))
        self.visited[byte] |= 1 << bit

    def met(self, directory_id: int) -> bool:
        """Tell whether this directory was listed to its end."""
        byte, bit = divmod(directory_id, 8)
        return byte < len(self.visited) and bool(self.visited[byte] & (1 << bit))


@dataclass(slots=True)
class Relist:
    """A walk of a directory inside the daemon, a slice in each round."""

    path: bytes
    recursive: bool
    root_fd: int
    found: Iterator[Found]
    listings: int = 0

    def close(self) -> None:
        """Give the root's descriptor back."""
        os.close(self.root_fd)


@dataclass(frozen=True, slots=True)
class Shown:
    """What other threads may know of what settles."""

    pending: int = 0
    oldest: float | None = None  # monotonic


class ScanEnding(Protocol):
    """The conclusions of a scan, drawn a slice in each round."""

    tally: ScanTally

    def slice(self) -> Recorded | None:
        """Do one slice; return what it marked missing, None when all is concluded."""
        ...


class RootState:
    """One root: what is settling in it, what is to be listed, what is being scanned."""

    def __init__(self, settings: RootSettings) -> None:
        self.settings = settings
        self.name = settings.name
        self.settle = Settle(
            SettleSettings(settle_seconds=settings.settle, cap_seconds=settings.settle_cap),
            names_matching(settings.partial),
        )
        self.exclusions = Exclusions(settings.exclude)
        self.place: Place | None = None  # of the directory that is the root now; None: not there
        self.watches: Watches | None = None
        self.mounts_judged: Callable[[], bool] = lambda: True
        self._hidden: dict[bytes, int] = {}  # places that mounts hide, and since when
        self.relists: dict[bytes, bool] = {}  # directories to list, and whether all below them
        self.relist: Relist | None = None
        self.gone: list[bytes] = []  # directories to confirm gone
        self.doubtful: dict[bytes, None] = {}  # not there, but it is not known what mounts hide
        self.live: dict[bytes, float] | None = None  # last change by directory, during a scan
        self.trees: dict[bytes, float] = {}  # directories that came or went, during a scan
        self.scan: ScanTally | None = None
        self.ending: ScanEnding | None = None
        self.unreadable: dict[bytes, int] = {}  # directory -> errno
        self.lost_at = float("-inf")  # when files were last called missing with their directory
        self.shown: Shown = Shown()
        self._shown_at = float("-inf")

    @property
    def up(self) -> bool:
        """Whether the root is there and is the one that is known."""
        return self.place is not None

    def want_listed(self, path: bytes, *, recursive: bool) -> None:
        """List a directory soon; an order for all below it includes one for it alone."""
        self.relists[path] = self.relists.get(path, False) or recursive

    def list_what_overflowed(self) -> None:
        """List the directories of names for which there was no room, once there is some."""
        if not self.settle.has_room():
            return
        for directory in self.settle.overflow():
            self.want_listed(directory, recursive=False)

    def only_unreadable(self, paths: Collection[bytes]) -> None:
        """Forget what could not be read once and was not met by a whole scan: it went away."""
        self.unreadable = {path: error for path, error in self.unreadable.items() if path in paths}

    def touched(self, path: bytes, now: float) -> None:
        """Remember that a directory changed: a listing taken before is stale."""
        if self.live is not None:
            self.live[path] = now

    def moved(self, path: bytes, now: float) -> None:
        """Remember that a directory came or went: listings of it and below are of another one."""
        if self.live is not None:
            self.trees[path] = now

    def renamed(self, old: bytes, new: bytes) -> None:
        """Follow a directory: what is to be looked at or listed below it is at its new path."""
        self.settle.moved(old, new)

        def now_at(path: bytes) -> bytes:
            return new + path[len(old) :] if within(path, old) else path

        self.gone = [now_at(path) for path in self.gone]
        self.doubtful = {now_at(path): None for path in self.doubtful}
        self.unreadable = {now_at(path): error for path, error in self.unreadable.items()}
        relists, self.relists = self.relists, {}
        for path, recursive in relists.items():
            self.want_listed(now_at(path), recursive=recursive)
        if self.relist is not None:  # its walk goes by the paths of before
            path, recursive = self.relist.path, self.relist.recursive
            if now_at(path) != path:
                self.want_listed(now_at(path), recursive=recursive)
            elif recursive and within(old, path):
                self.want_listed(new, recursive=True)

    def stale(self, path: bytes, taken: float) -> bool:
        """Tell whether a listing is older than what was recorded of the directory since."""
        if self.live is None:
            return False
        if self.live.get(path, -1.0) >= taken:
            return True
        while self.trees:
            if self.trees.get(path, -1.0) >= taken:
                return True
            if not path:
                return False
            path = path.rpartition(b"/")[0]
        return False

    def show(self, now: float) -> None:
        """Publish figures for other threads; the oldest costs a step for each name pending."""
        pending = self.settle.pending()
        if pending and now - self._shown_at < 1.0:
            return
        self._shown_at = now
        self.shown = Shown(pending, self.settle.oldest() if pending else None)

    def hidden(self, now_ns: int) -> Mapping[bytes, int] | None:
        """Return where mounts hide files, or took them along, each with a slash, and since when.

        None when something was mounted or unmounted a moment ago and it is not known what that
        hides: then nothing is gone that is not there. To be asked after the look that did not
        find something, as what is mounted between the question and the look is not in the answer.
        """
        if not self.mounts_judged():
            return None
        blind = self.watches.blind() if self.watches is not None else ()
        reasons = {Blindness.NOT_MOUNTED, Blindness.MOUNTED_OVER}
        places = {one.path + b"/" for one in blind if one.reason in reasons}
        self._hidden = {place: self._hidden.get(place, now_ns) for place in places}
        return self._hidden

    def resolve_doubts(self) -> None:
        """Look again for what was not there while it was not known what mounts hide."""
        if self.doubtful and self.mounts_judged():
            self.gone += self.doubtful
            self.doubtful.clear()

    def busy(self) -> bool:
        """Whether there is something to do without a new event."""
        return bool(self.relists or self.relist or self.gone or self.ending)

    def down(self) -> None:
        """Forget what only makes sense while the root is there; what settles goes on waiting."""
        self.place = None
        self.watches = None
        self.relists.clear()
        self.gone.clear()
        self.doubtful.clear()
        self.live = None
        self.end_relist()
        if self.scan is not None:
            self.scan.broken = "the root went away"

    def end_relist(self) -> None:
        """Give up, or end, the listing that is under way."""
        if self.relist is not None:
            self.relist.close()
            self.relist = None


def within(path: bytes, directory: bytes) -> bool:
    """Tell whether a path is that of a directory, or of something below it."""
    return not directory or path == directory or path.startswith(directory + b"/")


def still_there(
    roots: Mapping[str, RootState], root: str, directory: bytes, name: bytes, inode: int
) -> bool:
    """Look whether a name still holds an inode; true when nobody can tell."""
    state = roots.get(root)
    if state is None or state.place is None:
        return True
    try:
        with opened(state.settings.path, state.place) as root_fd:
            return holds(root_fd, directory, name, inode)
    except RootElsewhere:
        return True
