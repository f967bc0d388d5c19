"""When a root is scanned, who is answered, and that no failure ends scanning for ever."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from storewarden.clock import ManualClock
from storewarden.errors import CatalogueBusy, WatchError
from storewarden.model import Listing
from storewarden.pipeline import scanner as scanning
from storewarden.pipeline.inbox import Inbox, RootUp, ScanBatch, ScanBegun
from storewarden.pipeline.scanner import Scanner
from storewarden.pipeline.state import ScanTally, ScanWish
from storewarden.watch.scan import Scan
from tests.recording import settings_of


class Desk:
    """A scanner whose walks are what the test says, and the recorder beside it."""

    def __init__(self, tmp_path: Path, *names: str) -> None:
        self.clock = ManualClock()
        self.inbox = Inbox()
        self.roots: dict[str, RootUp] = {}
        self.begun: list[ScanTally] = []
        self.concluded: list[tuple[ScanTally, float]] = []
        self.walks: list[str] = []
        self.large: dict[bytes, bytes] = {}
        self.woken = 0
        for name in names or ("r",):
            self.up(tmp_path, name)
        self.scanner = Scanner(self.inbox, self.roots, self.clock, self, self.large_of, jitter=max)
        self.scanner.wake = self.wake

    def wake(self) -> None:
        self.woken += 1

    def large_of(self, _root: str) -> Mapping[bytes, bytes]:
        return self.large

    def up(self, tmp_path: Path, name: str, watches: object = object()) -> None:
        top = tmp_path / name
        top.mkdir(exist_ok=True)
        status = top.stat()
        settings = settings_of(name, top, rescan=1000.0, poll=30.0)
        self.roots[name] = RootUp(settings, (status.st_dev, status.st_ino), watches)  # type: ignore[arg-type]  # only asked whether it is one

    def scan_begun(self, tally: ScanTally) -> None:
        self.begun.append(tally)

    def scan_concluded(self, tally: ScanTally, seconds: float) -> None:
        self.concluded.append((tally, seconds))

    def run(self) -> list[ScanTally]:
        """Let every scan that is due run and end; return them."""
        ended = []
        while self.scanner.step() == 0.0:
            ended += self.end()
        return ended

    def end(self, broken: str = "") -> list[ScanTally]:
        """Conclude what was handed over, as the recorder does."""
        ended = []
        while (batch := self.inbox.take_scan()) is not None:
            if batch.ended:
                batch.tally.broken = batch.tally.broken or broken
                self.scanner.ended(batch.tally)
                ended.append(batch.tally)
        self.inbox.take()
        return ended

    def due_in(self) -> float:
        return self.scanner.step()


class Walking(Scan):
    """A walk of a root without a child and without a file."""

    desk: Desk

    def __iter__(self) -> Iterator[Listing]:
        self.desk.walks.append(self.order.root)
        self.place = self.desk.roots[self.order.root].place
        self.whole = True
        yield from ()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(tmp_path, "r", "s")

    Walking.desk = desk
    monkeypatch.setattr(scanning, "Scan", Walking)
    return desk


def reasons(tallies: list[ScanTally]) -> list[tuple[str, str]]:
    return [(tally.root, tally.wish.reason) for tally in tallies]


# -- when ------------------------------------------------------------------------------------


def test_what_is_wanted_is_scanned_one_after_the_other(desk: Desk) -> None:
    desk.scanner.want("r", ScanWish("start"))
    desk.scanner.want("s", ScanWish("start"))
    assert desk.woken == 2

    assert desk.scanner.step() == 0.0
    assert desk.scanner.step() == 0.25  # the recorder has not drawn its conclusions
    running = desk.scanner.running()
    assert running is not None
    assert running.root == "r"
    desk.end()

    assert reasons(desk.run()) == [("s", "start")]
    assert [tally.whole for tally, _ in desk.concluded] == [True, True]
    assert desk.scanner.running() is None


def test_the_recorder_hears_of_a_scan_before_its_listings(desk: Desk) -> None:
    desk.scanner.want("r", ScanWish("start"))
    desk.scanner.step()

    (message,) = desk.inbox.take()
    assert isinstance(message, ScanBegun)
    assert message.tally is desk.begun[0]


def test_asking_twice_brings_one_scan(desk: Desk) -> None:
    for _ in range(5):
        desk.scanner.want("r", ScanWish("lost events"))

    assert reasons(desk.run()) == [("r", "lost events")]
    assert not desk.scanner.is_wanted("r")


def test_asking_while_one_runs_brings_another(desk: Desk) -> None:
    desk.scanner.want("r", ScanWish("start"))
    desk.scanner.step()
    desk.scanner.want("r", ScanWish("lost events"))
    assert desk.scanner.is_wanted("r")
    desk.end()

    assert reasons(desk.run()) == [("r", "lost events")]


def test_a_storm_is_let_pass_but_not_for_ever(desk: Desk) -> None:
    for _ in range(30):
        desk.scanner.want("r", ScanWish("overflow"), settled=False)
        assert desk.due_in() <= 1.0
        if desk.walks:
            break
        desk.clock.advance(0.5)

    assert desk.walks == ["r"]
    assert 9.0 <= desk.clock.monotonic() - 1000.0 <= 11.0


def test_after_a_storm_the_scan_comes_within_a_second(desk: Desk) -> None:
    desk.scanner.want("r", ScanWish("overflow"), settled=False)
    assert 0.5 < desk.due_in() <= 1.0
    desk.clock.advance(1.0)

    assert reasons(desk.run()) == [("r", "overflow")]


def test_whoever_asks_in_person_does_not_wait_for_the_storm(desk: Desk) -> None:
    desk.scanner.want("r", ScanWish("overflow"), settled=False)
    desk.scanner.want("r", ScanWish("asked", (7,)))

    (tally,) = desk.run()
    assert tally.wish.jobs == (7,)


def test_the_timer_brings_scans_for_ever(desk: Desk) -> None:
    assert desk.run() == []

    for _ in range(3):
        desk.clock.advance(1250)
        assert reasons(desk.run()) == [("r", "timer"), ("s", "timer")]
        assert desk.due_in() == 60.0 or desk.due_in() <= 1250.0


def test_a_root_without_events_is_polled(desk: Desk, tmp_path: Path) -> None:
    desk.up(tmp_path, "r", watches=None)
    desk.run()

    desk.clock.advance(30)

    assert reasons(desk.run()) == [("r", "timer")]


def test_a_root_that_is_away_is_not_scanned_and_not_asked_for_all_the_time(desk: Desk) -> None:
    del desk.roots["r"]
    desk.scanner.want("r", ScanWish("asked", (7,)))

    assert desk.run() == []
    assert desk.due_in() > 1.0


# -- who is answered ---------------------------------------------------------------------------


def test_two_who_ask_are_answered_by_one_scan(desk: Desk) -> None:
    desk.scanner.want("r", ScanWish("asked", (7,)))
    desk.scanner.want("r", ScanWish("asked", (8,), accept_missing=True))
    desk.scanner.want("r", ScanWish("timer"))

    (tally,) = desk.run()

    assert (tally.wish.jobs, tally.wish.accept_missing) == ((7, 8), True)


def test_who_asked_for_a_scan_that_broke_is_answered_by_the_next(desk: Desk) -> None:
    desk.scanner.want("r", ScanWish("asked", (7,), accept_missing=True))
    desk.scanner.step()
    desk.scanner.want("r", ScanWish("lost events"))
    desk.end("the catalogue could not be written")

    (tally,) = desk.run()

    assert (tally.wish.jobs, tally.wish.accept_missing) == ((7,), True)


def test_who_asked_before_the_root_went_away_is_answered_when_it_is_back(
    desk: Desk, tmp_path: Path
) -> None:
    desk.scanner.want("r", ScanWish("asked", (7,)))
    desk.scanner.want("s", ScanWish("lost events"))
    for name in ("r", "s"):
        del desk.roots[name]
        desk.scanner.forget(name)
    assert desk.run() == []

    for name in ("r", "s"):
        desk.up(tmp_path, name)
    desk.scanner.want("r", ScanWish("it is back"))

    assert [(tally.root, tally.wish.jobs) for tally in desk.run()] == [("r", (7,))]


# -- failure -----------------------------------------------------------------------------------


def test_a_broken_scan_is_tried_again_ever_more_rarely_until_one_succeeds(desk: Desk) -> None:
    desk.scanner.want("r", ScanWish("start"))
    pauses = []
    for _ in range(10):
        began = desk.clock.monotonic()
        while desk.scanner.step() != 0.0:
            desk.clock.advance(0.5)
        pauses.append(desk.clock.monotonic() - began)
        desk.end("broken")

    assert pauses == [0.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0]
    desk.clock.advance(300)
    desk.run()
    desk.scanner.want("r", ScanWish("start"))
    desk.scanner.step()
    desk.end("broken")
    desk.clock.advance(2.0)
    assert len(desk.run()) == 1


def test_a_walk_of_another_directory_is_broken(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere(Scan):
        def __iter__(self) -> Iterator[Listing]:
            self.place, self.whole = (0, 2), True
            yield from ()

    monkeypatch.setattr(scanning, "Scan", Elsewhere)
    desk.scanner.want("r", ScanWish("start"))
    (tally,) = desk.run()

    assert tally.broken == "another directory was in the root's place"


@pytest.mark.parametrize(
    "error", [WatchError("no more processes"), CatalogueBusy("held"), OSError(24, "too many")]
)
@pytest.mark.parametrize("where", ["walk", "catalogue"])
def test_whatever_fails_the_scan_has_an_end_and_the_next_one_comes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, where: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as broken:
        if where == "walk":
            broken.setattr(Walking, "__iter__", fail)
        else:
            broken.setattr(desk.scanner, "_large_digests", fail)
        desk.scanner.want("r", ScanWish("start"))
        if isinstance(error, OSError):
            with pytest.raises(OSError, match="too many"):
                desk.scanner.step()
        else:
            assert desk.scanner.step() == 0.0
        (tally,) = desk.end()

    assert tally.broken
    desk.clock.advance(2.0)
    assert reasons(desk.run()) == [("r", "start")]
    assert desk.concluded[-1][0].broken == ""


def test_a_recorder_that_takes_nothing_does_not_hold_up_the_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally = ScanTally("r", ScanWish("start"), 0.0)
    while desk.inbox.put_scan(ScanBatch(tally, ()), 0):
        pass
    monkeypatch.setattr(desk.inbox, "put_scan", lambda _batch, _timeout: False)
    beats = []

    def beat() -> None:
        beats.append(1)

    desk.scanner.beat = beat
    desk.scanner.stopping = lambda: len(beats) > 3
    desk.scanner.want("r", ScanWish("start"))

    assert desk.scanner.step() == 0.0
    assert len(beats) > 3


def test_batches_hold_some_thousand_files_or_some_hundred_directories(tmp_path: Path) -> None:
    """With the real walk, so that nothing is lost between child and recorder."""
    desk = Desk(tmp_path)
    for number in range(600):
        (tmp_path / "r" / f"d{number}").mkdir()
    (tmp_path / "r" / "a").touch()
    desk.scanner.want("r", ScanWish("start"))
    batches = []
    ended = threading.Event()

    def record() -> None:
        while not ended.is_set():
            if (batch := desk.inbox.take_scan()) is not None:
                batches.append(batch)
                if batch.ended:
                    ended.set()

    recorder = threading.Thread(target=record)
    recorder.start()
    desk.scanner.step()
    recorder.join(20)

    assert [len(batch.found) for batch in batches] == [256, 256, 89, 0]
    assert batches[-1].ended
    assert batches[0].tally.whole
