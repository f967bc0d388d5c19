"""A run that would do more than its guard allows is known before it begins."""

from storewarden.policy.guards import over
from storewarden.policy.rules import Guard

GIB = 2**30


def test_what_stays_within_every_limit_meets_none() -> None:
    assert list(over(Guard(), 500, 20 * GIB, 5_000, 200 * GIB)) == []
    assert list(over(Guard(), 0, 0, 0, 0)) == []


def test_each_limit_is_met_by_itself() -> None:
    assert list(over(Guard(), 501, 1, 100_000, 100 * GIB)) == [
        ("max_objects", "501 files, at most 500 in one run")
    ]
    assert list(over(Guard(), 1, 21 * GIB, 100, 1000 * GIB)) == [
        ("max_bytes", "21.0 GiB, at most 20.0 GiB in one run")
    ]
    assert list(over(Guard(), 1, 11, 100, 100)) == [
        ("max_share", "11% of all there is, at most 10% in one run")
    ]
    assert [limit for limit, _ in over(Guard(), 11, 1, 100, 100)] == ["max_share"]


def test_never_is_no_limit() -> None:
    assert list(over(Guard(None, None, None), 10**9, 10**18, 1, 1)) == []
