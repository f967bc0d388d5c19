"""Statistics: how many files there are of what, what calls took and cost, how long work took.

Amounts of one currency are added up, exactly; those of two never are. What a user is told counts
what the user may see: their own files and public ones, their own calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from storewarden.api.reading.moments import SECOND_NS, moment
from storewarden.api.reading.reader import Reader
from storewarden.api.reading.records import Moment
from storewarden.api.shapes import Shape
from storewarden.catalogue.told import slices, summed, took
from storewarden.catalogue.told.slices import Held
from storewarden.catalogue.told.summed import Calls
from storewarden.catalogue.told.sums import DAY_NS, UNIT, day

BY: Final = ("kind", "model", "tool", "workflow", "user", "provider", "day")
MOST: Final = 1000
_PERCENTS: Final = (50, 90, 99)
_EPOCH: Final = date(1970, 1, 1)

Seconds = Annotated[float, Shape("seconds")]
By = Annotated[str, Shape("what is told apart", one_of=BY)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount of money, exactly: a decimal number, written as text."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """How long something took, so many ``times``; percentiles where they are known."""

    times: int
    mean: Seconds
    longest: Seconds
    p50: Seconds | None = None
    p90: Seconds | None = None
    p99: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Files that are there, and their bytes."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What calls of services came to: ``told`` so many times, with a cost ``priced`` times."""

    calls: int
    errors: int
    tokens_in: int
    tokens_out: int
    told: int
    priced: int
    cost: tuple[Amount, ...]
    took: Took | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One of what is told apart; without a name: where none is known."""

    name: str | None = None
    files: Made | None = None
    calls: Called | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfStatus:
    """How many workflows there are of a status; without one: where none was told."""

    status: str | None = None
    workflows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Statistics, ``since`` the beginning of a day in UTC, or of all time.

    Files that are there count from when they were first seen, workflows from when they were begun.
    ``files_took``: from the beginning of a workflow to each of its files. ``more``: rows that were
    left out.
    """

    at: Moment
    since: Moment | None = None
    files: Made
    files_today: Made
    calls: Called
    calls_today: Called
    workflows: tuple[OfStatus, ...]
    workflows_took: Took | None = None
    files_took: Took | None = None
    by: By | None = None
    rows: tuple[Row, ...] = ()
    more: int = 0


def stats(
    reader: Reader,
    *,
    by: str | None = None,
    since_ns: int | None = None,
    limit: int | None = MOST,
) -> Stats:
    """Return statistics, told apart ``by`` one of ``BY``; from the day on in which ``since`` is."""
    since = day(since_ns) if since_ns is not None else 0
    today = day(reader.now_ns)
    user = reader.who.name if reader.user_id is not None else None
    asked = summed.Asked(reader.host_id, since, user)
    files = slices.Files(reader.engine, slices.Asked(reader.host_id, since, reader.user_id))
    of_days = files.by_day()
    flows = summed.workflows(reader.engine, reader.host_id, since * DAY_NS, reader.user_id)
    sums = _Sums(reader, asked, by if by in summed.COLUMNS else None)
    rows, more = _rows(files, sums, by, limit) if by else ([], 0)
    return Stats(
        at=moment(reader.now_ns),
        since=None if since_ns is None else moment(since * DAY_NS),
        files=_made(of_days.values()),
        files_today=_made([of_days.get(today, Held())]),
        calls=sums.in_all(),
        calls_today=_Sums(reader, asked._replace(since_day=max(since, today))).in_all(),
        workflows=tuple(
            OfStatus(status=status or None, workflows=number)
            for status, number in sorted(flows.statuses.items())
        ),
        workflows_took=_exactly(flows.took_ns),
        files_took=_waited(files.waited()),
        by=by,
        rows=tuple(rows),
        more=more,
    )


# -- what is told apart -------------------------------------------------------------------------


