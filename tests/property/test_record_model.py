"""Whatever happens to a tree, in whatever order it is told: the catalogue equals the tree.

A machine does what people and programs do to files, tells it as the emitter does (structure in
order, names folded by directory), or loses what it had to tell; between that it lets time pass,
walks, fails, and restarts. What is told in full must make the catalogue right without any scan.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from storewarden.errors import CatalogueRefused
from storewarden.model import (
    Change,
    DirectoryFound,
    DirectoryGone,
    DirectoryMoved,
    Hint,
    Touched,
)
from storewarden.pipeline.state import ScanTally
from storewarden.watch.changes import pruned
from storewarden.watch.walk import Found
from tests.faults import Faults
from tests.recording import World, dump, prepared, settings_of

FILES = (b"a", b"b", b"c.png", b"\xff\xfe", b"new\nline", b"n" * 255, b"x.part")
DIRECTORIES = (b"d", b"e", b"\xf0dir")
MOST_FILES = 18  # fewer than the guard against mass deletion minds
DEEPEST = 3

# What happens, and how often in comparison.
DEEDS = {
    "write": 3,
    "append": 1,
    "rewrite": 1,
    "rewrite_and_set_the_time_back": 1,
    "change_its_mode": 1,
    "rename": 3,
    "exchange": 1,
    "rotate": 2,
    "save_atomically": 2,
    "link": 2,
    "unlink": 2,
    "make_directory": 2,
    "rename_directory": 2,
    "remove_tree": 1,
    "take_out": 1,
    "bring_in": 1,
}
deed = some.tuples(
    some.sampled_from([name for name, often in DEEDS.items() for _ in range(often)]),
    *[some.integers(0, 63)] * 2,
    some.integers(0, len(FILES) - 1),
)
busy = some.lists(deed, min_size=1, max_size=6)
Deeds = list[tuple[str, int, int, int]]


def join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name


def parent_of(path: bytes) -> tuple[bytes, bytes]:
    directory, _, name = path.rpartition(b"/")
    return directory, name


class Tree:
    """A real tree, what is done to it, and what an emitter would have to tell of it.

    Whoever names a file or a directory does so by a number: it counts among those there are.
    """

    def __init__(self, base: Path) -> None:
        self.top = os.fsencode(base / "root")
        self.outside = os.fsencode(base / "outside")
        os.mkdir(self.top)
        os.mkdir(self.outside)
        self.structure: list[Change] = []
        self.touches: dict[int, dict[bytes, Hint]] = {}  # by the inode of the directory
        self._fill = itertools.count()

    # -- what is there -------------------------------------------------------------------

    def files(self) -> list[bytes]:
        return sorted(
            os.path.relpath(os.path.join(directory, name), self.top)
            for directory, _, inside in os.walk(self.top)
            for name in inside
        )

    def directories(self) -> list[bytes]:
        found = sorted(os.path.relpath(one, self.top) for one, _, _ in os.walk(self.top))
        return [b"" if path == b"." else path for path in found]

    def file(self, index: int) -> bytes | None:
        files = self.files()
        return files[index % len(files)] if files else None

    def directory(self, index: int) -> bytes:
        directories = self.directories()
        return directories[index % len(directories)]

    def place(self, where: int, name: int, names: Sequence[bytes] = FILES) -> bytes:
        return join(self.directory(where), names[name % len(names)])

    def real(self, path: bytes) -> bytes:
        return os.path.join(self.top, path)

    def same(self, one: bytes, other: bytes) -> bool:
        """Tell whether two paths are one file: renaming one to the other does nothing."""
        if not os.path.exists(self.real(other)):
            return False
        return os.path.samefile(self.real(one), self.real(other))

    # -- telling -------------------------------------------------------------------------

    def touch(self, path: bytes, hint: Hint) -> None:
        directory, name = parent_of(path)
        hints = self.touches.setdefault(os.stat(self.real(directory)).st_ino, {})
        if not (hint is Hint.OPENED and hints.get(name) is Hint.CLOSED):
            hints[name] = hint

    def told(self) -> list[Change]:
        """Hand over all there is to tell; names go by the paths their directories have now."""
        paths = {os.stat(self.real(path)).st_ino: path for path in self.directories()}
        touched = {paths[inode]: names for inode, names in self.touches.items() if inode in paths}
        changes = [*pruned(self.structure), *([Touched("r", touched)] if touched else [])]
        self.structure, self.touches = [], {}
        return changes

    def forget(self) -> None:
        self.structure, self.touches = [], {}

    # -- what happens to files -----------------------------------------------------------

    def put(self, path: bytes, content: bytes, mode: str = "wb") -> None:
        with open(self.real(path), mode) as file:
            file.write(content)

    def content(self, size: int) -> bytes:
        return str(next(self._fill)).encode().rjust(size, b".")[:size]

    def write(self, where: int, size: int, name: int) -> None:
        path = self.place(where, name)
        if not os.path.isdir(self.real(path)) and len(self.files()) < MOST_FILES:
            self.put(path, self.content(size % 4))
            self.touch(path, Hint.CLOSED)

    def append(self, index: int, _: int, __: int) -> None:
        if path := self.file(index):
            self.put(path, b"more", "ab")
            self.touch(path, Hint.CLOSED)

    def rewrite(self, index: int, _: int, __: int) -> None:
        if path := self.file(index):
            self.put(path, self.content(os.stat(self.real(path)).st_size), "r+b")
            self.touch(path, Hint.CLOSED)

    def rewrite_and_set_the_time_back(self, index: int, _: int, __: int) -> None:
        if path := self.file(index):
            before = os.stat(self.real(path))
            self.rewrite(index, 0, 0)
            os.utime(self.real(path), ns=(before.st_atime_ns, before.st_mtime_ns))
            self.touch(path, Hint.OPENED)

    def change_its_mode(self, index: int, mode: int, _: int) -> None:
        if path := self.file(index):
            os.chmod(self.real(path), 0o600 + mode % 2 * 0o44)
            self.touch(path, Hint.OPENED)

    def rename(self, index: int, where: int, name: int) -> None:
        if path := self.file(index):
            self.rename_to(path, self.place(where, name))

    def rename_to(self, old: bytes, new: bytes) -> bool:
        if os.path.isdir(self.real(new)) or self.same(old, new):
            return False
        os.rename(self.real(old), self.real(new))
        self.touch(old, Hint.GONE)
        self.touch(new, Hint.CLOSED)
        return True

    def exchange(self, one: int, other: int, _: int) -> None:
        """Rename three times within a moment."""
        first, second = self.file(one), self.file(other)
        if first and second and not self.same(first, second):
            aside = os.path.join(self.outside, b"aside")
            os.rename(self.real(first), aside)
            os.rename(self.real(second), self.real(first))
            os.rename(aside, self.real(second))
            self.touch(first, Hint.CLOSED)
            self.touch(second, Hint.CLOSED)

    def rotate(self, index: int, where: int, name: int) -> None:
        """Move a file aside and begin a new one in its place, as logs are."""
        path = self.file(index)
        if path and self.rename_to(path, self.place(where, name)):
            self.put(path, b"begun")
            self.touch(path, Hint.CLOSED)

    def save_atomically(self, index: int, _: int, __: int) -> None:
        if path := self.file(index):
            beside = join(parent_of(path)[0], b".beside")
            self.put(beside, self.content(4))
            self.touch(beside, Hint.CLOSED)
            self.rename_to(beside, path)

    def link(self, index: int, where: int, name: int) -> None:
        old, new = self.file(index), self.place(where, name)
        if old and not os.path.lexists(self.real(new)) and len(self.files()) < MOST_FILES:
            os.link(self.real(old), self.real(new))
            self.touch(new, Hint.OPENED)

    def unlink(self, index: int, _: int, __: int) -> None:
        if path := self.file(index):
            os.unlink(self.real(path))
            self.touch(path, Hint.GONE)

    # -- what happens to directories -----------------------------------------------------

    def make_directory(self, where: int, files: int, name: int) -> None:
        """Make it with files that are there before its watch stands."""
        path = self.place(where, name, DIRECTORIES)
        if os.path.lexists(self.real(path)) or path.count(b"/") >= DEEPEST:
            return
        os.mkdir(self.real(path))
        for one in FILES[: files % 3]:
            self.put(join(path, one), self.content(3))
        self.structure.append(DirectoryFound("r", path))

    def rename_directory(self, index: int, where: int, name: int) -> None:
        old, new = self.directory(index), self.place(where, name, DIRECTORIES)
        if not old or (new + b"/").startswith(old + b"/"):
            return
        try:
            os.rename(self.real(old), self.real(new))
        except OSError:  # there is something in the other
            return
        status = os.stat(self.real(new))
        self.structure.append(DirectoryMoved("r", old, new, status.st_dev, status.st_ino))

    def remove_tree(self, index: int, _: int, __: int) -> None:
        if path := self.directory(index):
            inside = sorted(one for one in self.directories() if one.startswith(path + b"/"))
            for one in [*reversed(inside), path]:
                for file in os.scandir(self.real(one)):
                    os.unlink(file)
                os.rmdir(self.real(one))
                self.structure.append(DirectoryGone("r", one))

    def take_out(self, index: int, _: int, __: int) -> None:
        """Move a directory out of the root."""
        if path := self.directory(index):
            shutil.rmtree(os.path.join(self.outside, b"tree"), ignore_errors=True)
            os.rename(self.real(path), os.path.join(self.outside, b"tree"))
            self.structure.append(DirectoryGone("r", path))

    def bring_in(self, where: int, _: int, name: int) -> None:
        tree, path = os.path.join(self.outside, b"tree"), self.place(where, name, DIRECTORIES)
        if os.path.isdir(tree) and not os.path.lexists(self.real(path)):
            os.rename(tree, self.real(path))
            self.structure.append(DirectoryFound("r", path))


class Recording(RuleBasedStateMachine):
    """A tree and the flow that records it."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="storewarden-model-"))
        self.tree = Tree(self.base)
        self.engine = prepared("sqlite", self.base / "state")
        self.faults = Faults(self.engine)
        self.world = World(self.engine, settings_of("r", self.base / "root"))
        self.in_full = True  # nothing that happened was kept from the recorder
        self.tally: ScanTally | None = None
        self.walked: Iterator[Found] = iter(())

    @initialize(deeds=some.lists(deed, min_size=8, max_size=16))
    def begin(self, deeds: Deeds) -> None:
        """Start over a tree that was there before."""
        self.happens(deeds)
        self.tree.forget()
        self.world.clock.advance(10)
        self.world.scan()
        assert self.world.differences() == []

    # -- what happens, and what becomes known of it ----------------------------------------

    def happens(self, deeds: Deeds) -> None:
        for deed, one, other, name in deeds:
            getattr(self.tree, deed)(one, other, name)

    @rule(deeds=busy, seconds=some.sampled_from([None, 0.0, 0.3, 2.5, 2.5, 70.0]))
    def told(self, deeds: Deeds, seconds: float | None) -> None:
        """Tell all of it; then do one round only, or all there is to do, and let time pass."""
        self.happens(deeds)
        self.world.tell(*self.tree.told())
        if seconds is None:
            self.world.flow.step()
            return
        self.world.steps()
        self.world.clock.advance(seconds)
        self.world.steps()

    @rule(deeds=busy, restart=some.booleans())
    def unseen(self, deeds: Deeds, restart: bool) -> None:  # noqa: FBT001  # drawn
        """Lose events; or be killed between two rounds, and start: both bring a scan."""
        self.happens(deeds)
        self.tree.forget()
        self.in_full = False
        if restart:
            self.tally = None
            self.world.die()
            self.world.start()

    @rule(deeds=busy, calls=some.integers(0, 12))
    def told_while_the_disk_is_full(self, deeds: Deeds, calls: int) -> None:
        self.happens(deeds)
        self.world.tell(*self.tree.told())
        self.faults.after(calls)
        self.world.flow.step()
        self.faults.mend()

    @rule(deeds=busy, count=some.integers(1, 4), record=some.booleans())
    def scanned(self, deeds: Deeds, count: int, record: bool) -> None:  # noqa: FBT001  # drawn
        """Begin a scan, or go on with it; what it found may wait on its way to the recorder."""
        self.happens(deeds)
        if self.tally is None:
            self.tally = self.world.scan_begins()
            self.walked = self.world.walk()
        if record or self.world.stages.inbox.has_scan():
            self.world.flow.step()
        if found := tuple(itertools.islice(self.walked, count)):
            self.world.scan_found(self.tally, *found)
        else:
            self.world.scan_ends(self.tally)
            self.tally = None
        if record:
            self.world.steps()

    # -- what must hold ------------------------------------------------------------------

    @invariant()
    def the_totals_are_right(self) -> None:
        self.world.check()

    @invariant()
    def nothing_is_refused(self) -> None:
        assert [str(e) for e in self.world.heard.errors if isinstance(e, CatalogueRefused)] == []

    def teardown(self) -> None:
        try:
            self.all_is_told_and_settles()
            self.a_scan_makes_it_right_and_the_next_changes_nothing()
        finally:
            self.world.die()
            self.engine.close()
            shutil.rmtree(self.base)

    def all_is_told_and_settles(self) -> None:
        self.world.tell(*self.tree.told())
        if self.tally is not None:
            self.tally.broken = "given up"
            self.world.scan_ends(self.tally, whole=False)
        self.world.clock.advance(10)
        self.world.settle()
        if self.in_full:
            assert self.world.differences(links=False) == []

    def a_scan_makes_it_right_and_the_next_changes_nothing(self) -> None:
        world = self.world
        world.clock.advance(10)
        tally = world.scan()
        world.settle()
        assert (tally.broken, tally.errors) == ("", 0)
        assert world.differences() == []
        world.check()
        world.clock.advance(10)
        before = dump(self.engine, digests=False)
        world.scan()
        world.settle()
        assert dump(self.engine, digests=False) == before


Recording.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, print_blob=True
)
test_the_catalogue_equals_the_tree = Recording.TestCase
