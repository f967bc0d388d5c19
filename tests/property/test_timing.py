"""Calendars against a plain search minute by minute, and time that only goes forward."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from storewarden.policy.rules import Timer
from storewarden.policy.timing import CronError, next_run, read_cron

SECOND = 1_000_000_000
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
FIRST = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
moments = st.integers(FIRST, FIRST + 4 * 366 * 86_400).map(lambda second: second * SECOND)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    several = st.lists(number, min_size=1, max_size=3).map(lambda some: ",".join(map(str, some)))
    span = st.tuples(number, number).map(lambda two: f"{min(two)}-{max(two)}")
    return st.one_of(st.just("*"), several, span, st.integers(1, 20).map(lambda step: f"*/{step}"))


entries = st.tuples(_field(0, 59), _field(0, 23), _field(1, 28), _field(1, 12), _field(0, 7)).map(
    " ".join
)


def _meets(field: str, value: int, low: int) -> bool:
    """Whether a number is one that a field names."""
    for part in field.split(","):
        first, _, step = part.partition("/")
        begin, _, end = first.partition("-")
        if first == "*":
            if (value - low) % int(step or 1) == 0:
                return True
        elif int(begin) <= value <= int(end or begin):
            return True
    return False


def _comes(entry: str, at: datetime) -> bool:
    """Whether an entry means that minute, said as plainly as can be."""
    minute, hour, day, month, week = entry.split()
    if not (
        _meets(minute, at.minute, 0) and _meets(hour, at.hour, 0) and _meets(month, at.month, 1)
    ):
        return False
    by_day = _meets(day, at.day, 1)
    weekday = at.isoweekday() % 7
    by_week = _meets(week, weekday, 0) or (weekday == 0 and _meets(week, 7, 0))
    if day.startswith("*") or week.startswith("*"):
        return by_day and by_week
    return by_day or by_week


@given(entries, moments, st.sampled_from((0, 330, -570)))
def test_the_next_time_is_the_first_minute_that_an_entry_means(
    entry: str, after_ns: int, offset: int
) -> None:
    zone = timezone(timedelta(minutes=offset))
    found = next_run(Timer(cron=entry), after_ns, zone)
    at = datetime.fromtimestamp(after_ns // SECOND, zone).replace(second=0) + timedelta(minutes=1)
    for _ in range(3 * 1440):
        if _comes(entry, at):
            assert found == int(at.timestamp()) * SECOND
            return
        at += timedelta(minutes=1)
    assert found is None or found >= int(at.timestamp()) * SECOND


@given(entries, moments, st.sampled_from(ZONES))
def test_time_only_goes_forward_wherever_clocks_are_changed(
    entry: str, after_ns: int, name: str
) -> None:
    zone = ZoneInfo(name)
    first = next_run(Timer(cron=entry), after_ns, zone)
    if first is None:
        return
    assert first > after_ns
    # asked at any time before it, it is the same that comes next
    between = after_ns + (first - after_ns) // 2
    assert next_run(Timer(cron=entry), between, zone) == first
    assert next_run(Timer(cron=entry), first - 1, zone) == first


@given(st.text(alphabet="0123456789*/-,L#@MONJA? \t", max_size=30))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    entry = _read(text)
    assert entry is None or next_run(Timer(cron=entry), FIRST * SECOND) is not None


def _read(text: str) -> str | None:
    try:
        return read_cron(text)
    except CronError as error:
        return None if str(error).isprintable() else "not in one line"


@given(st.integers(1, 10**18), st.integers(0, 2 * 10**18))
def test_every_runs_once_in_each_of_its_lengths(every_ns: int, after_ns: int) -> None:
    found = next_run(Timer(every_ns=every_ns), after_ns)
    assert found is not None
    assert after_ns < found <= after_ns + every_ns
    assert found % every_ns == 0
