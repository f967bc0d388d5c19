"""Workers and their supervisor, by calling the steps; threads only where threads are the point."""

import logging
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.clock import ManualClock, SystemClock
from storewarden.errors import CatalogueFull, LeaseLost
from storewarden.supervise import GRID, LONGEST_WAIT, State, Step, Supervisor, Worker, together

PATIENT = 10.0  # what a test waits for a thread at most


def worker(clock: ManualClock, step: Step, name: str = "recorder") -> Worker:
    return Worker(name, step, clock=clock)


def failing(*errors: BaseException | None) -> Step:
    """A step that raises one after the other; None is a step that goes well."""
    left = iter(errors)

    def step() -> float:
        error = next(left, None)
        if error is not None:
            raise error
        return 1.0

    return step


def die(one: Worker, clock: ManualClock) -> float:
    """Let the worker die once; the seconds after which it may be started again."""
    assert one.turn() is None
    return one.restart_at - clock.monotonic()


def test_a_turn_returns_how_long_to_wait() -> None:
    assert worker(ManualClock(), lambda: 2.5).turn() == 2.5


@pytest.mark.parametrize(("asked", "waits"), [(-1.0, 0.0), (float("inf"), LONGEST_WAIT)])
def test_a_wait_is_kept_within_what_a_thread_can_wait(asked: float, waits: float) -> None:
    assert worker(ManualClock(), lambda: asked).turn() == waits


@given(wait=st.floats(GRID, LONGEST_WAIT), now=st.floats(0.0, 10**6), other=st.floats(0.0, 10**6))
def test_long_waits_end_at_the_same_moments_and_are_as_long_as_they_were_meant(
    wait: float, now: float, other: float
) -> None:
    for begun in (now, other):
        taken = together(wait, begun)
        assert abs(taken - wait) <= GRID / 2 + 1e-6
        assert abs((begun + taken) / GRID - round((begun + taken) / GRID)) < 1e-6
        assert taken > 0


def test_a_short_wait_is_as_short_as_it_was_meant() -> None:
    assert together(0.25, 10.1) == 0.25


def test_a_wake_during_a_step_is_not_lost() -> None:
    clock = ManualClock()

    def step() -> float:
        one.wake()
        return 60.0

    one = worker(clock, step)
    one.turn()

    assert one._wake.is_set()


def test_a_stopped_worker_takes_no_further_step() -> None:
    taken: list[int] = []

    def step() -> float:
        taken.append(1)
        return 0.0

    one = worker(ManualClock(), step)
    one.stop()

    assert (one.turn(), taken) == (None, [])


def test_the_pause_doubles_with_every_death_up_to_thirty_seconds() -> None:
    clock = ManualClock()
    one = worker(clock, failing(*[RuntimeError("no")] * 11))

    pauses = [round(die(one, clock), 3) for _ in range(11)]

    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]


def test_a_worker_that_lived_well_begins_again_with_the_short_pause() -> None:
    clock = ManualClock()
    one = worker(clock, failing(*[RuntimeError("no")] * 4))
    for _ in range(3):
        die(one, clock)

    clock.advance(60.0)

    assert die(one, clock) == pytest.approx(0.1)


def test_a_dead_worker_is_started_again_when_its_pause_is_over() -> None:
    clock, took_step = ManualClock(), threading.Event()

    def step() -> float:
        if took_step.is_set():
            return 60.0
        took_step.set()
        raise RuntimeError("once")

    one = worker(clock, step)
    supervisor = Supervisor([one], clock=clock)
    one.turn()

    early = supervisor.check(clock.monotonic())
    state_early = one.state
    clock.advance(0.1)
    later = supervisor.check(clock.monotonic())

    assert early == pytest.approx(0.1)
    assert state_early is State.DEAD
    assert (later, one.state, one.alive, one.deaths) == (None, State.RUNNING, True, 1)
    assert supervisor.stop(PATIENT) == ()


def test_a_death_is_told_to_who_counts_them() -> None:
    told: list[tuple[str, str]] = []
    one = Worker(
        "digester",
        failing(ValueError("bad")),
        clock=ManualClock(),
        on_death=lambda w, e: told.append((w.name, str(e))),
    )

    one.turn()

    assert told == [("digester", "bad")]


def test_the_traceback_of_one_kind_of_death_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = worker(ManualClock(), failing(*[RuntimeError("no")] * 3))

    for _ in range(3):
        one.turn()

    assert [bool(record.exc_info) for record in caplog.records] == [True, False, False]


def test_an_error_of_ours_says_all_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    full = CatalogueFull("the catalogue is full", why="no space")
    worker(ManualClock(), failing(full)).turn()

    (record,) = caplog.records
    assert not record.exc_info
    assert record.facts["error"] == "the catalogue is full: no space"  # type: ignore[attr-defined]


