"""How fast a database grows: what happened once is no growth, what happens again and again is."""

from __future__ import annotations

import pytest

from storewarden.catalogue.samples import Day, Sample
from storewarden.databases.growth import Change, full, growth
from storewarden.databases.sample import DAY_NS, fold, tells_more

TODAY = 20_000
MIB = 1 << 20


def days(*sizes: int, last: int = TODAY) -> list[Day]:
    """Return a day for each size, the last of them ``last``."""
    first = last - len(sizes) + 1
    return [Day(first + number, 1, size, size, size) for number, size in enumerate(sizes)]


def test_steady_growth_is_what_it_is() -> None:
    found = growth(days(*range(0, 10 * MIB, MIB)), TODAY)

    assert (found.per_day, found.days, found.bytes, found.steps) == (MIB, 9, 9 * MIB, ())
    assert found.why == "+9.0 MiB in 9 days"
    assert found.after(30) == 39 * MIB


@pytest.mark.parametrize("known", [0, 1, 2, 3])
def test_of_a_few_days_nothing_is_told(known: int) -> None:
    found = growth(days(*range(known)), TODAY)

    assert (found.per_day, found.after(30)) == (None, None)
    assert "4 are needed" in found.why


def test_an_import_is_no_growth() -> None:
    sizes = [number * MIB for number in range(10)]
    sizes[6:] = [size + 10_000 * MIB for size in sizes[6:]]

    found = growth(days(*sizes), TODAY)

    assert found.per_day == MIB
    assert found.steps == (Change(TODAY - 3, 1, 10_001 * MIB),)
    assert found.why == "+8.0 MiB in 8 days, without +9.8 GiB at once 3 days ago"


def test_a_vacuum_is_no_shrinking() -> None:
    sizes = [(500 + number) * MIB for number in range(20)]
    sizes[19:] = [size - 400 * MIB for size in sizes[19:]]

    found = growth(days(*sizes), TODAY)

    assert found.per_day == MIB
    assert found.why == "+18.0 MiB in 18 days, without -399.0 MiB at once today"


def test_what_happens_each_week_is_growth() -> None:
    sizes = [100 * MIB * (number // 7) for number in range(29)]

    found = growth(days(*sizes), TODAY)

    assert found.steps == ()
    assert found.per_day == pytest.approx(400 * MIB / 28)


def test_one_that_is_emptied_again_and_again_does_not_grow() -> None:
    sizes = [(number % 5) * MIB for number in range(26)]

    assert growth(days(*sizes), TODAY).per_day == pytest.approx(0)


def test_days_that_nobody_looked_count_as_days() -> None:
    known = [day for day in days(*range(0, 20 * MIB, MIB)) if day.day % 3 == 0]

    assert growth(known, TODAY).per_day == MIB


def test_only_the_last_month_counts() -> None:
    old = days(*range(0, 900 * MIB, 10 * MIB), last=TODAY - 31)
    new = days(*[900 * MIB] * 30)

    found = growth([*old, *new], TODAY)

    assert (found.per_day, found.days) == (0, 29)


def test_it_never_becomes_smaller_than_nothing() -> None:
    assert growth(days(*range(10 * MIB, 0, -MIB)), TODAY).after(90) == 0


def test_a_file_system_is_full_when_all_that_grows_there_has_filled_it() -> None:
    rates = [("app.db", 2.0 * MIB), ("the root uploads", 8.0 * MIB), ("new.db", None)]

    found = full(100 * MIB, rates, 0)

    assert (found.days, found.at_ns) == (10, 10 * DAY_NS)
    assert found.why == (
        "100.0 MiB free, 10.0 MiB a day, most by the root uploads; of 1 more it is not known"
    )


@pytest.mark.parametrize(
    ("rates", "why"),
    [
        ([], "how fast it fills is not known yet"),
        ([("a", None)], "how fast it fills is not known yet"),
        ([("a", 5.0), ("b", -5.0)], "it does not fill"),
        ([("a", 1.0)], "1.0 MiB free, 1 B a day, most by a; that lasts for more than 10 years"),
    ],
)
def test_a_file_system_that_is_not_full_in_sight(
    rates: list[tuple[str, float | None]], why: str
) -> None:
    found = full(MIB, rates, 0)

    assert (found.at_ns, found.why) == (None, why)


def test_one_that_is_full_is_full_now() -> None:
    assert full(-5, [("a", 1.0)], 7).at_ns == 7


def test_a_day_tells_its_first_last_and_most() -> None:
    noon = TODAY * DAY_NS
    found = fold(
        [
            Sample(noon + 3, 5, None, 0, None, 1),
            Sample(noon + 1, 7, 1, None, 10, None),
            Sample(noon + 2, 9, 2, 8, 11, 3),
            Sample(noon + DAY_NS, 1),
        ]
    )

    assert found == {
        TODAY: Day(TODAY, 3, 7, 5, 9, 8, 2, 11, 3),
        TODAY + 1: Day(TODAY + 1, 1, 1, 1, 1),
    }


def test_a_sample_is_kept_when_it_tells_more() -> None:
    noon = TODAY * DAY_NS
    first = Sample(noon, 5, rows=1)

    assert tells_more(None, first)
    assert not tells_more(first, first._replace(at_ns=noon + 1))
    assert tells_more(first, Sample(noon + 1, 5, rows=2))
    assert tells_more(first, first._replace(at_ns=noon + DAY_NS))
