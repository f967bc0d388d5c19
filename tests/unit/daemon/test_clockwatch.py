"""A wall clock that jumps is not believed until somebody says it is right, across restarts too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.catalogue import clocks
from storewarden.clock import Clock, ManualClock, boot_id, boot_ns, kernel_clock
from storewarden.daemon.clockwatch import ClockWatch, reading
from storewarden.policy.jumps import STA_UNSYNC, Reading
from tests.catalogues import NOW, Place, sqlite_place

HOUR = 3600 * 10**9
NOBODY, SOMEBODY = (5, STA_UNSYNC), (0, 0)


class Machine:
    """A machine with clocks, and a daemon on it that watches them."""

    def __init__(self, place: Place) -> None:
        self.engine = place.furnished()
        self.clock = ManualClock(NOW)
        self.boot = "first"
        self.kernel = NOBODY
        self.heard = 0
        self.start()

    def start(self) -> None:
        self.watch = ClockWatch(
            self.engine, 1, self.clock, self.hear, read=self.read, kernel=lambda: self.kernel
        )
        self.watch.step()

    def hear(self) -> None:
        self.heard += 1

    def read(self, clock: Clock) -> Reading:
        return Reading(clock.wall_ns(), int(clock.monotonic() * 1e9), self.boot)

    def wait(self, seconds: float = 10.0) -> None:
        self.clock.advance(seconds)
        self.watch.step()

    def jumped(self) -> int | None:
        noted = clocks.read(self.engine, 1)
        assert noted is not None
        return noted.jumped_ns


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with sqlite_place(tmp_path / "state") as place:
        yield Machine(place)


def test_a_clock_that_goes_evenly_is_believed_and_seldom_noted(machine: Machine) -> None:
    first = clocks.read(machine.engine, 1)
    for _ in range(30):
        machine.wait()
    assert clocks.read(machine.engine, 1) == first
    machine.wait(600.0)

    assert clocks.read(machine.engine, 1) != first
    assert (machine.jumped(), machine.watch.jumped_ns, machine.heard) == (None, 0, 0)


@pytest.mark.parametrize("seconds", [301.0, -301.0, 40 * 365 * 86_400.0])
def test_a_jump_either_way_is_noted_and_everything_is_decided_anew(
    machine: Machine, seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    machine.clock.jump(seconds)
    machine.wait()

    assert machine.jumped() == machine.watch.jumped_ns == int(seconds * 1e9)
    assert machine.heard == 1
    assert "nothing is removed until it is confirmed" in caplog.text
    machine.wait()
    assert machine.heard == 1


def test_five_minutes_are_nobodys_business(machine: Machine) -> None:
    machine.clock.jump(299.0)
    machine.wait()

    assert machine.jumped() is None


def test_a_clock_that_the_kernel_says_is_kept_is_believed_a_minute_later(machine: Machine) -> None:
    machine.clock.jump(3600.0)
    machine.wait()
    for _ in range(10):
        machine.wait()
    assert machine.jumped() == HOUR  # nobody keeps it

    machine.kernel = SOMEBODY
    machine.wait()
    machine.wait(50.0)
    assert machine.jumped() == HOUR
    machine.wait()
    assert (machine.jumped(), machine.watch.jumped_ns, machine.heard) == (None, 0, 2)


def test_a_person_accepts_it(machine: Machine) -> None:
    machine.clock.jump(3600.0)
    machine.wait()
    assert clocks.accept(machine.engine, 1)
    machine.wait()

    assert (machine.watch.jumped_ns, machine.heard) == (0, 2)
    assert not clocks.accept(machine.engine, 1)


def test_a_clock_that_is_set_right_again_needs_nobody(machine: Machine) -> None:
    machine.clock.jump(3600.0)
    machine.wait()
    machine.clock.jump(-3590.0)
    machine.wait()

    assert (machine.jumped(), machine.heard) == (None, 2)


def test_a_jump_is_remembered_by_the_next_daemon(machine: Machine) -> None:
    machine.clock.jump(3600.0)
    machine.wait()
    machine.start()

    assert machine.watch.jumped_ns == machine.jumped() == HOUR


def test_a_jump_while_no_daemon_ran(machine: Machine) -> None:
    machine.clock.advance(100.0)
    machine.clock.jump(-7200.0)
    machine.start()

    assert machine.watch.jumped_ns == -2 * HOUR


def test_after_a_start_of_the_machine_only_a_clock_that_went_back_is_known_to_be_wrong(
    machine: Machine,
) -> None:
    machine.boot = "second"
    machine.clock.jump(86_400.0)
    machine.start()
    assert machine.jumped() is None
    machine.wait(600.0)
    machine.boot = "third"
    machine.clock.jump(-3600.0)
    machine.start()
    assert machine.jumped() == -HOUR


def test_the_clocks_of_this_machine_can_be_read() -> None:
    now = reading(ManualClock(NOW))
    returned, status = kernel_clock()

    assert now.wall_ns == NOW
    assert 0 < now.boot_ns <= boot_ns()
    assert now.boot_id == boot_id() != ""
    assert -1 <= returned <= 5
    assert 0 <= status < 2**16
