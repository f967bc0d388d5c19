"""Which backups are kept: tables that a person can read, clocks that are changed, chains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from storewarden.databases.keep import NEEDED, NEWEST, NONE_NEWER, Kept, kept
from storewarden.policy.rules import Keep
from tests.conftest import Golden

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400 * 10**9
YEARS = tuple(datetime(2019 + n, 7, 1, 12, tzinfo=UTC) for n in range(6))
MONTHS = tuple(datetime(2025, month, 1 + month, 3, tzinfo=UTC) for month in range(1, 13))
DAYS = tuple(datetime(2026, 1, 3, 3, tzinfo=UTC) + timedelta(days=n) for n in range(20))
HOURS = tuple(datetime(2026, 1, 23, tzinfo=UTC) + timedelta(minutes=20 * n) for n in range(40))
LIFE = (*YEARS, *MONTHS, *DAYS, *HOURS)
RULES = {
    "keep_last: 3": Keep(last=3),
    "keep_hourly: 5": Keep(hourly=5),
    "keep_daily: 4": Keep(daily=4),
    "keep_weekly: 3": Keep(weekly=3),
    "keep_monthly: 20": Keep(monthly=20),
    "keep_yearly: 3": Keep(yearly=3),
    "keep_within: 2d": Keep(within_ns=2 * DAY),
    "keep_last: 2, keep_hourly: 3, keep_daily: 3, keep_weekly: 2, keep_monthly: 3, keep_yearly: 10":
        Keep(2, 3, 3, 2, 3, 10),
    "nothing said": Keep(),
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    id: int
    at_ns: int
    base_id: int | None = None
    good: bool = True


def made(times: Sequence[datetime]) -> list[Made]:
    return [Made(n + 1, round(when.timestamp()) * 10**9) for n, when in enumerate(times)]


def at(*text: str, zone: tzinfo = UTC) -> list[Made]:
    return made([datetime.fromisoformat(one).replace(tzinfo=zone) for one in text])


def table(found: Sequence[Kept[Made]], zone: tzinfo = UTC) -> str:
    lines = []
    for one in found:
        when = datetime.fromtimestamp(one.backup.at_ns / 1e9, zone)
        if one.keep:
            lines.append(f"{when:%a %Y-%m-%d %H:%M}  {', '.join(one.reasons)}\n")
    return f"{''.join(lines)}({len(found) - len(lines)} of {len(found)} go)\n"


def test_tables_of_what_is_kept_of_a_life_of_backups(golden: Golden) -> None:
    backups, now = made(LIFE), made(LIFE)[-1].at_ns + 1
    told = [f"{said}\n{table(kept(backups, rules, now, UTC))}\n" for said, rules in RULES.items()]

    golden("keep.txt", "".join(told))


def reasons(found: Sequence[Kept[Made]]) -> list[tuple[str, ...]]:
    return [one.reasons for one in found]


def test_the_hour_that_comes_twice_in_autumn_counts_once() -> None:
    before_and_after = at("2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30")

    in_berlin = kept(before_and_after, Keep(hourly=3), 2**62, BERLIN)

    assert [one.backup.id for one in in_berlin if one.keep] == [3, 2, 1]
    assert reasons(in_berlin) == [("hourly", NEWEST), ("hourly",), ("oldest hourly",)]
    assert reasons(kept(before_and_after, Keep(hourly=2), 2**62, BERLIN))[2] == ()
    assert reasons(kept(before_and_after, Keep(hourly=3), 2**62, UTC))[2] == ("hourly",)


def test_a_day_is_one_of_the_zone() -> None:
    backups = at("2026-01-01T21:00", "2026-01-01T23:30", "2026-01-02T00:30", "2026-01-02T21:00")

    here = kept(backups, Keep(daily=2), 2**62, BERLIN)
    there = kept(backups, Keep(daily=2), 2**62, UTC)

    assert [one.backup.id for one in here if one.keep] == [4, 1]
    assert [one.backup.id for one in there if one.keep] == [4, 2]


def test_a_week_is_one_of_the_calendar_even_around_new_year() -> None:
    backups = at("2025-12-28T12:00", "2025-12-29T12:00", "2026-01-04T12:00", "2026-01-05T12:00")

    found = kept(backups, Keep(weekly=2), 2**62, UTC)

    assert [one.backup.id for one in found if one.keep] == [4, 3]


def test_age_counts_from_the_newest_and_not_from_now() -> None:
    backups = at("2026-01-01", "2026-01-02", "2026-01-03")

    found = kept(backups, Keep(within_ns=2 * DAY), 2**62, UTC)

    assert [one.backup.id for one in found if one.keep] == [3, 2]


def test_a_backup_of_the_future_does_not_push_others_out() -> None:
    backups = at("2026-01-01", "2026-01-02", "2036-01-01")

    found = kept(backups, Keep(within_ns=DAY), backups[1].at_ns + 1, UTC)

    assert [one.backup.id for one in found if one.keep] == [3, 2]
    everything = kept(backups, Keep(within_ns=DAY), backups[0].at_ns - 1, UTC)
    assert all(one.keep for one in everything)


def test_what_a_kept_one_is_built_on_stays_with_that_reason() -> None:
    whole, first, second, other = at("2026-01-01", "2026-01-02", "2026-01-03", "2025-12-01")
    chain = [whole, replace(first, base_id=whole.id), replace(second, base_id=first.id), other]

    found = kept(chain, Keep(last=1), 2**62, UTC)

    assert reasons(found) == [("last", NEWEST), (NEEDED,), (NEEDED,), ()]


def test_only_good_ones_count_and_bad_ones_go_when_a_newer_one_is_good() -> None:
    one, two, three, four = at("2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04")
    backups = [one, replace(two, good=False), three, replace(four, good=False)]

    found = kept(backups, Keep(last=2), 2**62, UTC)

    assert reasons(found) == [(NONE_NEWER,), ("last", NEWEST), (), ("last",)]


def test_while_none_is_good_nothing_goes() -> None:
    backups = [replace(one, good=False) for one in at("2026-01-01", "2026-01-02")]

    assert all(one.keep for one in kept(backups, Keep(last=1), 2**62, UTC))
    assert kept([], Keep(last=1), 2**62, UTC) == []
