"""Archives of rows: what lies in which, and how far the rows of each have left their table.

planned → written → verified → deleting → done, and later purging → purged. Until it is verified,
nothing left the application's table, so that whoever finds an older one removes its object and
notes it undone; from then on he goes on. Each step is durable before what comes next begins.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from storewarden.catalogue.engine import Engine, Row
from storewarden.errors import CatalogueRefused

State = Literal[
    "planned", "written", "verified", "deleting", "done", "undone", "failed", "purging", "purged"
]
OPEN: Final[tuple[State, ...]] = ("planned", "written", "verified", "deleting", "purging")
THERE: Final[tuple[State, ...]] = ("verified", "deleting", "done")
"""States in which the object holds what left."""

_BEFORE: Final[Mapping[State, tuple[State, ...]]] = {
    "written": ("planned",),
    "verified": ("written",),
    "deleting": ("verified",),
    "done": ("deleting",),
    "undone": ("planned", "written", "verified", "deleting"),
    "failed": ("planned", "written"),
    "purging": ("done",),
    "purged": ("purging",),
}
_COLUMNS: Final = (
    *("id", "name", "place", "state", "store", "key", "version", "form", "policy", "asked_by"),
    *("reason", "began_ns", "ended_ns", "purged_ns", "first_clock", "last_clock", "rows"),
    *("children", "bytes", "stored_bytes", "digest", "told", "trouble"),
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM row_archives"


class Archive(NamedTuple):
    """An archive as it is recorded. ``told`` is what goes on with it needs, and what came of it."""

    id: int
    name: str
    place: bytes
    state: State
    store: str
    key: str
    version: str
    form: str
    policy: str | None
    asked_by: str
    reason: str
    began_ns: int
    ended_ns: int | None
    purged_ns: int | None
    first_clock: str | None
    last_clock: str | None
    rows: int
    children: Mapping[str, int]
    size: int
    stored_bytes: int
    digest: bytes | None
    told: Mapping[str, Any]
    trouble: str

    @property
    def last_ns(self) -> int | None:
        """What the clock of its newest row shows."""
        return None if self.last_clock is None else int(self.last_clock)

    @property
    def first_ns(self) -> int | None:
        """What the clock of its oldest row shows."""
        return None if self.first_clock is None else int(self.first_clock)


class Begun(NamedTuple):
    """What is going to be archived, and why."""

    name: str
    place: bytes
    store: str
    key: str
    form: str
    policy: str | None
    asked_by: str
    reason: str
    told: Mapping[str, Any]


def begin(engine: Engine, host_id: int, begun: Begun, now_ns: int) -> int:
    """Note that rows are going to be archived, and return the number of the archive."""
    with engine.transaction(durable=True):
        ((number,),) = engine.execute(
            "INSERT INTO row_archives (host_id, name, place, store, key, form, policy, asked_by,"
            " reason, told, state, began_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned', ?)"
            " RETURNING id",
            (host_id, *begun[:-1], json.dumps(begun.told), now_ns),
        )
    return int(number)


def step(engine: Engine, archive: Archive, state: State, **changes: Any) -> Archive:
    """Note that an archive is one step further, durably.

    Raises:
        CatalogueRefused: it is not where we think it is.
    """
    values = {**changes, "state": state}
    for name in ("children", "told"):
        if name in values:
            values[name] = json.dumps(values[name])
    sets = ", ".join(f"{name} = ?" for name in values)
    before = _BEFORE[state]
    marks = ", ".join("?" * len(before))
    with engine.transaction(durable=True):
        rows = engine.execute(
            f"UPDATE row_archives SET {sets} WHERE id = ? AND state IN ({marks}) RETURNING id",
            (*values.values(), archive.id, *before),
        )
        if not rows:
            raise CatalogueRefused(f"an archive of rows is not on the way to {state}")
        (found,) = engine.execute(f"{_SELECT} WHERE id = ?", (archive.id,))
    return _archive(found)


def tell(engine: Engine, archive: Archive, **told: Any) -> Archive:
    """Note more about an archive; its state stays."""
    whole = {**archive.told, **told}
    with engine.transaction(durable=True):
        engine.execute(
            "UPDATE row_archives SET told = ? WHERE id = ?", (json.dumps(whole), archive.id)
        )
    return archive._replace(told=whole)


def one(engine: Engine, host_id: int, number: int) -> Archive | None:
    """Return the archive of a number."""
    rows = engine.execute(f"{_SELECT} WHERE host_id = ? AND id = ?", (host_id, number))
    return _archive(rows[0]) if rows else None


def archives(
    engine: Engine, host_id: int, name: str | None = None, states: Sequence[State] = ()
) -> list[Archive]:
    """Return archives, of one table or of all, the newest first."""
    told, values = ["host_id = ?"], [host_id, *([] if name is None else [name]), *states]
    if name is not None:
        told.append("name = ?")
    if states:
        told.append(f"state IN ({', '.join('?' * len(states))})")
    sql = f"{_SELECT} WHERE {' AND '.join(told)} ORDER BY id DESC"
    return [_archive(row) for row in engine.execute(sql, values)]


def note_figures(
    engine: Engine, host_id: int, figures: Iterable[tuple[str, str, int]], now_ns: int
) -> None:
    """Note what was counted of tables: (name, figure, value)."""
    rows = [(host_id, *one, now_ns) for one in figures]
    with engine.transaction():
        engine.executemany(
            "INSERT INTO row_figures (host_id, name, figure, value, counted_ns)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (host_id, name, figure)"
            " DO UPDATE SET value = excluded.value, counted_ns = excluded.counted_ns",
            rows,
        )


def figures(engine: Engine, host_id: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Return what was counted last, and when, by the table's name and the figure."""
    sql = "SELECT name, figure, value, counted_ns FROM row_figures WHERE host_id = ?"
    return {(row[0], row[1]): (row[2], row[3]) for row in engine.execute(sql, (host_id,))}


def put_away(engine: Engine, host_id: int, paths: Iterable[bytes]) -> set[bytes]:
    """Return which of these files are not at their places because we took them away."""
    wanted = set(paths)
    found = engine.fetch_in(
        "SELECT r.path, d.path, f.name FROM files f JOIN directories d ON d.id = f.directory_id"
        " JOIN roots r ON r.id = d.root_id"
        " WHERE r.host_id = ? AND f.state IN ('archived', 'trashed', 'held') AND f.name IN ({in})",
        sorted({path.rpartition(b"/")[2] for path in wanted}),
        (host_id,),
    )
    there = {b"/".join(filter(None, map(bytes, row))) for row in found}
    return wanted & there


def _archive(row: Row) -> Archive:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["size"] = values.pop("bytes")
    values |= {"place": bytes(values["place"]), "told": json.loads(values["told"])}
    values["children"] = json.loads(values["children"])
    digest = values["digest"]
    return Archive(**values | {"digest": None if digest is None else bytes(digest)})
