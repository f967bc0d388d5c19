"""``storewarden db migrate``: databases go to where policies want them, in three phases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.db_known import policies_named, recorded
from storewarden.cli.output import Output, Style, note
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.daemon.tending.wish import Item, TendResult
    from storewarden.databases.migrate import Database, Migration, Task

_PAST = {"secure": "secured", "move": "moved", "return": "brought back"}
_STYLES: dict[str, Style] = {"done": "", "put_off": "odd", "refused": "odd"}


@verb
@click.argument("names", nargs=-1, metavar="[DATABASE]...")
@click.option("--phase", type=click.IntRange(1, 3), help="One of the three only.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Move so many at most.")
@click.option(
    "--idle",
    default="10min",
    metavar="TIME",
    help="Move what nobody used for so long; else 10min.",
)
@click.option(
    "--slower",
    type=click.FloatRange(1),
    default=2.0,
    metavar="TIMES",
    help="Wait while what stays is so many times slower than before; else 2.",
)
@click.option("--yes", "-y", is_flag=True, help="Go on without asking.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
def migrate(
    session: Session,
    *,
    names: Sequence[str],
    phase: int | None,
    limit: int | None,
    idle: str,
    slower: float,
    yes: bool,
    dry_run: bool,
) -> int:
    """Move databases to where they belong: what stays is secured first, then one goes at a time.

    \b
    storewarden db migrate --dry-run
    storewarden db migrate --phase 2 --limit 5
    storewarden db migrate analytics.db

    Only what is idle and sound goes, with its logs. Each copy is read back whole before its file
    goes here, and the next one waits while what stays is slower than before. What is open is put
    off: say it again later. storewarden undo brings all back. Exit code 1 when not all was done.
    """  # noqa: D301  # click's mark for lines that stay as they are
    policies = policies_named(session, None)
    from storewarden.cli import typed
    from storewarden.cli.asking import wanted, who
    from storewarden.cli.db_plan import tell as tell_plan
    from storewarden.cli.tending import tend
    from storewarden.clock import SystemClock
    from storewarden.daemon.tending.known import meant
    from storewarden.daemon.tending.wish import TendWish
    from storewarden.databases.migrate import migration
    from storewarden.errors import DONE

    idle_ns = _length(idle)

    def planned(databases: Sequence[Database]) -> Migration:
        return migration(policies, databases, SystemClock().wall_ns(), idle_ns)

    found = planned(recorded(session))
    tops = {root.name: root.path for root in session.settings.roots}
    tasks = [
        task
        for task in found.tasks
        if phase in {None, task.phase}
        and (task.what == "secure" or meant(task.database.subject, names, tops))
    ]
    _require_named(names, tasks)
    if dry_run or session.output.terminal:
        tell_plan(session.output, found, _limited(tasks, limit), brief=True)
    if dry_run:
        return DONE
    if not wanted(session, yes=yes):
        return DONE
    options = {"phase": phase, "limit": limit}
    said = {name: None if value is None else str(value) for name, value in options.items()}
    line = typed.numbered(typed.command("db migrate", names, **said))
    asked = options | {"idle_ns": idle_ns, "slower": slower, "reason": line}
    result = tend(session, TendWish("migrate", tuple(names), asked, who()), "migrate")
    _tell(session.output, result, planned(recorded(session)), typed.token(line))
    return result.exit_code


def _length(text: str) -> int:
    """Return a length of time in nanoseconds; raises UsageError when it is none."""
    from storewarden.errors import UsageError
    from storewarden.units import parse_duration

    try:
        return int(parse_duration(text) * 1_000_000_000)
    except ValueError as error:
        raise UsageError("--idle is no length of time", where=text, why=str(error)) from error


def _require_named(names: Sequence[str], tasks: Sequence[Task]) -> None:
    """Raise what is to be told when none of the databases that were named is to be moved."""
    if not names or any(task.what != "secure" for task in tasks):
        return
    from storewarden.errors import StorewardenError

    raise StorewardenError(
        "no such database",
        where=", ".join(names),
        why="none is recorded that a policy says so of",
        remedy="storewarden db plan",
    )


def _limited(tasks: Sequence[Task], limit: int | None) -> list[Task]:
    """Return tasks of which only so many are moved now."""
    going = [task for task in tasks if task.moves and not task.later and task.phase > 1]
    left = going[limit:] if limit is not None else []
    return [task for task in tasks if task not in left]


# -- what came of it ----------------------------------------------------------------------------


def _tell(output: Output, result: TendResult, after: Migration, token: str) -> None:
    from storewarden.cli.db_plan import share, totals

    if output.json:
        items = [_document(item) for item in result.items]
        output.document(
            {
                "items": items,
                "totals": totals(after),
                "undo": token,
                "seconds": round(result.seconds, 3),
            }
        )
    elif output.terminal:
        _for_people(output, result, share(after), token)
    else:
        for item in result.items:
            freed = item.facts.get("freed", 0)
            output.fields(item.what, item.database, item.outcome, freed, item.why, item.remedy)


def _document(item: Item) -> dict[str, Any]:
    return {
        "database": item.database,
        "what": item.what,
        "outcome": item.outcome,
        "why": item.why or None,
        "remedy": item.remedy or None,
        **item.facts,
    }


def _for_people(output: Output, result: TendResult, share: str, token: str) -> None:
    from storewarden.measure.shown import shown
    from storewarden.units import format_duration, format_size

    output.text()
    for what, past in _PAST.items():
        done = [one for one in result.items if one.what == what and one.outcome == "done"]
        if done:
            freed = sum(int(one.facts.get("freed", 0)) for one in done)
            more = f", {format_size(freed)} freed" if freed else ""
            count = "1 database" if len(done) == 1 else f"{len(done):,} databases"
            output.text(f"{count} {past}{more}", "good")
    for item in result.items:
        if item.outcome != "done":
            said = ": ".join(part for part in (item.outcome.replace("_", " "), item.why) if part)
            remedy = f" ({item.remedy})" if item.remedy else ""
            style = _STYLES.get(item.outcome, "bad")
            output.text(f"  {shown(item.database)}: {shown(said)}{remedy}", style)
    output.text(f"{share}, in {format_duration(result.seconds)}")
    if any(one.what == "move" and one.outcome == "done" for one in result.items):
        note(f"storewarden undo {token} takes it back")
