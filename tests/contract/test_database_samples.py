"""Samples are kept, folded to days and forgotten, on both catalogues alike."""

from __future__ import annotations

import pytest

from storewarden.catalogue import samples as kept
from storewarden.catalogue.databases import Named, align
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.samples import Day, Sample
from storewarden.databases.sample import fold
from tests.catalogues import DAY, NOW

TODAY = NOW // DAY


@pytest.fixture
def two(engine: Engine) -> tuple[int, int]:
    """Two databases by their numbers."""
    align(engine, 1, [Named(name, name.encode(), "sqlite") for name in ("a", "b")], NOW)
    one, other = engine.execute("SELECT id FROM databases ORDER BY name")
    return one[0], other[0]


def add(engine: Engine, *samples: tuple[int, Sample]) -> None:
    with engine.transaction():
        kept.add(engine, samples)


def test_samples_come_back_as_they_were(engine: Engine, two: tuple[int, int]) -> None:
    first, other = two
    whole = Sample(NOW, 1 << 40, 5, 6, 7, 8)
    add(engine, (first, Sample(NOW - 9, 1)), (first, whole), (other, Sample(NOW, 3)))

    assert kept.newest(engine, two) == {first: whole, other: Sample(NOW, 3)}
    assert kept.samples(engine, [first]) == {first: [Sample(NOW - 9, 1), whole]}
    assert kept.samples(engine, two, NOW) == {first: [Sample(NOW - 9, 1)]}
    assert kept.newest(engine, []) == {}


def test_a_second_sample_of_one_time_takes_the_place_of_the_first(
    engine: Engine, two: tuple[int, int]
) -> None:
    add(engine, (two[0], Sample(NOW, 1)))
    add(engine, (two[0], Sample(NOW, 2)))

    assert kept.samples(engine, two) == {two[0]: [Sample(NOW, 2)]}


def test_samples_are_folded_to_days_and_days_are_forgotten(
    engine: Engine, two: tuple[int, int]
) -> None:
    first, other = two
    old = [Sample(NOW - DAY + hour, 10 + hour) for hour in range(3)]
    add(engine, *((first, one) for one in old), (first, Sample(NOW, 99)), (other, Sample(NOW, 3)))

    assert kept.sampled_before(engine, NOW, 10) == [first]
    found = kept.samples(engine, [first], NOW)
    with engine.transaction():
        kept.replace(engine, {first: list(fold(found[first]).values())}, NOW)

    day = Day(TODAY - 1, 3, 10, 12, 12)
    assert kept.days(engine, two, 0) == {first: {TODAY - 1: day}}
    assert kept.samples(engine, two) == {first: [Sample(NOW, 99)], other: [Sample(NOW, 3)]}
    assert kept.sampled_before(engine, NOW, 10) == []
    assert kept.days(engine, two, TODAY) == {}

    with engine.transaction():
        kept.replace(engine, {first: [day._replace(samples=4)]}, NOW)
    assert kept.days(engine, two, 0)[first][TODAY - 1].samples == 4
    with engine.transaction():
        kept.forget(engine, TODAY)
    assert kept.days(engine, two, 0) == {}
