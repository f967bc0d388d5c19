"""What people say of files: pins, ratings, tags; each tells its history who said so."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import NamedTuple

from storewarden.catalogue import undecided
from storewarden.catalogue.engine import Engine


class Marks(NamedTuple):
    """What was said of a file."""

    pinned: bool = False
    rating: float | None = None
    tags: tuple[str, ...] = ()
    owner: str | None = None


def of_files(engine: Engine, ids: Collection[int]) -> dict[int, Marks]:
    """Return what was said of files; one of which nobody said anything is left out."""
    rows = engine.fetch_in(
        "SELECT file_id, pinned, rating, tags, owner FROM marks WHERE file_id IN ({in})", ids
    )
    return {
        file_id: Marks(bool(pinned), rating, tuple(json.loads(tags)), owner)
        for file_id, pinned, rating, tags, owner in rows
    }


class Said(NamedTuple):
    """What an application says of a file; None is not said, tags are added."""

    pinned: bool | None = None
    rating: float | None = None
    tags: tuple[str, ...] = ()
    owner: str | None = None


def say(engine: Engine, file_id: int, said: Said, now_ns: int, *, by: str) -> bool:
    """Keep what is said of a file; True when anything of it is new."""
    there = of_files(engine, [file_id]).get(file_id, Marks())
    now = Marks(
        there.pinned if said.pinned is None else said.pinned,
        there.rating if said.rating is None else said.rating,
        tuple(sorted({*there.tags, *said.tags})) if {*said.tags} - {*there.tags} else there.tags,
        said.owner or there.owner,
    )
    lines: list[tuple[str, dict[str, object]]] = []
    if now.pinned != there.pinned:
        lines.append(("pinned" if now.pinned else "unpinned", {}))
    if now.rating != there.rating:
        lines.append(("rated", {"rating": now.rating}))
    if now.tags != there.tags:
        added = sorted({*now.tags} - {*there.tags})
        lines.append(("tagged", {"added": added, "removed": []}))
    if now.owner != there.owner:
        lines.append(("owned", {"owner": now.owner, "was": there.owner}))
    if not lines:
        return False
    _keep(engine, {file_id: now})
    engine.insert(
        "history",
        ("file_id", "at_ns", "event", "detail"),
        [(file_id, now_ns, event, json.dumps({"by": by, **more})) for event, more in lines],
    )
    undecided.mark(engine, [file_id])
    return True


def pin(engine: Engine, ids: Collection[int], now_ns: int, *, by: str) -> int:
    """Pin files: no policy takes them away; return how many were not."""
    return _pin(engine, ids, now_ns, by, pinned=True)


def unpin(engine: Engine, ids: Collection[int], now_ns: int, *, by: str) -> int:
    """Take the pins off files; return how many had one."""
    return _pin(engine, ids, now_ns, by, pinned=False)


def rate(
    engine: Engine, ids: Collection[int], rating: float | None, now_ns: int, *, by: str
) -> int:
    """Give files a rating, or None; return of how many it is another one than before."""
    with engine.joined():
        there = _there(engine, ids)
        changed = {
            file_id: marks._replace(rating=rating)
            for file_id, marks in there.items()
            if marks.rating != rating
        }
        _write(engine, changed, "rated", {"by": by, "rating": rating}, now_ns)
    return len(changed)


def tag(
    engine: Engine,
    ids: Collection[int],
    now_ns: int,
    *,
    by: str,
    add: Collection[str] = (),
    remove: Collection[str] = (),
) -> int:
    """Give tags to files and take others from them; return of how many they changed."""
    with engine.joined():
        changed: dict[int, Marks] = {}
        for file_id, marks in _there(engine, ids).items():
            tags = tuple(sorted((set(marks.tags) | set(add)) - set(remove)))
            if set(tags) != set(marks.tags):
                changed[file_id] = marks._replace(tags=tags)
        detail = {"by": by, "added": sorted(add), "removed": sorted(remove)}
        _write(engine, changed, "tagged", detail, now_ns)
    return len(changed)


def _pin(engine: Engine, ids: Collection[int], now_ns: int, by: str, *, pinned: bool) -> int:
    with engine.joined():
        changed = {
            file_id: marks._replace(pinned=pinned)
            for file_id, marks in _there(engine, ids).items()
            if marks.pinned != pinned
        }
        _write(engine, changed, "pinned" if pinned else "unpinned", {"by": by}, now_ns)
    return len(changed)


def _there(engine: Engine, ids: Collection[int]) -> dict[int, Marks]:
    """Return all of these files that there are, with what was said of them."""
    rows = engine.fetch_in("SELECT id FROM files WHERE id IN ({in})", ids)
    said = of_files(engine, ids)
    return {file_id: said.get(file_id, Marks()) for (file_id,) in rows}


def _write(
    engine: Engine,
    changed: Mapping[int, Marks],
    event: str,
    detail: Mapping[str, object],
    now_ns: int,
) -> None:
    _keep(engine, changed)
    engine.insert(
        "history",
        ("file_id", "at_ns", "event", "detail"),
        [(file_id, now_ns, event, json.dumps(detail)) for file_id in changed],
    )
    undecided.mark(engine, list(changed))


def _keep(engine: Engine, changed: Mapping[int, Marks]) -> None:
    engine.executemany(
        "INSERT INTO marks (file_id, pinned, rating, tags, owner) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (file_id) DO UPDATE SET pinned = excluded.pinned, rating = excluded.rating,"
        " tags = excluded.tags, owner = excluded.owner",
        [
            (file_id, int(marks.pinned), marks.rating, json.dumps(marks.tags), marks.owner)
            for file_id, marks in changed.items()
        ],
    )
