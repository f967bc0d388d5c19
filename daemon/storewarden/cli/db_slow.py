"""``storewarden db slow``: how many statements databases are asked, and which of them are slow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, number
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.query_times import Day, Kept

_DAY_NS = 86_400 * 10**9
_NOTHING = (
    "no statement was counted up to now; an application counts its own:"
    " from storewarden import watch_queries"
)


@verb
@click.argument("names", nargs=-1, metavar="[DATABASE]...")
@click.option("--days", type=click.IntRange(1, 400), default=7, help="So many days; 7.")
@click.option("--most", type=click.IntRange(1, 200), default=10, help="So many statements; 10.")
def slow(session: Session, *, names: Sequence[str], days: int, most: int) -> int:
    """Show the slow statements of databases, with how each is gone about.

    \b
    storewarden db slow
    storewarden db slow catalogue app.db --days 30

    Slow is what takes more than 0.1 s. The database `catalogue` is our own; of an application's
    is known what it counts: from storewarden import watch_queries. No value is ever kept.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.catalogue import query_times
    from storewarden.cli.listing import our_host
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    _ = session.settings
    now_ns = SystemClock().wall_ns()
    since_ns = (now_ns // _DAY_NS - (days - 1)) * _DAY_NS  # whole days, in UTC
    with session.reading() as engine:
        host = our_host(engine)
        shown_as = _sources(engine, host)
        wanted = _wanted(engine, names, shown_as)
        every = query_times.days(engine, host, since_ns) if host is not None else {}
        sums = [one for one in every.values() if wanted is None or one.source in wanted]
        found = query_times.slow(engine, host, wanted, most, since_ns) if host is not None else []
    _tell(session.output, sums, found, shown_as, now_ns)
    return DONE


def _sources(engine: Engine, host: int | None) -> dict[str, str]:
    """Return the names of databases, by what their statements are kept under."""
    from storewarden.catalogue.databases import known_databases
    from storewarden.databases.statements import source_of

    every = known_databases(engine, host, gone=True) if host is not None else []
    return {source_of(one.place): one.name for one in every}


def _wanted(engine: Engine, names: Sequence[str], shown_as: Mapping[str, str]) -> list[str] | None:
    """Return what the statements of those databases are kept under that are named; None: all."""
    from storewarden.catalogue.query_times import CATALOGUE
    from storewarden.cli.db_look import wanted
    from storewarden.databases.statements import source_of

    if not names:
        return None
    ours = [name for name in names if name == CATALOGUE and name not in shown_as.values()]
    others = [name for name in names if name not in ours]
    found = wanted(engine, others, gone=True) if others else []
    return [*ours, *(source_of(one.place) for one in found)]


def _tell(
    output: Output,
    sums: Sequence[Day],
    found: Sequence[Kept],
    shown_as: Mapping[str, str],
    now_ns: int,
) -> None:
    if output.json:
        output.document(
            {
                "databases": [_sums(one, shown_as) for one in sums],
                "slowest": [_document(one, shown_as) for one in found],
            }
        )
    elif output.terminal:
        _for_people(output, sums, found, shown_as, now_ns)
    else:
        for one in sums:
            name = shown_as.get(one.source, one.source)
            output.fields("database", name, one.statements, one.slow, f"{one.seconds:.3f}")
        for each in found:
            output.fields(*_fields(each, shown_as))


def _sums(one: Day, shown_as: Mapping[str, str]) -> dict[str, Any]:
    return {
        "database": shown_as.get(one.source, one.source),
        "statements": one.statements,
        "slow": one.slow,
        "seconds": round(one.seconds, 6),
    }


def _document(one: Kept, shown_as: Mapping[str, str]) -> dict[str, Any]:
    from storewarden.catalogue.query_times import whole

    return {
        "database": shown_as.get(one.source, one.source),
        "statement": one.statement,
        "times": one.times,
        "worst_seconds": round(one.worst, 6),
        "total_seconds": round(one.total, 6),
        "first_ns": one.first_ns,
        "last_ns": one.last_ns,
        "plan": one.plan.splitlines(),
        "reads_all_of": list(whole(one.plan)),
    }


def _fields(one: Kept, shown_as: Mapping[str, str]) -> tuple[object, ...]:
    from storewarden.catalogue.query_times import whole

    return (
        *("slow", shown_as.get(one.source, one.source), one.times, f"{one.worst:.3f}"),
        *(f"{one.total:.3f}", " ".join(one.statement.split())),
        *("; ".join(line.strip() for line in one.plan.splitlines()), ",".join(whole(one.plan))),
    )


def _for_people(
    output: Output,
    sums: Sequence[Day],
    found: Sequence[Kept],
    shown_as: Mapping[str, str],
    now_ns: int,
) -> None:
    from storewarden.measure.shown import shown

    if not sums and not found:
        output.text(_NOTHING)
        return
    rows = [
        [
            Cell(shown(shown_as.get(one.source, one.source)), "head"),
            number(one.statements),
            Cell(f"{one.slow:,}", "odd" if one.slow else "", right=True),
            Cell(f"{one.seconds:,.1f} s", right=True),
            Cell(_average(one), right=True),
        ]
        for one in sums
    ]
    output.table(("DATABASE", "STATEMENTS", "SLOW", "TOGETHER", "EACH"), rows)
    for each in found:
        _tell_one(output, each, shown_as, now_ns)


def _average(one: Day) -> str:
    return f"{one.seconds / one.statements * 1000:.3g} ms" if one.statements else "–"


def _tell_one(output: Output, one: Kept, shown_as: Mapping[str, str], now_ns: int) -> None:
    from storewarden.catalogue.query_times import whole
    from storewarden.cli.when import ago
    from storewarden.measure.shown import shown

    times = "once" if one.times == 1 else f"{one.times:,} times"
    name = shown(shown_as.get(one.source, one.source))
    output.text()
    output.text(
        f"{name}: {times}, {one.worst:.2f} s at worst, {one.total:.1f} s together, "
        f"last {ago(one.last_ns, now_ns)}",
        "head",
    )
    output.text(f"  {shown(' '.join(one.statement.split()))}")
    for line in one.plan.splitlines():
        output.text(f"    {shown(line.rstrip())}", "dim")
    tables = whole(one.plan)
    if tables:
        output.text(
            f"  → it reads all of {', '.join(map(shown, tables))}: no index serves it", "odd"
        )
