"""``storewarden files`` and ``storewarden show``: look at what was recorded."""

from __future__ import annotations

import itertools
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from storewarden.cli.output import Cell, Output, note
from storewarden.cli.session import Session, verb

if TYPE_CHECKING:
    from storewarden.catalogue.engine import Engine
    from storewarden.catalogue.find import Event, FileRow

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
    path='a/b/*'      size>1GiB        modified<7d      (younger than 7 days)
    digest=ab12*      growing=yes      state=missing    state=any

    Compare with = != < <= > >=; quote < and > for the shell. Files that are gone are left out
    unless a TERM is about the state. In a pipe a line holds, between tabs: root, path, kind,
    size, time of modification in nanoseconds, digest, state.
    """  # noqa: D301  # click's mark for lines that stay as they are
    from storewarden.clock import SystemClock
    from storewarden.errors import DONE

    output, now_ns = session.output, SystemClock().wall_ns()
    with session.reading() as engine:
        from storewarden.catalogue import find

        host = None if all_hosts else _host(engine)
        rows = find.files(engine, terms, now_ns, host_id=host)
        if print0:
            _raw(itertools.islice(rows, limit or None), _places(engine, host))
            return DONE
        if limit is None and output.terminal:
            limit = SCREENFUL
        shown = _listed(output, itertools.islice(rows, limit or None))
        if output.terminal and shown == limit and next(rows, None) is not None:
            number, size = find.count(engine, terms, now_ns, host_id=host)
            _more(shown, number, size)
        elif output.terminal and not shown:
            note("no such files")
    return DONE


@verb
@click.argument("path", type=click.Path())
def show(session: Session, path: str) -> int:
    """Tell everything that is known about one file.

    PATH is absolute, or relative to here, or begins with the name of a root: uploads/a/b.png
    """
    from storewarden.errors import DONE

    with session.reading() as engine:
        from storewarden.catalogue import find

        host = _host(engine)
        places = _places(engine, host)
        found: list[FileRow] = []
        for absolute in candidates(os.fsencode(path), os.getcwdb(), places):
            found = found or find.show(engine, absolute, host_id=host)
        if not found:
            raise _unknown(path, places)
        histories = [find.history(engine, row.id) for row in found]
    output = session.output
    if output.json:
        first, *earlier = map(whole, found, histories)
        output.document({**first, "earlier": earlier})
    else:
        for row, events in zip(found, histories, strict=True):
            _tell(output, row, places, events)
    return DONE


def candidates(path: bytes, here: bytes, roots: dict[str, bytes]) -> Iterator[bytes]:
    """Yield the absolute paths that a word may mean, the likeliest first."""
    yield os.path.normpath(os.path.join(here, path))
    name, _, below = path.partition(b"/")
    root = roots.get(os.fsdecode(name))
    if root is not None and below:
        yield os.path.join(root, below)


def record(row: FileRow) -> dict[str, Any]:
    """Return a file as one line of JSON shows it."""
    from storewarden.measure.shown import shown

    told: dict[str, Any] = {
        "root": row.root,
        "path": shown(row.path),
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
    }
    if told["path"].encode() != row.path:
        told["path_hex"] = row.path.hex()  # the name itself, where text cannot hold it
    return told


def whole(row: FileRow, events: Iterable[Event]) -> dict[str, Any]:
    """Return all that is known about a file."""
    return {
        **record(row),
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
        "history": [{"at_ns": e.at_ns, "event": e.event, "detail": e.detail} for e in events],
    }


def _listed(output: Output, rows: Iterable[FileRow]) -> int:
    """Write one line for each file; how many there were."""
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007  # the last one is the answer
        if output.json:
            output.record(record(row))
        elif output.terminal:
            output.text(_line(output, row))
        else:
            digest = row.digest.hex() if row.digest else ""
            output.fields(
                *(row.root, row.path, row.kind, row.size, row.modified_ns, digest, row.state)
            )
    return count


def _line(output: Output, row: FileRow) -> str:
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    remark = "" if row.state == "present" else f"  ({row.state})"
    remark += "  (growing)" if row.growing else ""
    when = output.styled(Cell(moment(row.modified_ns), "dim"))
    path = f"{row.root}/{shown(row.path)}{output.styled(Cell(remark, 'odd'))}"
    return f"{format_size(row.size):>10}  {when}  {row.kind:<8}  {path}"


def _raw(rows: Iterable[FileRow], places: dict[str, bytes]) -> None:
    stdout = sys.stdout.buffer
    for row in rows:
        stdout.write(os.path.join(places[row.root], row.path) + b"\0")
    stdout.flush()


def _more(shown: int, number: int, size: int) -> None:
    from storewarden.units import format_size

    note(f"{shown} of {number:,} files, {format_size(size)} in all; --limit 0 shows every one")


def _tell(output: Output, row: FileRow, places: dict[str, bytes], events: Sequence[Event]) -> None:
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown

    for name, value in _facts(row, places):
        if output.terminal:
            output.text(f"{output.styled(Cell(f'{name:<11}', 'dim'))} {value}")
        else:
            output.fields(name, value)
    for event in events:
        detail = " ".join(f"{key}={shown(value)}" for key, value in event.detail.items())
        if output.terminal:
            output.text(f"{'':<11} {moment(event.at_ns)}  {event.event}  {detail}".rstrip())
        else:
            output.fields("history", event.at_ns, event.event, detail)
    if output.terminal:
        output.text()


def _facts(row: FileRow, places: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    from storewarden.cli.when import moment
    from storewarden.measure.shown import shown
    from storewarden.units import format_size

    yield "path", shown(os.path.join(places.get(row.root, b""), row.path))
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
    yield "mode", f"{stat.filemode(row.mode)} uid {row.uid} gid {row.gid}, {row.links} links"
    yield "inode", f"{row.inode} on device {os.major(row.device)}:{os.minor(row.device)}"


def _host(engine: Engine) -> int | None:
    """Return this machine's row; a machine without roots of its own looks at everybody's."""
    from storewarden.catalogue.roots import host_id, this_machine

    return host_id(engine, this_machine())


def _places(engine: Engine, host: int | None) -> dict[str, bytes]:
    from storewarden.catalogue.roots import roots

    return {row.name: row.path for row in roots(engine, host)}


def _unknown(path: str, places: dict[str, bytes]) -> Exception:
    from storewarden.errors import StorewardenError
    from storewarden.measure.shown import shown

    absolute = os.path.normpath(os.path.join(os.getcwdb(), os.fsencode(path)))
    inside = any(absolute.startswith(root + b"/") for root in places.values())
    why = "it was never recorded" if inside else "it is below none of the roots"
    remedy = "storewarden scan" if inside else "storewarden status shows the roots"
    return StorewardenError("nothing is known", where=shown(absolute), why=why, remedy=remedy)
