"""Statistics as people, pipes and programs see them: values in, lines out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from storewarden.api.reading.as_json import as_json
from storewarden.api.reading.stats import Amount, Called, Made, Row, Stats, Took
from storewarden.cli.output import Cell, Output, number
from storewarden.cli.plot import picture
from storewarden.measure.shown import shown
from storewarden.units import format_duration, format_size

COLUMNS = 72
MOST = 30  # rows on a terminal
DAYS = 30  # of a picture, unless a longer time was asked for
_TALL = 3
_BAR = 12
_DIGITS = 4  # of an amount below one
_NONE = "–"
UNTOLD = "of no status"


def tell(output: Output, found: Stats, by: str | None) -> None:
    """Write it in the form that was asked for; ``by`` None: in all, and how it came day by day."""
    if output.json:
        told = found if by else replace(found, by=None, rows=())
        output.document(as_json(told))
    elif output.terminal:
        _for_people(output, found, by)
    else:
        _for_programs(output, found, by)


# -- pipes --------------------------------------------------------------------------------------


def _for_programs(output: Output, found: Stats, by: str | None) -> None:
    for when, made, called in (
        ("in all", found.files, found.calls),
        ("today", found.files_today, found.calls_today),
    ):
        output.fields("files", when, made.files, made.bytes)
        output.fields("calls", when, *_counts(called))
        for one in called.cost:
            output.fields("cost", when, one.currency, format(one.amount, "f"))
    for status in found.workflows:
        output.fields("workflows", status.status or "", status.workflows)
    for what, took in _spans(found):
        output.fields("took", what, *_seconds(took))
    for row in found.rows if by else ():
        made, called = row.files or Made(files=0, bytes=0), row.calls or _NOTHING
        cost = " ".join(f"{one.currency} {one.amount:f}" for one in called.cost)
        output.fields(
            *(by, row.name or "", made.files, made.bytes, *_counts(called), cost),
            *(_seconds(called.took) if called.took else ("",) * 6),
        )


def _counts(called: Called) -> tuple[int, int, int, int]:
    return called.calls, called.errors, called.tokens_in, called.tokens_out


def _seconds(took: Took) -> tuple[object, ...]:
    known = (took.p50, took.p90, took.p99)
    return took.times, took.mean, *("" if one is None else one for one in known), took.longest


# -- people -------------------------------------------------------------------------------------


def _for_people(output: Output, found: Stats, by: str | None) -> None:
    since = f" since {found.since[:10]}" if found.since else ""
    if by is None:
        _in_all(output, found, since)
    elif not found.rows:
        output.text(f"nothing is known by {by}{since}", "dim")
    elif by == "day":
        _days(output, found)
        _table(output, found, by)
    else:
        _table(output, found, by)


def _in_all(output: Output, found: Stats, since: str) -> None:
    if since:
        output.text(since.strip(), "dim")
    calls, today = found.calls, found.calls_today
    lines = [
        ("files", _made(found.files), _made(found.files_today)),
        ("calls", _calls(calls), _calls(today)),
    ]
    if calls.tokens_in or calls.tokens_out:
        lines.append(("tokens", _tokens(calls), _tokens(today)))
    lines += [("cost", *pair) for pair in _costs(calls, today)]
    if calls.cost and calls.priced < calls.told:
        untold = calls.told - calls.priced
        lines.append(("", f"of {untold:,} times no cost was told", ""))
    if found.workflows:
        every = sum(one.workflows for one in found.workflows)
        statuses = [f"{one.workflows:,} {one.status or UNTOLD}" for one in found.workflows]
        lines.append(("workflows", f"{every:,}: {', '.join(statuses)}", ""))
    wide = max(len(told) for _, told, _ in lines)
    for label, told, now in lines:
        output.text(f"{label:<10} {told:<{wide}}  {f'today {now}' if now else ''}".rstrip())
    output.text()
    _took(output, found)
    _days(output, found)


def _made(made: Made) -> str:
    return f"{made.files:,}, {format_size(made.bytes)}" if made.files else "0"


def _calls(called: Called) -> str:
    errors = f", {called.errors:,} with an error" if called.errors else ""
    return f"{called.calls:,}{errors}"


def _tokens(called: Called) -> str:
    return f"{called.tokens_in:,} in, {called.tokens_out:,} out"


def _costs(calls: Called, today: Called) -> list[tuple[str, str]]:
    """Return a line for each currency."""
    now = {one.currency: one for one in today.cost}
    return [
        (money(one), money(now[one.currency]) if one.currency in now else "0") for one in calls.cost
    ]


def _spans(found: Stats) -> list[tuple[str, Took]]:
    spans = {
        "a call": found.calls.took,
        "a workflow": found.workflows_took,
        "to a file": found.files_took,
    }
    return [(what, took) for what, took in spans.items() if took is not None]


def _took(output: Output, found: Stats) -> None:
    spans = _spans(found)
    if spans:
        output.table(
            ("it took", "times", "mean", "half within", "90 % within", "99 % within", "longest"),
            [[Cell(what), *_spent(took)] for what, took in spans],
        )
        output.text()


def _spent(took: Took) -> list[Cell]:
    every = (took.mean, took.p50, took.p90, took.p99, took.longest)
    return [number(took.times), *(_span(one) for one in every)]


def _span(seconds: float | None) -> Cell:
    return Cell(_NONE if seconds is None else format_duration(seconds), right=True)


def money(one: Amount) -> str:
    """Return an amount for people: cents, or a few digits of what is less than one."""
    return f"{one.currency} {_short(one.amount):,f}"


# -- what is told apart -------------------------------------------------------------------------


def _table(output: Output, found: Stats, by: str) -> None:
    rows = found.rows[-MOST:] if by == "day" else found.rows[:MOST]
    with_files = any(row.files for row in rows)
    with_calls = any(row.calls for row in rows)
    heads = [by, *(("files", "size") if with_files else ())]
    heads += ("calls", "errors", "tokens", "cost", "half within") if with_calls else ()
    most = max((_much(row, with_calls) for row in rows), default=0)
    output.table(
        [*heads, ""],
        [
            [
                Cell(shown(row.name)) if row.name else Cell("(none)", "dim"),
                *(_file_cells(row.files) if with_files else ()),
                *(_call_cells(row.calls) if with_calls else ()),
                Cell(bar(_much(row, with_calls), most)),
            ]
            for row in rows
        ],
    )
    every = len(found.rows) + found.more
    if every > len(rows):
        which = "the last" if by == "day" else "the first"
        output.text(f"{which} {len(rows)} of {every:,}; --json has all", "dim")


def _much(row: Row, with_calls: bool) -> int:
    if with_calls:
        return row.calls.calls if row.calls else 0
    return row.files.files if row.files else 0


def _file_cells(made: Made | None) -> list[Cell]:
    if made is None:
        return [Cell(_NONE, right=True)] * 2
    return [number(made.files), Cell(format_size(made.bytes), right=True)]


def _call_cells(called: Called | None) -> list[Cell]:
    if called is None:
        return [Cell(_NONE, right=True)] * 5
    took = called.took
    return [
        *(number(called.calls), Cell(f"{called.errors:,}", "bad" if called.errors else "", True)),
        number(called.tokens_in + called.tokens_out),
        Cell(" + ".join(map(money, called.cost)) or _NONE, right=True),
        _span(took.p50 if took else None),
    ]


def bar(value: int, most: int) -> str:
    """Return a bar of blocks; what is not nothing is seen."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(value / most * _BAR * 8))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


