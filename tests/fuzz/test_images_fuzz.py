"""Pictures cut, bent and mixed by the ten thousand hurt nobody who reads their headers."""

import pytest

from tests.fuzzing import LONG, endure
from tests.makers.samples import SAMPLES


@pytest.mark.timeout(300)
@pytest.mark.parametrize("inspector", SAMPLES)
def test_a_broken_picture_is_refused_and_nothing_else(inspector: str) -> None:
    endure(f"inspector:{inspector}", list(SAMPLES[inspector]()))


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("inspector", SAMPLES)
def test_a_million_broken_pictures_are_refused(inspector: str) -> None:
    endure(f"inspector:{inspector}", list(SAMPLES[inspector]()), LONG, random_seed=2)
