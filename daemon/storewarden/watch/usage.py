"""Counts opens and writes of files under one root, beside the emitter and never in its way.

It has an inotify instance, a queue and a thread of its own: what overflows here costs counts, never
truth. Its watches stand on the directories that the emitter watches, for as long as the emitter
does not need their place in the budget. Paths are the emitter's: a count is kept by the watch of
its directory and told under the path that this has when it is told.

The emitter calls `open`, `add`, `remove` and `close`; all else is this thread's, or says otherwise.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from storewarden.model import UsageCount
from storewarden.watch.budget import WatchBudget
from storewarden.watch.ears import Ears
from storewarden.watch.inotify import USAGE_MASK, Inotify
from storewarden.watch.own import OwnReads
from storewarden.watch.table import Node
from storewarden.watch.uses import MOST_NAMES, Use, Uses

log = logging.getLogger(__name__)

TELL_SECONDS: Final = 10.0
_EARLY: Final = 20_000  # names after which it is told at once
KEPT_SECONDS: Final = 120.0  # what is counted of a file that is not recorded by then is dropped
_READS: Final = 8
_PAUSE: Final = 10.0  # after a mistake of ours
_WINDOW_MS: Final = 40  # nobody waits for a count; half of the kernel's queue at 200,000 a second
_END_SECONDS: Final = 0.5
_MOST_RENAMES: Final = 1_000  # while the recorder is at work on counts: some milliseconds
_DEEPEST: Final = 4096

# The watches of directories, as the emitter knows them, to paths; None: not known just now; left
# out: it is no more.
Paths = Callable[[Iterable[int]], Mapping[int, bytes | None]]
_File = tuple[int, bytes]  # our watch of its directory, its name
Back = Callable[[Collection[UsageCount]], None]
Tell = Callable[[str, tuple[UsageCount, ...], Back], None]


@dataclass(frozen=True, slots=True)
class UsageFigures:
    """A counter's figures since its start."""

    watches: int = 0
    events: dict[str, int] = field(default_factory=dict)
    lost: int = 0


@dataclass(frozen=True, slots=True)
class UsageSpec:
    """What to count, and how much of it to keep."""

    root: str
    excluded: Callable[[bytes, bytes], bool] = lambda _directory, _name: False
    kept: float = KEPT_SECONDS
    most: int = MOST_NAMES
    every: float = TELL_SECONDS


