"""Wishes go to the daemon that holds the lease, in pieces, and what it says comes back."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storewarden.catalogue import lease, requests
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.lease import Lease
from storewarden.cli.acting import Drawn
from storewarden.cli.progress import Progress
from storewarden.clock import SystemClock
from storewarden.daemon.acting.wish import Result, Told, Trouble, Wish
from tests.conftest import Golden
from tests.unit.cli.conftest import FILE_COLUMNS, NOW, Run
from tests.unit.cli.playing import played
from tests.unit.cli.test_by_hand import figures, steady

TROUBLES = (
    Trouble("save_outputs", b"two\nlines \xff.png", "trash", "refused", "it is open for writing"),
    Trouble("uploads", b"a.bin", "trash", "put-off", "the root is not there"),
    Trouble("save_outputs", b"", "trash", "held", "3 files: the clock jumped"),
)
RESULT = Result(
    *(3, 1, 0, 1, 3, 4096, 1_500_000, 0.25, TROUBLES, 2, ("cat.png: its owner is another",)),
)


@pytest.fixture(autouse=True)
def roots_are_there(here: Path) -> None:
    """Make the roots that the catalogue knows."""
    for name in ("save_outputs", "uploads"):
        (here / name).mkdir()


def all_done(request: requests.Request) -> tuple[dict[str, Any], bool]:
    wish = Wish.of(request.arguments)
    return dict(Result(done=len(wish.wanted), size=10).facts()), False


def test_the_daemon_is_asked_and_told_who_asks(
    catalogue: Engine, daemon: Lease, run: Run, here: Path
) -> None:
    with played(daemon, here / "state", all_done) as got:
        ran = run("trash", "save_outputs/cat.png", "save_outputs/renders")

    assert (ran.code, figures(ran)["done"]) == (0, "3")
    (request,) = got
    wish = Wish.of(request.arguments)
    assert request.verb == "act"
    # a root of this host: another host's daemon leaves it alone
    assert (request.root_id,) in catalogue.execute("SELECT id FROM roots")
    assert [one.file_id for one in wish.wanted] == [1, 3, 4]
    assert {one.verb for one in wish.wanted} == {"trash"}
    assert wish.asked_by == request.asked_by
    assert wish.reason.startswith("storewarden trash save_outputs/cat.png save_outputs/renders  # ")


def test_many_files_are_asked_for_in_pieces(
    catalogue: Engine, daemon: Lease, run: Run, here: Path
) -> None:
    with catalogue.transaction():
        rows = [
            (
                *(at, 3, b"%d.bin" % at, at, 0o100644, 1, 0, 0, 10, 8, NOW, NOW, NOW, "other"),
                *("present", 0, 1, NOW, NOW, None, None, None),
            )
            for at in range(100, 11_100)
        ]
        catalogue.insert("files", FILE_COLUMNS, rows)
    with played(daemon, here / "state", all_done) as got:
        ran = run("trash", "root=uploads")

    assert figures(ran)["done"] == "11001"
    wishes = [Wish.of(one.arguments) for one in got]
    assert [len(one.wanted) for one in wishes] == [5_000, 5_000, 1_001]
    assert len({one.reason for one in wishes}) == 1, "they are one command"
    assert len({one.file_id for wish in wishes for one in wish.wanted}) == 11_001


@pytest.mark.parametrize("form", ["people", "programs", "json"])
def test_what_was_not_done_is_told(
    catalogue: Engine, daemon: Lease, run: Run, here: Path, golden: Golden, form: str
) -> None:
    with played(daemon, here / "state", lambda _request: (dict(RESULT.facts()), False)):
        more = ("--json",) if form == "json" else ()
        ran = run("trash", "kind=image", *more, terminal=form == "people")

    assert ran.code == 1
    assert ran.err == "storewarden: cat.png: its owner is another\n"
    golden(f"cli/acted-{form}.txt", steady(ran.out, here))


def test_a_daemon_that_refuses_says_why(
    catalogue: Engine, daemon: Lease, run: Run, here: Path
) -> None:
    with played(daemon, here / "state", lambda _request: ({"error": "it cannot act"}, True)):
        ran = run("trash", "kind=image")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("storewarden: the daemon refused: storewarden run, pid ")
    assert ran.err.endswith(": it cannot act\n")


def test_a_daemon_that_ends_meanwhile_is_told(
    catalogue: Engine, daemon: Lease, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_once(engine: Engine, number: int, *_rest: object) -> Iterator[requests.Request]:
        daemon.release()
        request = requests.read(engine, number)
        assert request is not None
        yield request

    monkeypatch.setattr(requests, "wait", wait_once)
    ran = run("trash", "kind=image")

    assert ran.code == 1
    assert "the daemon ended before it had done all" in ran.err
    assert "its next start goes on with it; storewarden history shows how far it is" in ran.err


def test_enough_is_enough_and_the_daemon_goes_on(
    catalogue: Engine, daemon: Lease, run: Run, here: Path
) -> None:
    heard = threading.Event()
    before = signal.getsignal(signal.SIGINT)  # who runs in the background is deaf to it

    def answer(request: requests.Request) -> tuple[dict[str, Any], bool]:
        os.kill(os.getpid(), signal.SIGINT)
        heard.wait(10.0)
        return all_done(request)

    with played(daemon, here / "state", answer):
        ran = run("trash", "kind=image")
        heard.set()

    assert (ran.code, ran.out) == (130, "")
    told = "storewarden: the daemon goes on with it: storewarden status, history"
    assert ran.err.strip() == told
    assert signal.getsignal(signal.SIGINT) is before


def test_another_verb_that_holds_the_lease_is_not_asked(
    catalogue: Engine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = catalogue.execute("SELECT id FROM hosts")[0][0]
    held = lease.take(catalogue, host, "storewarden scan", SystemClock(), lambda _s: None)
    monkeypatch.setattr("storewarden.cli.acting.requests", None, raising=False)
    try:
        ran = run("trash", "kind=image")
    finally:
        held.release()
    assert (ran.code, ran.out) == (3, "")
    assert "storewarden scan, pid" in ran.err
    assert catalogue.execute("SELECT count(*) FROM jobs") == [(0,)]


class Shown(Progress):
    """Remembers what it was to draw."""

    def __init__(self) -> None:
        super().__init__("trash", terminal=False)
        self.drawn: list[tuple[int, int | None, str]] = []

    def update(self, done: int, total: int | None, detail: str = "") -> None:
        self.drawn.append((done, total, detail))


def test_progress_counts_all_pieces_and_tells_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("storewarden.cli.acting.time.monotonic", lambda: now[0])
    shown = Shown()
    bar = Drawn(shown, 30, 3_000_000)
    bar.update(Told(done=1, files=10, root="uploads", path=b"a\n.bin"))
    bar.add(Result(done=10, size=1_000_000), 10)
    now[0] += 10.0
    bar.update(Told(done=2, refused=1, put_off=1, files=20, size=500_000, freed=4096))

    assert shown.drawn == [
        (1, 30, r"uploads/a\n.bin"),
        (14, 30, "146.5 KiB/s  4.0 KiB freed  10s left"),
    ]
