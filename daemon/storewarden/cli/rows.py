"""``storewarden rows …``: retention inside applications' databases, as plan and apply of files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, Style, note
from storewarden.cli.session import Session, common, verb

if TYPE_CHECKING:
    from storewarden.catalogue.row_archives import Archive
    from storewarden.daemon.tending.wish import Item, TendResult

_STYLES: Mapping[str, Style] = {"done": "", "put_off": "odd", "refused": "odd", "found": "found"}
_FEW = 4  # numbers that are told one by one


@click.group(subcommand_metavar="VERB ...")
def rows() -> None:
    """Keep rows of applications' tables as long as policies say: archive, bring back, clean."""


common(rows)
names_given = click.argument("names", nargs=-1, metavar="[TABLE]...")


@verb
@names_given
def plan(session: Session, names: Sequence[str]) -> int:
    """Tell which rows are due by policies about rows, with what hangs on them; nothing is changed.

    TABLE is a name of the configuration's `tables`. What a limit or a first look keeps back is
    told with its reason. Exit code 1 when a table cannot be used as it is declared.
    """
    result = _tend(session, "rows_plan", names, {})
    if session.json:
        session.output.document(_document(result))
    else:
        _tell_plan(session.output, result)
    return result.exit_code


@verb
@names_given
@click.option("--yes", "-y", is_flag=True, help="Go on without asking, beyond limits, too.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
def apply(session: Session, names: Sequence[str], *, yes: bool, dry_run: bool) -> int:
    """Archive what is due, and remove archives whose time is over.

    \b
    storewarden rows apply                     tells it, asks, does it
    storewarden rows apply app.conversations --yes

    Rows leave their table when their archive was read back whole from its store, and only as they
    were archived: what changed meanwhile stays. Who says yes lets the policies that are shown act,
    by themselves from then on. Exit code 1 when not all was done.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.cli.asking import wanted
    from storewarden.errors import DONE

    planned = _tend(session, "rows_plan", names, {})
    if session.output.terminal:
        _tell_plan(session.output, planned)
    due = [one for one in planned.items if one.outcome == "done" and one.facts.get("rows")]
    if dry_run:
        if session.json:
            session.output.document(_document(planned) | {"dry_run": True})
        elif not session.output.terminal:
            _tell_plan(session.output, planned)
        return planned.exit_code
    if session.output.terminal and not due:
        return planned.exit_code
    if not wanted(session, yes=yes):
        return DONE
    seen = yes or session.output.terminal
    approves = sorted({str(one.facts["policy"]) for one in due}) if seen else []
    result = _tend(session, "rows_apply", names, {"approves": approves})
    _tell(session.output, result)
    return result.exit_code


@verb
@names_given
@click.option("--clean", is_flag=True, help="Archive them, and take them out of their tables.")
@click.option("--yes", "-y", is_flag=True, help="Go on without asking, beyond limits, too.")
def orphans(session: Session, names: Sequence[str], *, clean: bool, yes: bool) -> int:
    """Count rows that hang on nothing: children without a parent, rows whose file is gone.

    With --clean they are archived and leave; `rows restore --archive` brings them back. A file
    that storewarden took away is not gone, nor one on a disk that is not there. Exit code 1 when
    there are any.
    """
    from storewarden.cli.asking import wanted
    from storewarden.errors import DONE

    if clean and session.output.terminal:
        _tell(session.output, _tend(session, "rows_orphans", names, {}))
        if not wanted(session, yes=yes):
            return DONE
    result = _tend(session, "rows_orphans", names, {"clean": clean, "yes": yes})
    _tell(session.output, result)
    return result.exit_code


@verb
@click.argument("name", metavar="TABLE")
@click.option("--key", multiple=True, metavar="KEY", help="This row; may be said again.")
@click.option("--from", "since", metavar="TIME", help="Rows since: 400d, 2025-11-20.")
@click.option("--to", "upto", metavar="TIME", help="Rows until then.")
@click.option("--archive", type=int, metavar="ID", help="All rows of this archive.")
@click.option("--dangling", is_flag=True, help="Even where what they refer to is gone.")
def restore(
    session: Session,
    name: str,
    *,
    key: Sequence[str],
    since: str | None,
    upto: str | None,
    archive: int | None,
    dangling: bool,
) -> int:
    """Bring archived rows back into their table, with all that hung on them, or none of them.

    \b
    storewarden rows restore app.conversations --key 4711
    storewarden rows restore app.conversations --from 2024-01-01 --to 2024-02-01
    storewarden rows restore app.conversations --archive 12

    Times are those that the rows' clock shows. What stands in the table stays: a row whose key is
    taken does not come back. A key of several columns is written with commas. What came back stays
    as long as a new row would.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.cli.past import past
    from storewarden.errors import UsageError

    if not (key or since or upto or archive):
        raise UsageError(
            "nothing says which rows", remedy="say --key, --from and --to, or --archive"
        )
    now_ns = time.time_ns()
    options = {
        "keys": [one.split(",") if "," in one else [one] for one in key],
        "from_ns": None if since is None else past(since, now_ns),
        "to_ns": None if upto is None else past(upto, now_ns),
        "archive": archive,
        "dangling": dangling,
    }
    result = _tend(session, "rows_restore", (name,), options)
    _tell(session.output, result)
    return result.exit_code


@verb
@names_given
@click.option("--all", "whole", is_flag=True, help="Also those that were purged or undone.")
def archives(session: Session, names: Sequence[str], *, whole: bool) -> int:
    """List archives of rows: of when, how many rows, where, and why."""
    _ = session.settings
    from storewarden.errors import DONE

    found = _recorded(session, names, whole=whole)
    output = session.output
    if output.json:
        output.document({"archives": [_archive(one) for one in found]})
    elif output.terminal:
        _tell_archives(output, found)
    else:
        for one in found:
            told = _archive(one)
            output.fields(*("" if told[name] is None else told[name] for name in _FIELDS))
    return DONE


_FIELDS = ("id", "table", "state", "rows", "bytes", "stored_bytes", "store", "key", "policy")


def _recorded(session: Session, names: Sequence[str], *, whole: bool) -> list[Archive]:
    from storewarden.catalogue import row_archives
    from storewarden.cli.listing import our_host

    with session.reading() as engine:
        host = our_host(engine)
        if host is None:
            return []
        states = () if whole else (*row_archives.OPEN, "done")
        found = row_archives.archives(engine, host, states=states)
        return [one for one in found if not names or one.name in names]


def _archive(one: Archive) -> dict[str, Any]:
    return {
        "id": one.id,
        "table": one.name,
        "state": one.state,
        "rows": one.rows,
        "children": dict(one.children),
        "first_ns": one.first_ns,
        "last_ns": one.last_ns,
        "bytes": one.size,
        "stored_bytes": one.stored_bytes,
        "store": one.store,
        "key": one.key,
        "policy": one.policy,
        "reason": one.reason,
        "began_ns": one.began_ns,
        "purged_ns": one.purged_ns,
        "trouble": one.trouble or None,
    }


def _tell_archives(output: Output, found: Sequence[Archive]) -> None:
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    if not found:
        note("there are no archives of rows: storewarden rows plan tells what is due")
        return
    heads = ("archive", "table", "rows", "of", "stored", "why")
    rows = []
    for one in found:
        span = f"{moment(one.first_ns)[:10]} – {moment(one.last_ns)[:10]}"
        state = "" if one.state == "done" else f"{one.state}: "
        rows.append(
            [
                *(Cell(str(one.id), right=True), Cell(shown(one.name))),
                Cell(", ".join(filter(None, [f"{one.rows:,}", _with(one.children)]))),
                Cell("" if one.first_ns is None else span),
                Cell(f"{format_size(one.stored_bytes)} in {one.store}"),
                Cell(shown(f"{state}{one.policy or one.reason}"), "odd" if state else ""),
            ]
        )
    output.table(heads, rows)


# -- what came of it ----------------------------------------------------------------------------


def _tend(
    session: Session, what: str, names: Sequence[str], options: Mapping[str, Any]
) -> TendResult:
    _ = session.settings
    from storewarden.cli.asking import who
    from storewarden.cli.tending import tend
    from storewarden.daemon.tending.wish import TendWish

    return tend(session, TendWish(what, tuple(names), options, who()), "rows")


def _document(result: TendResult) -> dict[str, Any]:
    items = [
        {
            "table": one.database,
            "outcome": one.outcome,
            "why": one.why or None,
            "remedy": one.remedy or None,
            **one.facts,
        }
        for one in result.items
    ]
    return {"items": items, "seconds": round(result.seconds, 3)}


def _hanging(one: Item) -> list[str]:
    told = _with(one.facts.get("children", {}))
    return [told] if told else []


def _with(children: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in children.items() if count)


def _tell_plan(output: Output, result: TendResult) -> None:
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    if not output.terminal:
        for one in result.items:
            told = one.facts
            output.fields(
                *(one.database, one.outcome, told.get("action") or "", told.get("rows", 0)),
                *(
                    told.get("bytes", 0),
                    told.get("policy") or "",
                    "; ".join(told.get("blocked", ())),
                ),
                *(one.why, one.remedy),
            )
        return
    due = [one for one in result.items if one.outcome == "done" and one.facts.get("action")]
    rows = [
        [
            *(Cell(shown(one.database)), Cell(one.facts["action"])),
            Cell(", ".join([f"{one.facts['rows']:,}", *_hanging(one)])),
            *(Cell(format_size(one.facts["bytes"])), Cell(shown(one.facts["policy"]))),
            Cell(shown(one.facts["reason"])),
        ]
        for one in due
    ]
    if rows:
        output.table(("table", "do", "rows", "about", "policy", "why"), rows)
    for one in result.items:
        _remark(output, one)
    if not result.items:
        note("no table is declared: tables in the configuration")


def _remark(output: Output, one: Item) -> None:
    """Tell what stands against it, and what is odd."""
    from storewarden.measure.shown import shown

    name, told = shown(one.database), one.facts
    if one.outcome != "done":
        output.text(f"{name}: {shown(one.why)}", "bad")
        if one.remedy:
            output.text(f"  {shown(one.remedy)}")
    elif not told.get("action"):
        output.text(f"{name}: {one.why}", "dim")
    if told.get("rows") and told.get("blocked"):
        for why in told["blocked"]:
            output.text(f"{name}, {told['policy']}: kept back: {shown(why)}", "odd")
    if told.get("timeless"):
        output.text(f"{name}: {told['timeless']:,} rows show no time: they are never due", "odd")
    for column in told.get("slow", ()):
        output.text(f"{name}: no index finds rows by {shown(column)}: each step reads all", "odd")


def _tell(output: Output, result: TendResult) -> None:
    if output.json:
        output.document(_document(result))
        return
    for one in result.items:
        told = one.facts
        if output.terminal:
            _sentence(output, one)
            continue
        rows = told.get("rows", 0)
        rows = sum(rows.values()) if isinstance(rows, Mapping) else rows
        what = told.get("action") or told.get("figure") or ""
        output.fields(
            *(one.database, one.outcome, what, rows, told.get("left", "")), one.why, one.remedy
        )
    if output.terminal and not result.items:
        note("nothing is due: storewarden rows plan")


def _sentence(output: Output, one: Item) -> None:
    from storewarden.measure.shown import shown

    style = _STYLES.get(one.outcome, "bad")
    if one.outcome in ("done", "found"):
        output.text(f"{shown(one.database)}: {_came(one.facts)}", style)
        return
    output.text(f"{shown(one.database)}: {one.outcome.replace('_', ' ')}: {shown(one.why)}", style)
    if one.remedy:
        output.text(f"  {shown(one.remedy)}")


def _came(told: Mapping[str, Any]) -> str:
    """Return what came of it, in words."""
    from storewarden.units import format_size

    if "met" in told:
        back = sum(told["rows"].values())
        there = f"; {told['there']:,} have their place taken" if told["there"] else ""
        return f"{back:,} rows came back from archive {told['archive']}{there}"
    if told.get("action") == "purge":
        return (
            f"{told['rows']:,} rows are gone for good, with archives {_numbers(told['archives'])}"
        )
    if "archived" in told:
        stayed = f"; {told['stayed']:,} changed meanwhile and stay" if told["stayed"] else ""
        size = format_size(told["stored_bytes"])
        where = _numbers(told["archived"])
        return f"{told['left']:,} rows left their table for archive {where}, {size}{stayed}"
    what = told["figure"].replace("orphans.", "children without a parent in ")
    what = what.replace("fileless", "rows whose file is gone")
    return f"{what}: {told['rows']:,}"


def _numbers(numbers: Sequence[int]) -> str:
    if len(numbers) > _FEW:
        return f"{min(numbers)} to {max(numbers)}"
    return ", ".join(map(str, numbers)) or "none"


for _verb in (plan, apply, orphans, restore, archives):
    rows.add_command(_verb)
