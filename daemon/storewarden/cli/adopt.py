"""``storewarden adopt``: an application's own tables are taken over into the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, note, number
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.api.adopting.adopt import Adopted, Ground, Wish
    from storewarden.api.adopting.report import Figures, Remark, Report
    from storewarden.catalogue.engine import Engine

SHOWN = 20  # remarks that a person reads; pipes get all of them
LONGEST = 80  # characters of what a database is called
_NOTHING = "nothing was taken over: --dry-run"


@verb
@click.argument("database")
@click.option("--map", "map_", metavar="FILE|NAME", help="What becomes of which column.")
@click.option(
    *("--base", "bases"), metavar="DIRECTORY", multiple=True, help="Where its paths may begin."
)
@click.option(
    *("--moved", "moves"), metavar="OLD=NEW", multiple=True, help="How paths began, and begin now."
)
@click.option("--source", metavar="NAME", help="What to know it by, wherever it lies.")
@click.option("--dry-run", is_flag=True, help="Read, check and match everything, and tell nothing.")
def adopt(
    session: Session,
    database: str,
    map_: str | None,
    bases: Sequence[str],
    moves: Sequence[str],
    source: str | None,
    dry_run: bool,
) -> int:
    """Take over what an application keeps in a SQLite database of its own.

    \b
    storewarden adopt app.db --dry-run
    storewarden adopt app.db --map workflow-app --base /srv/app
    storewarden adopt old.db --moved /home/ann/app=/srv/app

    Workflows, scenes, files, API usage, users, transcripts and chats are told as if the
    application told them now. The database is only read, while the application may go on using it.
    Without --map, one of those that are shipped is chosen by the tables that there are:
    workflow-app or video-analyzer. Run again, nothing is doubled. No secret is taken over: give
    users new tokens.

    Exit code 1 when there are rows that could not be taken over.
    """  # noqa: D301  # click's mark for lines that stay as they are
    wish = _wish(database, map_, bases, moves, source, dry_run)
    settings = session.settings
    from storewarden.api.adopting.adopt import adopt as take_over
    from storewarden.api.adopting.report import Report
    from storewarden.catalogue.migrate import require_current
    from storewarden.cli.progress import Progress
    from storewarden.errors import DONE, FAILED

    output = session.output
    report = Report()
    if not output.json and not output.terminal:
        report.hear = lambda remark: output.fields(*_plain(remark))
    engine = session.catalogue(readonly=dry_run)
    try:
        require_current(engine)
        ground = _ground(engine, settings.state)
        with Progress("rows") as bar:
            adopted = take_over(
                wish, ground, report, lambda what, done, total: bar.update(done, total, what)
            )
    finally:
        engine.close()
    _tell(output, wish, adopted)
    return FAILED if report.wrong else DONE


def _wish(
    database: str,
    map_: str | None,
    bases: Sequence[str],
    moves: Sequence[str],
    source: str | None,
    dry_run: bool,
) -> Wish:
    import os

    from storewarden.api.adopting.adopt import Wish
    from storewarden.api.adopting.matching import Hints, written_moves
    from storewarden.errors import UsageError

    try:
        moved = written_moves(moves)
    except ValueError as error:
        why = "it is OLD=NEW, and NEW is absolute: --moved /home/ann/app=/srv/app"
        raise UsageError("this is no move", where=str(error), why=why) from None
    if source is not None and not (source.isprintable() and 0 < len(source) <= LONGEST):
        raise UsageError("this is no name of a source", why="it is one line, and not too long")
    hints = Hints(tuple(os.fsencode(os.path.abspath(base)) for base in bases), moved)
    path = os.fsencode(os.path.abspath(database))
    return Wish(path, map_, hints, source, dry_run)


def _ground(engine: Engine, state: Any) -> Ground:
    from storewarden.api.adopting.adopt import Ground
    from storewarden.catalogue.roots import roots, this_machine
    from storewarden.cli.listing import our_host
    from storewarden.clock import SystemClock
    from storewarden.errors import StorewardenError

    host = our_host(engine)
    if host is None:
        why = "nothing of this machine is recorded yet"
        raise StorewardenError("nothing can be taken over", why=why, remedy="storewarden scan")
    machine, ours = this_machine().machine_id, tuple(roots(engine, host))
    return Ground(engine, host, machine, ours, state / "scratch", SystemClock())


def _tell(output: Output, wish: Wish, adopted: Adopted) -> None:
    report = adopted.report
    if output.json:
        output.document(_document(wish, adopted))
    elif output.terminal:
        _for_people(output, wish, adopted)
    else:
        for (table, kind), one in report.figures.items():
            counts = (one.new, one.known, one.bad, one.unmatched)
            output.fields(table, kind, report.rows[table], *counts)
        for state, files in sorted(report.files.items()):
            output.fields("files", state, files)
    if report.strangers and not output.json:
        from storewarden.measure.shown import shown

        names = shown(", ".join(sorted(report.strangers)[:5]))
        note(f"storewarden: told in nobody's name, for there is no such user: {names}")


def _document(wish: Wish, adopted: Adopted) -> dict[str, Any]:
    from storewarden.cli.output import named

    report = adopted.report
    return {
        **named("database", wish.database),
        "map": adopted.map,
        "source": adopted.source,
        "dry_run": wish.dry_run,
        "tables": [
            {"table": table, "tells": kind, "rows": report.rows[table], **_figures(one, wish)}
            for (table, kind), one in report.figures.items()
        ],
        "files": {name: report.files[name] for name in _FILES},
        "remarks": [_remark(one) for one in report.remarks],
        "remarks_more": max(0, report.noticed - len(report.remarks)),
        "left": {
            "tables": list(report.tables_left),
            "columns": {table: list(names) for table, names in report.columns_left.items()},
        },
        "unknown_users": sorted(report.strangers),
    }


_FILES = ("there", "kept", "absent", "outside", "other_size")


def _figures(one: Figures, wish: Wish) -> dict[str, int]:
    if wish.dry_run:
        return {"would_tell": one.told, "bad": one.bad, "unmatched": one.unmatched}
    return {"new": one.new, "known": one.known, "bad": one.bad, "unmatched": one.unmatched}


def _remark(remark: Remark) -> dict[str, Any]:
    what, at, kind, where, why = remark
    told = {"what": what, "table": at.table, "row": list(at.key), "tells": kind}
    return told | {"path" if what == "unmatched" else "column": where, "why": why}


def _plain(remark: Remark) -> tuple[object, ...]:
    what, at, kind, where, why = remark
    return what, at.table, ", ".join(map(str, at.key)), kind, where, why


def _for_people(output: Output, wish: Wish, adopted: Adopted) -> None:
    from storewarden.measure.shown import shown

    report = adopted.report
    output.text(f"{shown(wish.database)}, by the map {adopted.map}", "head")
    output.text()
    heads = ("table", "rows", "tells", *(("would tell",) if wish.dry_run else ("new", "known")))
    output.table((*heads, "bad", "no root"), list(_rows(report, wish)))
    output.text()
    _tell_files(output, report)
    _tell_left(output, report)
    for remark in report.remarks[:SHOWN]:
        what, at, kind, where, why = remark
        about = f"{where} " if what == "unmatched" else f"{where}: " if where else ""
        output.text(f"{at} ({kind}): {about}{why}", "odd" if what == "unmatched" else "bad")
    if report.noticed > SHOWN:
        output.text(f"… and {report.noticed - SHOWN:,} more; a pipe gets all of them", "dim")
    if wish.dry_run:
        output.text(_NOTHING, "dim")


def _rows(report: Report, wish: Wish) -> Any:
    last = ""
    for (table, kind), one in report.figures.items():
        counts = (one.told,) if wish.dry_run else (one.new, one.known)
        again = table == last
        yield [
            Cell("" if again else table),
            Cell("", right=True) if again else number(report.rows[table]),
            Cell(kind),
            *map(number, counts),
            Cell(f"{one.bad:,}", "bad" if one.bad else "", right=True),
            Cell(f"{one.unmatched:,}", "odd" if one.unmatched else "", right=True),
        ]
        last = table


def _tell_files(output: Output, report: Report) -> None:
    words = {
        "there": "there",
        "kept": "put away by Storewarden",
        "absent": "not there: told, should they come back",
        "outside": "below none of the roots: not told",
    }
    told = [f"{report.files[name]:,} {words[name]}" for name in words if report.files[name]]
    if told:
        output.text(f"files: {'; '.join(told)}")
    if report.files["other_size"]:
        output.text(f"of another size than the application says: {report.files['other_size']:,}")


def _tell_left(output: Output, report: Report) -> None:
    from storewarden.measure.shown import shown

    left = [shown(name) for name in report.tables_left]
    left += [
        shown(f"{table}.{name}") for table, names in report.columns_left.items() for name in names
    ]
    if left:
        output.text(f"not taken over: {', '.join(left)}", "dim")
