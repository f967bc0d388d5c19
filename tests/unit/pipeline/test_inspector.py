"""What is looked into, when, and what becomes of files that cannot be."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, pairwise
from pathlib import Path

import pytest

from storewarden.catalogue.inspections import Inspected
from storewarden.catalogue.waiting import Waiting
from storewarden.clock import ManualClock
from storewarden.config.schema import RootSettings
from storewarden.errors import CatalogueBusy, CatalogueCorrupt, StorewardenError
from storewarden.model import Outcome
from storewarden.pipeline import inspector as inspector_module
from storewarden.pipeline.caged import Pool
from storewarden.pipeline.inbox import FactsReady, Inbox, SweepAsked
from storewarden.pipeline.inspector import Inspector
from storewarden.watch.own import OwnReads

DEADLY = """
import os, sys
from storewarden.pipeline.inspecting import look, tell
from storewarden.watch.walk import receive
tell(sys.stdout.buffer, {"walls": ["none"], "versions": {"text": 2, "none": 1}})
while isinstance(order := receive(sys.stdin.buffer), tuple):
    number, path, files = order
    for number, (directory, name) in enumerate(files, number):
        if name.startswith(b"deadly"):
            os._exit(1)
        if name.startswith(b"lie"):
            told = {"identity": [1, 2], "facts": {"kind": 5}}
        else:
            told = look(lambda flags: os.open(path + b"/" + name, flags), name)
        tell(sys.stdout.buffer, {**told, "number": number})
"""


class Shelf:
    """Files that are to be inspected, as the catalogue would give them out."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.files: list[Waiting] = []
        self.numbers = count(1)
        self.asked: list[tuple[list[str], int]] = []
        self.error: StorewardenError | None = None

    def add(self, name: str, content: str = "hello", root: str = "r") -> Waiting:
        path = self.top / root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
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
    """An inspector with a shelf, and what it told."""

    def __init__(self, top: Path) -> None:
        self.shelf = Shelf(top)
        self.clock = ManualClock()
        self.inbox = Inbox()
        self.roots = {"r": self.root("r", top)}
        self.busy = False
        self.failed: list[tuple[str, bytes, int]] = []
        self.died: list[str] = []
        self.own = OwnReads(self.clock.monotonic)
        self.own.begin("r")
        self.looked = 0
        self.inspector = Inspector(
            self.shelf,  # type: ignore[arg-type]  # all that is asked of it
            self.inbox,
            lambda: self.roots,
            self.clock,
            self,
            busy=lambda: self.busy,
            own=self.own,
        )

    @staticmethod
    def root(name: str, top: Path, *, inspect: bool = True) -> RootSettings:
        return RootSettings(name, os.fsencode(top / name), inspect=inspect)

    def inspection_failed(self, root: str, path: bytes, error: int) -> None:
        self.failed.append((root, path, error))

    def inspection_died(self, reason: str) -> None:
        self.died.append(reason)

    def inspected(self, seconds: float) -> None:
        assert 0 <= seconds < 10
        self.looked += 1

    def run(self) -> dict[bytes, Inspected]:
        """Inspect until there is nothing to do at this moment."""
        while self.inspector.step() == 0.0:
            pass
        found: dict[bytes, Inspected] = {}
        self.sweeps: list[Mapping[str, int]] = []
        self.places: list[Mapping[str, tuple[str, ...]]] = []
        for message in self.inbox.take():
            if isinstance(message, FactsReady):
                found |= {one.path + b"/" + one.name: one for one in message.inspected}
                self.inspector.written(sum(one.weight for one in message.inspected))
            elif isinstance(message, SweepAsked):
                self.sweeps.append(message.versions)
                self.places.append(message.places)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.inspector.stop()


