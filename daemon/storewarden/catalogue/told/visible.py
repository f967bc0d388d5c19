"""What a user may see: their own, and what is public. Written once, for every question.

``user_id`` None sees everything.
"""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.orm import SQL, Expression, Node, fn
from storewarden.catalogue.tables import File
from storewarden.catalogue.told.places import Place
from storewarden.catalogue.told_tables import ToldFile
from storewarden.catalogue.ways import Way, numbers

_PLACE = "d.root_id = ? AND d.path = ? AND f.name = ?"
_THERE_FIRST = (
    "CASE f.state WHEN 'present' THEN 0 WHEN 'held' THEN 0 WHEN 'missing' THEN 2"
    " WHEN 'purged' THEN 2 ELSE 1 END, coalesce(f.gone_ns, 0) DESC, f.id DESC"
)


class Seen(NamedTuple):
    """A file that is shown, and the row of what was told of it; either may not be there yet."""

    file_id: int | None
    told_id: int | None


def seen_by(user_id: int, number: Node = File.id) -> Node:
    """Return the condition that a file of this number is shown to a user."""
    theirs = (ToldFile.owner == user_id) | (ToldFile.public == 1)
    this = Expression(ToldFile.file, "=", number)
    there: Node = fn.EXISTS(ToldFile.select(SQL("1")).where(this, theirs))
    return there


def way_of(user_id: int) -> Way:
    """Return the way to all files that are shown to a user."""
    return Way(
        (
            numbers(ToldFile.file, ToldFile.owner == user_id),
            numbers(ToldFile.file, ToldFile.public == 1),
        ),
        patience=200_000,
    )


def theirs(user_id: int | None, row: str) -> tuple[str, tuple[int, ...]]:
    """Return the same of a row with ``owner_id`` and ``public``, as words of SQL and its values."""
    if user_id is None:
        return "", ()
    return f" AND ({row}.owner_id = ? OR {row}.public = 1)", (user_id,)


def by_id(engine: Engine, host_id: int | None, file_id: int, user_id: int | None) -> list[Seen]:
    """Return a file by its number, or nothing."""
    ours, host = ("", ()) if host_id is None else (" AND r.host_id = ?", (host_id,))
    shown, user = theirs(user_id, "t")
    rows = engine.execute(
        "SELECT f.id, t.id FROM files f JOIN directories d ON d.id = f.directory_id"
        " JOIN roots r ON r.id = d.root_id LEFT JOIN told_files t ON t.file_id = f.id"
        f" WHERE f.id = ?{ours}{shown}",
        (file_id, *host, *user),
    )
    return [Seen(*row) for row in rows]


def at(engine: Engine, place: Place, user_id: int | None) -> list[Seen]:
    """Return all files that had a place, the one that is there first; else what shall come."""
    shown, user = theirs(user_id, "t")
    rows = engine.execute(
        "SELECT f.id, t.id FROM directories d JOIN files f ON f.directory_id = d.id"
        f" LEFT JOIN told_files t ON t.file_id = f.id WHERE {_PLACE}{shown}"
        f" ORDER BY {_THERE_FIRST}",
        (*place, *user),
    )
    rows += engine.execute(
        "SELECT NULL, t.id FROM told_files t"
        f" WHERE t.root_id = ? AND t.directory = ? AND t.name = ? AND t.waiting = 1{shown}",
        (*place, *user),
    )
    return [Seen(*row) for row in rows]
