"""Every file that waits comes to its turn: new ones at once, old ones soon, unreadable ones too."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from storewarden.pipeline.cursor import FIRST_PASS, LONGEST_PASS, Cursor


def asked(cursor: Cursor, waiting: set[int], now: float, limit: int = 3) -> list[int]:
    """Return what a reader is told of until nothing is wanted at this moment."""
    found: list[int] = []
    while cursor.wants(now):
        ids = sorted(one for one in waiting if one > cursor.after_id)[:limit]
        cursor.got(ids, now)
        found += [one for one in ids if not cursor.is_left(one)]
    return found


def test_new_files_are_asked_for_at_once() -> None:
    cursor = Cursor()
    assert asked(cursor, {1, 2, 3, 4, 5}, 0) == [1, 2, 3, 4, 5]
    cursor.news()
    assert asked(cursor, {6}, 0) == [6]


def test_an_old_one_that_waits_again_is_asked_for_within_a_second() -> None:
    cursor = Cursor()
    asked(cursor, {1, 2, 3}, 0)
    cursor.news()
    assert asked(cursor, {1}, 0.5) == []
    assert asked(cursor, {1}, 1.0) == [1]


def test_what_is_still_being_written_is_not_asked_for_again() -> None:
    cursor = Cursor()
    cursor.news()
    assert asked(cursor, {1, 2, 3}, 5.0) == [1, 2, 3]


def test_what_cannot_be_read_is_left_to_the_next_pass() -> None:
    cursor = Cursor()
    asked(cursor, {1}, 0)
    cursor.unread(1)
    cursor.news()
    assert asked(cursor, {1}, 10) == []
    assert asked(cursor, {1}, 70) == [1]


def test_passes_become_rarer_while_they_find_nothing() -> None:
    cursor = Cursor()
    passes = [now for now in range(10_000) if cursor.wants(now)]
    gaps = [later - earlier for earlier, later in pairwise(passes)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == LONGEST_PASS
    cursor.found()
    again = next(now for now in range(passes[-1] + 1, 20_000) if cursor.wants(now))
    assert next(now for now in range(again + 1, 30_000) if cursor.wants(now)) - again == (
        2 * FIRST_PASS
    )


STEPS = st.lists(
    st.tuples(st.sampled_from(["new", "old", "later"]), st.integers(1, 30)), max_size=40
)


@given(STEPS)
def test_whatever_happens_nothing_waits_for_ever(steps: list[tuple[str, int]]) -> None:
    """A file is new or waits again at any moment; two seconds of quiet later none waits."""
    cursor, waiting, newest, now = Cursor(), set[int](), 0, 0.0
    for step, number in steps:
        if step == "later":
            now += number / 10
        else:
            if step == "new":
                newest += 1
                waiting.add(newest)
            elif newest:
                waiting.add(1 + number % newest)
            cursor.news()
        waiting -= set(asked(cursor, waiting, now))
    for _ in range(3):
        now += 1
        waiting -= set(asked(cursor, waiting, now))
    assert waiting == set()