@pytest.fixture
def deadly(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose process dies of files with such a name."""
    command = (sys.executable, "-c", DEADLY)
    desk.inspector._pool = Pool(1, desk.clock, desk.inspection_died, command)
    return desk


def test_facts_are_handed_over_with_what_the_file_was(desk: Desk) -> None:
    file = desk.shelf.add("2024/a.txt")
    one = desk.run()[b"2024/a.txt"]
    assert (one.id, one.inode, one.size, one.modified_ns) == (file.id, *file[4:])
    assert (one.facts.kind, one.facts.mime) == ("text", "text/plain")
    assert desk.looked == 1


def test_what_the_path_tells_goes_with_it(desk: Desk) -> None:
    desk.roots["r"] = RootSettings(
        "r", desk.roots["r"].path, places=("{workflow}/scene_{scene:int}.*",)
    )
    desk.shelf.add("dunes/scene_7.txt")
    place = desk.run()[b"dunes/scene_7.txt"].place
    assert (place.workflow, place.scene) == ("dunes", "7")


def test_a_sidecar_says_whose_it_may_be(desk: Desk) -> None:
    desk.shelf.add("clip.en.srt", "1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    one = desk.run()[b"/clip.en.srt"]
    assert b"clip" in one.sidecar_stems
    assert (one.sidecar_role, one.language) == ("subtitle", "en")


def test_reading_is_announced_so_that_nobody_takes_it_for_use(desk: Desk) -> None:
    desk.shelf.add("d/a.txt")
    desk.run()
    assert desk.own.takes("r", b"d", b"a.txt")
    assert not desk.own.takes("r", b"d", b"a.txt")


def test_a_file_that_ends_every_process_is_refused_with_the_reason(deadly: Desk) -> None:
    for name in ("a.txt", "deadly.png", "b.txt"):
        deadly.shelf.add(name)
    found = deadly.run()
    facts = found[b"/deadly.png"].facts
    assert (facts.kind, facts.mime, facts.outcome) == ("image", "image/png", Outcome.REFUSED)
    assert facts.reason == "the inspection of it ended by itself"
    assert {found[b"/a.txt"].facts.kind, found[b"/b.txt"].facts.kind} == {"text"}
    assert deadly.died == ["exit", "exit"]


def test_what_was_refused_is_worth_another_look_with_any_newer_inspector(deadly: Desk) -> None:
    deadly.shelf.add("deadly")
    facts = deadly.run()[b"/deadly"].facts
    versions = deadly.sweeps[0]
    assert versions[facts.inspector] == facts.version == 3  # of text, 2, and of none, 1


def test_an_answer_that_is_none_refuses_the_file(deadly: Desk) -> None:
    deadly.shelf.add("lie")
    facts = deadly.run()[b"/lie"].facts
    assert facts.outcome is Outcome.REFUSED
    assert deadly.died == ["nonsense"]


def test_a_file_that_is_gone_is_nobodys_failure(desk: Desk) -> None:
    desk.shelf.add("a.txt")
    (desk.shelf.top / "r" / "a.txt").unlink()
    assert desk.run() == {}
    assert desk.failed == []


def test_a_file_that_cannot_be_read_waits_and_is_told(desk: Desk) -> None:
    desk.shelf.add("loop")
    path = desk.shelf.top / "r" / "loop"
    path.unlink()
    path.symlink_to("elsewhere")
    assert desk.run() == {}
    assert [(root, name) for root, name, _ in desk.failed] == [("r", b"loop")]


def test_while_files_are_recorded_none_is_looked_into(desk: Desk) -> None:
    desk.shelf.add("a.txt")
    desk.busy = True
    assert desk.inspector.step() > 0
    assert desk.shelf.asked == []


def test_a_root_that_shall_not_be_looked_into_is_not(desk: Desk) -> None:
    desk.roots["s"] = desk.root("s", desk.shelf.top, inspect=False)
    desk.shelf.add("a.txt", root="s")
    assert desk.run() == {}
    assert {tuple(roots) for roots, _ in desk.shelf.asked} == {("r",)}


def test_facts_do_not_pile_up_before_a_catalogue_that_cannot_be_written(desk: Desk) -> None:
    for number in range(3000):
        desk.shelf.files.append(Waiting(number + 1, "r", b"", b"gone", 1, 1, 1))
    desk.shelf.add("a.txt")
    desk.inspector._handed = 50 << 20
    assert desk.inspector.step() > 0
    assert desk.shelf.asked == []
    desk.inspector.written(50 << 20)
    assert desk.inspector.step() == 0.0


def test_long_texts_do_not_fill_the_memory(desk: Desk) -> None:
    """Each round hands over a bounded weight, and goes on when it is written."""
    for number in range(24):
        desk.shelf.add(f"{number}.txt", "A keeper lit the lamp at dusk. " * 80_000)
    handed: set[int] = set()
    for _ in range(20):
        desk.clock.advance(2)
        desk.inspector.step()
        some = [m for m in desk.inbox.take() if isinstance(m, FactsReady)]
        weight = sum(one.weight for message in some for one in message.inspected)
        assert weight < 24 << 20
        handed |= {one.id for message in some for one in message.inspected}
        desk.shelf.files = [file for file in desk.shelf.files if file.id not in handed]
        desk.inspector.written(weight)
    assert handed == set(range(1, 25))


def test_when_nothing_waits_it_asks_once_whether_something_should(desk: Desk) -> None:
    desk.run()
    assert len(desk.sweeps) == 1
    assert desk.sweeps[0]["png"] >= 1
    desk.run()
    assert desk.sweeps == []
    desk.inspector.news()
    desk.run()
    assert len(desk.sweeps) == 1


def test_when_the_meaning_of_paths_changes_it_asks_as_well(desk: Desk) -> None:
    desk.run()
    desk.roots["r"] = RootSettings("r", desk.roots["r"].path, places=("{workflow}/*",))
    desk.run()
    assert len(desk.sweeps) == 1
    assert desk.places == [{"r": ("{workflow}/*",)}]


def test_a_file_that_changed_is_looked_into_again_though_newer_ones_were(desk: Desk) -> None:
    old, *_ = [desk.shelf.add(name) for name in ("a.txt", "b.txt")]
    desk.run()
    desk.shelf.files = [old]
    desk.clock.advance(2)
    desk.inspector.news()
    assert b"/a.txt" in desk.run()


def test_what_cannot_be_read_is_not_tried_with_every_new_file(desk: Desk) -> None:
    desk.shelf.add("loop")
    path = desk.shelf.top / "r" / "loop"
    path.unlink()
    path.symlink_to("elsewhere")
    desk.run()
    for _ in range(5):
        desk.clock.advance(2)
        desk.inspector.news()
        desk.run()
    assert len(desk.failed) == 1


def test_what_a_sweep_found_is_looked_for_from_the_beginning(desk: Desk) -> None:
    desk.shelf.add("a.txt")
    desk.run()
    desk.inspector.swept(1)
    desk.clock.advance(1)
    assert b"/a.txt" in desk.run()
    assert len(desk.sweeps) == 1  # and asks for more


def test_what_could_not_be_read_is_tried_again_ever_more_rarely(desk: Desk) -> None:
    desk.shelf.add("gone")
    (desk.shelf.top / "r" / "gone").unlink()
    desk.run()
    passes = []
    for _ in range(4000):
        desk.clock.advance(1)
        before = len(desk.shelf.asked)
        desk.run()
        if any(after == 0 for _, after in desk.shelf.asked[before:]):
            passes.append(desk.clock.monotonic())
    gaps = [round(later - earlier) for earlier, later in pairwise(passes)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == 900


@pytest.mark.parametrize("error", [CatalogueBusy("busy")])
def test_a_catalogue_that_is_busy_is_asked_later(desk: Desk, error: StorewardenError) -> None:
    desk.shelf.error = error
    assert desk.inspector.step() == 30.0


def test_a_damaged_catalogue_is_told(desk: Desk) -> None:
    desk.shelf.error = CatalogueCorrupt("damaged")
    with pytest.raises(CatalogueCorrupt):
        desk.inspector.step()


def test_where_no_process_starts_it_is_told_and_tried_later(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.shelf.add("a.txt")
    desk.inspector._pool = Pool(1, desk.clock, desk.inspection_died, ("/bin/false",))
    pauses = [desk.inspector.step() for _ in range(12)]
    assert pauses[:3] == [1.0, 2.0, 4.0]
    assert pauses[-1] == 300.0
    assert set(desk.died) == {"start"}
    assert "files are not inspected" in caplog.text


def test_a_process_that_cannot_be_replaced_costs_no_file(desk: Desk, tmp_path: Path) -> None:
    """The first one starts and dies of a file; for a while no second one starts."""
    script = tmp_path / "program"
    script.write_text(DEADLY)
    desk.inspector._pool = Pool(1, desk.clock, desk.inspection_died, (sys.executable, str(script)))
    desk.inspector._pool.warm()
    desk.shelf.add("deadly")
    desk.shelf.add("a.txt")
    script.write_text("raise SystemExit")
    assert desk.inspector.step() > 0
    script.write_text(DEADLY)
    found = desk.run()
    assert found[b"/a.txt"].facts.outcome is Outcome.READ
    assert found[b"/deadly"].facts.outcome is Outcome.REFUSED


def test_a_process_is_kept_while_files_come_and_ended_when_none_do(desk: Desk) -> None:
    desk.shelf.add("a.txt")
    desk.run()
    process = desk.inspector._pool._seats[0]
    assert process is not None
    desk.clock.advance(20)
    desk.run()
    assert desk.inspector._pool._seats == [process]
    desk.clock.advance(20)
    desk.run()
    assert desk.inspector._pool._seats == [None]
    assert process._popen.returncode is not None


def test_half_of_the_processors_are_used_four_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    for processors, expected in ((1, 1), (2, 1), (4, 2), (64, 4)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid, n=processors: set(range(n)))
        assert inspector_module.processes() == expected
