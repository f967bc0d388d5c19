"""Whether the wall clock jumped, and when it can be trusted again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.policy.jumps import (
    LIMIT_NS,
    SECOND,
    STA_UNSYNC,
    TIME_ERROR,
    Kept,
    Reading,
    judge,
    over,
    synchronised,
)

WALL = 1_790_000_000 * SECOND
MINUTE = 60 * SECOND
DAY = 1440 * MINUTE
BEFORE = Reading(WALL, 1000 * SECOND, "one")


def later(boot: int, wall: int, boot_id: str = "one") -> Reading:
    return Reading(WALL + wall, 1000 * SECOND + boot, boot_id)


@pytest.mark.parametrize(
    ("after", "by_ns"),
    [
        (later(MINUTE, MINUTE), None),
        (later(0, 0), None),
        (later(30 * DAY, 30 * DAY), None),  # asleep for a month: both went on
        (later(MINUTE, 6 * MINUTE), None),  # five minutes are let pass
        (later(MINUTE, 6 * MINUTE + 1), LIMIT_NS + 1),
        (later(10 * MINUTE, 5 * MINUTE), None),
        (later(10 * MINUTE, 5 * MINUTE - 1), -LIMIT_NS - 1),
        (later(MINUTE, 3650 * DAY), 3650 * DAY - MINUTE),
        (later(MINUTE, -DAY), -DAY - MINUTE),
        # another boot: any time may have gone by, but none can have come back
        (later(-999 * SECOND, 400 * DAY, "two"), None),
        (later(5 * MINUTE, 0, "two"), None),
        (later(5 * MINUTE, -1, "two"), -1),
        (later(5 * MINUTE, -20_000 * DAY, "two"), -20_000 * DAY),  # a clock without a battery
    ],
)
def test_a_jump_is_what_the_wall_clock_went_by_itself(after: Reading, by_ns: int | None) -> None:
    jump = judge(BEFORE, after)
    assert (jump.by_ns if jump else None) == by_ns
    assert jump is None or jump.at_ns == after.wall_ns


def test_a_jump_is_told_in_words() -> None:
    assert str(judge(BEFORE, later(0, 3650 * DAY))) == "the clock jumped ahead by 10y"
    assert str(judge(BEFORE, later(0, -DAY))) == "the clock jumped back by 1d"


@given(st.integers(0, 10**18), st.integers(-(10**18), 10**18))
def test_a_jump_and_its_way_back_are_told_alike(gone: int, jump: int) -> None:
    there = judge(BEFORE, later(gone, gone + jump))
    assert (there is not None) == (abs(jump) > LIMIT_NS)
    assert there is None or there.by_ns == jump
    after = later(gone, gone + jump)
    back = judge(after, later(gone, gone))
    assert (back.by_ns if back else None) == (-there.by_ns if there else None)


@pytest.mark.parametrize(
    ("returned", "status", "kept"),
    [
        (0, 0, True),
        (0, 0x2001, True),
        (0, STA_UNSYNC, False),
        (TIME_ERROR, 0, False),
        (TIME_ERROR, STA_UNSYNC, False),
        (-1, 0, False),  # not allowed to ask
        (1, 0, True),  # a leap second is about to come
    ],
)
def test_the_kernel_says_whether_anybody_keeps_the_clock(
    returned: int, status: int, *, kept: bool
) -> None:
    assert synchronised(returned, status) is kept


@pytest.mark.parametrize(
    ("looks", "is_over"),
    [
        ([], False),
        ([(0, True)], False),
        ([(0, True), (59, True)], False),
        ([(0, True), (60, True)], True),
        ([(0, True), (30, False), (60, True)], False),
        ([(0, False), (60, True)], False),
        ([(0, False), (60, True), (90, True), (120, True)], True),
        ([(0, True), (60, True), (61, False)], False),
        ([(0, False), (600, False)], False),
    ],
)
def test_a_jump_is_over_once_the_clock_was_kept_for_a_minute(
    looks: list[tuple[int, bool]], *, is_over: bool
) -> None:
    assert over([Kept(at * SECOND, kept) for at, kept in looks]) is is_over
