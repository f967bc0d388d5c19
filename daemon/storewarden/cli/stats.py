"""``storewarden stats``: files, calls and their costs, and how long work took."""

from __future__ import annotations

import click

from storewarden.cli.session import Session, verb

BY = ("kind", "model", "tool", "workflow", "user", "provider", "day")


@verb
@click.option("--by", type=click.Choice(BY), help="Tell them apart by this.")
@click.option("--since", metavar="TIME", help="Since 30d ago, or 2026-11-01; from that day on.")
@click.option("--all-hosts", is_flag=True, help="Of every host that shares the catalogue.")
def stats(session: Session, by: str | None, since: str | None, all_hosts: bool) -> int:
    """Tell how many files there are of what, what calls took and cost, how long work took.

    \b
    storewarden stats
    storewarden stats --by model --since 30d
    storewarden stats --by day --since 30d --json

    Files are counted that are there, from the day on which they were first seen. Days are those of
    UTC. Amounts of two currencies are never added together. Percentiles of calls and of files are
    right to within a thirtieth; those of workflows are exact.
    """  # noqa: D301  # click's mark for lines that stay as they are
    _ = session.settings
    from storewarden.api.reading.reader import Reader
    from storewarden.api.reading.stats import stats as read
    from storewarden.api.who import MACHINE
    from storewarden.cli.listing import our_host
    from storewarden.cli.past import past
    from storewarden.cli.stats_told import MOST, tell
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    output, now_ns = session.output, SystemClock().wall_ns()
    since_ns = None if since is None else past(since, now_ns)
    with session.reading() as engine:
        host = None if all_hosts else our_host(engine)
        found = read(
            Reader(engine, MACHINE, host, now_ns),
            by=by or "day",
            since_ns=since_ns,
            limit=MOST if output.terminal and by not in {None, "day"} else None,
        )
    tell(output, found, by)
    return DONE
