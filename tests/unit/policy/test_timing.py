"""When timers run next: by whole multiples, by the calendar, and where clocks are changed."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from storewarden.policy.rules import Pressure, Timer, Triggers
from storewarden.policy.timing import (
    WORDS,
    CronError,
    carried_out,
    machine_zone,
    next_run,
    read_cron,
)

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
BERLIN = ZoneInfo("Europe/Berlin")
LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def ns(text: str, zone: tzinfo = UTC) -> int:
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()) * SECOND


def runs(cron: str, after: str, zone: tzinfo = UTC, count: int = 3) -> list[str]:
    """The next times, as the clock on the wall shows them."""
    times, at = [], ns(after, zone)
    for _ in range(count):
        found = next_run(Timer(cron=cron), at, zone)
        assert found is not None
        assert found > at
        at = found
        times.append(datetime.fromtimestamp(at // SECOND, zone).isoformat(timespec="minutes"))
    return times


def test_every_runs_at_whole_multiples_so_that_a_restart_moves_nothing() -> None:
    timer = Timer(every_ns=6 * HOUR)
    for after in ("2026-10-01T00:00", "2026-10-01T03:17", "2026-10-01T05:59:59"):
        assert next_run(timer, ns(after)) == ns("2026-10-01T06:00")
    assert next_run(timer, ns("2026-10-01T06:00")) == ns("2026-10-01T12:00")


def test_a_timer_that_says_nothing_never_runs() -> None:
    assert next_run(Timer(), 0) is None
    assert next_run(Timer(cron="0 3 * * *"), 2**63 * 1000) is None


@pytest.mark.parametrize(
    ("cron", "after", "times"),
    [
        ("0 3 * * *", "2026-10-01T03:00", ["2026-10-02T03:00", "2026-10-03T03:00"]),
        ("*/15 8-9 * * MON-FRI", "2026-10-02T09:30", ["2026-10-02T09:45", "2026-10-05T08:00"]),
        ("0 0 29 2 *", "2026-01-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("0 0 29 2 *", "2096-03-01T00:00", ["2104-02-29T00:00", "2108-02-29T00:00"]),
        ("30 1 L * *", "2026-02-01T00:00", ["2026-02-28T01:30", "2026-03-31T01:30"]),
        ("0 0 31 * *", "2026-01-31T00:00", ["2026-03-31T00:00", "2026-05-31T00:00"]),
        ("0 4 * * 7", "2026-10-01T00:00", ["2026-10-04T04:00", "2026-10-11T04:00"]),
        # both days given: either will do, as in cron
        ("0 0 13 * 5", "2026-10-01T00:00", ["2026-10-02T00:00", "2026-10-09T00:00"]),
        ("59 23 31 12 *", "2026-12-31T23:59", ["2027-12-31T23:59", "2028-12-31T23:59"]),
        ("@daily", "2026-10-01T12:00", ["2026-10-02T00:00", "2026-10-03T00:00"]),
        ("@weekly", "2026-10-01T12:00", ["2026-10-04T00:00", "2026-10-11T00:00"]),
        ("@monthly", "2026-10-01T12:00", ["2026-11-01T00:00", "2026-12-01T00:00"]),
        ("@yearly", "2026-10-01T12:00", ["2027-01-01T00:00", "2028-01-01T00:00"]),
        (" @Hourly ", "2026-10-01T12:00", ["2026-10-01T13:00", "2026-10-01T14:00"]),
    ],
)
def test_the_calendar(cron: str, after: str, times: list[str]) -> None:
    assert runs(cron, after, count=2) == [f"{time}+00:00" for time in times]


@pytest.mark.parametrize(
    ("cron", "after", "zone", "times"),
    [
        # in spring 02:30 is left out: the first minute there is
        (
            "30 2 * * *",
            "2026-03-28T12:00",
            BERLIN,
            ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"],
        ),
        (
            "0,30 2 * * *",
            "2026-03-28T12:00",
            BERLIN,
            ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"],
        ),
        (
            "15 1 * * *",
            "2026-03-28T12:00",
            LONDON,
            ["2026-03-29T02:00+01:00", "2026-03-30T01:15+01:00"],
        ),
        # in autumn it comes twice, and is taken once
        (
            "30 2 * * *",
            "2026-10-24T12:00",
            BERLIN,
            ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
        ),
        (
            "30 1 * * *",
            "2026-10-31T12:00",
            NEW_YORK,
            ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"],
        ),
        # asked within the second pass: the first has been
        (
            "30 2 * * *",
            "2026-10-25T02:15+01:00",
            BERLIN,
            ["2026-10-26T02:30+01:00", "2026-10-27T02:30+01:00"],
        ),
        # what runs all the time goes on as time does
        (
            "*/30 * * * *",
            "2026-10-25T02:15+02:00",
            BERLIN,
            ["2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00"],
        ),
        (
            "0 * * * *",
            "2026-03-29T00:30+01:00",
            BERLIN,
            ["2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"],
        ),
        # half an hour
        (
            "15 2 * * *",
            "2026-10-03T12:00",
            LORD_HOWE,
            ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"],
        ),
        (
            "0 0 * * *",
            "2026-10-18T12:00",
            timezone(timedelta(hours=5, minutes=45)),
            ["2026-10-19T00:00+05:45", "2026-10-20T00:00+05:45"],
        ),
    ],
)
def test_where_clocks_are_changed(cron: str, after: str, zone: tzinfo, times: list[str]) -> None:
    assert runs(cron, after, zone, count=2) == times


@pytest.mark.parametrize("zone", [BERLIN, LONDON, NEW_YORK, LORD_HOWE, ZoneInfo("Asia/Tehran")])
@pytest.mark.parametrize(
    "cron", ["30 2 * * *", "0 1 * * *", "59 1 * * *", "0 3 * * *", "5 0 * * *"]
)
def test_no_night_of_a_year_is_left_out_and_none_comes_twice(cron: str, zone: tzinfo) -> None:
    nights = [time[:10] for time in runs(cron, "2026-01-01T12:00", zone, count=400)]
    day = datetime.fromisoformat(nights[0])
    assert nights == [(day + timedelta(days=at)).date().isoformat() for at in range(400)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0 * *", "'0 0 * *' has 4 fields and not five"),
        ("0 0 0 * * *", "'0 0 0 * * *' has 6 fields and not five"),
        ("", "'' has 0 fields and not five"),
        ("61 0 * * *", "'61 0 * * *' has a wrong minute"),
        ("0 24 * * *", "'0 24 * * *' has a wrong hour"),
        ("0 0 0 * *", "'0 0 0 * *' has a wrong day of month"),
        ("0 0 * 13 *", "'0 0 * 13 *' has a wrong month"),
        ("0 0 * * 8", "'0 0 * * 8' has a wrong day of week"),
        ("0 0 30 2 *", "'0 0 30 2 *' has a wrong day of month"),
        ("*/0 * * * *", "'*/0 * * * *' has a wrong minute"),
        ("0 0 * * 5L/2", "'0 0 * * 5L/2' has a wrong day of week"),
        ("0 0 */20 * 1L", "'0 0 */20 * 1L' never comes"),
        ("@reboot", "'@reboot' is no word for a time"),
        ("٠ 0 * * *", "'٠ 0 * * *' is not written in plain digits"),
        ("9" * 5000 + " * * * *", f"'{'9' * 59}…' is no time of the calendar"),
    ],
)
def test_what_is_no_time_is_refused_with_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(CronError) as refused:
        read_cron(text)
    assert str(refused.value).startswith(f"{message}; ")
    assert "\n" not in str(refused.value)


def test_every_word_is_read() -> None:
    for word in WORDS:
        assert len(read_cron(word).split()) == 5


@pytest.mark.parametrize(
    ("triggers", "done"),
    [
        (Triggers(), "2026-10-01T12:34"),
        (Triggers(event=False, timers=(Timer(every_ns=HOUR),)), "2026-10-01T13:00"),
        (
            Triggers(event=False, timers=(Timer(cron="0 3 * * *"), Timer(every_ns=24 * HOUR))),
            "2026-10-02T00:00",
        ),
        (Triggers(event=True, timers=(Timer(every_ns=HOUR),)), "2026-10-01T12:34"),
    ],
)
def test_triggers_say_when_due_work_is_done(triggers: Triggers, done: str) -> None:
    assert carried_out(triggers, ns("2026-10-01T12:34")) == ns(done)
    assert carried_out(triggers, ns(done)) == ns(done)  # at its very time


def test_what_waits_for_want_of_space_has_no_time() -> None:
    assert carried_out(Triggers(event=False, pressure=Pressure(0.9, 0.8)), 0) is None


def test_the_zone_of_the_machine_knows_when_clocks_are_changed(tmp_path: Path) -> None:
    assert machine_zone({"TZ": "Europe/Berlin"}) == BERLIN
    assert machine_zone({"TZ": ":Europe/Berlin"}) == BERLIN
    assert machine_zone({}, str(tmp_path / "none")) is UTC
    broken = tmp_path / "localtime"
    broken.write_bytes(b"no zone")
    assert machine_zone({"TZ": "Nowhere/At_All"}, str(broken)) is UTC
