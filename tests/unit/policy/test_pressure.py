"""What goes first when a file system is too full, and where it ends."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.policy.pressure import Load, Space, ordered, relief
from storewarden.policy.rules import Order, Pressure
from storewarden.policy.subject import Day, Subject

DAY = 86_400 * 1_000_000_000
NOW = 20_000 * DAY
OLDEST = (Order("last_used"),)
WANTS = Pressure(0.9, 0.8, OLDEST)


def file(id_: int, idle: int = 10, **more: object) -> Subject:
    subject = Subject(
        id_,
        "save_outputs",
        b"a.png",
        "image",
        100,
        NOW - 100 * DAY,
        NOW - 100 * DAY,
        inspected=True,
        understood=True,
        usage_since_ns=NOW - 100 * DAY,
        last_opened_ns=NOW - idle * DAY,
    )
    return replace(subject, **more)  # type: ignore[arg-type]  # fields of a subject


def load(subject: Subject, due: int = 1, size: int = 100) -> Load:
    return Load(subject, NOW - due * DAY, size)


def ids(loads: list[Load]) -> list[int]:
    return [each.subject.id for each in loads]


LOADS = [load(file(1, idle=10)), load(file(2, idle=30)), load(file(3, idle=20))]


@pytest.mark.parametrize(
    ("used", "gone"),
    [
        (900, []),  # at the mark is not above it
        (901, [2, 3]),  # 901, 801, 701: below 800 it ends
        (1000, [2, 3]),
        (100_000, [2, 3, 1]),  # all there is
    ],
)
def test_what_was_used_longest_ago_goes_until_it_is_low(used: int, gone: list[int]) -> None:
    assert ids(relief(Space(1000, used), WANTS, LOADS, NOW)) == gone


def test_what_is_not_due_never_goes_however_full_it_is() -> None:
    loads = [load(file(1), due=0), load(file(2), due=-1), load(file(3), size=0)]
    assert ids(relief(Space(1000, 1000), WANTS, loads, NOW)) == [1]


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ((Order("size"),), [1, 3, 2]),
        ((Order("size", descending=True),), [2, 3, 1]),
        ((Order("age", descending=True),), [2, 1, 3]),
        ((Order("modified"),), [3, 1, 2]),
        ((Order("rating"),), [2, 1, 3]),  # what nobody rated goes last
        ((Order("rating", descending=True),), [1, 2, 3]),
        ((Order("cost"),), [1, 2, 3]),
        ((Order("regenerable", descending=True), Order("last_used")), [3, 1, 2]),
        ((Order("opens_per_day"), Order("size", descending=True)), [2, 3, 1]),
        ((), [1, 2, 3]),
    ],
)
def test_the_order_is_the_one_that_is_written(order: tuple[Order, ...], first: list[int]) -> None:
    made = {"tool": "flux", "model": "flux1", "prompt": "dusk", "seed": "1"}
    today = (Day(NOW // DAY - 1, 30, 0),)
    files = [
        file(1, idle=20, size=10, rating=5.0, modified_ns=NOW - 90 * DAY, days=today),
        file(2, idle=30, size=99, rating=1.0, first_seen_ns=NOW - 200 * DAY, modified_ns=NOW),
        file(3, idle=10, size=50, first_seen_ns=NOW - 50 * DAY, **made),
    ]
    assert ids(ordered(map(load, files), order, NOW)) == first


def test_of_equals_what_was_due_first_goes_first() -> None:
    loads = [load(file(1), due=1), load(file(2), due=5), load(file(3), due=5)]
    assert ids(ordered(loads, (Order("size"),), NOW)) == [2, 3, 1]


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 500), st.integers(0, 60)), max_size=12),
    st.integers(0, 1200),
)
def test_never_more_than_is_needed_and_never_what_is_not_due(
    some: list[tuple[int, int, int]], used: int
) -> None:
    loads = [
        load(file(at, idle=idle), due=due, size=size)
        for at, (due, size, idle) in enumerate(some, 1)
    ]
    gone = relief(Space(1000, used), WANTS, loads, NOW)
    assert all(each.due_ns <= NOW for each in gone)
    assert not gone or used > 900
    before_last = used - sum(each.bytes for each in gone[:-1])
    assert not gone or before_last > 800
    left = [each for each in loads if each not in gone and each.due_ns <= NOW and each.bytes]
    if used > 900 and left:
        assert used - sum(each.bytes for each in gone) <= 800
