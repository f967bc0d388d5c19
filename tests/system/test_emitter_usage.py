"""Use is counted by real inotify beside an emitter: followed, bounded, and never in its way."""

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storewarden.errors import WatchError
from storewarden.model import UsageCount
from storewarden.watch import usage as usage_module
from storewarden.watch.budget import Limit, WatchBudget
from storewarden.watch.delivery import ChangesEvent
from storewarden.watch.emitter import InotifyEmitter
from storewarden.watch.exclude import Exclusions
from storewarden.watch.observer import Handler, WardenObserver
from storewarden.watch.own import OwnReads
from storewarden.watch.tree import WatchSpec
from storewarden.watch.usage import Back, UsageCounter, UsageSpec
from tests.descriptors import held

ROOT = "watched"


class Counted:
    """Adds up what it is told, as the catalogue does; files of ``unknown`` have no row yet."""

    def __init__(self, top: Path, budget: WatchBudget | None = None, **spec: object) -> None:
        self.top = top
        self.totals: dict[bytes, list[int]] = defaultdict(lambda: [0, 0])
        self.unknown: set[bytes] = set()
        self.told = 0
        self.changes = 0
        self.own = OwnReads()
        self.broken = threading.Event()
        self.hold = threading.Event()
        self.hold.set()
        self.observer = WardenObserver(budget or WatchBudget())
        self.exclusions = Exclusions(("*.tmp",))
        counted = UsageSpec(ROOT, excluded=self.exclusions.file, every=0.1, **spec)  # type: ignore[arg-type]  # what a test wants of it
        self.counter = UsageCounter(counted, self.own, self.tell, self.observer.budget)

    def tell(self, root: str, counts: tuple[UsageCount, ...], back: Back) -> None:
        assert root == ROOT
        self.told += 1
        if self.broken.is_set():
            raise ValueError("broken on purpose")
        self.hold.wait(30)
        unknown: Collection[UsageCount] = [
            one for one in counts if os.path.join(one.directory, one.name) in self.unknown
        ]
        for one in counts:
            if one not in unknown:
                total = self.totals[os.path.join(one.directory, one.name)]
                total[0] += one.opens
                total[1] += one.writes
        back(unknown)

    def arrived(self, event: ChangesEvent) -> None:
        self.changes += len(event.changes)
        event.taken()

    @contextmanager
    def running(self) -> Iterator[InotifyEmitter]:
        self.observer.start()
        spec = WatchSpec(ROOT, os.fsencode(self.top), self.exclusions)
        try:
            yield self.observer.attach(spec, Handler(self.arrived), self.counter)
        finally:
            self.hold.set()
            self.observer.unschedule_all()
            self.observer.stop()
            self.observer.join()

    def until(self, met: Callable[[], object], seconds: float = 15.0) -> None:
        ends = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < ends, (dict(self.totals), self.counter.figures())
            time.sleep(0.01)

    def of(self, path: bytes) -> tuple[int, int]:
        opens, writes = self.totals.get(path, (0, 0))
        return opens, writes


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")


def read(path: Path, times: int = 1) -> None:
    for _ in range(times):
        path.read_bytes()


def test_what_is_used_before_and_after_renames_is_told_under_the_last_name(tmp_path: Path) -> None:
    write(tmp_path / "a/b/one")
    write(tmp_path / "a/two")
    (tmp_path / "c").mkdir()
    counted = Counted(tmp_path)
    counted.unknown = {b"a/b/one", b"a/two", b"c/b/one", b"c/two"}
    with counted.running():
        read(tmp_path / "a/b/one", 3)
        read(tmp_path / "a/two", 2)
        counted.until(lambda: counted.told >= 2)  # and taken back, as there are no rows
        (tmp_path / "a/b").rename(tmp_path / "c/b")
        (tmp_path / "a/two").rename(tmp_path / "c/two")
        read(tmp_path / "c/b/one")
        counted.until(lambda: counted.told >= 4)
        counted.unknown = set()
        counted.until(lambda: len(counted.totals) == 2)
        read(tmp_path / "c/two")
    assert dict(counted.totals) == {b"c/b/one": [4, 0], b"c/two": [3, 0]}


