"""Counts come last, bit by bit; what the catalogue does not take goes back to who counted it."""

from collections.abc import Collection, Sequence

import pytest

from storewarden.errors import CatalogueRefused
from storewarden.model import UsageCount
from storewarden.pipeline.counting import Counting
from storewarden.pipeline.inbox import UsageReady


class Book:
    """Stores counts of files whose names begin with a; refuses one that is called bad."""

    def __init__(self) -> None:
        self.stored: list[bytes] = []
        self.sizes: list[int] = []

    def store(self, root: str, counted: Sequence[UsageCount]) -> list[UsageCount]:
        self.sizes.append(len(counted))
        if any(one.name == b"bad" for one in counted):
            raise CatalogueRefused("no")
        self.stored += [one.name for one in counted if one.name[:1] == b"a"]
        return [one for one in counted if one.name[:1] != b"a"]


class Desk:
    def __init__(self) -> None:
        self.book = Book()
        self.counting = Counting(self.book)  # type: ignore[arg-type]  # all that is asked of it
        self.back: list[list[bytes]] = []

    def tell(self, *names: bytes) -> None:
        def back(unknown: Collection[UsageCount]) -> None:
            self.back.append([one.name for one in unknown])

        counts = tuple(UsageCount(b"d", name, 1, 0, 1) for name in names)
        self.counting.take(UsageReady("r", counts, back))

    def round(self, *, quiet: bool = True) -> None:
        self.counting.store(quiet=quiet)
        self.counting.committed()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_what_is_stored_is_acknowledged_with_what_has_no_row(desk: Desk) -> None:
    desk.tell(b"a1", b"b1")
    desk.tell(b"a2")
    desk.round()
    assert (desk.book.stored, desk.back) == ([b"a1"], [[b"b1"]])
    desk.round()
    assert (desk.book.stored, desk.back) == ([b"a1", b"a2"], [[b"b1"], []])
    assert not desk.counting.waiting()


def test_a_round_with_other_work_stores_few(desk: Desk) -> None:
    desk.tell(*(b"a%d" % number for number in range(5000)))
    for quiet in (False, True, True, True):
        desk.round(quiet=quiet)

    assert desk.book.sizes == [100, 2000, 2000, 900]
    assert (len(desk.book.stored), desk.back) == (5000, [[]])


def test_a_round_that_fails_gives_back_all_that_is_not_committed(desk: Desk) -> None:
    names = [b"b%d" % number for number in range(2500)]
    desk.tell(*names)
    desk.tell(b"a1")
    desk.round()
    desk.counting.store(quiet=True)
    desk.counting.failed()

    assert desk.back == [names, [b"a1"]]
    assert not desk.counting.waiting()


def test_a_round_that_is_done_again_stores_again(desk: Desk) -> None:
    desk.tell(b"a1")
    desk.counting.store(quiet=True)  # its round is refused because of a file, and begun anew
    desk.round()

    assert (desk.book.stored, desk.back) == ([b"a1", b"a1"], [[]])


def test_counts_that_are_refused_are_dropped_alone(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.tell(b"a1", b"bad")
    desk.tell(b"a2")
    desk.round()
    desk.round()

    assert (desk.book.stored, desk.back) == ([b"a2"], [[], []])
    assert [one.getMessage() for one in caplog.records] == ["use could not be stored"]


def test_at_the_end_counts_wait_for_the_last_file(desk: Desk) -> None:
    desk.counting.held = True
    desk.tell(*(b"a%d" % number for number in range(3000)))
    desk.round()
    assert not desk.counting.waiting()
    assert desk.book.sizes == []

    desk.counting.store_rest()
    assert (len(desk.book.stored), desk.back) == (3000, [[]])
