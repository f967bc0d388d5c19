"""A consumer of changes as simple as one can be: it keeps a set of paths true, and nothing else.

What the real recorder does with a change, this does with a set: a hint is a look, a directory
found is a walk, a dirty root is a walk of everything with `ensure` and `confirm_after_scan`.
"""

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from watchdog.events import FileSystemEvent, FileSystemEventHandler

from storewarden.below import open_directory
from storewarden.model import (
    Blindness,
    Change,
    DirectoryDirty,
    DirectoryFound,
    DirectoryGone,
    DirectoryMoved,
    Hint,
    RootDirty,
    Touched,
)
from storewarden.watch.budget import WatchBudget
from storewarden.watch.delivery import ChangesEvent
from storewarden.watch.emitter import InotifyEmitter
from storewarden.watch.exclude import Exclusions
from storewarden.watch.fold import FoldLimits
from storewarden.watch.observer import WardenObserver
from storewarden.watch.settle import Rest, Settle, SettleSettings
from storewarden.watch.tree import WatchSpec

ROOT = "watched"
STORY = 200_000  # entries; a storm of 8000 operations makes 30,000
QUIET = 0.8  # seconds without a change; a directory is adrift for half a second


def join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name


def _within(path: bytes, directory: bytes) -> bool:
    return not directory or path == directory or path.startswith(directory + b"/")


def tree(top: bytes, exclusions: Exclusions | None = None) -> tuple[set[bytes], set[bytes]]:
    """Return all regular files and all directories below a directory, as they are now."""
    files, directories = set[bytes](), set[bytes]()
    exclusions = exclusions or Exclusions()
    descriptor = os.open(top, os.O_RDONLY)
    try:
        for path, inside, names in walk(descriptor, b"", exclusions):
            directories.add(path)
            files |= {join(path, name) for name in names}
            directories |= {join(path, name) for name in inside}
    finally:
        os.close(descriptor)
    return files, directories


def walk(
    root_fd: int,
    start: bytes,
    exclusions: Exclusions,
    places: dict[bytes, tuple[int, int]] | None = None,
) -> Iterator[tuple[bytes, list[bytes], list[bytes]]]:
    """Yield each directory below a root with the names of its directories and regular files."""
    stack = [start]
    while stack:
        path = stack.pop()
        try:
            descriptor = open_directory(root_fd, path)
        except OSError:
            continue
        try:
            status = os.fstat(descriptor)
            if places is not None:
                places[path] = (status.st_dev, status.st_ino)
            with os.scandir(descriptor) as found:
                entries = list(found)
        except OSError:
            entries = []
        finally:
            os.close(descriptor)
        inside = [os.fsencode(e.name) for e in entries if e.is_dir(follow_symlinks=False)]
        names = [os.fsencode(e.name) for e in entries if e.is_file(follow_symlinks=False)]
        inside = [name for name in inside if not exclusions.directory(join(path, name))]
        yield path, inside, [name for name in names if not exclusions.file(path, name)]
        stack += [join(path, name) for name in inside]


