"""``storewarden history``: what was done, when, by whom and why; of one file or of all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, Style, named, note
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.api.reading.lines import Line
    from storewarden.catalogue.engine import Engine

SCREENFUL = 30  # on a terminal, unless told otherwise
STYLES: dict[str, Style] = {"done": "good", "refused": "odd", "failed": "bad", "undone": "dim"}


@verb
@click.argument("path", required=False, type=click.Path())
@click.option("--limit", type=click.IntRange(min=0), help="At most so many; 0 is all of them.")
@click.option("--troubles", is_flag=True, help="Only what was refused, and what failed.")
@click.option("--policy", metavar="ID", help="Only what this policy asked for.")
def history(
    session: Session, path: str | None, limit: int | None, troubles: bool, policy: str | None
) -> int:
    """Tell what was done, the last first: when, to what, by whom, by which policy, and why.

    \b
    storewarden history
    storewarden history save_outputs/cat.png
    storewarden history --troubles

    With PATH all that happened to the files of this name, also what was only seen of them. What a
    command did can be taken back by the word that ends its line: storewarden undo WORD.
    """  # noqa: D301  # click's mark for lines that stay as they are
    _ = session.settings
    from storewarden.cli.listing import our_host
    from storewarden.errors import DONE

    output = session.output
    if limit is None and output.terminal:
        limit = SCREENFUL
    with session.reading() as engine:
        host = our_host(engine)
        if path is not None:
            lines = _of_path(engine, host, path, troubles=troubles, policy=policy)
        else:
            lines = _of_all(engine, host, troubles=troubles, policy=policy)
        shown = 0
        for shown, line in enumerate(itertools.islice(lines, limit or None), 1):  # noqa: B007  # counted
            _tell(output, line)
        more = bool(limit) and shown == limit and next(lines, None) is not None
    if output.terminal and not shown:
        note("nothing was refused, and nothing failed" if troubles else "nothing was done")
    elif output.terminal and more:
        note(f"the last {shown}; --limit 0 tells all")
    return DONE


def _of_all(
    engine: Engine, host: int | None, *, troubles: bool, policy: str | None
) -> Iterator[Line]:
    from storewarden.api.reading.lines import act_line
    from storewarden.catalogue.past_acts import ended

    if host is not None:
        yield from map(act_line, ended(engine, host, policy=policy, troubles=troubles))


def _of_path(
    engine: Engine, host: int | None, path: str, *, troubles: bool, policy: str | None
) -> Iterator[Line]:
    """Yield what happened to all files that had a name, the last first."""
    import os

    from storewarden.api.reading import lines
    from storewarden.catalogue import find
    from storewarden.catalogue.subjects import tops
    from storewarden.cli.located import candidates, unknown

    roots = tops(engine, host)
    for absolute in candidates(os.fsencode(path), os.getcwdb(), roots):
        rows = find.show(engine, absolute, host_id=host)
        if not rows:
            continue
        seen = not troubles and policy is None
        told = [line for row in rows for line in lines.of_file(engine, row, seen=seen)]
        kept = [line for line in told if _wanted(line, troubles=troubles, policy=policy)]
        yield from sorted(kept, key=lines.newest_first)
        return
    raise unknown(path, roots)


def _wanted(line: Line, *, troubles: bool, policy: str | None) -> bool:
    if troubles and line.outcome not in {"refused", "failed"}:
        return False
    return policy is None or line.policy == policy


# -- the three forms ----------------------------------------------------------------------------


def _tell(output: Output, line: Line) -> None:
    if output.json:
        output.record(as_json(line))
    elif output.terminal:
        _for_people(output, line)
    else:
        output.fields(
            *(line.at_ns, line.what, line.outcome, line.root, line.path, line.files, line.size),
            *(line.store, line.policy, line.by, line.why, line.error),
            *("" if line.act is None else line.act, "" if line.undoes is None else line.undoes),
        )


def as_json(line: Line) -> dict[str, Any]:
    """Return one thing that happened as a line of JSON shows it."""
    path = named("path", line.path)
    return {
        "at_ns": line.at_ns,
        "what": line.what,
        "outcome": line.outcome or None,
        "root": line.root,
        **path,
        "files": line.files,
        "bytes": line.size,
        "store": line.store or None,
        "policy": line.policy or None,
        "by": line.by or None,
        "why": line.why or None,
        "error": line.error or None,
        "act": line.act,
        "undoes": line.undoes,
    }


def _for_people(output: Output, line: Line) -> None:
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown

    to = f" to {line.store}" if line.store and line.what != "restore" else ""
    along = f" and {line.files - 1:,} with it" if line.files > 1 else ""
    what = f"{line.what}{to}" if line.outcome in {"", "done"} else f"{line.what}{to} {line.outcome}"
    number = f"{line.act:>7}" if line.act is not None else " " * 7
    style = STYLES.get(line.outcome, "")
    output.text(
        f"{output.styled(Cell(moment(line.at_ns), 'dim'))} {number}"
        f"  {output.styled(Cell(what, style))}  {line.root}/{shown(line.path)}{along}"
    )
    whom = f"policy {line.policy}, {line.by}" if line.policy else line.by
    told = ": ".join(part for part in (whom, shown(line.why)) if part)
    if told:
        output.text(f"{' ' * 30}{told}", "dim")
    if line.error:
        output.text(f"{' ' * 30}{shown(line.error)}", "bad" if line.outcome == "failed" else "odd")
