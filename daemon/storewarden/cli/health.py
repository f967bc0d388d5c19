"""``storewarden health``: the score, every lost point with its remedy, and how it was before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.health_history import Was
    from storewarden.cli.scored import Scored
    from storewarden.health.score import Deduction

TALL = 5
COLUMNS = 72
MOST_CHANGES = 20  # that are told on a terminal
_LEFT = ["100", "80", "60", "40", "20"]
_MARGIN = 5  # of the picture: its labels, a space, its edge


@verb
@click.option(
    "--since",
    metavar="TIME",
    help="Also how it was: since 7d ago, or since 2026-11-20T18:00, with what was lost and"
    " came back.",
)
def health(session: Session, since: str | None) -> int:
    """Say how healthy all of it is, what every lost point is for, and what mends it.

    \b
    storewarden health
    storewarden health --since 7d

    Healthy from 80 of 100, warning from 60, critical below. What is told without points counts
    together with the line above it: the points come back when all of them are mended.
    Exit code 1 when it is not healthy.
    """  # noqa: D301  # click's mark for lines that stay as they are
    _ = session.settings
    from storewarden.cli import scored
    from storewarden.cli.past import past
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE, FAILED

    clock = SystemClock()
    now_ns = clock.wall_ns()
    since_ns = None if since is None else past(since, now_ns)
    with session.reading() as engine:
        one = scored.read(session, engine, clock, growth=True)
        was = [] if since_ns is None else scored.history(engine, since_ns)
    tell(session.output, one, was, since_ns, now_ns)
    return DONE if one.status == "healthy" else FAILED


def tell(
    output: Output, one: Scored, was: Sequence[Was], since_ns: int | None, now_ns: int
) -> None:
    """Write it in the form that was asked for."""
    from storewarden.cli.scored import document

    if output.json:
        told = document(one)
        if since_ns is not None:
            told |= {"since_ns": since_ns, "history": [_row(row) for row in was]}
        output.document(told)
    elif output.terminal:
        _for_people(output, one, was, since_ns, now_ns)
    else:
        _for_programs(output, one, was)


def _row(row: Was) -> dict[str, Any]:
    return {**row._asdict(), "deductions": json.loads(row.deductions)}


def _for_programs(output: Output, one: Scored, was: Sequence[Was]) -> None:
    output.fields("health", one.score, one.status, one.profile, "daemon" if one.live else "")
    for lost in one.deductions:
        output.fields("lost", *lost)
    for row in was:
        output.fields("was", row.at_ns, row.until_ns, row.score, row.status)


def _for_people(
    output: Output, one: Scored, was: Sequence[Was], since_ns: int | None, now_ns: int
) -> None:
    from storewarden.cli.scored import STYLES, lost
    from storewarden.measure.shown import shown

    own = "" if one.profile.startswith("default") else f" (profile {one.profile})"
    output.text(f"{one.score} of 100, {one.status}{own}", STYLES[one.status])
    if not one.live:
        output.text("No daemon runs here: what cannot be seen, and what waits, is not known", "odd")
        output.text("→ storewarden run", "head")
    before = ""
    for each in one.deductions:
        points, told = lost(each)
        if each.reason != before:
            output.text()
            output.text(f"{points:>4}  {each.reason}", "bad")
        elif points:
            output.text(f"{points:>4}", "bad")
        before = each.reason
        output.text(f"      {told}")
        output.text(f"      → {shown(each.remedy)}", "head")
    if since_ns is not None:
        output.text()
        _past(output, was, since_ns, now_ns)


# -- how it was -----------------------------------------------------------------------------------


def _past(output: Output, was: Sequence[Was], since_ns: int, now_ns: int) -> None:
    from storewarden.cli.plot import picture
    from storewarden.cli.when import moment

    if not was:
        output.text("nothing was noted in that time: a daemon does so while it runs", "dim")
        return
    columns = min(COLUMNS, shutil.get_terminal_size().columns)
    values = lowest(was, since_ns, now_ns, columns - _MARGIN)
    known = [100.0 if value is not None else 0.0 for value in values]
    below = [moment(since_ns)[:16], "now"]
    bars = [value or 0.0 for value in values]
    lines = picture(bars, top=100, left=_LEFT, below=below, columns=columns, otherwise=known)
    for line in lines:
        output.text(line)
    told = list(changes(was))
    for at_ns, text, better in told[-MOST_CHANGES:]:
        output.text(f"{moment(at_ns)}  {output.styled(Cell(text, 'good' if better else 'bad'))}")
    if len(told) > MOST_CHANGES:
        output.text(f"the last {MOST_CHANGES} of {len(told):,}; --json has all", "dim")


def lowest(was: Sequence[Was], since_ns: int, now_ns: int, columns: int) -> list[float | None]:
    """Return the lowest score in each of so many equal times; None where none was known."""
    span = max(1, now_ns - since_ns)
    found: list[float | None] = [None] * columns
    for row in was:
        first = max(0, (row.at_ns - since_ns) * columns // span)
        last = min(columns - 1, (row.until_ns - since_ns) * columns // span)
        for column in range(first, last + 1):
            before = found[column]
            found[column] = row.score if before is None else min(before, row.score)
    return found


def changes(was: Sequence[Was]) -> list[tuple[int, str, bool]]:
    """Return when the score changed, what was lost or came back, and whether it got better."""
    from storewarden.health.score import from_facts

    found: list[tuple[int, str, bool]] = []
    before: tuple[int, set[tuple[str, str]]] | None = None
    for row in was:
        lost = {one.key: one for one in from_facts(json.loads(row.deductions))}
        if before is not None and (row.score, set(lost)) != before:
            score, known = before
            new = [_named(lost[key]) for key in lost if key not in known]
            over = [f"{key[0]} of {key[1]} is over" for key in sorted(known - set(lost))]
            told = "; ".join([*new, *over])
            better = row.score > score or (row.score == score and not new)
            found.append((row.at_ns, f"{score} → {row.score}  {told}".rstrip(), better))
        before = (row.score, set(lost))
    return found


def _named(one: Deduction) -> str:
    return f"{one.reason}: {one.object}, {one.detail}"
