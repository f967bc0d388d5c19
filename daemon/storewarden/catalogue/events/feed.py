"""What happened since a cursor, read from the rounds and from the rows that they point at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events.cursor import (
    BEGINNING,
    DESCRIBED,
    END,
    FILES,
    LINES,
    Cursor,
    Position,
)
from storewarden.catalogue.events.rounds import from_text

CREATED: Final = "created"
KNOWN: Final = "described"
MISSED: Final = "missed"

_AT_ONCE = 100  # rounds

# From the file upwards, whatever a database thinks of it: else SQLite walks through all directories
_HOST_OF = (
    "(SELECT r.host_id FROM directories d JOIN roots r ON r.id = d.root_id WHERE d.id = {of}) = ?"
)
_FILES = (
    "SELECT f.id, f.first_seen_ns FROM files f WHERE f.id > ? AND f.id <= ?"
    f" AND {_HOST_OF.format(of='f.directory_id')} ORDER BY f.id LIMIT ?"
)
_LINES = (
    "SELECT h.id, h.file_id, h.at_ns, h.event, h.detail FROM history h"
    " WHERE h.id > ? AND h.id <= ? AND "
    + _HOST_OF.format(of="(SELECT f.directory_id FROM files f WHERE f.id = h.file_id)")
    + " ORDER BY h.id LIMIT ?"
)
_ROUNDS = (
    "SELECT id, at_ns, files_after, files_through, lines_after, lines_through, described"
    f" FROM event_rounds WHERE host_id = ? AND id >= ? ORDER BY id LIMIT {_AT_ONCE}"
)


class Happening(NamedTuple):
    """One thing that happened, without what is known of its file; ``detail`` is JSON."""

    host_id: int
    position: Position
    event: str
    at_ns: int
    file_id: int | None
    detail: str = "{}"


@dataclass(frozen=True, slots=True)
class Heard:
    """What happened, in order for each file; ``more``: there is more to be read at once."""

    happenings: Sequence[Happening]
    cursor: Cursor
    more: bool


class _Round(NamedTuple):
    id: int
    at_ns: int
    files_after: int
    files_through: int
    lines_after: int
    lines_through: int
    described: str


def newest(engine: Engine, host_id: int | None = None) -> Cursor:
    """Return where the journal ends now, that of one host or of all."""
    where, params = ("", ()) if host_id is None else (" WHERE host_id = ?", (host_id,))
    rows = engine.execute(
        "SELECT host_id, id, at_ns FROM event_rounds WHERE id IN"
        f" (SELECT max(id) FROM event_rounds{where} GROUP BY host_id)",
        params,
    )
    return Cursor({host: Position(id_, at_ns) for host, id_, at_ns in rows})


def last_round(engine: Engine) -> int:
    """Return the number of the last round of all, which tells whether there is anything new."""
    ((last,),) = engine.execute("SELECT coalesce(max(id), 0) FROM event_rounds")
    return int(last)


def read(engine: Engine, cursor: Cursor, most: int, host_id: int | None = None) -> Heard:
    """Return what happened after a cursor, of one host or of all, at most so many things.

    An empty cursor stands before everything that is kept. Where the journal no longer reaches back
    to the cursor, or the cursor is of another catalogue, ``missed`` comes first.
    """
    found: list[Happening] = []
    cursor = begun(engine, cursor, host_id)
    for host in _hosts(engine, host_id):
        at, missed = _begin(engine, cursor, host)
        if missed is not None:
            found.append(missed)
        more = True
        while more and len(found) < most:
            some, at, more = _some(engine, host, at, most - len(found))
            found += some
        if missed is not None or at is not BEGINNING:
            cursor = cursor.at(host, at)
        if more:
            return Heard(found, cursor, more=True)
    return Heard(found, cursor, more=False)


def begun(engine: Engine, cursor: Cursor, host_id: int | None = None) -> Cursor:
    """Return the cursor itself, or instead of an empty one that which stands before everything."""
    if cursor.positions:
        return cursor
    return Cursor(dict.fromkeys(_hosts(engine, host_id), BEGINNING))


def _hosts(engine: Engine, host_id: int | None) -> list[int]:
    if host_id is not None:
        return [host_id]
    return [int(id_) for (id_,) in engine.execute("SELECT id FROM hosts ORDER BY id")]


def _begin(engine: Engine, cursor: Cursor, host_id: int) -> tuple[Position, Happening | None]:
    """Return from where to read on, and what to tell first when something was missed."""
    at = cursor.positions.get(host_id)
    if at is not None and (
        at.round == BEGINNING.round
        or engine.execute(
            "SELECT 1 FROM event_rounds WHERE id = ? AND host_id = ? AND at_ns = ?",
            (at.round, host_id, at.at_ns),
        )
    ):
        return at, None
    oldest = engine.execute(
        "SELECT id, at_ns FROM event_rounds WHERE host_id = ? ORDER BY id LIMIT 1", (host_id,)
    )
    if not oldest:
        return BEGINNING, None
    until = int(oldest[0][1])
    since = f'"since_ns": {at.at_ns}, ' if at is not None else ""
    detail = f'{{{since}"until_ns": {until}}}'
    return BEGINNING, Happening(host_id, BEGINNING, MISSED, until, None, detail)


def _some(
    engine: Engine, host_id: int, at: Position, most: int
) -> tuple[list[Happening], Position, bool]:
    """Return what comes next of a host, how far that reaches, and whether there is more."""
    rows = [_Round(*row) for row in engine.execute(_ROUNDS, (host_id, at.round))]
    found: list[Happening] = []
    for row in rows:
        if row.id == at.round and at.part == END:
            continue
        inside = at if row.id == at.round else Position(row.id, row.at_ns, FILES, 0)
        for one in _of_round(engine, host_id, row, inside, most - len(found)):
            found.append(one)
            at = one.position
        if len(found) >= most:
            return found, at, True
        at = Position(row.id, row.at_ns)
    return found, at, len(rows) == _AT_ONCE


def _of_round(
    engine: Engine, host_id: int, row: _Round, at: Position, most: int
) -> Iterator[Happening]:
    """Yield what a round tells after a place in it: what came, what became of it, what it is."""
    left = most
    if at.part == FILES and row.files_through > row.files_after:
        params = (max(row.files_after, at.last), row.files_through, host_id, left)
        for file_id, seen_ns in engine.execute(_FILES, params):
            left -= 1
            yield Happening(host_id, _in(row, FILES, file_id), CREATED, seen_ns, file_id)
    if left and at.part in (FILES, LINES) and row.lines_through > row.lines_after:
        after = max(row.lines_after, at.last) if at.part == LINES else row.lines_after
        params = (after, row.lines_through, host_id, left)
        for line, file_id, at_ns, event, detail in engine.execute(_LINES, params):
            left -= 1
            yield Happening(host_id, _in(row, LINES, line), event, at_ns, file_id, detail)
    if left and row.described:
        after = at.last if at.part == DESCRIBED else 0
        ids = [one for one in from_text(row.described) if one > after]
        for file_id in ids[:left]:
            yield Happening(host_id, _in(row, DESCRIBED, file_id), KNOWN, row.at_ns, file_id)


def _in(row: _Round, part: str, last: int) -> Position:
    return Position(row.id, row.at_ns, part, last)
