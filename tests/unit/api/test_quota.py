"""Quotas: what is too much, that nothing small is refused, and in which words it is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewarden.api.quota import Held, Quota, admit
from storewarden.errors import QuotaExceeded

COUNTS = st.integers(0, 2**40)
QUOTAS = st.builds(Quota, st.none() | COUNTS, st.none() | COUNTS)
HELD = st.builds(Held, COUNTS, COUNTS)


@given(HELD, HELD)
def test_without_a_quota_there_is_never_too_much(held: Held, more: Held) -> None:
    admit("ada", Quota(), held, more)


@given(QUOTAS, HELD, HELD)
def test_what_was_let_in_is_no_more_than_the_quota_where_it_grew(
    quota: Quota, held: Held, more: Held
) -> None:
    try:
        admit("ada", quota, held, more)
    except QuotaExceeded:
        assert not quota.allows(held + more)
        return
    then = held + more
    assert not more.bytes or quota.bytes is None or then.bytes <= quota.bytes
    assert not more.files or quota.files is None or then.files <= quota.files


@given(QUOTAS, HELD)
def test_who_adds_nothing_is_never_refused(quota: Quota, held: Held) -> None:
    admit("ada", quota, held, Held())


@given(QUOTAS, HELD, COUNTS, COUNTS)
def test_who_takes_away_is_never_refused(quota: Quota, held: Held, files: int, size: int) -> None:
    admit("ada", quota, held, Held(-files, -size))


@given(QUOTAS, HELD, HELD)
def test_who_has_too_much_has_too_much_with_more(quota: Quota, held: Held, more: Held) -> None:
    assert set(quota.beyond(held)) <= set(quota.beyond(held + more))


def test_the_last_byte_and_the_last_file_fit() -> None:
    admit("ada", Quota(100, 2), Held(1, 90), Held(1, 10))
    with pytest.raises(QuotaExceeded):
        admit("ada", Quota(100, 2), Held(1, 90), Held(1, 11))
    with pytest.raises(QuotaExceeded):
        admit("ada", Quota(100, 2), Held(2, 90), Held(1, 1))


def test_a_file_of_which_no_size_is_known_is_refused_when_there_is_too_much_already() -> None:
    admit("ada", Quota(bytes=100), Held(1, 100), Held(1, 0))
    with pytest.raises(QuotaExceeded):
        admit("ada", Quota(bytes=100), Held(1, 101), Held(1, 0))


def test_it_is_said_of_what_there_would_be_how_much_and_that_nothing_is_removed() -> None:
    with pytest.raises(QuotaExceeded) as refused:
        admit("ada", Quota(1024, 10), Held(10, 1024), Held(1, 1024))
    assert str(refused.value) == (
        "the quota does not allow more: ada: there would be 2.0 KiB of 1.0 KiB and 11 files of 10;"
        " remove files, or ask for a larger quota; those that are there stay"
    )
    assert not refused.value.transient