def test_a_lost_lease_is_fatal_and_nothing_starts_the_worker_again() -> None:
    clock, told, lost = ManualClock(), list[BaseException](), LeaseLost("the lease was taken over")
    one = Worker("recorder", failing(lost), clock=clock, on_fatal=lambda _, e: told.append(e))
    supervisor = Supervisor([one], clock=clock)

    one.turn()
    clock.advance(100.0)
    supervisor.check(clock.monotonic())

    assert (told, supervisor.fatal, one.state, one.alive) == ([lost], lost, State.ENDED, False)


def test_a_worker_in_its_wait_is_not_late() -> None:
    clock = ManualClock()
    one = worker(clock, lambda: 3000.0)
    one.state = State.RUNNING
    one.turn()
    clock.advance(2999.0)

    assert one.late(clock.monotonic()) == 0.0


def test_a_worker_that_stays_in_a_step_or_oversleeps_is_stuck() -> None:
    clock = ManualClock()
    one = worker(clock, lambda: 5.0)
    supervisor = Supervisor([one], clock=clock)
    one.state = State.RUNNING
    one.turn()
    clock.advance(5.0 + one.patience)
    at_the_edge = supervisor.stuck(clock.monotonic())
    clock.advance(1.0)

    assert (at_the_edge, supervisor.stuck(clock.monotonic())) == ({}, {"recorder": 31.0})


def test_a_beat_from_inside_a_long_step_keeps_it_young() -> None:
    clock = ManualClock()
    one = worker(clock, lambda: 0.0)
    one.state = State.RUNNING
    one.turn()
    clock.advance(100.0)
    one.beat()

    assert one.late(clock.monotonic()) == 0.0


def test_a_dead_worker_whom_nobody_starts_again_is_stuck() -> None:
    clock = ManualClock()
    one = worker(clock, failing(RuntimeError("no")))
    one.turn()
    clock.advance(40.0)

    assert one.stuck(clock.monotonic())


def running(names: str, order: list[str], steps: dict[str, Step]) -> Supervisor:
    """Real threads named by letters; each appends its name to ``order`` when it hands over."""

    def finish(name: str) -> Callable[[], None]:
        return lambda: order.append(name)

    clock = SystemClock()
    workers = [Worker(n, steps.get(n, lambda: 60.0), clock=clock, finish=finish(n)) for n in names]
    supervisor = Supervisor(workers, clock=clock)
    supervisor.start()
    return supervisor


def test_workers_end_in_the_order_of_the_flow_and_hand_over_what_is_left() -> None:
    order: list[str] = []

    assert running("abc", order, {}).stop(PATIENT) == ()
    assert order == ["a", "b", "c"]


def test_who_does_not_end_in_time_is_named_and_the_rest_is_still_stopped() -> None:
    order: list[str] = []
    inside, release = threading.Event(), threading.Event()

    def endless() -> float:
        inside.set()
        release.wait(PATIENT)
        return 0.0

    supervisor = running("abc", order, {"b": endless})
    inside.wait(PATIENT)
    left = supervisor.stop(0.1)
    release.set()

    assert left[0] == "b"
    assert all(w.join(PATIENT) for w in supervisor.workers)
    assert sorted(order) == ["a", "b", "c"]


def test_a_worker_that_is_dead_at_the_stop_still_hands_over() -> None:
    order: list[str] = []
    died = threading.Event()
    one = Worker(
        "recorder",
        failing(RuntimeError("no")),
        clock=SystemClock(),
        on_death=lambda _w, _e: died.set(),
        finish=lambda: order.append("handed over"),
    )
    supervisor = Supervisor([one], clock=SystemClock())
    supervisor.start()
    died.wait(PATIENT)

    assert supervisor.stop(PATIENT) == ()
    assert order == ["handed over"]


def test_a_failing_hand_over_does_not_keep_the_others_from_stopping(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> None:
        raise OSError("gone")

    clock = SystemClock()
    one = Worker("a", lambda: 60.0, clock=clock, finish=broken)
    other = Worker("b", lambda: 60.0, clock=clock)
    supervisor = Supervisor([one, other], clock=clock)
    supervisor.start()

    with caplog.at_level(logging.ERROR):
        assert supervisor.stop(PATIENT) == ()
    assert "could not hand over" in caplog.text


def test_wake_ends_a_wait() -> None:
    steps = [threading.Event(), threading.Event()]
    taken = iter(steps)

    def step() -> float:
        next(taken).set()
        return 3000.0

    one = Worker("a", step, clock=SystemClock())
    one.start()
    steps[0].wait(PATIENT)
    one.wake()

    assert steps[1].wait(PATIENT)
    one.stop()
    assert one.join(PATIENT)


def test_a_worker_can_join_and_leave_while_the_others_run() -> None:
    clock = SystemClock()
    supervisor = Supervisor(clock=clock)
    one = Worker("late", lambda: 60.0, clock=clock)

    supervisor.add(one)
    supervisor.start()

    assert supervisor.remove(one, PATIENT)
    assert supervisor.workers == ()
