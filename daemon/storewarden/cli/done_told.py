"""What came of acts, as people, pipes and programs see it."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from storewarden.cli.output import Output, Style, named, note
from storewarden.cli.session import Session

if TYPE_CHECKING:
    from storewarden.catalogue.find import FileRow
    from storewarden.daemon.acting.wish import Result

TOLD = 20  # troubles on a terminal
BATCH = 1_000


class Item(NamedTuple):
    """What was asked for of one file."""

    file_id: int
    action: str
    store: str | None = None
    policy: str | None = None


def tell(
    session: Session,
    result: Result,
    items: Iterable[Item],
    past: str,
    *,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Say what came of it; ``past`` says what was done, ``more`` is for programs."""
    output = session.output
    if output.json:
        told = {(one.root, one.path): one.outcome for one in result.troubles}
        untold = None if result.more_troubles else "done"
        whole = {**(more or {}), **document(result)}
        write_items(session, whole, items, lambda row: told.get((row.root, row.path), untold))
    elif output.terminal:
        _for_people(output, past, result)
    else:
        for_programs(output, result)
    _tell_lacking(result)


def well(result: Result) -> bool:
    """Tell whether all that was asked for was done."""
    return not (result.refused or result.failed or result.put_off or result.held)


def files(count: int) -> str:
    """Return a count of files in words."""
    return "1 file" if count == 1 else f"{count:,} files"


# -- for programs -------------------------------------------------------------------------------


def document(result: Result) -> dict[str, Any]:
    """Return the figures of a result as an object of JSON."""
    return {
        "done": result.done,
        "skipped": result.refused + result.put_off + result.held,
        "failed": result.failed,
        "refused": result.refused,
        "put_off": result.put_off,
        "held": result.held,
        "bytes": result.size,
        "bytes_freed": result.freed,
        "seconds": round(result.seconds, 3),
        "lacking": list(result.lacking),
        "carried_on": result.carried_on,
        "troubles": [
            {
                "root": one.root,
                **named("path", one.path),
                "action": one.verb,
                "outcome": one.outcome,
                "why": one.why,
            }
            for one in result.troubles
        ],
        "more_troubles": result.more_troubles,
    }


def write_items(
    session: Session,
    told: Mapping[str, Any],
    items: Iterable[Item],
    outcome: Callable[[FileRow], str | None],
) -> None:
    """Write one object, its items one after the other: there may be a million."""
    write = sys.stdout.write
    write(json.dumps(told)[:-1] + ', "items": [')
    for number, (item, row) in enumerate(with_rows(session, items)):
        one = {
            "root": row.root,
            **named("path", row.path),
            "action": item.action,
            "store": item.store,
            "policy": item.policy,
            "bytes": row.size,
            "outcome": outcome(row),
        }
        write((",\n" if number else "\n") + json.dumps(one))
    write("]}\n")


def with_rows(session: Session, items: Iterable[Item]) -> Iterator[tuple[Item, FileRow]]:
    """Yield items with their files as they are now, a page at a time."""
    from storewarden.catalogue.find import files_by_id

    with session.reading() as engine:
        rest = iter(items)
        while batch := list(itertools.islice(rest, BATCH)):
            found = {row.id: row for row in files_by_id(engine, [one.file_id for one in batch])}
            yield from ((one, found[one.file_id]) for one in batch if one.file_id in found)


def for_programs(output: Output, result: Result) -> None:
    """Write a line a figure, and a line a trouble."""
    for name, value in (
        *(("done", result.done), ("refused", result.refused), ("failed", result.failed)),
        *(("put_off", result.put_off), ("held", result.held), ("bytes", result.size)),
        *(("freed", result.freed), ("seconds", f"{result.seconds:.3f}")),
    ):
        output.fields(name, value)
    for one in result.troubles:
        output.fields("trouble", one.outcome, one.root, one.path, one.verb, one.why)
    if result.more_troubles:
        output.fields("more_troubles", result.more_troubles)


# -- for people ---------------------------------------------------------------------------------


def _for_people(output: Output, past: str, result: Result) -> None:
    from storewarden.units import format_duration, format_size

    freed = f", {format_size(result.freed)} freed" if result.freed else ""
    line = f"{files(result.done)} {past}{freed}, in {format_duration(result.seconds)}"
    output.text(line, "good" if well(result) else "")
    if result.carried_on:
        output.text(f"  {files(result.carried_on)} of these had been begun before", "dim")
    others: tuple[tuple[int, str, Style], ...] = (
        (result.refused, "refused", "odd"),
        (result.put_off, "put off, to be tried again: storewarden status", "odd"),
        (result.held, "held back", "odd"),
        (result.failed, "failed", "bad"),
    )
    for count, told, style in others:
        if count:
            output.text(f"{files(count)} {told}", style)
    _tell_troubles(output, result)


def _tell_troubles(output: Output, result: Result) -> None:
    from storewarden.measure.shown import shown

    for one in result.troubles[:TOLD]:
        where = "/".join(part for part in (one.root, shown(one.path)) if part)
        what = ": ".join(part for part in (where, one.outcome, shown(one.why)) if part)
        output.text(f"  {what}")
    more = len(result.troubles[TOLD:]) + result.more_troubles
    if more:
        output.text(f"  … and {more:,} more: storewarden history --troubles", "dim")


def _tell_lacking(result: Result) -> None:
    """Say on stderr what came back not as it was."""
    from storewarden.measure.shown import shown

    for one in result.lacking:
        note(f"storewarden: {shown(one)}")
