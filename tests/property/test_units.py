"""Whatever is written is read back the same, and no text does anything but be read or refused."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from storewarden.units import (
    LARGEST,
    LONGEST,
    UnitError,
    format_duration,
    format_size,
    parse_duration,
    parse_share,
    parse_size,
    write_duration,
    write_share,
    write_size,
)

texts = some.text() | some.from_regex(r"[0-9]{1,5}(\.[0-9]{1,3})? ?[a-zA-Z%]{0,4}", fullmatch=True)


@given(some.integers(0, LONGEST * 1000))
def test_a_written_duration_is_read_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000

    assert parse_duration(write_duration(seconds)) == seconds


@given(some.integers(0, LARGEST))
def test_a_written_size_is_read_back(size: int) -> None:
    assert parse_size(write_size(size)) == size


@given(some.integers(0, 1_000_000))
def test_a_written_share_is_read_back(millionths: int) -> None:
    share = millionths / 1_000_000

    assert parse_share(write_share(share)) == pytest.approx(share, abs=1e-9)


@given(some.floats(0, LONGEST - 40_000_000))
def test_a_shown_duration_can_be_read_and_is_nearly_the_same(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, rel=0.06, abs=0.0006)


@given(some.integers(0, LARGEST - 2**59))
def test_a_shown_size_can_be_read_and_is_nearly_the_same(size: int) -> None:
    assert parse_size(format_size(size)) == pytest.approx(size, rel=0.06)


@given(texts, some.sampled_from([parse_duration, parse_size, parse_share]))
def test_any_text_is_a_number_or_a_reason_with_a_hint(
    text: str, parse: Callable[[str], float]
) -> None:
    try:
        answer: float | UnitError = parse(text)
    except UnitError as error:
        answer = error

    if isinstance(answer, UnitError):
        assert (bool(answer.reason), bool(answer.hint)) == (True, True)
        assert "\n" not in str(answer)
    else:
        assert 0 <= answer <= LARGEST
