"""Folding in parts is folding at once; growth is bounded by what was seen, and not by steps."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from storewarden.catalogue.samples import Day, Sample
from storewarden.databases.growth import growth
from storewarden.databases.sample import DAY_NS, fold

SIZES = st.integers(0, 1 << 50)
MAYBE = st.none() | st.integers(0, 1 << 40)
SAMPLES = st.lists(
    st.builds(Sample, st.integers(0, 5 * DAY_NS), SIZES, MAYBE, MAYBE, MAYBE, MAYBE),
    max_size=30,
    unique_by=lambda one: one.at_ns,
)
TODAY = 20_000


def days(sizes: list[int]) -> list[Day]:
    first = TODAY - len(sizes) + 1
    return [Day(first + number, 1, size, size, size) for number, size in enumerate(sizes)]


@given(samples=SAMPLES, cut=st.integers(0, 30))
def test_folding_in_two_parts_is_folding_at_once(samples: list[Sample], cut: int) -> None:
    ordered = sorted(samples)

    assert fold(ordered[cut:], fold(ordered[:cut])) == fold(samples)


@given(samples=SAMPLES)
def test_no_sample_is_lost_and_none_made_up(samples: list[Sample]) -> None:
    found = fold(samples)

    assert sum(day.samples for day in found.values()) == len(samples)
    for day in found.values():
        sizes = [one.bytes for one in samples if one.at_ns // DAY_NS == day.day]
        assert day.most_bytes == max(sizes)
        assert {day.first_bytes, day.last_bytes} <= set(sizes)


@given(sizes=st.lists(SIZES, min_size=4, max_size=30))
def test_growth_lies_between_the_least_and_the_most_of_a_day(sizes: list[int]) -> None:
    changes = [then - first for first, then in pairwise(sizes)]
    found = growth(days(sizes), TODAY).per_day

    assert found is not None
    assert min(changes) - 1 <= found <= max(changes) + 1


@given(
    rate=st.integers(0, 1 << 20),
    count=st.integers(6, 30),
    at=st.integers(1, 29),
    step=st.integers(-(1 << 40), 1 << 40),
)
def test_one_step_of_any_size_leaves_growth_as_it_is(
    rate: int, count: int, at: int, step: int
) -> None:
    """Unless it is so small that it could be a day of growth itself."""
    at = min(at, count - 1)
    base = 1 << 45
    sizes = [base + rate * number + (step if number >= at else 0) for number in range(count)]
    found = growth(days(sizes), TODAY).per_day

    assert found is not None
    if abs(step) > 10 * rate * count:
        assert found == rate
    else:
        assert abs(found - rate) <= abs(step) / (count - 1) + rate


@given(sizes=st.lists(SIZES, min_size=4, max_size=30), later=st.integers(0, 1000))
def test_growth_does_not_depend_on_the_date(sizes: list[int], later: int) -> None:
    moved = [day._replace(day=day.day + later) for day in days(sizes)]

    found, before = growth(moved, TODAY + later), growth(days(sizes), TODAY)
    assert (found.per_day, found.why) == (before.per_day, before.why)
