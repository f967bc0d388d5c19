"""Recorded files and what is known of them, as every verb that lists files shows them."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from storewarden.cli.known import as_json, brief, columns, first_words
from storewarden.cli.output import Cell, Output, named, width

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.find import FileRow
    from storewarden.catalogue.known import Known

BATCH = 500  # files whose facts are read at once: a page is shown before the next one is read


def with_facts(
    engine: Engine, rows: Iterable[FileRow], *, whole: bool = False
) -> Iterator[tuple[FileRow, Known | None]]:
    """Yield each file with what is known of it."""
    from storewarden.catalogue.known import known

    rest = iter(rows)
    while batch := list(itertools.islice(rest, BATCH)):
        facts = known(engine, [row.id for row in batch], whole=whole)
        yield from ((row, facts.get(row.id)) for row in batch)


def record(row: FileRow, known: Known | None, *, whole: bool = False) -> dict[str, Any]:
    """Return a file as one line of JSON shows it."""
    path = named("path", row.path)
    return {
        "root": row.root,
        "path": path.pop("path"),
        "kind": row.kind,
        "size": row.size,
        "mtime_ns": row.modified_ns,
        "digest": row.digest.hex() if row.digest else None,
        "state": row.state,
        "growing": bool(row.growing),
        "generation": row.generation,
        "first_seen_ns": row.first_seen_ns,
        "recorded_ns": row.recorded_ns,
        "gone_ns": row.gone_ns,
        "inspected": row.inspected_ns is not None,
        **path,  # the name itself, where text cannot hold it
        **as_json(known, whole=whole),
    }


def fields(row: FileRow, known: Known | None) -> Sequence[object]:
    """Return a file as one line of a pipe shows it."""
    digest = row.digest.hex() if row.digest else ""
    stat = (row.root, row.path, row.kind, row.size, row.modified_ns, digest, row.state)
    return (*stat, *columns(known))


def line(output: Output, row: FileRow, known: Known | None) -> str:
    """Return a file as one line of a terminal shows it, with as much of its prompt as has room."""
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    size, when = f"{format_size(row.size):>10}", moment(row.modified_ns)
    start = f"{row.kind:<8}  {row.root}/{shown(row.path)}"
    end = "".join(f"  {told}" for told in (*remarks(row), *brief(known)))
    taken = width(f"{size}  {when}  {start}{end}  ")
    words = first_words(known, shutil.get_terminal_size().columns - taken)
    dim = output.styled(Cell(f"  {words}" if words else "", "dim"))
    return (
        f"{size}  {output.styled(Cell(when, 'dim'))}  {start}{output.styled(Cell(end, 'odd'))}{dim}"
    )


def remarks(row: FileRow) -> Iterator[str]:
    """Yield what is unusual about a file."""
    if row.state != "present":
        yield f"({row.state})"
    if row.growing:
        yield "(growing)"


def our_host(engine: Engine) -> int | None:
    """Return this machine's row; a machine without roots of its own looks at everybody's."""
    from storewarden.catalogue.roots import host_id, this_machine

    return host_id(engine, this_machine())


def places(engine: Engine, host: int | None) -> dict[str, bytes]:
    """Return where each root lies, by its name."""
    from storewarden.catalogue.roots import roots

    return {row.name: row.path for row in roots(engine, host)}
