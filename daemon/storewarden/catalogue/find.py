"""What verbs read: files by terms, one file with its history, how many there are of what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any, NamedTuple

from storewarden.catalogue import roots, terms
from storewarden.catalogue.engine import Engine, Row
from storewarden.catalogue.orm import (
    SQL,
    EnclosedNodeList,
    Expression,
    ModelSelect,
    Node,
    NodeList,
    Tuple,
    fn,
)
from storewarden.catalogue.rules import HERE
from storewarden.catalogue.tables import Directory, File, Root

PAGE = 1000
FEW = 10_000  # files; so many are found and sorted in the time of a few pages

COLUMNS = (
    *(File.id, Root.name, Directory.path, File.name, Directory.device, File.inode, File.mode),
    *(File.links, File.uid, File.gid, File.size, File.blocks, File.accessed_ns),
    *(File.modified_ns, File.changed_ns, File.kind, File.state, File.growing, File.generation),
    *(File.first_seen_ns, File.recorded_ns, File.gone_ns, File.digest, File.digested_ns),
    File.inspected_ns,
)


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file as the catalogue knows it; ``directory`` is relative to its root."""

    id: int
    root: str
    directory: bytes
    name: bytes
    device: int
    inode: int
    mode: int
    links: int
    uid: int
    gid: int
    size: int
    blocks: int
    accessed_ns: int
    modified_ns: int
    changed_ns: int
    kind: str
    state: str
    growing: int
    generation: int
    first_seen_ns: int
    recorded_ns: int
    gone_ns: int | None
    digest: bytes | None
    digested_ns: int | None
    inspected_ns: int | None

    @property
    def path(self) -> bytes:
        """Its path relative to the root."""
        return self.directory + b"/" + self.name if self.directory else self.name


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a file."""

    at_ns: int
    event: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Total:
    """How many files and bytes of one kind and state a root has."""

    root: str
    kind: str
    state: str
    files: int
    bytes: int


def files(
    engine: Engine, wanted: Sequence[str], now_ns: int, *, host_id: int | None = None
) -> Iterator[FileRow]:
    """Yield the files that meet all terms, root by root, directory by directory, by name.

    Pages are read one after another: whoever reads them slowly keeps no writer waiting, and what
    changes meanwhile may or may not be seen.
    """
    met = _conditions(engine, wanted, now_ns)
    for root in sorted(roots.roots(engine, host_id), key=lambda root: (root.name, root.id)):
        yield from _files_of(engine, root.id, met)


class _Met(NamedTuple):
    """What files have to meet, and whether an index finds the few that may."""

    conditions: list[Node]
    few: bool


def _conditions(engine: Engine, wanted: Sequence[str], now_ns: int) -> _Met:
    """Return what files have to meet, so put that few of them are found at once.

    A term that an index knows but that leaves many files is better met on the way through all.
    """
    asked = terms.parse(wanted)
    met = terms.conditions(asked, engine.dialect, now_ns)
    few: list[Node] = [Expression(File.id, "IN", some) for some in few_of(engine, asked, now_ns)]
    return _Met(met + few, bool(few))


def few_of(engine: Engine, asked: Sequence[terms.Term], now_ns: int) -> list[Node]:
    """Return queries in brackets for the numbers of the few files that one of the terms leaves."""
    found: list[Node] = []
    for some in terms.narrow(asked, engine.dialect, now_ns):
        look = NodeList((SQL("SELECT 1 FROM ("), some, SQL(f") AS few LIMIT {FEW + 1}")))
        if len(engine.rows(look)) <= FEW:
            found.append(EnclosedNodeList((some,)))
    return found


def _files_of(engine: Engine, root_id: int, met: _Met) -> Iterator[FileRow]:
    page = query = _page(root_id, met)
    while rows := engine.rows(page):
        yield from map(file_row, rows)
        last = rows[-1]
        if len(rows) < PAGE:
            return
        page = query.where(
            Directory.path >= last[2],
            Tuple(Directory.path, File.name, File.id) > Tuple(last[2], last[3], last[0]),
        )


def _page(root_id: int, met: _Met) -> ModelSelect[File]:
    root = Expression(unindexed(Directory.root) if met.few else Directory.root, "=", root_id)
    query = joined(*COLUMNS, few=met.few).where(root, *met.conditions)
    return query.order_by(Directory.path, File.name, File.id).limit(PAGE)


def count(
    engine: Engine, wanted: Sequence[str], now_ns: int, *, host_id: int | None = None
) -> tuple[int, int]:
    """Return how many files meet all terms, and their bytes."""
    met = _conditions(engine, wanted, now_ns)
    conditions = [*met.conditions, *([Root.host == host_id] if host_id is not None else [])]
    query = joined(fn.COUNT(File.id), fn.COALESCE(fn.SUM(File.size), 0), few=met.few)
    if conditions:
        query = query.where(reduce(and_, conditions))
    number, size = engine.rows(query)[0]
    return int(number), int(size)


def show(engine: Engine, path: bytes, *, host_id: int | None = None) -> list[FileRow]:
    """Return what is known of an absolute path: what is there, what was put away, what is gone."""
    found: list[Row] = []
    for root in roots.roots(engine, host_id):
        base = root.path.rstrip(b"/") + b"/"
        if not path.startswith(base):
            continue
        directory, _, name = path[len(base) :].strip(b"/").rpartition(b"/")
        query = joined(*COLUMNS).where(
            Directory.root == root.id, Directory.path == directory, File.name == name
        )
        found += engine.rows(query.order_by(File.gone_ns.desc(), File.id.desc()))
    rows = [file_row(row) for row in found]
    return sorted(rows, key=lambda row: (row.state not in HERE, row.state in terms.GONE))


def files_by_id(engine: Engine, ids: Iterable[int]) -> list[FileRow]:
    """Return these files, as far as they are still known."""
    wanted = list(ids)
    rows: list[Row] = []
    for start in range(0, len(wanted), PAGE):
        some = wanted[start : start + PAGE]
        rows += engine.rows(joined(*COLUMNS).where(File.id.in_(some)))
    return [file_row(row) for row in rows]


def history(engine: Engine, file_id: int) -> list[Event]:
    """Return what happened to a file, oldest first."""
    rows = engine.execute(
        "SELECT at_ns, event, detail FROM history WHERE file_id = ? ORDER BY at_ns, id", (file_id,)
    )
    return [Event(at_ns, event, json.loads(detail)) for at_ns, event, detail in rows]


def totals(engine: Engine, host_id: int | None = None) -> list[Total]:
    """Return the figures that the recorder keeps; nothing is counted."""
    where, params = ("", ()) if host_id is None else (" WHERE r.host_id = ?", (host_id,))
    rows = engine.execute(
        "SELECT r.name, t.kind, t.state, t.files, t.bytes"
        f" FROM totals t JOIN roots r ON r.id = t.root_id{where}"
        " ORDER BY r.name, t.kind, t.state",
        params,
    )
    return [Total(*row) for row in rows]


def joined(*columns: Any, few: bool = False) -> ModelSelect[File]:
    """Begin a query over files (t1), directories (t2) and roots (t3).

    With ``few`` it begins with the files, whatever the database thinks of that: SQLite counts
    nothing, and would rather walk through all directories.
    """
    query = File.select(*columns)
    if not few:
        return query.join(Directory).join(Root)
    above = Expression(unindexed(File.directory), "=", Directory.id)
    top = Expression(unindexed(Directory.root), "=", Root.id)
    return query.join(Directory, on=above).join(Root, on=top)


def unindexed(field: Any) -> Node:
    """Return a column as one that no index leads to."""
    return NodeList((SQL("+"), field))


def file_row(row: Row) -> FileRow:
    """Return a row of COLUMNS as the file that it is."""
    return FileRow(*row)