class _Sums:
    """What calls came to, told apart or not: read once, and added up for all."""

    def __init__(self, reader: Reader, asked: summed.Asked, by: str | None = None) -> None:
        self._reader, self._asked, self._by = reader, asked, by
        self.calls: Mapping[Any, Calls] = summed.calls(reader.engine, asked, by)
        timed = by is None or by in summed.TIMED
        self._steps = summed.steps(reader.engine, asked, by) if timed else {}

    def of(self, name: Any) -> Called | None:
        """Return what those of a name came to."""
        return _called(self.calls[name], self._steps.get(name, {})) if name in self.calls else None

    def in_all(self) -> Called:
        """Return what all came to."""
        whole = Calls()
        for one in self.calls.values():
            whole.join(one)
        return _called(whole, self._steps_of_all())

    def _steps_of_all(self) -> Mapping[int, int]:
        if self._by in {None, "day"} or (self._by != "user" and self._steps):
            every: Counter[int] = Counter()
            for steps in self._steps.values():
                every.update(steps)
            return every
        return summed.steps(self._reader.engine, self._asked).get("", {})  # of those of no user too


def _rows(files: slices.Files, sums: _Sums, by: str, limit: int | None) -> tuple[list[Row], int]:
    """Return a row for each, what there is most of first, and how many more there are.

    Days are in their order, and the last ones.
    """
    made: Mapping[Any, Held] = {}
    if by == "day":
        made = files.by_day()
    elif by in slices.ABOUT:
        made = files.by(by)
    calls = sums.calls if by in summed.COLUMNS else {}

    def much(name: Any) -> tuple[Any, ...]:
        if by == "day":
            return (name,)
        one, held = calls.get(name, Calls()), made.get(name, Held())
        return name == "", -one.calls, -held.files, -held.bytes, name

    names = sorted({*made, *calls}, key=much)
    told = names if limit is None else names[-limit:] if by == "day" else names[:limit]
    rows = [
        Row(
            name=(_date(name) if by == "day" else name) or None,
            files=_made([made[name]]) if name in made else None,
            calls=sums.of(name) if name in calls else None,
        )
        for name in told
    ]
    return rows, len(names) - len(rows)


def _called(one: Calls, steps: Mapping[int, int]) -> Called:
    return Called(
        calls=one.calls,
        errors=one.failed,
        tokens_in=one.tokens_in,
        tokens_out=one.tokens_out,
        told=one.times,
        priced=one.priced,
        cost=tuple(
            Amount(currency=currency, amount=amount(nano))
            for currency, nano in sorted(one.cost.items())
        ),
        took=_took(one.timed, one.mean_ns, one.longest_ns, steps),
    )


def amount(nano: int) -> Decimal:
    """Return billionths as an amount, with no more digits than it has."""
    units, rest = divmod(nano, UNIT)
    return Decimal(f"{units}.{rest:09d}".rstrip("0").rstrip("."))


def _made(every: Collection[Held]) -> Made:
    return Made(files=sum(one.files for one in every), bytes=sum(one.bytes for one in every))


def _date(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


# -- how long it took ---------------------------------------------------------------------------


def _took(
    times: int, mean_ns: int | None, longest_ns: int, steps: Mapping[int, int]
) -> Took | None:
    if mean_ns is None:
        return None
    return _told(times, mean_ns, longest_ns, took.of_steps(steps, _PERCENTS, longest_ns))


def _exactly(took_ns: Sequence[int]) -> Took | None:
    if not took_ns:
        return None
    mean_ns, longest_ns = sum(took_ns) // len(took_ns), max(took_ns)
    return _told(len(took_ns), mean_ns, longest_ns, took.of_values(took_ns, _PERCENTS))


def _waited(steps: Mapping[int, int]) -> Took | None:
    """Return what steps alone tell: to within a thirtieth."""
    times = sum(steps.values())
    if not times:
        return None
    mean_ns = sum(took.middle(step) * count for step, count in steps.items()) // times
    longest_ns = took.middle(max(steps))
    return _told(times, mean_ns, longest_ns, took.of_steps(steps, _PERCENTS, longest_ns))


def _told(times: int, mean_ns: int, longest_ns: int, percentiles: Sequence[int]) -> Took:
    named = dict(zip(("p50", "p90", "p99"), map(_seconds, percentiles), strict=False))
    return Took(times=times, mean=_seconds(mean_ns), longest=_seconds(longest_ns), **named)


def _seconds(span_ns: int) -> float:
    return round(span_ns / SECOND_NS, 6)
