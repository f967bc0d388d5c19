"""Whatever lies in documents, archives, models and texts hurts nobody who looks into them."""

import pytest

from storewarden.facts.sniff import HEAD, sniff
from tests.fuzzing import LONG, endure
from tests.makers.content import FILES

# Names that a broken file may have: those of its own format are among them.
NAMES = (b"a", b"a.png", b"a.mp4", b"a.txt", b"a.json", b"a.ckpt", b"a.zip", b"a.ts", b".\xff")
SNIFF = "tests.fuzz.test_content_fuzz:sniffed"


def sniffed(data: bytes) -> None:
    """Tell what some bytes are under each of the names."""
    for name in NAMES:
        sniff(data[:HEAD], name)


def everything() -> list[bytes]:
    return [content for make in FILES.values() for content in make().values()]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("inspector", FILES)
def test_a_broken_file_is_refused_and_nothing_else(inspector: str) -> None:
    endure(f"inspector:{inspector}", list(FILES[inspector]().values()))


@pytest.mark.timeout(300)
def test_any_bytes_under_any_name_are_some_kind_of_file() -> None:
    endure(SNIFF, everything())


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("inspector", FILES)
def test_a_million_broken_files_are_refused(inspector: str) -> None:
    endure(f"inspector:{inspector}", list(FILES[inspector]().values()), LONG, random_seed=2)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_million_times_any_bytes_are_some_kind_of_file() -> None:
    endure(SNIFF, everything(), LONG, random_seed=2)
