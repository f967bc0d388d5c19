"""Files that were told of before they were seen: linked in the transaction that records them.

A recorder that finds nobody waiting pays one look at an index that is empty. Where somebody waits,
only the names that were just recorded are looked up, and only in directories where somebody waits.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from storewarden.catalogue import marks, undecided
from storewarden.catalogue.engine import Engine
from storewarden.catalogue.marks import Said
from storewarden.catalogue.told import holdings, places, users
from storewarden.catalogue.told.flows import over
from storewarden.catalogue.told.places import ToldRow

APPLICATION: Final = "an application"
"""Who told something, when it was no user."""

_WAITS: Final = "SELECT 1 FROM told_files WHERE waiting = 1 LIMIT 1"
_THERE: Final = "(f.state = 'present' OR f.state = 'held')"


def seen(engine: Engine, names: Sequence[tuple[int, bytes]], now_ns: int) -> None:
    """Link files that were just recorded, by directory and name, with what was told of them."""
    if not names or not engine.execute(_WAITS):
        return
    rows = engine.fetch_in(
        "SELECT d.id FROM directories d WHERE EXISTS (SELECT 1 FROM told_files t"
        " WHERE t.waiting = 1 AND t.root_id = d.root_id AND t.directory = d.path)"
        " AND d.id IN ({in})",
        {directory_id for directory_id, _ in names},
    )
    waited_in = {directory_id for (directory_id,) in rows}
    rows = engine.fetch_each(
        "SELECT t.id, f.id FROM directories d"
        " JOIN told_files t ON t.root_id = d.root_id AND t.directory = d.path"
        " JOIN files f ON f.directory_id = d.id AND f.name = t.name"
        f" WHERE d.id = ? AND t.name = ? AND t.waiting = 1 AND {_THERE}",
        [each for each in names if each[0] in waited_in],
    )
    _link_all(engine, rows, now_ns)


def seen_below(engine: Engine, root_id: int, path: bytes, now_ns: int) -> None:
    """Link all files in a directory and below it: it was just given this path."""
    if not engine.execute(_WAITS):
        return
    rows = engine.execute(
        "SELECT t.id, f.id FROM told_files t"
        " JOIN directories d ON d.root_id = t.root_id AND d.path = t.directory"
        " JOIN files f ON f.directory_id = d.id AND f.name = t.name"
        " WHERE t.waiting = 1 AND t.root_id = ?"
        " AND (t.directory = ? OR (t.directory >= ? AND t.directory < ?))"
        f" AND {_THERE}",
        (root_id, path, path + b"/", path + b"0"),  # "0" follows "/" in ASCII
    )
    _link_all(engine, rows, now_ns)


def carry(engine: Engine, from_id: int, to_id: int, now_ns: int) -> None:
    """Let one file have what was told of another whose row is to be deleted: they are the same."""
    told = places.of_file(engine, from_id)
    if told is None:
        return
    engine.execute("UPDATE told_files SET file_id = NULL WHERE id = ?", (told.id,))
    _link(engine, told, to_id, now_ns)


def _link_all(engine: Engine, pairs: Collection[Sequence[Any]], now_ns: int) -> None:
    waiting = {row.id: row for row in places.by_ids(engine, [pair[0] for pair in pairs])}
    for told_id, file_id in sorted({(pair[0], pair[1]) for pair in pairs}):
        _link(engine, waiting[told_id], file_id, now_ns)


def _link(engine: Engine, told: ToldRow, file_id: int, now_ns: int) -> None:
    """Let a row be of a file, or add it to the one that there is, unless that is another's."""
    there = places.of_file(engine, file_id)
    if there is None:
        engine.execute(
            "UPDATE told_files SET file_id = ?, waiting = 0 WHERE id = ?", (file_id, told.id)
        )
    elif told.owner_id != there.owner_id:
        return  # nobody takes a file of another by telling of the place where it came to lie
    else:
        _merge(engine, told, there)
    owner = None if told.owner_id is None else users.by_id(engine, told.owner_id)
    said = Said(
        None if told.pinned is None else bool(told.pinned),
        told.rating,
        tuple(json.loads(told.tags)),
        None if owner is None else owner.name,
    )
    by = APPLICATION if owner is None else owner.name
    marks.say(engine, file_id, said, now_ns, by=by)
    _tell_history(engine, told, file_id, now_ns, by)
    undecided.mark(engine, [file_id])


def _tell_history(engine: Engine, told: ToldRow, file_id: int, now_ns: int, by: str) -> None:
    (names,) = engine.execute(
        "SELECT w.name, s.name FROM told_files t LEFT JOIN workflows w ON w.id = t.workflow_id"
        " LEFT JOIN scenes s ON s.id = t.scene_id WHERE t.file_id = ?",
        (file_id,),
    )
    said = dict(zip(("workflow", "scene"), names, strict=True))
    said |= {"file_type": told.file_type, "title": told.title}
    detail = {"by": by, "before": True}
    detail |= {name: value for name, value in said.items() if value is not None}
    engine.insert(
        "history",
        ("file_id", "at_ns", "event", "detail"),
        [(file_id, now_ns, "told", json.dumps(detail))],
    )


# -- two rows of what turned out to be one file ---------------------------------------------------


def _merge(engine: Engine, gone: ToldRow, stays: ToldRow) -> None:
    """Add a row to another one and delete it; what was told later counts."""
    later, earlier = (gone, stays) if gone.told_ns >= stays.told_ns else (stays, gone)
    flow = later if later.workflow_id is not None else earlier
    values = {
        "workflow_id": flow.workflow_id,
        "scene_id": flow.scene_id,
        "file_type": later.file_type or earlier.file_type,
        "title": earlier.title if later.title is None else later.title,
        "metadata": over(earlier.metadata, json.loads(later.metadata)),
        "public": max(gone.public, stays.public),
        "pinned": earlier.pinned if later.pinned is None else later.pinned,
        "rating": earlier.rating if later.rating is None else later.rating,
        "tags": json.dumps(sorted({*json.loads(gone.tags), *json.loads(stays.tags)})),
        **stays.with_cost(gone.cost_nano, gone.cost_currency),
    }
    _move(engine, gone.id, stays.id)
    engine.execute("UPDATE told_files SET owner_id = NULL WHERE id = ?", (gone.id,))
    holdings.count(engine, [gone.id])  # for nobody any more
    engine.execute("DELETE FROM told_files WHERE id = ?", (gone.id,))
    places.change(engine, stays.id, values, later.told_ns)
    holdings.count(engine, [stays.id])


def _move(engine: Engine, from_id: int, to_id: int) -> None:
    """Let one row have the texts, questions, costs and scenes of another."""
    engine.execute(
        "DELETE FROM told_texts WHERE id IN (SELECT CASE WHEN a.told_ns >= b.told_ns"
        " THEN b.id ELSE a.id END FROM told_texts a JOIN told_texts b ON b.role = a.role"
        " AND coalesce(b.language, '') = coalesce(a.language, '')"
        " WHERE a.told_id = ? AND b.told_id = ?)",
        (from_id, to_id),
    )
    for table in ("told_texts", "chat_history", "api_usage", "scene_images"):
        engine.execute(f"UPDATE {table} SET told_id = ? WHERE told_id = ?", (to_id, from_id))
