"""Files are looked into by processes that may die, hang and lie: each costs one file, no more."""

import errno
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.catalogue.waiting import Waiting
from storewarden.clock import ManualClock, SystemClock
from storewarden.facts.wire import unpack
from storewarden.pipeline import caged
from storewarden.pipeline.caged import COMMAND, Answer, CannotInspect, Pool

# A process that keeps to the protocol until a file tells it not to, by its name.
ODD = """
import json, os, signal, sys, time
from storewarden.pipeline.inspecting import tell
from storewarden.watch.walk import receive
out = sys.stdout.buffer
tell(out, {"walls": ["none"], "versions": {"odd": 1}})
while isinstance(order := receive(sys.stdin.buffer), tuple):
    first, path, files = order
    for number, (directory, name) in enumerate(files, first):
        if name.startswith(b"crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if name.startswith(b"once") and not os.path.exists(path + b"/seen"):
            open(path + b"/seen", "w").close()
            os._exit(1)
        if name.startswith(b"exit"):
            os._exit(3)
        if name.startswith(b"compute"):
            os.kill(os.getpid(), signal.SIGXCPU)
        if name.startswith(b"hang"):
            time.sleep(1000)
        if name.startswith(b"noise"):
            out.write(b"\\0\\0\\0\\5hello"); out.flush()
        if name.startswith(b"huge"):
            out.write(b"\\xff\\xff\\xff\\xff"); out.flush()
        if name.startswith(b"twice"):
            tell(out, {"number": number})
        tell(out, {"name": os.fsdecode(name), "by": os.getpid(), "number": number})
"""


class Ward:
    """A pool over a directory of files with telling names."""

    def __init__(self, tmp_path: Path, size: int = 1, code: str = ODD) -> None:
        self.path = os.fsencode(tmp_path)
        self.died: list[str] = []
        self.pool = Pool(size, SystemClock(), self.died.append, (sys.executable, "-c", code))

    def ask(self, *names: str) -> dict[str, Answer]:
        files = [
            (self.path, Waiting(number, "r", b"", os.fsencode(name), 1, 1, 1))
            for number, name in enumerate(names)
        ]
        answers = list(self.pool.examine(files))
        assert len(answers) == len({answer.file.id for answer in answers})
        return {os.fsdecode(answer.file.name): answer for answer in answers}


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    ward = Ward(tmp_path)
    yield ward
    ward.pool.stop()


def test_every_file_is_answered_for(ward: Ward) -> None:
    names = [f"f{number}" for number in range(200)]
    answers = ward.ask(*names)
    assert {name: answer.told["name"] for name, answer in answers.items()} == {n: n for n in names}
    assert len({answer.told["by"] for answer in answers.values()}) == 1
    assert ward.died == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("crash", "signal"),
        ("exit", "exit"),
        ("compute", "processor"),
        ("noise", "nonsense"),
        ("huge", "nonsense"),
    ],
)
def test_a_file_that_ends_its_process_twice_is_to_blame_and_no_other(
    ward: Ward, name: str, why: str
) -> None:
    answers = ward.ask("a", name, "b", "c")
    assert answers[name].died == why
    assert ward.died == [why, why]
    assert [answers[other].told["name"] for other in "abc"] == ["a", "b", "c"]


def test_a_file_is_given_a_second_chance(ward: Ward) -> None:
    answers = ward.ask("a", "once", "b")
    assert answers["once"].died == ""
    assert answers["once"].told["name"] == "once"
    assert ward.died == ["exit"]


def test_an_answer_that_nobody_asked_for_ends_the_process(ward: Ward) -> None:
    """It may come before the next question or after: it is never taken for the answer to that."""
    assert "name" not in ward.ask("twice")["twice"].told
    assert ward.ask("a")["a"].told["name"] == "a"
    assert ward.died == ["nonsense"]


def test_a_process_that_hangs_is_ended_when_patience_is(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caged, "PATIENCE", 0.2)
    monkeypatch.setattr(caged, "START", 20.0)
    answers = ward.ask("a", "hang", "b")
    assert answers["hang"].died == "time"
    assert answers["b"].told["name"] == "b"
    assert ward.died == ["time", "time"]


def test_many_deaths_leave_no_process_and_no_file_behind(ward: Ward) -> None:
    names = [f"{kind}{number}" for number in range(5) for kind in ("crash", "f", "exit", "g")]
    answers = ward.ask(*names)
    assert sorted(answers) == sorted(names)
    assert Counter(ward.died) == {"signal": 10, "exit": 10}


def test_several_processes_share_the_work(tmp_path: Path) -> None:
    ward = Ward(tmp_path, size=3)
    try:
        answers = ward.ask(*(f"f{number}" for number in range(300)), "crash")
        assert len({answer.told.get("by") for answer in answers.values()}) > 2
        assert len(answers) == 301
    finally:
        ward.pool.stop()


def test_a_process_that_died_while_idle_costs_nothing_but_itself(ward: Ward) -> None:
    first = ward.ask("a")["a"].told["by"]
    os.kill(first, 9)
    assert ward.ask("b")["b"].told["name"] == "b"
    assert ward.ask("c")["c"].told["by"] != first


def test_where_no_process_starts_no_file_is_blamed(tmp_path: Path) -> None:
    ward = Ward(tmp_path, code="raise SystemExit('broken')")
    with pytest.raises(CannotInspect):
        ward.ask("a", "b")
    with pytest.raises(CannotInspect):
        ward.pool.warm()
    assert ward.died == []


def test_a_process_that_is_not_caged_is_given_nothing(tmp_path: Path) -> None:
    ward = Ward(tmp_path, code=ODD.replace('["none"]', "[]"))
    with pytest.raises(CannotInspect):
        ward.pool.warm()


def test_who_gives_up_waits_for_nothing(ward: Ward) -> None:
    answers = ward.pool.examine(
        [(ward.path, Waiting(n, "r", b"", b"f%d" % n, 1, 1, 1)) for n in range(100)]
    )
    next(answers)
    ward.pool.give_up()
    assert len(list(answers)) < 100
    assert ward.died == []


def test_the_real_process_tells_its_walls_and_what_it_knows(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "fifo").mkdir()
    pool = Pool(1, SystemClock(), pytest.fail, COMMAND)
    try:
        pool.warm()
        assert pool.versions["png"] >= 1
        names = (b"a.txt", b"gone", b"fifo")
        files = [(os.fsencode(tmp_path), Waiting(0, "r", b"", n, 1, 1, 1)) for n in names]
        found, gone, directory = (answer.told for answer in pool.examine(files))
    finally:
        pool.stop()
    status = (tmp_path / "a.txt").stat()
    assert found["identity"] == [status.st_ino, status.st_size, status.st_mtime_ns]
    assert unpack(found["facts"]).kind == "text"
    assert (gone["error"], directory["error"]) == (errno.ENOENT, errno.EINVAL)


def test_time_is_measured_by_the_clock_that_is_given(tmp_path: Path) -> None:
    clock = ManualClock()
    pool = Pool(1, clock, pytest.fail, (sys.executable, "-c", ODD))
    files = [(os.fsencode(tmp_path), Waiting(1, "r", b"", b"a", 1, 1, 1))]
    try:
        assert [answer.told["name"] for answer in pool.examine(files)] == ["a"]
    finally:
        pool.stop()
