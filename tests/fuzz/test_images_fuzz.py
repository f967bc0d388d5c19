"""Pictures cut, bent and mixed by the ten thousand hurt nobody who reads their headers."""

import pytest

from tests.fuzzing import LONG, endure
from tests.makers.samples import SAMPLES
from tests.makers.slow_pictures import SLOW


@pytest.mark.timeout(300)
@pytest.mark.parametrize("inspector", SAMPLES)
def test_a_broken_picture_is_refused_and_nothing_else(inspector: str) -> None:
    endure(f"inspector:{inspector}", list(SAMPLES[inspector]()))


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("inspector", SAMPLES)
def test_a_million_broken_pictures_are_refused(inspector: str) -> None:
    endure(f"inspector:{inspector}", list(SAMPLES[inspector]()), LONG, random_seed=2)


@pytest.mark.parametrize("slow", SLOW)
def test_a_picture_made_to_take_long_is_given_up_in_time(slow: str) -> None:
    inspector, make = SLOW[slow]

    endure(f"inspector:{inspector}", [make()], 0)