# -- day by day ---------------------------------------------------------------------------------


def _days(output: Output, found: Stats) -> None:
    """Draw what came on each day: files, calls, and what was spent of each currency."""
    days = _span_of_days(found)
    if len(days) < 2:  # noqa: PLR2004  # one day is no picture
        return
    rows = {row.name: row for row in found.rows}
    every = [rows.get(each) for each in days]
    files = [Decimal(row.files.files) if row and row.files else Decimal(0) for row in every]
    calls = [Decimal(row.calls.calls) if row and row.calls else Decimal(0) for row in every]
    currencies = sorted({one.currency for row in every if row for one in _cost(row)})
    pictures = [("files a day", files), ("calls a day", calls)]
    pictures += [
        (f"{currency} a day", [_spent_of(row, currency) for row in every])
        for currency in currencies
    ]
    for title, values in pictures:
        if any(values):
            _picture(output, title, values, days)
            output.text()


def _span_of_days(found: Stats) -> list[str]:
    """Return all days from the first to today; without a time that was asked for, the last ones."""
    today = date.fromisoformat(found.at[:10])
    names = [row.name for row in found.rows if row.name] if found.by == "day" else []
    if not names:
        return []
    first = date.fromisoformat(found.since[:10] if found.since else min(names))
    if not found.since:
        first = max(first, today - timedelta(days=DAYS - 1))
    return [(first + timedelta(days=each)).isoformat() for each in range((today - first).days + 1)]


def _picture(output: Output, title: str, values: Sequence[Decimal], days: Sequence[str]) -> None:
    most = max(values)
    columns = min(COLUMNS, shutil.get_terminal_size().columns)
    top = f"{most:,f}" if most == most.to_integral_value() else f"{_short(most):,f}"
    output.text(title, "head")
    for line in picture(
        [float(value) for value in values],
        top=float(most),
        left=[top, *[""] * (_TALL - 1)],
        below=[days[0], days[-1]],
        columns=columns,
    ):
        output.text(line)


def _short(value: Decimal) -> Decimal:
    places = max(2, _DIGITS - 2 - value.adjusted()) if 0 < value < 1 else 2
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def _cost(row: Row) -> Iterable[Amount]:
    return row.calls.cost if row.calls else ()


def _spent_of(row: Row | None, currency: str) -> Decimal:
    every = _cost(row) if row else ()
    return next((one.amount for one in every if one.currency == currency), Decimal(0))


_NOTHING = Called(calls=0, errors=0, tokens_in=0, tokens_out=0, told=0, priced=0, cost=())