def test_new_directories_are_counted_in_and_excluded_names_are_not(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    with counted.running() as emitter:
        (tmp_path / "new" / "er").mkdir(parents=True)
        counted.until(lambda: emitter.figures().watches == 3)
        for name in ("new/a", "new/er/b", "new/er/c.tmp"):
            write(tmp_path / name)
        read(tmp_path / "new/er/c.tmp")
        counted.until(lambda: len(counted.totals) == 2)
        assert counted.counter.figures().watches == 3
    assert dict(counted.totals) == {b"new/a": [0, 1], b"new/er/b": [0, 1]}


def test_directories_that_go_give_their_watches_back(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"d{number}").mkdir()
    budget = WatchBudget(limit=lambda: Limit(1000))
    counted = Counted(tmp_path, budget)
    with counted.running() as emitter:
        assert (counted.counter.figures().watches, budget._spare) == (21, 21)
        for number in range(10):
            (tmp_path / f"d{number}").rmdir()
        (tmp_path / "d10").rename(tmp_path.parent / "away")
        counted.until(lambda: emitter.figures().watches == 10)
        counted.until(lambda: counted.counter.figures().watches == 10)
        assert budget._spare == 10
    assert (budget.used, budget._spare) == (0, 0)


def test_a_second_queue_that_overflows_costs_counts_and_no_change(tmp_path: Path) -> None:
    queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    write(tmp_path / "d/first")
    counted = Counted(tmp_path)
    with counted.running() as emitter:
        counted.hold.clear()  # the counter's thread stands still in the middle of telling
        read(tmp_path / "d/first")
        counted.until(lambda: counted.told == 1)
        descriptors = [os.open(tmp_path / "d" / f"{n % 50}", os.O_CREAT) for n in range(50)]
        for descriptor in descriptors:
            os.close(descriptor)
        for number in range(queue):
            os.close(os.open(tmp_path / "d" / f"{number % 50}", os.O_RDONLY))
        (tmp_path / "d" / "last").write_bytes(b"x")
        counted.until(lambda: counted.changes and not emitter.figures().pending)
        assert emitter.figures().overflows == 0
        assert not emitter.blind()
        counted.hold.set()
        counted.until(lambda: counted.counter.figures().lost >= 1)
        read(tmp_path / "d/first")
        counted.until(lambda: counted.of(b"d/first") == (2, 0))  # it goes on


def test_counting_gives_way_when_recording_needs_the_watches(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(20):
        (tmp_path / f"d{number}").mkdir()
    write(tmp_path / "d0/a")
    budget = WatchBudget(share=1.0, limit=lambda: Limit(50))
    counted = Counted(tmp_path, budget)
    with counted.running() as emitter:
        assert counted.counter.figures().watches == 21
        for number in range(20, 40):
            (tmp_path / f"d{number}").mkdir()
        counted.until(lambda: emitter.figures().watches == 41)

        assert not emitter.blind()
        assert counted.counter.figures().watches == 0
        assert counted.counter.figures().lost >= 1
    (said,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert said.getMessage() == "the use of some files is not counted"
    assert "sysctl" in said.__dict__["facts"]["remedy"]


def test_counting_takes_no_watch_that_recording_may_need_soon(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"d{number}").mkdir()
    budget = WatchBudget(share=1.0, limit=lambda: Limit(40))
    counted = Counted(tmp_path, budget)
    with counted.running() as emitter:
        assert emitter.figures().watches == 31
        assert emitter.blind() == ()
        assert counted.counter.figures().watches <= 5
        assert counted.counter.figures().lost >= 1


def test_a_mistake_in_counting_costs_counts_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(usage_module, "_PAUSE", 0.05)
    write(tmp_path / "a")
    counted = Counted(tmp_path)
    with counted.running() as emitter:
        counted.broken.set()
        read(tmp_path / "a")
        counted.until(lambda: counted.counter.figures().lost == 1)
        assert emitter.is_alive()
        counted.broken.clear()
        read(tmp_path / "a")
        counted.until(lambda: counted.of(b"a") == (1, 0))
    assert [one.getMessage() for one in caplog.records] == ["use could not be counted"]


def test_our_own_reads_are_told_from_those_of_others_also_after_a_rename(tmp_path: Path) -> None:
    write(tmp_path / "d/a")
    counted = Counted(tmp_path)
    with counted.running():
        counted.own.expect(ROOT, b"d", b"a")
        with (tmp_path / "d/a").open("rb"):
            read(tmp_path / "d/a")  # somebody else's, which may be the one taken for ours
            (tmp_path / "d").rename(tmp_path / "e")
            (tmp_path / "e/a").rename(tmp_path / "e/b")
        counted.own.over(ROOT, b"d", b"a")
        counted.until(lambda: counted.totals)
        counted.own.expect(ROOT, b"e", b"b")
        read(tmp_path / "e/b")
        counted.own.over(ROOT, b"e", b"b")
        counted.until(lambda: counted.counter.figures().events["own"] == 2)
    assert dict(counted.totals) == {b"e/b": [1, 0]}


def test_what_was_counted_is_told_at_the_end(tmp_path: Path) -> None:
    write(tmp_path / "a")
    counted = Counted(tmp_path)
    with counted.running():
        read(tmp_path / "a", 2)
    assert dict(counted.totals) == {b"a": [2, 0]}


def test_what_comes_back_is_kept_under_the_name_that_the_file_got_meanwhile(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a")
    counted = Counted(tmp_path)
    told: list[tuple[tuple[UsageCount, ...], Back]] = []
    counted.counter._tell = lambda _root, counts, back: told.append((counts, back))
    with counted.running():
        read(tmp_path / "a", 2)
        counted.until(lambda: told)
        counts, back = told[0]
        (tmp_path / "a").rename(tmp_path / "b")
        (tmp_path / "b").rename(tmp_path / "c")
        read(tmp_path / "c")
        counted.until(lambda: counted.counter.figures().events["open"] == 3)
        counted.counter._tell = counted.tell
        back(counts)
        counted.until(lambda: counted.totals)
    assert dict(counted.totals) == {b"c": [3, 0]}


def test_a_root_that_cannot_be_watched_leaves_nothing_open(tmp_path: Path) -> None:
    budget = WatchBudget(limit=lambda: Limit(1000))
    before = held()
    for _ in range(3):
        counted = Counted(tmp_path / "none", budget)
        with pytest.raises(WatchError), counted.running():
            pass
    assert held() == before
    assert (budget.used, budget._spare, budget._yielding) == (0, 0, [])
