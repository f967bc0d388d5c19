"""Durations, sizes and shares: what is read, what is refused with which words, what is shown."""

import pytest

from storewarden.units import (
    UnitError,
    format_duration,
    format_share,
    format_size,
    parse_duration,
    parse_share,
    parse_size,
    write_duration,
    write_share,
    write_size,
)

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300ms", 0.3),
        ("2s", 2),
        ("15min", 900),
        ("6h", 21_600),
        ("30d", 30 * DAY),
        ("2w", 14 * DAY),
        ("7y", 7 * 365 * DAY),
        ("1.5h", 5_400),
        ("1h 30min", 5_400),
        ("1h30min", 5_400),
        ("  2 s ", 2),
        ("0s", 0),
        ("200y", 200 * 365 * DAY),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5m", "m is ambiguous: minutes or months; write 5min, or count months in days"),
        ("5M", "M is ambiguous: minutes or months; write 5min, or count months in days"),
        ("3mo", "months differ in length; count them in days, as in 30d"),
        ("3 months", "months differ in length; count them in days, as in 30d"),
        ("5", "5 has no unit; write 5s, 5min, 5h, …"),
        ("0", "0 has no unit; write 0s, 0min, 0h, …"),
        ("3 days", "'days' is no unit of time; write 3d"),
        ("3H", "'H' is no unit of time; write 3h"),
        ("10us", "us is finer than any clock here; write ms"),
        ("5 lightyears", "'lightyears' is no unit of time; the units are ms s min h d w y"),
        ("30min 1h", "the parts of '30min 1h' are out of order; write the larger unit first"),
        ("1h 1h", "the parts of '1h 1h' are out of order; write the larger unit first"),
        ("201y", "'201y' is longer than 200y; write a shorter time"),
        ("", "nothing is not a duration; write for example 300ms, 2s, 15min, 6h or 30d"),
        ("-2s", "'-2s' is not a duration; write for example 300ms, 2s, 15min, 6h or 30d"),
        ("1_000s", "'_' is no unit of time; the units are ms s min h d w y"),
        ("13:30", "':' is no unit of time; the units are ms s min h d w y"),
        ("٣s", "'٣s' is not a duration; write for example 300ms, 2s, 15min, 6h or 30d"),
        (
            "9" * 200 + "s",
            f"'{'9' * 39}…' is not a duration; write for example 300ms, 2s, 15min, 6h or 30d",
        ),
    ],
)
def test_what_is_no_duration_is_refused_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_duration(text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0B", 0),
        ("800B", 800),
        ("500KB", 500_000),
        ("500kb", 500_000),
        ("1.5MB", 1_500_000),
        ("20GiB", 20 * 2**30),
        ("20 gib", 20 * 2**30),
        ("1TiB", 2**40),
        ("2PB", 2 * 10**15),
        ("7EiB", 7 * 2**60),
        ("1.4 GiB", 1_503_238_554),
    ],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "5 has no unit; write 5B, 5MB, 5GiB, …"),
        ("5M", "M is ambiguous; write 5MB (powers of 1000) or 5MiB (powers of 1024)"),
        ("5Gi", "Gi is no unit of size; write 5GiB"),
        ("5 bits", "'bits' is no unit of size; the units are B KB MB … KiB MiB GiB …"),
        ("1GiB 5MB", "'1GiB 5MB' is more than one size; write one, as in 20GiB"),
        ("9EiB", "'9EiB' is more than a file can hold; write at most 8388607TiB"),
        ("", "nothing is not a size; write for example 800B, 500KB or 20GiB"),
        ("big", "'big' is not a size; write for example 800B, 500KB or 20GiB"),
    ],
)
def test_what_is_no_size_is_refused_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_size(text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "share"), [("10%", 0.1), ("0%", 0), ("100%", 1), ("12.5 %", 0.125), ("0.1%", 0.001)]
)
def test_a_share_is_read(text: str, share: float) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.1", "'0.1' is not a share; write it in per cent, as in 10%"),
        ("10", "'10' is not a share; write it in per cent, as in 10%"),
        ("1/2", "'1/2' is not a share; write it in per cent, as in 10%"),
        ("150%", "'150%' is more than all; write at most 100%"),
        ("10% 5%", "'10% 5%' is not a share; write it in per cent, as in 10%"),
        ("half", "'half' is not a share; write for example 10%"),
    ],
)
def test_what_is_no_share_is_refused_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_share(text)

    assert str(caught.value) == message


def test_numbers_are_written_as_a_person_would() -> None:
    assert [write_duration(each) for each in (0, 0.3, 90, 3600, 5400, 7 * DAY, 365 * DAY)] == [
        "0s",
        "300ms",
        "90s",
        "1h",
        "90min",
        "1w",
        "1y",
    ]
    assert [write_size(each) for each in (0, 999, 500_000, 1024, 3 * 2**30)] == [
        "0B",
        "999B",
        "500KB",
        "1KiB",
        "3GiB",
    ]
    assert [write_share(each) for each in (0, 0.1, 0.125, 1)] == ["0%", "10%", "12.5%", "100%"]


@pytest.mark.parametrize("write", [write_duration, write_size, write_share])
def test_nothing_negative_is_written(write: object) -> None:
    with pytest.raises(ValueError, match="negative"):
        write(-1)  # type: ignore[operator]  # each takes a number


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0ms"),
        (0.2504, "250ms"),
        (0.9999, "1s"),
        (1.25, "1.2s"),
        (2.0, "2s"),
        (9.99, "10s"),
        (42.4, "42s"),
        (59.7, "1min"),
        (90, "1min 30s"),
        (3_599.6, "1h"),
        (5_400, "1h 30min"),
        (DAY - 1, "1d"),
        (3 * DAY, "3d"),
        (3 * DAY + 4 * 3_600 + 59, "3d 4h"),
        (400 * DAY, "1y 35d"),
        (-90, "-1min 30s"),
    ],
)
def test_a_time_is_shown_in_its_two_largest_units(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1_503_238_554, "1.4 GiB"),
        (2**20 - 1, "1.0 MiB"),
        (2**63 - 1, "8.0 EiB"),
        (-2048, "-2.0 KiB"),
    ],
)
def test_a_size_is_shown_with_one_digit(size: int, shown: str) -> None:
    assert format_size(size) == shown


def test_a_share_is_shown_with_one_digit_at_most() -> None:
    assert [format_share(each) for each in (0.1, 0.12345, 1)] == ["10%", "12.3%", "100%"]
