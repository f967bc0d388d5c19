"""``storewarden files``: the recorded files that meet some terms."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from storewarden.cli.listing import fields, line, our_host, places, record, with_facts
from storewarden.cli.output import Output, note
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.find import FileRow

SCREENFUL = 100  # on a terminal, unless told otherwise


@verb
@click.argument("terms", nargs=-1, metavar="[TERM]...")
@click.option("--limit", type=click.IntRange(min=0), help="At most so many; 0 is all of them.")
@click.option("-0", "--print0", is_flag=True, help="Only absolute paths, as they are, NUL between.")
@click.option("--all-hosts", is_flag=True, help="Of every host that shares the catalogue.")
def files(
    session: Session, terms: Sequence[str], limit: int | None, print0: bool, all_hosts: bool
) -> int:
    """List the recorded files that meet every TERM.

    \b
    kind=video,image  root=uploads     name='*.png'     ext=png
    path='a/b/*'      'size>1GiB'      'modified<7d'    (younger than 7 days)
    'width>=1024'     'duration>1h'    model='flux*'    prompt='dusk sea'
    tool=comfyui      seed=42          workflow=story   scene=3
    'used>90d'        outcome=refused  inspected=no     digest='ab12*'
    growing=yes       state=missing    state=any        links=2

    Compare with = != < <= > >=; quote < > * for the shell. A term about something that is not
    known of a file is not met. Files that are gone are left out unless a TERM is about the state.
    Every term: docs/reference/commands.md

    In a pipe a line holds, between tabs: root, path, kind, size, time of modification in
    nanoseconds, digest, state, MIME type, width, height, duration in nanoseconds, tool, model,
    seed, workflow, scene, prompt.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    output, now_ns = session.output, SystemClock().wall_ns()
    with session.reading() as engine:
        from storewarden.catalogue import find

        host = None if all_hosts else our_host(engine)
        rows = find.files(engine, terms, now_ns, host_id=host)
        if print0:
            _raw(itertools.islice(rows, limit or None), places(engine, host))
            return DONE
        if limit is None and output.terminal:
            limit = SCREENFUL
        shown = _listed(output, engine, itertools.islice(rows, limit or None))
        if output.terminal and shown == limit and next(rows, None) is not None:
            number, size = find.count(engine, terms, now_ns, host_id=host)
            _more(shown, number, size)
        elif output.terminal and not shown:
            note("no such files")
    return DONE


def _listed(output: Output, engine: Engine, rows: Iterable[FileRow]) -> int:
    """Write one line for each file; how many there were."""
    count = 0
    for count, (row, known) in enumerate(with_facts(engine, rows), 1):  # noqa: B007  # the last one is the answer
        if output.json:
            output.record(record(row, known))
        elif output.terminal:
            output.text(line(output, row, known))
        else:
            output.fields(*fields(row, known))
    return count


def _raw(rows: Iterable[FileRow], roots: dict[str, bytes]) -> None:
    stdout = sys.stdout.buffer
    for row in rows:
        stdout.write(os.path.join(roots[row.root], row.path) + b"\0")
    stdout.flush()


def _more(shown: int, number: int, size: int) -> None:
    from storewarden.units import format_size

    note(f"{shown} of {number:,} files, {format_size(size)} in all; --limit 0 shows every one")