class Watching(FileSystemEventHandler):
    """Watches a directory with a real emitter; everything it was told is in ``changes``."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        exclude: tuple[str, ...] = (),
        budget: WatchBudget | None = None,
        limits: FoldLimits | None = None,
        slow: Callable[[], object] = lambda: None,
    ) -> None:
        self.path = os.fsencode(path)
        self.exclusions = Exclusions(exclude)
        self.changes: list[Change] = []
        self.files: set[bytes] = set()
        self.places: dict[bytes, tuple[int, int]] = {}  # of the directories it knows
        self.hints: dict[bytes, Hint] = {}  # the last of each path
        self.reported: set[bytes] = set()  # every path a hint ever came for
        self.story: list[tuple[float, str, bytes, object]] = []  # what it did, for who asks why
        self.last = time.monotonic()
        self.apply = True  # else changes are only kept
        self._slow = slow
        self._settle = Settle(SettleSettings(settle_seconds=0.6))
        self._lock = threading.RLock()  # what is applied can be a scan
        self.observer = WardenObserver(budget, limits=limits)
        self.emitter: InotifyEmitter

    def __enter__(self) -> Self:
        self.observer.start()
        self.emitter = self.observer.attach(WatchSpec(ROOT, self.path, self.exclusions), self)
        with self._lock:
            self._list(b"", recursive=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.observer.stop()
        self.observer.join()

    # -- what the recorder does ---------------------------------------------------------------

    def dispatch(self, event: FileSystemEvent) -> None:
        assert isinstance(event, ChangesEvent)
        self._slow()
        for change in event.changes:
            with self._lock:
                self.changes.append(change)
                self._tell_of(change)
                if self.apply:
                    self._apply(change)
                self.last = time.monotonic()
        event.taken()

    def _tell_of(self, change: Change) -> None:
        match change:
            case Touched():
                for directory, hints in change.names.items():
                    self._tell(
                        "touched", directory, {name: hint.name for name, hint in hints.items()}
                    )
            case DirectoryMoved():
                self._tell("moved from", change.old, (change.new, change.device, change.inode))
                self._tell("moved to", change.new, (change.old, change.device, change.inode))
            case RootDirty():
                self._tell("root dirty", b"", change.reason)
            case _:
                self._tell(type(change).__name__, change.path, None)

    def _tell(self, what: str, path: bytes, more: object) -> None:
        if len(self.story) < STORY:
            self.story.append((time.monotonic(), what, path, more))

    def _apply(self, change: Change) -> None:
        match change:
            case Touched():
                self._note(change.names)
                self._look()
            case DirectoryFound() | DirectoryGone():
                self._list(change.path, recursive=True)
            case DirectoryDirty():
                self._list(change.path, recursive=False)
            case DirectoryMoved():
                self._settle.moved(change.old, change.new)
                self._move(change)
            case RootDirty():
                self.scan()

    def _move(self, change: DirectoryMoved) -> None:
        place = (change.device, change.inode)
        if self.places.get(change.old) != place or self.places.get(change.new) == place:
            self._list(change.old, recursive=True)
            self._list(change.new, recursive=True)
            return
        old = change.old + b"/"
        moved = {path for path in self.files if path.startswith(old)}
        self.files -= moved
        self.files |= {change.new + b"/" + path[len(old) :] for path in moved}
        for path in [one for one in self.places if one == change.old or one.startswith(old)]:
            self.places[change.new + path[len(change.old) :]] = self.places.pop(path)

    def _note(self, names: dict[bytes, dict[bytes, Hint]]) -> None:
        self._settle.note_all(names, time.monotonic())
        for directory, hints in names.items():
            for name, hint in hints.items():
                path = join(directory, name)
                self.hints[path] = hint
                self.reported.add(path)

    def _look(self) -> None:
        now = time.monotonic()
        for directory, name in self._settle.due(now, 1_000_000):
            there, place = self._is_file(directory, name)
            if there and place is not None:  # as a row is of the directory that was looked into
                self.places[directory] = place
            signature = (1, 1, 1, 1) if there else None
            rest = self._settle.seen(directory, name, signature, there, now)
            self._tell("looked", directory, (name, there, rest.name))
            if there:
                self.files.add(join(directory, name))
            elif rest is Rest.GONE:
                self.files.discard(join(directory, name))

    def _is_file(self, directory: bytes, name: bytes) -> tuple[bool, tuple[int, int] | None]:
        """Tell whether a name is that of a file, and which directory it is in."""
        root = os.open(self.path, os.O_PATH)
        try:
            descriptor = open_directory(root, directory)
            try:
                status = os.fstat(descriptor)
                place = status.st_dev, status.st_ino
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                return stat.S_ISREG(found.st_mode), place
            finally:
                os.close(descriptor)
        except OSError:
            return False, None
        finally:
            os.close(root)

    def _list(self, path: bytes, *, recursive: bool) -> None:
        below = path + b"/" if path else b""
        if recursive:
            self.files = {one for one in self.files if not one.startswith(below)}
            # What is not met is not known: when it turns up it is listed, not moved.
            self.places = {one: at for one, at in self.places.items() if not _within(one, path)}
        else:
            self.files = {
                one
                for one in self.files
                if not (one.startswith(below) and b"/" not in one[len(below) :])
            }
        try:
            root = os.open(self.path, os.O_PATH)
        except OSError:
            return
        try:
            for directory, _, names in walk(root, path, self.exclusions, self.places):
                self.files |= {join(directory, name) for name in names}
                self._tell("listed", directory, (self.places[directory], names))
                if not recursive:
                    return
        finally:
            os.close(root)

    def scan(self) -> None:
        met = set[bytes]()
        root = os.open(self.path, os.O_PATH)
        try:
            for directory, _, _ in walk(root, b"", self.exclusions):
                met.add(directory)
                try:
                    descriptor = open_directory(root, directory)
                except OSError:
                    continue
                status = os.fstat(descriptor)
                os.close(descriptor)
                self.emitter.ensure(directory, status.st_dev, status.st_ino)
        finally:
            os.close(root)
        self.emitter.confirm_after_scan(met.__contains__)
        with self._lock:  # a test scans from its own thread, while changes are applied
            self._list(b"", recursive=True)

    # -- what a test asks ---------------------------------------------------------------------

    def settled(self, timeout: float = 20.0) -> Self:
        """Wait until nothing has come for a while and nothing waits for delivery."""
        end = time.monotonic() + timeout
        self.last = time.monotonic()
        while time.monotonic() < end:
            with self._lock:
                self._look()
            quiet = time.monotonic() - self.last
            rests = not self._settle.pending() and not self.emitter.figures().pending
            if quiet > QUIET and rests and self._emitter_rests():
                return self
            time.sleep(0.05)
        raise AssertionError(f"not at rest: {self.emitter.figures()}")

    def _emitter_rests(self) -> bool:
        """Tell whether no directory's fate is open; on a busy machine that can take its time."""
        emitter = self.emitter
        with emitter._lock:
            if not emitter._open or emitter._lost is not None:
                return True
            if emitter._delivery._out:  # on its way to us
                return False
            tree, watches = emitter._tree, emitter._watches
            return not (tree.drift.next_due() or tree.restless or watches.giving_up())

    def settled_or_held(self) -> None:
        """Wait until nothing comes; something may be kept back because its path is not known."""
        self.last = time.monotonic()
        while time.monotonic() - self.last < QUIET:
            time.sleep(0.05)

    def until(self, met: Callable[[], object], timeout: float = 5.0) -> Self:
        """Wait until something is true."""
        end = time.monotonic() + timeout
        while not met():
            assert time.monotonic() < end, f"still not true; last changes {self.changes[-5:]}"
            time.sleep(0.01)
        return self

    def of(self, kind: type[Change]) -> list[Change]:
        return [change for change in self.changes if isinstance(change, kind)]

    def blind(self) -> set[tuple[Blindness, bytes]]:
        return {(one.reason, one.path) for one in self.emitter.blind()}

    def assert_true(self) -> None:
        """Hold that the set of files is what is there, and that every directory is watched."""
        self.settled()
        files, directories = tree(self.path, self.exclusions)
        assert self.files == files, self._why(files)
        assert self.watched() == directories, self._why(files)
        assert self.emitter.figures().watches == len(directories)
        unseen = self.unseen(directories)
        assert unseen == set(), f"not told of in {sorted(unseen)}"

    def watched(self) -> set[bytes | None]:
        """Return the paths of all directories that are watched."""
        with self.emitter._lock:
            return {node.path() for node in self.emitter._tree.table.by_watch.values()}

    def _why(self, files: set[bytes]) -> str:
        """Tell in what the set and the tree differ, and what was done where they do."""
        lacking, ghosts = sorted(files - self.files), sorted(self.files - files)
        directories, watched = tree(self.path, self.exclusions)[1], self.watched()
        lines = [f"not known: {lacking}", f"not there: {ghosts}", f"{self.emitter.figures()}"]
        lines.append(f"not watched: {sorted(directories - watched)}")
        lines.append(f"watched elsewhere: {watched - directories}")
        for path in (lacking + ghosts)[:3]:
            directory = path.rpartition(b"/")[0]
            places = {directory}
            for _, what, old, more in reversed(self.story):  # where it was before, too
                if what == "moved to" and isinstance(more, tuple):
                    places |= {more[0] + one[len(old) :] for one in places if _within(one, old)}
            lines.append(f"-- {path!r} --")
            told = [one for one in self.story if any(_within(place, one[2]) for place in places)]
            lines += [f"{at:.4f} {what} {where!r} {more}" for at, what, where, more in told[-60:]]
        found = os.stat(self.path)
        lines.append(f"root {found.st_dev} {found.st_ino}, now {time.monotonic():.4f}")
        lines += [
            f"{one!r}: {os.stat(self.path + b'/' + one).st_ino}" for one in sorted(directories)
        ]
        return "\n".join(lines)

    def unseen(self, directories: set[bytes]) -> set[bytes]:
        """Make a file in each directory; return those whose file no event told of."""
        root = os.open(self.path, os.O_PATH)
        self.hints.clear()
        try:
            for path in directories:
                descriptor = open_directory(root, path)
                os.close(os.open(b"probe", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
                os.close(descriptor)
        finally:
            os.close(root)
        self.settled()
        return {path for path in directories if join(path, b"probe") not in self.hints}
