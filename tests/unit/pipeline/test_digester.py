"""What is read for its digest, when, and that no file and no dead child holds up the others."""

import errno
import io
import os
import signal
from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from pathlib import Path

import pytest
from blake3 import blake3

from storewarden.catalogue.digests import Digested
from storewarden.catalogue.waiting import Waiting
from storewarden.clock import ManualClock
from storewarden.errors import CatalogueBusy, CatalogueCorrupt, StorewardenError
from storewarden.pipeline import digester as digester_module
from storewarden.pipeline.digester import Digester
from storewarden.pipeline.digesting import child
from storewarden.pipeline.inbox import DigestsReady, Inbox
from storewarden.watch.own import OwnReads
from storewarden.watch.walk import receive, send


class Shelf:
    """Files without a digest, as the catalogue would give them out."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.files: list[Waiting] = []
        self.numbers = count(1)
        self.asked: list[tuple[list[str], int]] = []
        self.error: StorewardenError | None = None

    def add(self, name: str, content: bytes = b"abc", root: str = "r") -> Waiting:
        path = self.top / root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        status = path.stat()
        directory, _, last = os.fsencode(name).rpartition(b"/")
        one = Waiting(
            *(next(self.numbers), root, directory, last),
            *(status.st_ino, status.st_size, status.st_mtime_ns),
        )
        self.files.append(one)
        return one

    def wanted(self, roots: Sequence[str], after_id: int, limit: int) -> list[Waiting]:
        self.asked.append((list(roots), after_id))
        if self.error is not None:
            raise self.error
        return [one for one in self.files if one.id > after_id and one.root in roots][:limit]


class Desk:
    """A digester with a shelf; what it took is in ``taken``, what failed in ``failed``."""

    def __init__(self, tmp_path: Path) -> None:
        self.shelf = Shelf(tmp_path)
        self.clock = ManualClock()
        self.inbox = Inbox()
        self.roots = {"r": os.fsencode(tmp_path / "r")}
        self.busy = False
        self.failed: list[tuple[str, int]] = []
        self.digester = Digester(
            self.shelf,  # type: ignore[arg-type]  # all that is asked of it
            self.inbox,
            lambda: self.roots,
            self.clock,
            busy=lambda: self.busy,
            failed=lambda root, error: self.failed.append((root, error)),
            own=OwnReads(),
        )

    def run(self) -> list[Digested]:
        """Take digests until there is nothing to do at this moment."""
        while self.digester.step() == 0.0:
            pass
        taken = [
            one
            for message in self.inbox.take()
            if isinstance(message, DigestsReady)
            for one in message.digested
        ]
        done = {one.id for one in taken}
        self.shelf.files = [file for file in self.shelf.files if file.id not in done]
        return taken


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "r").mkdir()
    desk = Desk(tmp_path)
    yield desk
    desk.digester.stop()


def test_every_file_is_read_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digester_module, "_BATCH", 2)
    files = [desk.shelf.add(f"d/{number}", b"%d" % number) for number in range(5)]

    taken = desk.run()

    assert [one.digest for one in taken] == [blake3(b"%d" % n).digest() for n in range(5)]
    assert [(one.id, one.inode, one.size) for one in taken] == [
        (file.id, file.inode, file.size) for file in files
    ]
    assert desk.digester._child is None  # nothing to read: its memory is given back


def test_nothing_is_read_while_recording_is_busy_or_no_root_is_there(desk: Desk) -> None:
    desk.shelf.add("a")
    desk.busy = True
    assert desk.run() == []
    desk.busy, desk.roots = False, {}
    assert desk.run() == []
    assert desk.shelf.asked == []


def test_only_roots_that_are_there_are_asked_for(desk: Desk, tmp_path: Path) -> None:
    desk.shelf.add("a")
    desk.shelf.add("b", root="s")
    assert [one.id for one in desk.run()] == [1]

    desk.roots["s"] = os.fsencode(tmp_path / "s")
    desk.clock.advance(900)
    assert [one.id for one in desk.run()] == [2]


def test_a_file_that_cannot_be_read_does_not_hold_up_the_others(desk: Desk, tmp_path: Path) -> None:
    for name in ("a", "fifo", "gone", "link", "z"):
        desk.shelf.add(name)
    for name in ("fifo", "gone", "link"):
        (tmp_path / "r" / name).unlink()
    os.mkfifo(tmp_path / "r" / "fifo")
    (tmp_path / "r" / "link").symlink_to("a")

    assert [one.id for one in desk.run()] == [1, 5]
    assert desk.failed == [("r", errno.EINVAL), ("r", errno.ENOENT), ("r", errno.ELOOP)]


def test_no_link_on_the_way_is_followed(desk: Desk, tmp_path: Path) -> None:
    desk.shelf.add("d/a")
    (tmp_path / "r" / "d").rename(tmp_path / "elsewhere")
    (tmp_path / "r" / "d").symlink_to(tmp_path / "elsewhere")

    assert desk.run() == []


def test_new_files_are_read_when_there_is_news_and_others_in_ever_rarer_passes(
    desk: Desk,
) -> None:
    assert desk.run() == []
    asked = len(desk.shelf.asked)
    desk.clock.advance(1)
    assert desk.run() == []
    assert len(desk.shelf.asked) == asked

    desk.shelf.add("new")
    desk.digester.news()
    assert len(desk.run()) == 1

    desk.shelf.files.clear()
    passes = []
    for _ in range(4000):
        asked = len(desk.shelf.asked)
        desk.run()
        if len(desk.shelf.asked) > asked:
            passes.append(desk.clock.monotonic())
        desk.clock.advance(1)
    between = [later - earlier for earlier, later in pairwise(passes)]
    assert between == sorted(between)
    assert 800 <= between[-1] <= 1000


def test_a_child_that_is_killed_is_replaced_and_its_file_read_in_a_later_pass(desk: Desk) -> None:
    desk.shelf.add("a")
    assert len(desk.run()) == 1
    desk.shelf.add("b")
    running = desk.digester._running()
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    desk.digester.news()
    assert desk.run() == []

    desk.clock.advance(1000)

    assert [one.id for one in desk.run()] == [2]


def test_a_file_that_changed_is_read_again_though_newer_ones_were(desk: Desk) -> None:
    old, _ = desk.shelf.add("a"), desk.shelf.add("b")
    assert [one.id for one in desk.run()] == [1, 2]
    desk.shelf.files.append(old)
    desk.clock.advance(2)
    desk.digester.news()
    assert [one.id for one in desk.run()] == [1]


def test_a_catalogue_that_is_held_is_asked_again_later(desk: Desk) -> None:
    desk.shelf.add("a")
    desk.shelf.error = CatalogueBusy("held")
    assert desk.run() == []

    desk.shelf.error = None
    desk.clock.advance(1000)
    assert len(desk.run()) == 1


def test_a_damaged_catalogue_ends_it(desk: Desk) -> None:
    desk.shelf.error = CatalogueCorrupt("damaged")

    with pytest.raises(CatalogueCorrupt):
        desk.digester.step()


def test_giving_up_ends_a_read_in_the_middle(desk: Desk, tmp_path: Path) -> None:
    desk.shelf.add("a")
    desk.digester.give_up()

    assert desk.run() == []
    desk.digester.stop()
    assert desk.digester._child is None


# -- the child ---------------------------------------------------------------------------------


def test_the_child_answers_each_file_in_order(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"")
    orders, answers = io.BytesIO(), io.BytesIO()
    send(orders, (os.fsencode(tmp_path), [(b"d", b"a"), (b"", b"none"), (b"", b"b")]))
    orders.seek(0)

    child(orders, answers)

    answers.seek(0)
    told = list(iter(lambda: receive(answers), None))
    assert [answer[0] for answer in told] == [0, errno.ENOENT, 0]  # type: ignore[index]  # tuples
    assert told[0][4] == blake3(b"abc").digest()  # type: ignore[index]
