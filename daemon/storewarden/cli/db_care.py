"""``storewarden db check · vacuum · analyze``: whether databases are whole, and stay small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Output, Style, note
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.daemon.tending.wish import Item, TendResult

_STYLES: Mapping[str, Style] = {"put_off": "odd", "refused": "odd"}

names_given = click.argument("names", nargs=-1, metavar="[DATABASE]...")


@verb
@names_given
@click.option("--quick", is_flag=True, help="Compare no index with its table: some times faster.")
@click.option(
    "--foreign-keys/--no-foreign-keys",
    default=True,
    help="Look for rows that name a parent which is not there; so it is without this.",
)
def check(session: Session, names: Sequence[str], *, quick: bool, foreign_keys: bool) -> int:
    """Tell whether databases are whole: those that are named, or all.

    \b
    storewarden db check
    storewarden db check chat.db --quick

    Nothing is changed, nothing is left beside them, and who uses one is not kept waiting: it is
    checked on a copy. What is wrong is told with its table and page, and with what helps; --json
    has the first hundred. Exit code 1 when something was found, or could not be checked.
    """  # noqa: D301  # click's mark for lines that stay as they are
    result = _tend(session, "check", names, {"quick": quick, "foreign_keys": foreign_keys})
    _tell(session.output, result, _checked, _check_fields)
    return result.exit_code


@verb
@names_given
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
def vacuum(session: Session, names: Sequence[str], *, dry_run: bool) -> int:
    """Rewrite databases without their empty pages: those that are named, or all where it pays.

    \b
    storewarden db vacuum --dry-run
    storewarden db vacuum chat.db

    It pays when much of a database is free (a quarter, or as its policy says when), nobody wrote
    to it in the last minutes, and twice its size is free beside it. One that somebody has open is
    left alone, and who comes meanwhile gets it as it was. Every row keeps its number. A copy is
    proven first, and kept until the database itself has passed its check.
    """  # noqa: D301  # click's mark for lines that stay as they are
    result = _tend(session, "vacuum", names, {"dry_run": dry_run})
    _tell(session.output, result, _vacuumed, _vacuum_fields)
    return result.exit_code


@verb
@names_given
def analyze(session: Session, names: Sequence[str]) -> int:
    """Renew the figures by which SQLite decides how it goes about a statement.

    Of databases that are named, or of all. A table of one that is in use is locked for a fifth of
    a second at most; what takes longer is left, and told.
    """
    result = _tend(session, "analyze", names, {})
    _tell(session.output, result, _analyzed, _analyze_fields)
    return result.exit_code


def _tend(
    session: Session, what: str, names: Sequence[str], options: Mapping[str, Any]
) -> TendResult:
    _ = session.settings
    from storewarden.cli.asking import who
    from storewarden.cli.tending import tend
    from storewarden.daemon.tending.wish import TendWish

    return tend(session, TendWish(what, tuple(names), options, who()))


# -- what came of it ------------------------------------------------------------------------------


def _tell(
    output: Output,
    result: TendResult,
    sentence: Callable[[Item], str],
    fields: Callable[[Item], Sequence[object]],
) -> None:
    if output.json:
        items = [_document(item) for item in result.items]
        output.document({"items": items, "seconds": round(result.seconds, 3)})
        return
    for item in result.items:
        if not output.terminal:
            output.fields(item.database, item.outcome, *fields(item), item.why, item.remedy)
        elif item.outcome == "done":
            output.text(sentence(item))
        else:
            _wrong(output, item)
    if output.terminal and not result.items:
        note("there is no database that this could be done for: storewarden db list")


def _document(item: Item) -> dict[str, Any]:
    told = {"why": item.why or None, "remedy": item.remedy or None}
    return {"database": item.database, "outcome": item.outcome, **told, **item.facts}


def _wrong(output: Output, item: Item) -> None:
    from storewarden.measure.shown import shown

    said = shown(f"{item.outcome.replace('_', ' ')}: {item.why}")
    output.text(f"{shown(item.database)}: {said}", _STYLES.get(item.outcome, "bad"))
    if item.remedy:
        output.text(f"  {shown(item.remedy)}")


def _while(item: Item) -> str:
    from storewarden.units import format_duration

    return format_duration(float(item.facts.get("seconds", 0.0)))


def _checked(item: Item) -> str:
    from storewarden.measure.shown import shown

    facts = item.facts
    if item.why:
        return f"{shown(item.database)}: {shown(item.why)}"
    how = "checked quickly" if facts["quick"] else "checked"
    tables = "1 table" if facts["tables"] == 1 else f"{facts['tables']:,} tables"
    return f"{shown(item.database)}: whole, {tables} {how} in {_while(item)}"


def _check_fields(item: Item) -> Sequence[object]:
    facts = item.facts
    return (facts.get("integrity", ""), facts.get("count", ""), facts.get("tables", ""))


def _vacuumed(item: Item) -> str:
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    facts, name = item.facts, shown(item.database)
    if "gained" in facts:
        sizes = f"{format_size(facts['before'])} are now {format_size(facts['after'])}"
        return f"{name}: {format_size(facts['gained'])} gained, {sizes}, in {_while(item)}"
    words = {"pays": "would be rewritten", "no": "not worth it", "later": "not now"}
    return f"{name}: {words[facts['decision']]}: {shown(item.why)}"


def _vacuum_fields(item: Item) -> Sequence[object]:
    facts = item.facts
    return tuple(facts.get(key, "") for key in ("before", "after", "gained", "gain"))


def _analyzed(item: Item) -> str:
    from storewarden.measure.shown import shown

    count = len(item.facts["tables"])
    tables = "1 table" if count == 1 else f"{count:,} tables"
    return f"{shown(item.database)}: {tables} analyzed"


def _analyze_fields(item: Item) -> Sequence[object]:
    return (len(item.facts.get("tables", ())),)
