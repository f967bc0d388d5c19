"""A database is rewritten when it pays, rests and has room; told from recorded figures alone."""

import dataclasses
import time

import pytest

from storewarden.databases.vacuum import Decision, Recorded, Room, decide
from storewarden.policy.expression import All, Condition, Not, Term
from storewarden.policy.subject import Subject

DAY = 86_400 * 10**9
NOW = 20_000 * DAY
PAGE = 4096
MIB = 1 << 20
PLENTY = Room(10**12, 10**12)


def recorded(pages: int = 25_600, free: int | None = 12_800, **other: object) -> Recorded:
    """A database of 100 MiB, half of it free, that was last written yesterday."""
    ratio = None if free is None else free / pages
    subject = Subject(
        *(1, "save_outputs", b"app.db", "database", pages * PAGE, 0, NOW - DAY), free_ratio=ratio
    )
    known = Recorded(subject, pages * PAGE, PAGE, pages, free, NOW - DAY)
    return dataclasses.replace(known, **other)  # type: ignore[arg-type]  # a table of cases


def test_half_of_it_is_free_so_it_pays_and_the_figures_are_told() -> None:
    told = decide(recorded(), PLENTY, NOW)

    assert told == Decision("pays", "50% of 100.0 MiB is free, 50.0 MiB", 50 * MIB, 200 * MIB)


@pytest.mark.parametrize(
    ("known", "verdict", "why"),
    [
        (recorded(free=5_120), "no", "20% of 100.0 MiB is free, 20.0 MiB, not more than 25%"),
        (recorded(free=6_400), "no", "25% of 100.0 MiB is free, 25.0 MiB, not more than 25%"),
        (recorded(100, 99), "no", "99% of 400.0 KiB is free, 396.0 KiB, less than 1.0 MiB"),
        (recorded(free=None), "later", "how much of it is free was not measured yet"),
        (recorded(connections=2), "later", "it is in use"),
        (recorded(connections=0), "pays", "50% of 100.0 MiB is free, 50.0 MiB"),
        (recorded(changed_ns=NOW - 10**9), "later", "it was written 1s ago, not yet 10min"),
        (recorded(changed_ns=NOW + DAY), "later", "it was written 0ms ago, not yet 10min"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_stands_against_it_is_told_with_its_figures(
    known: Recorded | dict[str, object], verdict: str, why: str
) -> None:
    assert isinstance(known, Recorded)
    told = decide(known, PLENTY, NOW)

    assert (told.verdict, told.why) == (verdict, why)


def test_twice_its_size_has_to_be_free_beside_it_and_once_where_the_copy_is_made() -> None:
    size = 100 * MIB
    assert decide(recorded(), Room(2 * size, size), NOW).verdict == "pays"
    assert decide(recorded(), Room(2 * size - 1, size), NOW) == Decision(
        "later", "200.0 MiB have to be free beside it, 200.0 MiB are", 50 * MIB, 2 * size
    )
    assert decide(recorded(), Room(2 * size, size - 1), NOW).why == (
        "100.0 MiB have to be free in the state directory, 100.0 MiB are"
    )


FREE = Term("free_ratio", ">", (0.6,), "0.6")
LARGE = Term("size", ">", (MIB,), "1MiB")


@pytest.mark.parametrize(
    ("when", "verdict", "why"),
    [
        (FREE, "no", "free_ratio > 0.6: 0.5"),
        (Not(FREE), "pays", "50% of 100.0 MiB is free, 50.0 MiB (free_ratio > 0.6: 0.5)"),
        (All((Not(FREE), LARGE)), "pays", "size > 1MiB: 100.0 MiB)"),
        (Term("idle", ">", (DAY,), "1d"), "later", "not everything is known that is asked: idle"),
    ],
)
def test_a_policy_says_when_and_what_is_not_known_never_decides(
    when: Condition, verdict: str, why: str
) -> None:
    told = decide(recorded(), PLENTY, NOW, when=when)

    assert told.verdict == verdict
    assert why in told.why


def test_a_policy_makes_small_ones_pay_but_nothing_that_gains_nothing() -> None:
    assert decide(recorded(100, 99), PLENTY, NOW, when=Not(FREE)).verdict == "no"
    assert decide(recorded(100, 50), PLENTY, NOW, when=Not(FREE)).verdict == "pays"
    assert decide(recorded(100, 0), PLENTY, NOW, when=Not(FREE)) == Decision(
        "no", "none of it is free (free_ratio > 0.6: 0)", 0, 2 * 100 * PAGE
    )


def test_who_asks_by_hand_need_not_wait_but_use_and_room_are_looked_at() -> None:
    written = recorded(free=0, changed_ns=NOW)
    assert decide(written, PLENTY, NOW, asked=True).verdict == "pays"
    assert decide(recorded(connections=1), PLENTY, NOW, asked=True).verdict == "later"
    assert decide(recorded(), Room(0, 0), NOW, asked=True).verdict == "later"
    assert decide(recorded(free=None), PLENTY, NOW, asked=True) == Decision(
        "pays", "it has 100.0 MiB", 0, 200 * MIB
    )


def test_a_hundred_are_decided_in_a_moment() -> None:
    many = [recorded(25_600 + each, each * 250) for each in range(100)]
    began = time.process_time()
    told = [decide(known, PLENTY, NOW, when=FREE) for known in many]

    assert time.process_time() - began < 0.5  # the promise is a second, with the catalogue
    assert {one.verdict for one in told} == {"pays", "no"}
