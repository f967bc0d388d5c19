"""Times to come, as people write them."""

from datetime import UTC, datetime

import pytest

from storewarden.cli.until import until
from storewarden.errors import UsageError

NOW = 1_795_246_201_000_000_000  # 2026-11-21 07:30:01Z
DAY = 86_400 * 10**9


def ns(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 10**9  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "at_ns"),
    [
        ("+90d", NOW + 90 * DAY),
        (" +1d 12h", NOW + 3 * DAY // 2),
        ("+0s", NOW),
        ("now", NOW),
        ("2026-12-31", ns(2026, 12, 31, 23, 59, 59)),
        ("2026-11-21", ns(2026, 11, 21, 23, 59, 59)),  # today is not over
        ("2028-02-29", ns(2028, 2, 29, 23, 59, 59)),
        ("2026-12-31T18:00", ns(2026, 12, 31, 18)),
        ("2026-12-31 18:00:30Z", ns(2026, 12, 31, 18, 0, 30)),
        ("2026-12-31T18:00+02:00", ns(2026, 12, 31, 16)),
    ],
)
def test_times_to_come(text: str, at_ns: int) -> None:
    assert until(text, NOW) == at_ns


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2020-01-01", "that was before now, 2026-11-21 07:30:01Z; write +90d"),
        ("2026-11-21T07:30", "that was before now"),
        ("90d", "did you mean +90d?"),
        ("+90", "+90"),
        ("+9m", "ambiguous"),
        ("+300y", "longer than 200y"),
        ("-90d", "neither a date nor a time ahead; write +90d"),
        ("2027-02-29", "no calendar has it"),
        ("2027-13-01T00:00", "no calendar has it"),
        ("tomorrow", "neither a date nor a time ahead"),
        ("", "neither a date nor a time ahead"),
        ("31.12.2027", "neither a date nor a time ahead"),
        ("a\nb\x1b[2J", r"a\nb\x1b[2J"),
    ],
)
def test_what_is_no_time_to_come(text: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        until(text, NOW)

    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
