"""``storewarden same``: files with the same content, and the bytes that they waste."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.listing import our_host
from storewarden.cli.output import Cell, Output, named, note
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.same import Same

SCREENFUL = 20  # groups on a terminal, unless told otherwise
NAMES = 10  # of one group, likewise


@dataclass
class Tally:
    """What the groups came to, also those that were not shown."""

    groups: int = 0
    shown: int = 0
    files: int = 0
    wasted: int = 0


@verb
@click.argument("terms", nargs=-1, metavar="[TERM]...")
@click.option("--limit", type=click.IntRange(min=0), help="At most so many groups; 0 is all.")
@click.option("--all-hosts", is_flag=True, help="Of every host that shares the catalogue.")
def same(session: Session, terms: Sequence[str], limit: int | None, all_hosts: bool) -> int:
    """List files with identical content, those that waste most first.

    \b
    storewarden same
    storewarden same kind=video root=uploads
    storewarden same 'size>100MB' --limit 5

    Content is the same when the digests are (BLAKE3, 256 bits): files whose digest is not taken
    yet are not compared. Names of one file (hard links) count once and waste nothing. Files are
    compared among those that meet every TERM, as in `storewarden files`.

    In a pipe a line holds, between tabs: digest, size, bytes wasted by the group, root, path.
    Nothing is changed.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    output, now_ns = session.output, SystemClock().wall_ns()
    with session.reading() as engine:
        from storewarden.catalogue.same import same as find

        host = None if all_hosts else our_host(engine)
        if limit is None and output.terminal:
            limit = SCREENFUL
        tally = _write(output, find(engine, terms, now_ns, host_id=host), limit or 0)
    if output.terminal:
        _sum_up(output, tally)
    return DONE


def _write(output: Output, groups: Iterable[Same], limit: int) -> Tally:
    """Write the groups; on a terminal those beyond the limit are counted as well."""
    tally = Tally()
    for group in groups:
        if limit and tally.shown == limit and not output.terminal:
            break
        tally.groups += 1
        tally.files += len(group.files)
        tally.wasted += group.wasted
        if not limit or tally.shown < limit:
            tally.shown += 1
            _show(output, group, whole=not limit)
    return tally


def _show(output: Output, group: Same, *, whole: bool) -> None:
    if output.json:
        output.record(as_json(group))
    elif output.terminal:
        _for_people(output, group, whole=whole)
    else:
        for row in group.files:
            output.fields(group.digest.hex(), group.size, group.wasted, row.root, row.path)


def as_json(group: Same) -> dict[str, Any]:
    """Return one group as a line of JSON shows it."""
    return {
        "digest": group.digest.hex(),
        "size": group.size,
        "wasted": group.wasted,
        "files": [
            {"root": row.root, **named("path", row.path), "inode": row.inode} for row in group.files
        ],
    }


def _for_people(output: Output, group: Same, *, whole: bool) -> None:
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    head = f"{format_size(group.wasted)} wasted"
    each = f"{len(group.files)} files of {format_size(group.size)}"
    output.text(f"{output.styled(Cell(head, 'odd'))}  {each}")
    # the one that is left out would take the same line
    shortened = not whole and len(group.files) > NAMES + 1
    for row in group.files[:NAMES] if shortened else group.files:
        output.text(f"  {row.root}/{shown(row.path)}")
    if shortened:
        output.text(f"  … and {len(group.files) - NAMES:,} more", "dim")
    output.text()


def _sum_up(output: Output, tally: Tally) -> None:
    from storewarden.units import format_size

    if not tally.groups:
        note("no files with the same content")
        return
    groups = "1 content" if tally.groups == 1 else f"{tally.groups:,} contents"
    output.text(f"{format_size(tally.wasted)} wasted: {tally.files:,} files of {groups}", "head")
    if tally.shown < tally.groups:
        note(f"the {tally.shown} that waste most are shown; --limit 0 shows all")
