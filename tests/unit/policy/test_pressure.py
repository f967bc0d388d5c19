"""How far a run goes that makes room, and what an act frees at all."""

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.policy.pressure import Candidate, Relief, Room, Space, room
from storewarden.policy.rules import Force, Pressure

NOW = 10**18
WANTS = Pressure(0.9, 0.8)


def could(*sizes: int, due: int = NOW) -> list[Candidate]:
    return [Candidate(at, due, Room(size)) for at, size in enumerate(sizes, 1)]


def chosen(relief: Relief, some: list[Candidate]) -> list[int]:
    return [each.file_id for each in relief.choose(some, NOW)]


@pytest.mark.parametrize(
    ("used", "gone"),
    [
        (900, []),  # at the mark is not above it
        (901, [1, 2]),  # 901, 801, 701: below 800 it ends
        (1000, [1, 2]),
        (100_000, [1, 2, 3]),  # all there is
    ],
)
def test_files_go_in_their_order_until_it_is_low(used: int, gone: list[int]) -> None:
    assert chosen(Relief(WANTS, Space(1000, used)), could(100, 100, 100)) == gone


def test_a_run_that_goes_on_does_so_until_it_is_low() -> None:
    assert chosen(Relief(WANTS, Space(1000, 850)), could(50)) == []
    assert chosen(Relief(WANTS, Space(1000, 850), going_on=True), could(50, 50)) == [1]


def test_what_is_not_due_never_goes_nor_what_frees_nothing() -> None:
    some = [*could(100, due=NOW + 1), Candidate(7, NOW, Room()), Candidate(8, NOW, Room(1))]
    assert chosen(Relief(WANTS, Space(1000, 1000)), some) == [8]


def test_what_rests_in_the_trash_is_on_its_way_and_is_not_made_room_for_twice() -> None:
    trash = [Candidate(at, NOW, Room(rests=60)) for at in range(1, 9)]
    first = Relief(WANTS, Space(1000, 950))
    assert chosen(first, trash) == [1, 2, 3]
    assert chosen(Relief(WANTS, Space(1000, 950), resting=180), trash[3:]) == []
    assert chosen(Relief(WANTS, Space(1000, 1000), resting=180), trash[3:]) == [4]


def test_for_what_was_kept_another_goes() -> None:
    relief = Relief(WANTS, Space(1000, 1000))
    went = []
    for each in relief.choose(could(150, 100, 100, 100), NOW):
        went.append(each.file_id)
        if each.file_id == 1:
            relief.kept(each)
    assert went == [1, 2, 3]
    assert relief.wanted == 0


def test_what_is_measured_counts_and_not_what_was_reckoned() -> None:
    relief = Relief(WANTS, Space(1000, 1000))
    went = []
    for each in relief.choose(could(150, 20, 20, 100), NOW):
        went.append(each.file_id)
        if each.file_id == 1:  # an application freed a part meanwhile
            relief.measured(Space(1000, 815), 0)
    assert went == [1, 2]


@pytest.mark.parametrize(
    ("action", "blocks", "links", "here", "expected"),
    [
        (Force.ARCHIVE, 8, 1, True, Room(4096)),
        (Force.MOVE, 8, 1, True, Room(4096)),
        (Force.PURGE, 8, 1, True, Room(4096)),
        (Force.TRASH, 8, 1, True, Room(rests=4096)),  # a rename frees nothing
        (Force.COPY, 8, 1, True, Room()),
        (Force.ARCHIVE, 8, 2, True, Room()),  # the other name keeps the bytes
        (Force.ARCHIVE, 0, 1, True, Room()),  # all of it holes
        (Force.PURGE, 8, 1, False, Room()),  # it lies elsewhere
    ],
)
def test_an_act_frees_what_a_file_takes_on_disk(
    action: Force, blocks: int, links: int, *, here: bool, expected: Room
) -> None:
    assert room(action, blocks, links, here=here) == expected


def test_a_million_files_are_read_no_further_than_needed_and_none_is_kept() -> None:
    read = 0

    def million() -> Iterator[Candidate]:
        nonlocal read
        for read in range(1, 1_000_001):  # counted where the test sees it
            yield Candidate(read, NOW, Room(1))

    relief = Relief(WANTS, Space(10_000_000, 10_000_000))
    assert next(relief.choose(million(), NOW)).file_id == 1
    assert read == 1
    tracemalloc.start()
    count = sum(1 for _ in relief.choose(million(), NOW))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (count, read) == (1_000_000, 1_000_000)
    assert most < 100_000


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 500)), max_size=20),
    st.integers(0, 1200),
    st.integers(0, 200),
)
def test_never_more_than_is_needed_and_in_the_order_in_which_it_comes(
    some: list[tuple[int, int]], used: int, resting: int
) -> None:
    several = [Candidate(at, NOW + off, Room(size)) for at, (off, size) in enumerate(some, 1)]
    relief = Relief(WANTS, Space(1000, used), resting)
    gone = list(relief.choose(several, NOW))
    could_go = [each for each in several if each.due_ns <= NOW and each.room]
    assert gone == could_go[: len(gone)]
    assert not gone or used > 900
    before_last = used - resting - sum(each.room.frees for each in gone[:-1])
    assert not gone or before_last > 800
    if used > 900 and len(gone) < len(could_go):
        assert used - resting - sum(each.room.frees for each in gone) <= 800
