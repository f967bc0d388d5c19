"""Whoever asks the daemon for a scan gets an answer, whatever happens in between."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from storewarden.catalogue import requests, usage
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.requests import Request
from storewarden.catalogue.written import Recorded
from storewarden.clock import ManualClock
from storewarden.daemon.acting.wish import Wanted, Wish
from storewarden.daemon.clerk import Clerk
from storewarden.errors import CatalogueCorrupt
from storewarden.pipeline.state import ScanTally, ScanWish
from tests.faults import Faults
from tests.recording import prepared, registered


class Scans:
    """A scanner that only notes what it is asked for."""

    def __init__(self) -> None:
        self.wanted: list[tuple[str, ScanWish]] = []
        self.tally: ScanTally | None = None

    def want(self, root: str, wish: ScanWish) -> None:
        self.wanted.append((root, wish))

    def running(self) -> ScanTally | None:
        return self.tally


class Office:
    """A clerk, a catalogue, and somebody who asks."""

    def __init__(self, tmp_path: Path) -> None:
        self.engine = prepared("sqlite", tmp_path / "state")
        lease = SimpleNamespace(epoch=3)
        self.ground = replace(registered(self.engine, ["r", "s"]), lease=lease)  # type: ignore[arg-type]  # only its epoch is read
        self.clock = ManualClock()
        self.scans = Scans()
        self.up = {"r", "s"}
        self.clerk = Clerk(
            self.ground,
            self.scans,  # type: ignore[arg-type]  # all that is asked of it
            Counts(self.engine, self.ground.roots),
            self.clock,
            self.up.__contains__,
        )

    def ask(self, root: str = "r", verb: str = "scan", **arguments: object) -> int:
        root_id = self.ground.roots[root]
        return requests.ask(
            self.engine, verb, root_id, arguments, asked_by="a test", now_ns=self.clock.wall_ns()
        )

    def read(self, request_id: int) -> Request:
        request = requests.read(self.engine, request_id)
        assert request is not None
        return request

    def tally(self, wish: ScanWish, **more: object) -> ScanTally:
        tally = ScanTally("r", wish, 0.0, whole=True)
        tally.recorded = Recorded(added=3, returned=1, changed=2, missing=4)
        for name, value in more.items():
            setattr(tally, name, value)
        return tally


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.engine.close()


def test_a_request_becomes_a_wish_and_the_scan_its_answer(office: Office) -> None:
    asked = office.ask(accept_missing=True)
    office.clerk.step()
    ((root, wish),) = office.scans.wanted
    assert (root, wish) == ("r", ScanWish("asked", (asked,), accept_missing=True))
    assert office.read(asked).state == "running"

    office.clerk.ended(office.tally(wish, held=5, errors=1), 2.5)

    answer = office.read(asked)
    assert answer.state == "done"
    assert answer.outcome == {
        "files": 0,
        "bytes": 0,
        "added": 4,
        "changed": 2,
        "gone": 4,
        "errors": 1,
        "seconds": 2.5,
        "held": 5,
    }


def test_all_who_asked_are_answered_by_one_scan(office: Office) -> None:
    asked = [office.ask(), office.ask()]
    for _ in asked:
        office.clerk.step()

    office.clerk.ended(office.tally(ScanWish("asked", tuple(asked))), 1.0)

    assert [office.read(one).state for one in asked] == ["done", "done"]


@pytest.mark.parametrize("more", [{"broken": "the root went away"}, {"whole": False}])
def test_a_broken_scan_is_no_answer(office: Office, more: dict[str, object]) -> None:
    asked = office.ask()
    office.clerk.step()

    office.clerk.ended(office.tally(ScanWish("asked", (asked,)), **more), 1.0)

    assert office.read(asked).state == "running"


def test_an_answer_that_cannot_be_written_is_written_later(office: Office) -> None:
    asked = office.ask()
    office.clerk.step()
    faults = Faults(office.engine)
    with faults.lasting():
        office.clerk.ended(office.tally(ScanWish("asked", (asked,))), 1.0)
        office.clerk.step()
        assert faults.failed == 2
    assert office.read(asked).state == "running"

    office.clerk.step()

    assert office.read(asked).state == "done"


def test_a_damaged_catalogue_is_not_passed_over(office: Office) -> None:
    faults = Faults(office.engine)
    faults.after(0, error=lambda: CatalogueCorrupt("damaged"))

    with pytest.raises(CatalogueCorrupt):
        office.clerk.ended(office.tally(ScanWish("asked", (office.ask(),))), 1.0)


def test_what_cannot_be_done_is_refused_with_the_reason(office: Office) -> None:
    office.up.discard("s")
    away, strange = office.ask("s"), office.ask(verb="dance")
    for _ in range(2):
        office.clerk.step()

    assert office.read(away).state == office.read(strange).state == "failed"
    assert "s cannot be scanned now" in str(office.read(away).outcome["error"])
    assert "'dance'" in str(office.read(strange).outcome["error"])
    assert office.scans.wanted == []


def test_progress_is_told_to_everybody_who_waits(office: Office) -> None:
    asked = [office.ask(), office.ask()]
    for _ in asked:
        office.clerk.step()
    office.scans.tally = office.tally(ScanWish("asked", tuple(asked)), listed=42)

    office.clerk.step()

    assert [office.read(one).progress for one in asked] == [{"files": 42}] * 2


def test_a_scan_that_nobody_asked_for_is_told_to_nobody(office: Office) -> None:
    office.scans.tally = office.tally(ScanWish("timer"), listed=42)
    faults = Faults(office.engine)

    office.clerk.step()
    office.clerk.ended(office.tally(ScanWish("timer")), 1.0)

    assert faults.calls <= 2  # forgetting old requests, once a day


def test_counts_of_old_days_are_forgotten_bit_by_bit_once_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(tmp_path)
    asked: list[tuple[int, int, int]] = []
    left = {office.ground.roots["r"]: 3, office.ground.roots["s"]: 0}

    def forget(_engine: object, root_id: int, before_ns: int, limit: int) -> int:
        asked.append((root_id, before_ns, limit))
        left[root_id] -= 1
        return max(0, left[root_id])

    monkeypatch.setattr(usage, "forget", forget)
    kept = {"r": 10.0, "s": 86_400.0}
    office.clerk._usage_kept = lambda: kept
    now = office.clock.wall_ns()
    for _ in range(10):
        office.clerk.step()

    r, s = office.ground.roots["r"], office.ground.roots["s"]
    day = 86_400 * 10**9
    assert asked == [
        *[(r, now - 10 * 10**9, 2_000)] * 3,
        (s, now - day, 2_000),
    ]
    office.clock.advance(24 * 3600)
    office.clerk.step()
    assert len(asked) == 5
    office.engine.close()


def test_acts_are_forgotten_more_than_a_year_after_they_ended(office: Office) -> None:
    now_ns = office.clock.wall_ns()
    day = 86_400 * 10**9
    with office.engine.transaction():
        for number, age in enumerate((500, 401, 399, 1)):
            office.engine.execute(
                "INSERT INTO acts (root_id, verb, mark, state, members, asked_by, reason, bytes,"
                " planned_ns, changed_ns, ended_ns) VALUES (?, 'trash', ?, 'refused', '[]', 'anna',"
                " '', 0, 0, 0, ?)",
                (office.ground.roots["r"], f"{number:016}", now_ns - age * day),
            )
    office.clerk.step()
    assert office.engine.execute("SELECT mark FROM acts ORDER BY id") == [
        (f"{number:016}",) for number in (2, 3)
    ]


def test_a_wish_goes_to_who_acts_and_is_answered(office: Office) -> None:
    taken: list[tuple[int, Wish]] = []
    office.clerk._act = lambda job, wish: taken.append((job, wish))
    wish = Wish((Wanted(7, "trash"),), "anna", "because")
    job = office.ask(verb="act", **wish.facts())
    nonsense = office.ask(verb="act", wanted="nothing")
    office.clerk.step()
    office.clerk.step()

    assert taken == [(job, wish)]
    assert office.read(nonsense).state == "failed"
    assert "this is no wish" in office.read(nonsense).outcome["error"]
    office.clerk.answer(job, {"done": 1})
    assert (office.read(job).state, office.read(job).outcome) == ("done", {"done": 1})


def test_calls_that_applications_told_are_forgotten_after_their_time(office: Office) -> None:
    now_ns = office.clock.wall_ns()
    with office.engine.transaction():
        office.engine.insert(
            "api_usage",
            ("host_id", "at_ns", "provider", "calls", "currency", "told_ns"),
            [
                (office.ground.host_id, now_ns - age * 86_400 * 10**9, "openai", 1, "USD", now_ns)
                for age in (40, 31, 29)
            ],
        )
    rows = "SELECT count(*) FROM api_usage"
    office.clerk.step()
    assert office.engine.execute(rows) == [(3,)]  # nothing was said: they stay

    office.clerk.told_kept = lambda: (30 * 86_400.0, 0.0)
    office.clerk.step()
    assert office.engine.execute(rows) == [(3,)]  # once a day
    office.clock.advance(24 * 3600)
    office.clerk.step()
    assert office.engine.execute(rows) == [(1,)]
