"""What is archived of any table comes back as it was, to the last bit."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rows import round_trip

SAMPLE, ALL = 120, 10_000


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory that no disk is waited for."""
    there = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=there) as folder:
        yield Path(folder)


def test_rows_of_made_up_schemas_come_back_as_they_were(memory: Path) -> None:
    rows = [round_trip(memory, seed) for seed in range(SAMPLE)]

    assert sum(some for some, _ in rows) > SAMPLE
    assert sum(whole for _, whole in rows) > 2 * sum(some for some, _ in rows)


@pytest.mark.soak
def test_rows_of_ten_thousand_made_up_schemas_come_back_as_they_were(memory: Path) -> None:
    for seed in range(SAMPLE, SAMPLE + ALL):
        round_trip(memory, seed)
