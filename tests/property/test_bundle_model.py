"""Whatever happens to files and in whatever order they are inspected: bundles are what names say.

A machine adds, rewrites, renames, exchanges and removes files in a few directories, renames those,
inspects some of what waits, fails, and restarts. Once nothing waits, each sidecar is linked with
the likeliest of the files beside it, and each file that does not tell how it was made has what its
sidecars tell: as a plain reading of the names gives it, which knows nothing of what came before.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from storewarden.errors import CatalogueFull
from storewarden.facts.kinds import kind_of
from storewarden.facts.sidecars import belongs, sidecar
from storewarden.model import Provenance, Transcript
from tests.faults import Faults
from tests.inspecting import Bundled, Shelf
from tests.recording import NOW, check_totals, entry, prepared

NAMES = (
    *(b"clip.mp4", b"clip.jpg", b"clip.en.mp4", b"clip.mp4.png", b"clip", b"clip.db"),
    *(b"clip.srt", b"clip.en.srt", b"clip.json", b"clip.mp4.json", b"clip.txt", b"clip.en.txt"),
    *(b"clip.info.json", b"clip.db-wal", b"clip-wal", b"clip.jpg.mp4", b"clip.jpg.json"),
)
DIRECTORIES = (b"", b"d", b"e")
KINDS = ("video", "audio", "model", "document", "database", "image")
CONTENTS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"provenance": Provenance("comfyui", prompt="one")},
    {"provenance": Provenance("unknown", understood=False, raw=b"?")},
    {"transcript": Transcript("caption", "words")},
    {"workflow": "w1"},
    {"workflow": "w2", "scene": "1"},
    {"kind": "video"},
    {"kind": "image", "provenance": Provenance("invokeai", prompt="two")},
)

Path_ = tuple[bytes, bytes]
names = some.sampled_from(NAMES)
directories = some.sampled_from((b"", b"", *DIRECTORIES))  # most lie together
contents = some.integers(0, len(CONTENTS) - 1)


class Bundling(RuleBasedStateMachine):
    """Files as numbers of inodes by directory and name, beside the catalogue that is told of it."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp())
        self.engine = prepared("sqlite", self.base / "state")
        self.faults = Faults(self.engine)
        self.shelf = Shelf(self.engine, ("r",))
        self.files: dict[Path_, int] = {}
        self.sizes: dict[int, int] = {}
        self.inodes = itertools.count(1)

    # -- what happens ----------------------------------------------------------------------

    @initialize(first=some.dictionaries(names, contents, min_size=3, max_size=len(NAMES)))
    def inspected_before(self, first: dict[bytes, int]) -> None:
        for name, content in first.items():
            self.written(b"", name, content)
        self.shelf.inspect()

    @rule(directory=directories, name=names, content=contents)
    def written(self, directory: bytes, name: bytes, content: int) -> None:
        """Make a file, or write an old one anew."""
        inode = self.files.setdefault((directory, name), 0) or next(self.inodes)
        self.files[directory, name] = inode
        self.sizes[inode] = self.sizes.get(inode, 0) + 1
        self.shelf.say(inode, **CONTENTS[content])
        self.see(directory, name)

    @rule(directory=directories, name=names, content=contents)
    def replaced(self, directory: bytes, name: bytes, content: int) -> None:
        """Let another file have the name."""
        self.files.pop((directory, name), None)
        self.written(directory, name, content)

    @rule(source=some.integers(0, 63), directory=directories, name=names, twice=some.booleans())
    def renamed(self, source: int, directory: bytes, name: bytes, twice: bool) -> None:  # noqa: FBT001  # drawn
        """Rename a file, maybe over another; the old name is told as well, or is not."""
        if not self.files:
            return
        was = sorted(self.files)[source % len(self.files)]
        if was == (directory, name):
            return
        self.files[directory, name] = self.files.pop(was)
        self.see(directory, name)
        if twice:
            self.shelf.gone(was[1], path=was[0])

    @rule(directory=directories, some_names=some.lists(names, min_size=1, max_size=4))
    def removed(self, directory: bytes, some_names: list[bytes]) -> None:
        for name in some_names:
            self.files.pop((directory, name), None)
        self.shelf.gone(*some_names, path=directory)

    @rule(old=some.sampled_from(DIRECTORIES[1:]), new=some.sampled_from(DIRECTORIES[1:]))
    def directory_renamed(self, old: bytes, new: bytes) -> None:
        """Rename a directory over another one, which must be empty on a disk."""
        if old == new or any(directory == new for directory, _ in self.files):
            return
        self.files = {
            (new if directory == old else directory, name): inode
            for (directory, name), inode in self.files.items()
        }
        with self.shelf.recorder.batch():
            self.shelf.departures.moved("r", old, new, NOW)

    @rule(count=some.integers(1, 5), backwards=some.booleans())
    def some_are_inspected(self, count: int, backwards: bool) -> None:  # noqa: FBT001  # drawn
        waiting = self.shelf.waiting()
        chosen = waiting[-count:] if backwards else waiting[:count]
        self.shelf.store(*(self.shelf.look(one) for one in chosen))

    @rule(directory=directories, name=names, content=contents)
    def looked_at_too_early(self, directory: bytes, name: bytes, content: int) -> None:
        """Store what was found before a file was written to."""
        looked = [self.shelf.look(one) for one in self.shelf.waiting()]
        self.written(directory, name, content)
        self.shelf.store(*looked)

    @rule(calls=some.integers(0, 20))
    def storing_fails(self, calls: int) -> None:
        self.faults.after(calls)
        with contextlib.suppress(CatalogueFull):
            self.shelf.store(*(self.shelf.look(one) for one in self.shelf.waiting()[:3]))
        self.faults.mend()

    @rule()
    def restarted(self) -> None:
        self.shelf.reopen()

    @rule(at_once=some.integers(1, 9))
    def all_is_inspected(self, at_once: int) -> None:
        while self.shelf.sweep.pending(self.shelf.versions):
            self.shelf.sweep_on(limit=3)
        self.shelf.inspect(at_once)
        self.everything_is_as_names_say()

    def see(self, directory: bytes, name: bytes) -> None:
        """Record a file as it lies there now."""
        inode = self.files[directory, name]
        self.shelf.disk = {("r", *where, number) for where, number in self.files.items()}
        seen = entry(name, inode, size=self.sizes[inode])
        self.shelf.names(seen, path=directory)

    # -- what must hold --------------------------------------------------------------------

    @invariant()
    def totals_are_right(self) -> None:
        check_totals(self.engine, self.shelf.counts)

    @invariant()
    def what_is_linked_lies_together_and_is_there(self) -> None:
        for link in self.shelf.bundles():
            directory, _, name = link.sidecar.rpartition(b"/")
            above, _, owner = link.owner.rpartition(b"/")
            assert directory == above
            assert belongs(name, owner) == link.role
            assert {(directory, name), (above, owner)} <= self.files.keys()

    def everything_is_as_names_say(self) -> None:
        wanted = self.links()
        assert self.shelf.bundles() == {
            Bundled(_path(one), _path(owner), role) for one, (owner, role) in wanted.items()
        }
        ids = {
            tuple(one.whole.rpartition(b"/")[::2]): one.id for one in self.shelf.present().values()
        }
        for where, inode in self.files.items():
            sidecars = [one for one, (owner, _) in wanted.items() if owner == where]
            sidecars.sort(key=lambda one: ids[one])
            self.origin_is_told(where, inode, sidecars)
            self.workflow_is_told(where, inode, sidecars)

    def origin_is_told(self, where: Path_, inode: int, sidecars: list[Path_]) -> None:
        told = [self.shelf.contents[self.files[one]].get("provenance") for one in sidecars]
        told.sort(key=lambda made: not (made and made.understood))
        own = self.shelf.contents[inode].get("provenance")
        made = own or next((each for each in told if each), None)
        assert self.shelf.column(_path(where), "tool", "prompts") == (made.tool if made else None)

    def workflow_is_told(self, where: Path_, inode: int, sidecars: list[Path_]) -> None:
        row = self.shelf.column(_path(where), "workflow_id")
        name = self.engine.execute("SELECT name FROM workflows WHERE id = ?", (row,))
        told = [self.shelf.contents[each].get("workflow") for each in (inode,)]
        told += [self.shelf.contents[self.files[one]].get("workflow") for one in sidecars]
        assert [one for (one,) in name] == [one for one in told if one][:1]

    def links(self) -> dict[Path_, tuple[Path_, str]]:
        """Return whose sidecar each file is, by nothing but the names in each directory."""
        found = {}
        for one in self.files:
            beside = [each for each in self.files if each[0] == one[0] and each != one]
            owners = [each for each in beside if sidecar(one[1]) and belongs(one[1], each[1])]
            if owners:
                owner = min(owners, key=lambda each: self.likelihood(one[1], each))
                found[one] = (owner, str(belongs(one[1], owner[1])))
        return found

    def likelihood(self, name: bytes, owner: Path_) -> tuple[int, bool, int, bytes]:
        whole = name.startswith((owner[1] + b".", owner[1] + b"-"))
        stem = owner[1] if whole else owner[1].rpartition(b".")[0]
        kind = self.shelf.contents[self.files[owner]].get("kind", kind_of(owner[1]))
        rank = KINDS.index(kind) if kind in KINDS else len(KINDS)
        return -len(stem), not whole, rank, owner[1]

    def teardown(self) -> None:
        try:
            self.all_is_inspected(256)
        finally:
            self.engine.close()
            shutil.rmtree(self.base)


def _path(where: Path_) -> bytes:
    return where[0] + b"/" + where[1] if where[0] else where[1]


Bundling.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, print_blob=True
)
test_bundles_are_what_names_say = Bundling.TestCase
