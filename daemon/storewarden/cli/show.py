"""``storewarden show``: everything that is known about one file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.listing import our_host, places, record, with_facts
from storewarden.cli.located import candidates, unknown
from storewarden.cli.output import Cell, Output, width
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.find import Event, FileRow
    from storewarden.catalogue.known import Known

LABEL = 11  # columns for the names of facts, where none is longer
LONGEST_LABEL = 24


@dataclass(frozen=True, slots=True)
class Subject:
    """One file, and all that is known about it."""

    row: FileRow
    known: Known | None
    events: Sequence[Event]
    raw: dict[str, str]  # asked for with --raw, else empty


@verb
@click.argument("path", type=click.Path())
@click.option("--raw", is_flag=True, help="Also every text about its making, as it was found.")
def show(session: Session, path: str, raw: bool) -> int:
    """Tell everything that is known about one file.

    PATH is absolute, or relative to here, or begins with the name of a root: uploads/a/b.png

    What it is, how it was made (tool, model, prompt, seed), what it belongs to, how it is used,
    when and by which reader it was looked into, and its history.
    """
    from storewarden.errors import DONE

    with session.reading() as engine:
        from storewarden.catalogue import find

        host = our_host(engine)
        roots = places(engine, host)
        found: list[FileRow] = []
        for absolute in candidates(os.fsencode(path), os.getcwdb(), roots):
            found = found or find.show(engine, absolute, host_id=host)
        if not found:
            raise unknown(path, roots)
        subjects = [
            Subject(row, known, find.history(engine, row.id), _texts(known) if raw else {})
            for row, known in with_facts(engine, found, whole=True)
        ]
    output = session.output
    if output.json:
        first, *earlier = map(whole, subjects)
        output.document({**first, "earlier": earlier})
    else:
        for subject in subjects:
            _tell(output, subject, roots)
    return DONE


def whole(subject: Subject) -> dict[str, Any]:
    """Return all that is known about a file, for programs."""
    row = subject.row
    return {
        **record(row, subject.known, whole=True),
        **({"raw": subject.raw} if subject.raw else {}),
        "inode": row.inode,
        "device": row.device,
        "mode": stat.filemode(row.mode),
        "links": row.links,
        "uid": row.uid,
        "gid": row.gid,
        "blocks": row.blocks,
        "atime_ns": row.accessed_ns,
        "ctime_ns": row.changed_ns,
        "digested_ns": row.digested_ns,
        "inspected_ns": row.inspected_ns,
        "history": [
            {"at_ns": e.at_ns, "event": e.event, "detail": e.detail} for e in subject.events
        ],
    }


def _texts(known: Known | None) -> dict[str, str]:
    from storewarden.errors import StorewardenError
    from storewarden.facts.provenance.raw import unpack
    from storewarden.facts.reader import Malformed

    made = known.provenance if known is not None else None
    if made is None or not made.raw:
        return {}
    try:
        return unpack(made.raw)
    except Malformed as error:
        remedy = "storewarden catalogue status --check"
        raise StorewardenError("no texts to show", why=str(error), remedy=remedy) from error


def _tell(output: Output, subject: Subject, roots: dict[str, bytes]) -> None:
    if output.terminal:
        _for_people(output, subject, roots)
    else:
        _for_programs(output, subject, roots)


def _for_programs(output: Output, subject: Subject, roots: dict[str, bytes]) -> None:
    from storewarden.cli.groups import fields

    for name, value in _recorded(subject.row, roots):
        output.fields(name, value)
    output.fields("inspected", "no" if subject.row.inspected_ns is None else "yes")
    for values in fields(subject.known):
        output.fields(*values)
    for where, text in subject.raw.items():
        output.fields("raw", where, text)
    for event in subject.events:
        output.fields("history", event.at_ns, event.event, _detail(event))


def _for_people(output: Output, subject: Subject, roots: dict[str, bytes]) -> None:
    from storewarden.cli import groups
    from storewarden.cli.when import moment

    told = [
        list(_recorded(subject.row, roots)),
        *groups.groups(subject.known, subject.row.inspected_ns),
    ]
    if subject.raw:
        told.append(list(groups.raw(subject.raw)))
    if subject.events:
        happened = (f"{moment(e.at_ns)}  {e.event}  {_detail(e)}".rstrip() for e in subject.events)
        told.append([("" if number else "history", one) for number, one in enumerate(happened)])
    longest = max(width(label) for group in told for label, _ in group)
    column = min(max(longest, LABEL), LONGEST_LABEL)
    for group in told:
        for label, text in group:
            _write(output, label, text, column)
        output.text()


def _write(output: Output, label: str, text: str, column: int) -> None:
    """Write a labelled text; its further lines stand below its first."""
    head = output.styled(Cell(label + " " * (column - width(label)), "dim"))
    first, *rest = text.split("\n")
    output.text(f"{head} {first}".rstrip())
    for line in rest:
        output.text(f"{'':<{column}} {line}".rstrip())


def _detail(event: Event) -> str:
    from storewarden.measure.shown import shown

    return " ".join(f"{key}={shown(value)}" for key, value in event.detail.items())


def _recorded(row: FileRow, roots: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    yield "path", shown(os.path.join(roots.get(row.root, b""), row.path))
    yield "root", row.root
    yield "state", row.state + (" (growing)" if row.growing else "")
    yield "kind", row.kind
    yield "size", f"{format_size(row.size)} ({row.size:,} bytes, {row.blocks * 512:,} on disk)"
    yield "digest", row.digest.hex() if row.digest else "not yet taken"
    yield "modified", moment(row.modified_ns)
    yield "changed", moment(row.changed_ns)
    yield "accessed", moment(row.accessed_ns)
    yield "first seen", moment(row.first_seen_ns)
    yield "recorded", moment(row.recorded_ns)
    if row.gone_ns is not None:
        yield "gone", moment(row.gone_ns)
    yield "generation", str(row.generation)
    links = "1 link" if row.links == 1 else f"{row.links:,} links"
    yield "mode", f"{stat.filemode(row.mode)} uid {row.uid} gid {row.gid}, {links}"
    yield "inode", f"{row.inode} on device {os.major(row.device)}:{os.minor(row.device)}"
