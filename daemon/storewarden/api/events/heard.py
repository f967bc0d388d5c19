"""What one listener hears: happenings of the kinds and of the files that it asked for and may see.

A file is told of as it is now; what it was when the event happened is told by ``detail`` where that
was written down. Of a file that is no longer known nothing is told.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from storewarden.api.events.words import MISSED, chosen
from storewarden.api.who import MACHINE, Who
from storewarden.catalogue import find, roots, terms
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events import feed
from storewarden.catalogue.events.cursor import Cursor
from storewarden.catalogue.events.feed import Happening
from storewarden.catalogue.find import FileRow
from storewarden.catalogue.orm import Node
from storewarden.catalogue.tables import File
from storewarden.catalogue.term import Term
from storewarden.catalogue.told.visible import seen_by
from storewarden.measure.shown import shown


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a listener asked for; no kinds stand for all."""

    kinds: frozenset[str] = frozenset()
    terms: tuple[Term, ...] = ()
    who: Who = MACHINE
    host_id: int | None = None


class Told(NamedTuple):
    """Events as they are sent, in order for each file.

    ``events`` holds the id, the kind and the JSON of each; after them a listener is at ``cursor``,
    also when there were none. ``more``: there is more to be had at once. ``last`` is the last
    round that there was when it was read, for who looks whether there is another.
    """

    events: Sequence[tuple[str, str, str]]
    cursor: Cursor
    more: bool
    last: int = -1


def wanted(
    kinds: Sequence[str], written: Sequence[str], who: Who = MACHINE, host_id: int | None = None
) -> Wanted:
    """Return what is asked for; raises UsageError for kinds and terms that there are not."""
    parsed = terms.parse(written)
    terms.conditions(parsed, "sqlite", 0)  # values are looked at there
    if parsed and not any(term.name == "state" for term in parsed):
        parsed = (*parsed, Term("state", "=", "any"))  # that a file is gone is an event of it
    return Wanted(chosen(kinds), parsed, who, host_id)


def hear(engine: Engine, asked: Wanted, cursor: Cursor, most: int, now_ns: int) -> Told:
    """Return what a listener is to hear after a cursor, out of at most so many happenings."""
    cursor = feed.begun(engine, cursor, asked.host_id)
    heard = feed.read(engine, cursor, most, asked.host_id)
    picked = [
        one
        for one in heard.happenings
        if not asked.kinds or one.event in asked.kinds or one.event == MISSED
    ]
    files = _files(engine, asked, {one.file_id for one in picked}, now_ns)
    places = _Places(engine)
    events = []
    at = cursor
    for one in heard.happenings:
        at = at.at(one.host_id, one.position)
        if asked.kinds and one.event not in asked.kinds and one.event != MISSED:
            continue
        row = files.get(one.file_id) if one.file_id is not None else None
        if row is None and one.event != MISSED:
            continue
        told = _event(str(at), one, row, places)
        events.append((str(at), one.event, json.dumps(told, separators=(",", ":"))))
    return Told(events, heard.cursor, heard.more)


def _files(engine: Engine, asked: Wanted, ids: set[int | None], now_ns: int) -> dict[int, FileRow]:
    """Return of these files those that are wanted, and may be seen."""
    ids.discard(None)
    met: list[Node] = []
    if asked.terms:
        met += terms.conditions(asked.terms, engine.dialect, now_ns)
    if asked.who.user_id is not None and not asked.who.sees_all:
        met.append(seen_by(asked.who.user_id))
    found: dict[int, FileRow] = {}
    ordered = sorted(one for one in ids if one is not None)
    for start in range(0, len(ordered), find.PAGE):
        some = ordered[start : start + find.PAGE]
        query = find.joined(*find.COLUMNS, few=True).where(File.id.in_(some), *met)
        found |= {int(row[0]): find.file_row(row) for row in engine.rows(query)}
    return found


class _Places:
    """Where roots lie, read when the first file is told of."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: Mapping[tuple[int, str], bytes] | None = None
        self._hosts: dict[int, str] = {}

    def root(self, host_id: int, name: str) -> bytes:
        if self._known is None:
            rows = roots.roots(self._engine, None)
            self._known = {(row.host_id, row.name): row.path for row in rows}
        return self._known.get((host_id, name), b"")

    def host(self, host_id: int) -> str:
        if not self._hosts:
            self._hosts = dict(self._engine.execute("SELECT id, name FROM hosts"))
        return self._hosts.get(host_id, "")


def _event(id_: str, one: Happening, row: FileRow | None, places: _Places) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": id_,
        "event": one.event,
        "at_ns": one.at_ns,
        "host": places.host(one.host_id),
    }
    if row is not None:
        told["file"] = _file(row, places.root(one.host_id, row.root))
    detail = json.loads(one.detail)
    if detail:
        told["detail"] = detail
    return told


def _file(row: FileRow, root: bytes) -> dict[str, Any]:
    """Return a file as events tell of it, by the names that lists have."""
    path = row.path
    told: dict[str, Any] = {
        "id": row.id,
        "place": os.fsdecode(os.path.join(root, path)),
        "root": row.root,
        "path": shown(path),
        "kind": row.kind,
        "size": row.size,
        "mtime_ns": row.modified_ns,
        "state": row.state,
        "growing": bool(row.growing),
        "generation": row.generation,
        "inspected": row.inspected_ns is not None,
    }
    if row.digest is not None:
        told["digest"] = row.digest.hex()
    if told["path"].encode("utf-8", "surrogatepass") != path:
        told["path_hex"] = path.hex()
    return told
