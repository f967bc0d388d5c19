"""Sounds and moving pictures cut, bent and mixed hurt nobody who reads their headers."""

import pytest

from tests.fuzzing import LONG, endure
from tests.makers.media import INSPECTORS, NAMES, made

LARGEST = 4096  # of what is mutated: headers, and what is next to them
TAIL = 1024  # some headers are at the end


def seeds(inspector: str) -> list[bytes]:
    """Return small files whole, of others the beginning, the movie box, and both ends."""
    found = []
    for name in NAMES:
        if name.startswith(f"{inspector}/"):
            data = made(name).read_bytes()
            at = data.find(b"moov") - 4 if b"moov" in data[LARGEST:] else 0
            found.append(data[max(0, at) :][:LARGEST])
            if len(data) > LARGEST and len(found) % 4 == 0:
                found.append(data[: LARGEST - TAIL] + data[-TAIL:])
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("inspector", INSPECTORS)
def test_a_broken_sound_or_movie_is_refused_and_nothing_else(inspector: str) -> None:
    endure(f"inspector:{inspector}", seeds(inspector))


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("inspector", INSPECTORS)
def test_a_million_broken_sounds_and_movies_are_refused(inspector: str) -> None:
    endure(f"inspector:{inspector}", seeds(inspector), LONG, random_seed=2)
