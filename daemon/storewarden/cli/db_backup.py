"""``storewarden db backup · restore · drill · forget``: copies that come back, and the proof."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Output, Style, note
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.daemon.tending.wish import Item, TendResult

_STYLES: Mapping[str, Style] = {"done": "", "put_off": "odd", "refused": "odd"}

names_given = click.argument("names", nargs=-1, metavar="[DATABASE]...")


@verb
@names_given
@click.option("--to", metavar="STORE", help="The store; else as the policy says, else here.")
@click.option("--full", is_flag=True, help="A whole one, and not only what changed.")
def backup(session: Session, names: Sequence[str], to: str | None, *, full: bool) -> int:
    """Back databases up while they are used: those that are named, or all.

    \b
    storewarden db backup
    storewarden db backup chat.db --to cloud

    What would come back is checked and read back from its store before it counts. What the policy
    does not keep any more is removed after that. Exit code 1 when one could not be backed up.
    """  # noqa: D301  # click's mark for lines that stay as they are
    result = _tend(session, "backup", names, {"to": to, "full": full})
    _tell(session.output, result, _backed_up, ("store", "kind", "bytes", "stored_bytes", "key"))
    return result.exit_code


@verb
@click.argument("name", metavar="DATABASE")
@click.option("--at", metavar="TIME", help="As it was then: 2h, 2026-11-20, 2026-11-20T18:00.")
@click.option("--to", type=click.Path(path_type=Path), help="Where it comes; nothing may be there.")
@click.option("--store", metavar="NAME", help="Ask this store, and not the catalogue.")
@click.option("--host", metavar="NAME", help="Whose database; with --store.")
def restore(
    session: Session,
    name: str,
    at: str | None,
    to: Path | None,
    store: str | None,
    host: str | None,
) -> int:
    """Bring a database back as it was, never over anything.

    \b
    storewarden db restore chat.db
    storewarden db restore chat.db --at 2h --to /tmp/chat-then.db
    storewarden db restore chat.db --store cloud --to ./chat.db

    One that was moved to a store comes back from there, unless a backup is asked for by --at, --to
    or --store. A backup comes to its place if that is free, else beside it under a name that tells
    its time. It is the newest one of that time or before: storewarden db backups tells all.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.cli.past import past

    options = {
        "at_ns": None if at is None else past(at, time.time_ns()),
        "to": None if to is None else os.path.abspath(to),  # links stay as they are
        "store": store,
        "host": host,
    }
    result = _tend(session, "restore", (name,), options)
    _tell(session.output, result, _restored, ("to", "taken_ns", "bytes", "rows", "store", "key"))
    return result.exit_code


@verb
@names_given
def drill(session: Session, names: Sequence[str]) -> int:
    """Restore the newest backups on trial, check them, and compare their rows.

    Nothing of it is seen. A backup that does not come back as it was counts no more, and the exit
    code is 1.
    """
    result = _tend(session, "drill", names, {})
    _tell(session.output, result, _drilled, ("taken_ns", "store", "key", "seconds"))
    return result.exit_code


@verb
@names_given
@click.option("--dry-run", is_flag=True, help="Tell what would go, and do nothing.")
def forget(session: Session, names: Sequence[str], *, dry_run: bool) -> int:
    """Remove the backups that no rule of their policy keeps, as it is done after each backup.

    The newest good one always stays, with all it is built on; nothing goes before it was met in
    its store. Exit code 1 when something stays that should go.
    """
    result = _tend(session, "forget", names, {"dry_run": dry_run})
    _tell(session.output, result, _forgotten, ("kept", "going", "going_bytes", "gone"))
    return result.exit_code


def _tend(
    session: Session, what: str, names: Sequence[str], options: Mapping[str, Any]
) -> TendResult:
    _ = session.settings
    from storewarden.cli.asking import who
    from storewarden.cli.tending import tend
    from storewarden.daemon.tending.wish import TendWish

    return tend(session, TendWish(what, tuple(names), options, who()))


# -- what came of it ----------------------------------------------------------------------------


def _tell(
    output: Output, result: TendResult, sentence: Callable[[Item], str], facts: Sequence[str]
) -> None:
    if output.json:
        items = [_document(item) for item in result.items]
        output.document({"items": items, "seconds": round(result.seconds, 3)})
        return
    for item in result.items:
        if not output.terminal:
            told = [item.facts.get(fact, "") for fact in facts]
            output.fields(item.database, item.outcome, *told, item.why, item.remedy)
        elif item.outcome == "done":
            output.text(sentence(item))
        else:
            _for_people(output, item)
    if output.terminal and not result.items:
        note("there is no database that this could be done for: storewarden db list")


def _for_people(output: Output, item: Item) -> None:
    from storewarden.measure.shown import shown

    came = "" if item.outcome == "found" else f"{item.outcome.replace('_', ' ')}: "
    said = shown(f"{came}{item.why}")
    output.text(f"{shown(item.database)}: {said}", _STYLES.get(item.outcome, "bad"))
    if item.remedy:
        output.text(f"  {shown(item.remedy)}")


def _document(item: Item) -> dict[str, Any]:
    return {
        "database": item.database,
        "outcome": item.outcome,
        "why": item.why or None,
        "remedy": item.remedy or None,
        **item.facts,
    }


def _backed_up(item: Item) -> str:
    from storewarden.measure.shown import shown
    from storewarden.units import format_duration, format_size

    facts = item.facts
    kind = "whole"
    if facts["kind"] == "increment":
        kind = f"{facts['changed_pages']:,} of {facts['pages']:,} pages changed"
    removed = facts.get("removed")
    went = f"; {_backups(removed)} not kept any more" if removed else ""
    return (
        f"{shown(item.database)}: backed up to {facts['store']}, {kind},"
        f" {format_size(facts['stored_bytes'])} of {format_size(facts['bytes'])},"
        f" read back and checked, in {format_duration(facts['seconds'])}{went}"
    )


def _restored(item: Item) -> str:
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    facts = item.facts
    size = f"{format_size(facts['bytes'])}, {facts['rows']:,} rows, checked"
    if "taken_ns" not in facts:
        return f"{shown(facts['to'])}: back from {facts['store']}, {size}"
    until = facts.get("next_ns")
    later = f"; the next backup is of {moment(until)}" if until else ""
    lacking = "".join(f"\n  not as it was: {shown(one)}" for one in facts["lacking"])
    return (
        f"{shown(facts['to'])}: {shown(item.database)} as it was at {moment(facts['taken_ns'])},"
        f" {size}{later}{lacking}"
    )


def _drilled(item: Item) -> str:
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown
    from storewarden.units import format_duration

    facts = item.facts
    return (
        f"{shown(item.database)}: its backup of {moment(facts['taken_ns'])} in {facts['store']}"
        f" comes back as it was, proven in {format_duration(facts['seconds'])}"
    )


def _forgotten(item: Item) -> str:
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    facts = item.facts
    would = "would go" if facts["dry_run"] else "gone"
    size = f" ({format_size(facts['going_bytes'])})" if facts["going"] else ""
    lines = [f"{shown(item.database)}: {facts['kept']:,} kept, {facts['going']:,} {would}{size}"]
    for one in facts["backups"]:
        why = ", ".join(one["reasons"]) or would
        lines.append(f"  {moment(one['taken_ns'])}  {one['kind']:9}  {why}")
    return "\n".join(lines)


def _backups(count: int) -> str:
    return "1 backup is" if count == 1 else f"{count:,} backups are"
