"""Percentiles from counts by steps: close to the exact ones, however long things take."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.catalogue.told.took import middle, of_steps, of_values, step

WITHIN = 1 / 30
PERCENTS = (50, 90, 99)
times = st.integers(0, 10**15)


@given(times)
def test_the_middle_of_a_step_is_close_to_each_time_in_it(duration_ns: int) -> None:
    near = middle(step(duration_ns))

    assert abs(near - duration_ns) <= max(1_000, duration_ns * WITHIN)


@given(times, times)
def test_a_longer_time_has_no_earlier_step(one: int, other: int) -> None:
    assert (step(one) <= step(other)) == (one <= other) or step(one) == step(other)


@given(st.lists(st.integers(1_000_000, 10**13), min_size=1, max_size=200))
def test_percentiles_of_steps_are_close_to_the_exact_ones(values: list[int]) -> None:
    counts = Counter(map(step, values))

    told = of_steps(counts, PERCENTS, max(values))

    for near, exact in zip(told, of_values(values, PERCENTS), strict=True):
        assert abs(near - exact) <= exact * WITHIN


def test_steps_are_few_for_times_of_an_application() -> None:
    spread = random.Random(1)
    values = [int(spread.lognormvariate(0.5, 0.8) * 1e9) for _ in range(10_000)]

    assert len({step(value) for value in values}) < 150


def test_the_longest_is_told_as_it_was() -> None:
    counts = Counter({step(2_000_000_000): 99, step(61_234_567_891): 1})

    assert of_steps(counts, (50, 100), 61_234_567_891)[1] == 61_234_567_891


def test_of_nothing_there_are_no_percentiles() -> None:
    assert of_steps({}, PERCENTS, 0) == []
    assert of_values([], PERCENTS) == []


@pytest.mark.parametrize(("percent", "exact"), [(1, 1), (50, 50), (90, 90), (99, 99), (100, 100)])
def test_percentiles_are_values_that_were_measured(percent: int, exact: int) -> None:
    assert of_values(range(100, 0, -1), (percent,)) == [exact]
