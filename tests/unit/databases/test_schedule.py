"""What is due for a database, and when: missed runs fold, failures rest, clocks may be wrong."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from storewarden.databases.schedule import (
    BACKUP,
    CHECK,
    DRILL,
    FIRST_PAUSE_NS,
    LONGEST_PAUSE_NS,
    LOOK,
    VACUUM,
    Duty,
    Stand,
    after,
    due,
    duties,
    pause,
    period,
    righted,
)
from storewarden.policy.expression import Term
from storewarden.policy.rules import Backup, Care, Timer

SECOND = 10**9
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
NOW = 1_795_246_201 * SECOND
DAILY, NIGHTLY = Timer(every_ns=DAY), Timer(cron="30 2 * * *")
CHECKED, BACKED_UP = Duty(CHECK, DAILY, "p"), Duty(BACKUP, NIGHTLY, "p")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def test_every_database_is_looked_at_each_hour_whatever_policies_say() -> None:
    (look,) = duties(None, None)

    assert (look.what, look.timer.every_ns, look.policy) == (LOOK, HOUR, None)


def test_a_server_is_only_looked_at() -> None:
    care = Care(backup=Backup(NIGHTLY), integrity=DAILY, analyze=DAILY, vacuum=DAILY)

    assert [one.what for one in duties(care, "p", server=True)] == [LOOK]


def test_vacuum_by_its_figures_alone_is_thought_about_once_a_day() -> None:
    found = duties(Care(vacuum_when=Term("free_ratio", ">", (0.25,))), "p")

    assert found[1:] == (Duty(VACUUM, DAILY, "p"),)


def test_a_drill_without_backups_is_not_asked_for() -> None:
    assert [one.what for one in duties(Care(drill=DAILY), "p")] == [LOOK]


@pytest.mark.parametrize(
    ("duty", "since", "expected"),
    [(CHECKED, at("2026-11-21T10:00"), at("2026-11-21T10:00")),
     (BACKED_UP, at("2026-11-21T10:00"), at("2026-11-22T02:30"))],
)  # fmt: skip
def test_what_was_never_done_is_due_at_once_or_when_the_calendar_says(
    duty: Duty, since: int, expected: int
) -> None:
    found = due(duty, Stand(), since)

    assert found is not None
    assert found.due_ns == expected


def test_runs_that_were_missed_fold_into_one() -> None:
    last = at("2026-11-01T02:30")
    first = due(BACKED_UP, Stand(last), 0)
    assert first is not None
    assert first.due_ns == at("2026-11-02T02:30")

    now = at("2026-11-21T12:00")  # twenty were missed
    then = due(BACKED_UP, after(Stand(last), NIGHTLY, "done", now, now + MINUTE), 0)

    assert then is not None
    assert then.due_ns == at("2026-11-22T02:30")


def test_a_policy_that_came_later_is_owed_nothing_for_the_time_before() -> None:
    found = due(CHECKED, Stand(NOW - 400 * DAY), NOW - HOUR)

    assert found is not None
    assert found.due_ns == NOW - HOUR


def test_what_cannot_be_done_yet_is_not_due() -> None:
    assert due(Duty(DRILL, DAILY, "p"), Stand(), None) is None


def test_calendars_are_meant_where_the_machine_stands() -> None:
    found = due(BACKED_UP, Stand(), at("2026-11-21T10:00"), ZoneInfo("Europe/Berlin"))

    assert found is not None
    assert found.due_ns == at("2026-11-22T01:30")


def test_what_fails_is_tried_again_after_pauses_that_double_and_counted() -> None:
    stand, pauses = Stand(), []
    for _ in range(12):
        stand = after(stand, None, "failed", NOW, NOW)
        assert stand.next_try_ns is not None
        pauses.append(stand.next_try_ns - NOW)

    assert stand.failures == 12
    assert pauses[:3] == [FIRST_PAUSE_NS, 2 * FIRST_PAUSE_NS, 4 * FIRST_PAUSE_NS]
    assert pauses[-1] == LONGEST_PAUSE_NS == pause(10**9)


def test_a_failure_keeps_it_due_and_a_success_ends_the_pause() -> None:
    failed = after(Stand(NOW - 2 * DAY, NOW - 2 * DAY), DAILY, "failed", NOW, NOW + SECOND)
    found = due(CHECKED, failed, 0)

    assert found is not None
    assert found.due_ns == NOW - DAY
    assert found.try_ns == NOW + SECOND + FIRST_PAUSE_NS
    assert after(failed, DAILY, "done", NOW + HOUR, NOW + HOUR) == Stand(NOW + HOUR, NOW + HOUR)


def test_no_pause_is_longer_than_the_time_after_which_it_is_due_anyway() -> None:
    often = Timer(every_ns=2 * SECOND)

    assert after(Stand(), often, "failed", NOW, NOW).next_try_ns == NOW + 2 * SECOND
    assert after(Stand(), often, "put_off", NOW, NOW).next_try_ns == NOW + 2 * SECOND


def test_what_is_put_off_is_no_failure_and_what_is_found_was_done_but_is_not_well() -> None:
    before = Stand(NOW - 2 * DAY, NOW - 2 * DAY, None, 3)
    put_off = after(before, DAILY, "put_off", NOW, NOW)
    found = after(before, DAILY, "found", NOW, NOW)

    assert (put_off.failures, put_off.last_ns) == (3, before.last_ns)
    assert (found.failures, found.last_ns, found.good_ns) == (0, NOW, before.good_ns)


def test_a_clock_that_was_a_year_ahead_freezes_nothing_and_doubles_nothing() -> None:
    ahead = after(Stand(), DAILY, "done", NOW + 365 * DAY, NOW + 365 * DAY)
    stand = righted(ahead, CHECKED, NOW)
    found = due(CHECKED, stand, NOW - 10 * DAY)

    assert (stand.last_ns, stand.good_ns) == (NOW, NOW)
    assert found is not None
    assert found.due_ns == NOW + DAY


def test_a_pause_of_a_clock_that_was_wrong_is_over() -> None:
    stand = Stand(None, None, NOW + 365 * DAY, 2)

    assert righted(stand, CHECKED, NOW).next_try_ns == NOW


def test_a_clock_set_back_by_seconds_does_not_run_the_night_twice() -> None:
    ran = at("2026-11-21T02:30:00")
    stand = righted(Stand(ran, ran), BACKED_UP, ran - 2 * SECOND)
    found = due(BACKED_UP, stand, 0)

    assert found is not None
    assert found.due_ns == at("2026-11-22T02:30")


@pytest.mark.parametrize(
    ("timer", "expected"),
    [(DAILY, DAY), (NIGHTLY, DAY), (Timer(cron="0 4 * * 0"), 7 * DAY)],
)  # fmt: skip
def test_how_long_it_is_from_one_time_to_the_next(timer: Timer, expected: int) -> None:
    assert period(timer, NOW) == expected
