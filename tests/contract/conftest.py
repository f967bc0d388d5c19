"""The same tests over both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storewarden.catalogue.engine import Engine
from tests.catalogues import Place


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where a catalogue is to be."""
    url = request.param
    if url == "postgresql":
        url = request.getfixturevalue("postgres_database")
    place = Place(url, tmp_path / "state")
    yield place
    place.close()


@pytest.fixture
def engine(place: Place) -> Engine:
    """An open catalogue with a host, a root and a directory in it."""
    return place.furnished()