class UsageCounter:
    """Counts the use of one root's files and tells of it every ten seconds."""

    def __init__(
        self,
        spec: UsageSpec,
        own: OwnReads,
        tell: Tell,
        budget: WatchBudget,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Tell ``tell`` of the counts of a root, and how to give back those of unknown files."""
        self.root = spec.root
        self._spec = spec
        self._own, self._tell, self._budget = own, tell, budget
        self._clock, self._wall_ns = clock, wall_ns
        self._uses = Uses(self, spec.most)
        self._lock = threading.Lock()  # the instance and both maps; never held for long
        self._inotify: Inotify | None = None
        self._of_emitter: dict[int, int] = {}  # our watch to the emitter's
        self._ours: dict[int, int] = {}  # the emitter's to ours
        self._gave_way = False  # to the watches of an emitter, until the root is watched anew
        self._unwatched = False  # said once that there is no watch for some directory
        self._ears = Ears(_WINDOW_MS)
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._nodes: Mapping[int, Node] = {}
        self._paths: Paths = lambda _watches: {}
        self._returned: deque[tuple[int, bytes, Use]] = deque()
        self._out = False  # told, and not yet heard what came of it
        self._meanwhile: list[tuple[_File, _File]] = []  # renames since then, in order
        self._tell_at = 0.0

    # -- for the emitter, under its lock ------------------------------------------------------

    def open(self) -> None:
        """Make the instance; without one nothing is counted, and that is said."""
        try:
            self._inotify = Inotify()
        except OSError as error:
            self._say_unwatched(str(error), "sudo sysctl -w fs.inotify.max_user_instances=512")
            return
        self._own.begin(self.root)
        self._budget.yields(self._give_way)

    def add(self, descriptor: int, watch: int) -> None:
        """Count in a directory that the emitter just watched."""
        if watch in self._ours:
            return
        with self._lock:
            if self._inotify is None or self._gave_way:
                return
            if not self._budget.take_spare():
                self._say_unwatched("no watch is left for it", self._budget.remedy())
                return
            try:
                ours = self._inotify.add(descriptor, USAGE_MASK)
            except OSError as error:
                self._budget.give_spare()
                self._say_unwatched(str(error), self._budget.remedy())
                return
            if ours in self._of_emitter:
                self._budget.give_spare()
            self._of_emitter[ours], self._ours[watch] = watch, ours

    def remove(self, watch: int) -> None:
        """Count no longer in a directory whose watch the emitter gives up."""
        with self._lock:
            ours = self._ours.pop(watch, None)
            if ours is None:
                return
            self._of_emitter.pop(ours, None)
            self._budget.give_spare()
            if self._inotify is not None:
                self._inotify.remove(ours)

    def start(self, nodes: Mapping[int, Node], paths: Paths) -> None:
        """Count from now on; ``nodes`` is read without a lock, ``paths`` takes the emitter's."""
        self._nodes, self._paths = nodes, paths
        inotify = self._inotify
        if inotify is None:
            return
        self._ears.listen(inotify)
        self._thread = threading.Thread(target=self._run, name=f"usage-{self.root}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell what was counted until now and end the thread; never under the emitter's lock."""
        self._stopping.set()
        self._ears.wake()
        if self._thread is not None:
            self._thread.join(_END_SECONDS)

    def close(self) -> None:
        """Give everything back."""
        self._stopping.set()
        self._budget.yields(self._give_way, no_more=True)
        with self._lock:
            inotify, self._inotify = self._inotify, None
            if inotify is not None:
                inotify.close()
            self._budget.give_spare(len(self._of_emitter))
            self._of_emitter.clear()
            self._ours.clear()
        self._own.end(self.root)
        self._ears.close()

    def figures(self) -> UsageFigures:
        """Return the figures of this moment; any thread."""
        uses = self._uses
        events = {"open": uses.opens, "write": uses.writes, "own": uses.own}
        return UsageFigures(len(self._of_emitter), events, uses.lost)

    # -- when watches run out -----------------------------------------------------------------

    def _give_way(self) -> bool:
        """Give all our watches up, for what records truth; any thread. True when there were any."""
        with self._lock:
            ours = list(self._of_emitter)
            if self._inotify is None or not ours:
                return False
            self._gave_way = True
            self._of_emitter.clear()
            self._ours.clear()
            for watch in ours:
                self._inotify.remove(watch)
        self._budget.give_spare(len(ours))
        self._say_unwatched("recording needs the watches", self._budget.remedy())
        return True

    def _say_unwatched(self, why: str, remedy: str) -> None:
        self._uses.lost += 1
        if not self._unwatched:
            self._unwatched = True
            log.warning(
                "the use of some files is not counted",
                extra={"facts": {"root": self.root, "why": why, "remedy": remedy}},
            )

    # -- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._done(self._turn):
                self._stopping.wait(_PAUSE)
        self._done(self._last)

    def _done(self, work: Callable[[], None]) -> bool:
        """Do a piece of work; a mistake in it costs counts and nothing else: begin anew."""
        try:
            work()
        except Exception:
            self._uses.clear()
            self._uses.lost += 1
            self._out = False
            log.exception("use could not be counted", extra={"facts": {"root": self.root}})
            return False
        return True

    def _last(self) -> None:
        self._take_back()
        self._read()
        self._tell_all()

    def _turn(self) -> None:
        """Wait for events, or until it is time to tell, and do it."""
        now = self._clock()
        waiting = self._uses.count > 0 and not self._out
        self._ears.wait(max(0.0, self._tell_at - now) if waiting else None)
        self._take_back()
        before = self._uses.count
        self._read()
        now = self._clock()
        if not before and self._uses.count:
            self._tell_at = now + self._spec.every
        due = now >= self._tell_at or self._uses.count >= _EARLY
        if self._uses.count and due and not self._out:
            self._tell_at = now + self._spec.every
            self._tell_all()

    def _read(self) -> None:
        for _ in range(_READS):
            with self._lock:
                buffer = self._inotify.read() if self._inotify is not None else b""
            if not buffer:
                return
            self._uses.take(buffer, self._wall_ns(), self._clock(), own=self._own.any())

    def _tell_all(self) -> None:
        """Tell of all that was counted where the path is known."""
        uses, oldest = self._uses, self._clock() - self._spec.kept
        emitters = {ours: self._of_emitter.get(ours) for ours in list(uses.names)}
        paths = self._paths([watch for watch in emitters.values() if watch is not None])
        counts: list[UsageCount] = []
        told: dict[bytes, tuple[int, dict[bytes, Use]]] = {}
        for ours, watch in emitters.items():
            path = paths.get(watch, b"\0") if watch is not None else b"\0"
            if path is None:
                continue  # on its way to another place: the next time
            taken = uses.take_all(ours)
            if path == b"\0":
                continue  # gone, with all that was in it
            taken = {
                name: use
                for name, use in taken.items()
                if use.since >= oldest and not self._spec.excluded(path, name)
            }
            told[path] = (ours, taken)
            counts += [UsageCount(path, name, *use[:3]) for name, use in taken.items()]
        if not counts:
            return

        def back(unknown: Collection[UsageCount]) -> None:
            for one in unknown:
                ours, taken = told[one.directory]
                self._returned.append((ours, one.name, taken[one.name]))
            self._out = False
            self._ears.wake()

        self._out = True
        self._tell(self.root, tuple(counts), back)

    def _take_back(self) -> None:
        """Keep what could not be stored for the next time, under the names that files have now."""
        moves, waits = self._meanwhile, self._out
        while self._returned:
            ours, name, use = self._returned.popleft()
            file = (ours, name)
            for old, new in moves:
                file = new if file == old else file
            if file[0] in self._of_emitter:
                self._uses.give_back(*file, use)
        if not waits:
            moves.clear()

    # -- what events mean beside counts -------------------------------------------------------

    def ours(self, watch: int, name: bytes) -> bool:
        """Tell whether the read that just ended was our own."""
        path = self._path(watch)
        return path is not None and self._own.takes(self.root, path, name)

    def moved(self, old: _File, new: _File) -> None:
        """Follow what we read ourselves, and what was told and may come back."""
        if (self._out or self._returned) and len(self._meanwhile) < _MOST_RENAMES:
            self._meanwhile.append((old, new))
        if not self._own.any():
            return
        old_path, new_path = self._path(old[0]), self._path(new[0])
        if old_path is not None and new_path is not None:
            self._own.moved(self.root, _joined(old_path, old[1]), _joined(new_path, new[1]))

    def ignored(self, watch: int) -> None:
        """Forget a watch that the kernel gave up."""
        with self._lock:
            emitters = self._of_emitter.pop(watch, None)
            if emitters is None:
                return
            self._ours.pop(emitters, None)
            self._budget.give_spare()

    def _path(self, watch: int) -> bytes | None:
        """Return the path of a directory without a lock: one that is wrong costs one count."""
        node = self._nodes.get(self._of_emitter.get(watch, 0))
        names: list[bytes] = []
        while node is not None and node.parent is not None and len(names) < _DEEPEST:
            if node.adrift:
                return None
            names.append(node.name)
            node = node.parent
        return b"/".join(reversed(names)) if node is not None else None


def _joined(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name
