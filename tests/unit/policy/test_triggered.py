"""When a policy's due work is taken up, and when it is looked at again."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from storewarden.policy.pressure import Space
from storewarden.policy.rules import Pressure, Timer, Triggers
from storewarden.policy.triggered import (
    LOOK_NS,
    WINDOW_NS,
    Asked,
    Cause,
    Known,
    Last,
    asked,
    pause_ns,
)

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
NOW = 20_000 * DAY + 12 * HOUR  # noon, in UTC
EVENT = Triggers()
NIGHTLY = Triggers(event=False, timers=(Timer(cron="0 3 * * *"),))
FULL = Triggers(event=False, pressure=Pressure(0.9, 0.8))
BERLIN = ZoneInfo("Europe/Berlin")


def local(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()) * SECOND


# -- what became due ----------------------------------------------------------------------------


def test_without_due_work_nothing_starts_and_nothing_is_awaited() -> None:
    for triggers in (EVENT, NIGHTLY, FULL):
        assert asked(triggers, Known(None, 0), NOW, {"r": Space(10, 10)}) == Asked()


def test_what_became_due_starts_a_run_at_once() -> None:
    assert asked(EVENT, Known(NOW, 0), NOW) == Asked(Cause.EVENT, NOW, NOW)
    assert asked(EVENT, Known(NOW + 1, 0), NOW) == Asked(again_ns=NOW + 1)


@pytest.mark.parametrize(
    ("since", "began"),
    [
        (1, NOW - 1),
        (WINDOW_NS - 1, NOW - WINDOW_NS + 1),
        (WINDOW_NS, NOW),  # a day is over
        (-DAY, NOW),  # of a clock that was ahead
    ],
)
def test_what_becomes_due_within_a_day_is_one_run_for_its_guard(since: int, began: int) -> None:
    last = Last(Cause.EVENT, NOW - since, NOW - since)
    assert asked(EVENT, Known(NOW, 0, last), NOW) == Asked(Cause.EVENT, began, NOW)
    other = replace(last, cause=Cause.TIMER)
    assert asked(EVENT, Known(NOW, 0, other), NOW).began_ns == NOW


def test_what_could_not_be_done_is_not_tried_without_end() -> None:
    last = Last(Cause.EVENT, NOW - 1, NOW - 1, fruitless=1)
    assert asked(EVENT, Known(0, 0, last), NOW) == Asked(again_ns=NOW - 1 + 60 * SECOND)
    assert asked(EVENT, Known(0, 0, last), NOW + 60 * SECOND).cause is Cause.EVENT
    assert [pause_ns(n) // SECOND for n in (0, 1, 2, 3, 6, 7, 99)] == [
        *(0, 60, 120, 240, 1920, 3600, 3600),
    ]
    ahead = replace(last, looked_ns=NOW + 365 * DAY)  # the clock went back since
    assert asked(EVENT, Known(0, 0, ahead), NOW).cause is Cause.EVENT


# -- timers -------------------------------------------------------------------------------------


def test_a_timer_takes_up_what_was_due_by_then() -> None:
    known = Known(NOW - HOUR, NOW - 9 * DAY)
    night = NOW + 15 * HOUR
    assert asked(NIGHTLY, known, NOW) == Asked(again_ns=night)
    assert asked(NIGHTLY, known, night - 1).cause is None
    assert asked(NIGHTLY, known, night) == Asked(Cause.TIMER, night, night)
    later = Known(night + 1, NOW)
    assert asked(NIGHTLY, later, night + HOUR).again_ns == night + DAY


def test_missed_times_are_one_run() -> None:
    due = NOW - 30 * DAY
    known = Known(due, 0, Last(Cause.TIMER, due, due))
    assert asked(NIGHTLY, known, NOW).cause is Cause.TIMER
    after = replace(known, last=Last(Cause.TIMER, NOW, NOW))
    assert asked(NIGHTLY, after, NOW) == Asked(again_ns=NOW + 15 * HOUR)


def test_a_new_policy_waits_for_the_first_time_of_its_timer() -> None:
    assert asked(NIGHTLY, Known(NOW - 300 * DAY, NOW - HOUR), NOW).cause is None


def test_a_clock_that_went_back_does_not_stop_timers_for_as_long() -> None:
    ahead = NOW + 365 * DAY
    known = Known(NOW - DAY, NOW - 2 * HOUR, Last(Cause.TIMER, ahead, ahead))
    assert asked(NIGHTLY, known, NOW) == Asked(again_ns=NOW + 15 * HOUR)
    assert asked(NIGHTLY, known, NOW + 15 * HOUR).cause is Cause.TIMER
    # it is not known what ran since the policy is in force: what was missed runs once
    older = replace(known, since_ns=NOW - 9 * DAY)
    assert asked(NIGHTLY, older, NOW).cause is Cause.TIMER
    for since in (0, ahead):
        then = Known(NOW - DAY, since, Last(Cause.TIMER, NOW, NOW))
        assert asked(NIGHTLY, then, NOW).cause is None


def test_a_clock_that_went_ahead_starts_one_run_and_no_more() -> None:
    known = Known(NOW - DAY, 0, Last(Cause.TIMER, NOW, NOW))
    then = NOW + 365 * DAY
    assert asked(NIGHTLY, known, then).cause is Cause.TIMER
    after = replace(known, last=Last(Cause.TIMER, then, then))
    assert asked(NIGHTLY, after, then).cause is None


@pytest.mark.parametrize(
    ("cron", "before", "first", "second"),
    [
        # the hour from 2 to 3 is left out: what comes in it comes at the first minute after it
        ("30 2 * * *", "2026-03-28T12:00", "2026-03-29T03:00", "2026-03-30T02:30"),
        # and in autumn it comes twice, and is met once
        ("30 2 * * *", "2026-10-24T12:00", "2026-10-25T02:30", "2026-10-26T02:30"),
    ],
)
def test_a_timer_runs_once_in_a_night_in_which_the_clocks_change(
    cron: str, before: str, first: str, second: str
) -> None:
    triggers = Triggers(event=False, timers=(Timer(cron=cron),))
    known = Known(local(before) - 9 * DAY, 0, Last(Cause.TIMER, local(before), local(before)))
    times: list[int] = []
    now = local(before)
    while len(times) < 2:
        found = asked(triggers, known, now, zone=BERLIN)
        if found.cause is not None:
            times.append(now)
            known = replace(known, last=Last(Cause.TIMER, now, now))
        else:
            assert found.again_ns is not None
            now = found.again_ns
    assert times == [local(first), local(second)]


def test_the_first_of_several_timers_counts() -> None:
    both = Triggers(event=False, timers=(Timer(cron="0 3 * * *"), Timer(every_ns=5 * HOUR)))
    found = asked(both, Known(NOW, NOW), NOW)
    assert found.again_ns == (NOW // (5 * HOUR) + 1) * 5 * HOUR


# -- pressure -----------------------------------------------------------------------------------

DUE = Known(NOW - DAY, 0)


@pytest.mark.parametrize(("used", "starts"), [(800, False), (900, False), (901, True)])
def test_room_is_made_above_the_mark_only(used: int, *, starts: bool) -> None:
    found = asked(FULL, DUE, NOW, {"r": Space(1000, used)})
    if starts:
        assert found == Asked(Cause.PRESSURE, NOW, NOW, frozenset({"r"}))
    else:
        assert found == Asked(again_ns=NOW + LOOK_NS)


def test_a_run_goes_on_until_it_is_low_and_then_the_high_mark_counts_again() -> None:
    last = Last(Cause.PRESSURE, NOW - HOUR, NOW - 1, frozenset({"r"}))
    going_on = replace(DUE, last=last)
    found = asked(FULL, going_on, NOW, {"r": Space(1000, 801), "other": Space(1000, 850)})
    assert found == Asked(Cause.PRESSURE, NOW - HOUR, NOW, frozenset({"r"}))
    assert asked(FULL, going_on, NOW, {"r": Space(1000, 800)}).cause is None
    through = replace(DUE, last=replace(last, pressed=frozenset()))
    assert asked(FULL, through, NOW, {"r": Space(1000, 850)}).cause is None


def test_pressure_makes_nothing_due() -> None:
    soon = Known(NOW + DAY, 0)
    assert asked(FULL, soon, NOW, {"r": Space(10, 10)}) == Asked(again_ns=NOW + DAY)


def test_a_full_disk_with_nothing_that_can_go_is_not_asked_without_end() -> None:
    last = Last(Cause.PRESSURE, NOW, NOW, frozenset({"r"}), fruitless=3)
    found = asked(FULL, replace(DUE, last=last), NOW + SECOND, {"r": Space(10, 10)})
    assert found == Asked(again_ns=NOW + pause_ns(3))


def test_where_nobody_knows_how_full_it_is_nothing_goes() -> None:
    assert asked(FULL, DUE, NOW).cause is None


def test_a_timer_takes_up_what_waits_for_want_of_space_as_well() -> None:
    both = replace(FULL, timers=NIGHTLY.timers)
    night = NOW + 15 * HOUR
    assert asked(both, DUE, night, {}).cause is Cause.TIMER
    assert asked(both, replace(DUE, since_ns=NOW), NOW, {}, UTC).again_ns == NOW + LOOK_NS
