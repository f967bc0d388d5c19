"""Files that wait to be inspected again because we would find more in them, or their path changed.

Both are brought about in slices, when nothing else waits. How far that got stands in the
catalogue: a restart goes on with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storewarden.catalogue.bundles import await_inspection
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.engine import Engine

NONE = "none"  # the inspector of files that no other one knows

# Rows that are looked through in one step in which none is found to be wanted.
_MOST = 50_000
_COLUMNS = 200  # of one query


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the files of a root are looked into."""

    waiting: int  # to be inspected
    refused: int  # what is broken, or not what it claims to be


@dataclass(frozen=True, slots=True)
class Sweeping:
    """A sweep of all files that is under way: for which inspectors, and how far it is."""

    inspectors: tuple[str, ...]
    share: float  # 0 to 1


class Sweep:
    """Lets files wait that are worth another look. Used in the recorder's batches."""

    def __init__(self, engine: Engine, counts: Counts) -> None:
        """Sweep the roots that ``counts`` knows; all are of one host."""
        self._engine = engine
        self._counts = counts

    def note(self, places: Mapping[str, Sequence[str]]) -> None:
        """Note what tells the meaning of paths now; see `note_places`."""
        for root, patterns in places.items():
            note_places(self._engine, self._counts.roots[root], patterns)

    def pending(self, versions: Mapping[str, int]) -> bool:
        """Tell whether there may be more to be marked."""
        if not self._counts.names:
            return False
        return self._stale() is not None or bool(self._under_way(versions, self._rows()))

    def step(self, versions: Mapping[str, int], limit: int) -> int:
        """Let at most ``limit`` more files wait, and return how many; see ``pending``.

        ``versions`` are those of the inspectors that there are now.
        """
        looked = 0
        while self._counts.names and looked < _MOST:
            stale = self._stale()
            if stale is not None:
                rows, marked = self._mark_below(*stale, limit)
            else:
                rows, marked = self._mark_outdated(versions, limit)
            if marked or not rows:
                return marked
            looked += rows
        return 0

    # -- directories whose path changed, or what it tells --------------------------------------

    def _stale(self) -> tuple[int, bytes] | None:
        rows = self._engine.execute(
            "SELECT id, stale FROM directories WHERE stale IS NOT NULL"
            f" AND root_id IN ({self._marks()}) ORDER BY id LIMIT 1",
            list(self._counts.names),
        )
        return (rows[0][0], bytes(rows[0][1])) if rows else None

    def _mark_below(self, directory_id: int, after: bytes, limit: int) -> tuple[int, int]:
        """Mark the next files of a directory; at its end it is no longer stale."""
        rows = self._engine.execute(
            "SELECT id, name, inspected_ns FROM files WHERE directory_id = ? AND name > ?"
            " ORDER BY name LIMIT ?",
            (directory_id, after, limit),
        )
        ids = [id_ for id_, _, inspected_ns in rows if inspected_ns is not None]
        await_inspection(self._engine, ids)
        until = None if len(rows) < limit else bytes(rows[-1][1])
        self._engine.execute("UPDATE directories SET stale = ? WHERE id = ?", (until, directory_id))
        return len(rows) + 1, len(ids)

    # -- what newer inspectors would understand ------------------------------------------------

    def _rows(self) -> dict[str, tuple[int, int | None]]:
        return {
            name: (version, swept_id)
            for name, version, swept_id in self._engine.execute(
                "SELECT name, version, swept_id FROM inspectors WHERE host_id = ?", (self._host(),)
            )
        }

    def _host(self) -> int:
        root_id = next(iter(self._counts.names))
        rows = self._engine.execute("SELECT host_id FROM roots WHERE id = ?", (root_id,))
        return int(rows[0][0])

    @staticmethod
    def _under_way(
        versions: Mapping[str, int], rows: Mapping[str, tuple[int, int | None]]
    ) -> dict[str, int]:
        """Return the inspectors whose sweep is not at its end, and to which file each got.

        Files that nobody knew what to do with are what a new inspector may be for.
        """
        found: dict[str, int] = {}
        for name, version in versions.items():
            known, swept_id = rows.get(name, (None, None))
            if known != version:
                found[name] = 0
            elif swept_id is not None:
                found[name] = swept_id
        if any(name not in rows for name in versions):
            found[NONE] = 0
        return found

    def _mark_outdated(self, versions: Mapping[str, int], limit: int) -> tuple[int, int]:
        """Mark the next files whose facts are of an older inspector."""
        under_way = self._under_way(versions, self._rows())
        if not under_way:
            return 0, 0
        rows = self._engine.execute(
            "SELECT t.file_id, t.inspector, t.version"
            " FROM facts t CROSS JOIN files f CROSS JOIN directories d"
            " WHERE f.id = t.file_id AND d.id = f.directory_id AND t.file_id > ?"
            f" AND d.root_id IN ({self._marks()}) ORDER BY t.file_id LIMIT ?",
            (min(under_way.values()), *self._counts.names, limit),
        )
        ids = [
            file_id
            for file_id, inspector, version in rows
            if version < versions.get(inspector, version + 1)
            or (inspector == NONE and NONE in under_way)
        ]
        await_inspection(self._engine, ids)
        until = None if len(rows) < limit else rows[-1][0]
        host = self._host()
        self._engine.executemany(
            "INSERT INTO inspectors (host_id, name, version, swept_id) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (host_id, name) DO UPDATE"
            " SET version = excluded.version, swept_id = excluded.swept_id",
            [(host, name, versions.get(name, 0), until) for name in under_way],
        )
        return len(rows) + 1, len(ids)

    def _marks(self) -> str:
        return ", ".join("?" * len(self._counts.names))


def note_places(engine: Engine, root_id: int, patterns: Sequence[str]) -> bool:
    """Note the patterns that tell what paths mean; true when they are others than they were.

    All files of the root then wait for another look, a few at a time.
    """
    told = json.dumps(list(patterns))
    with engine.joined():
        rows = engine.execute(
            "UPDATE roots SET places = ? WHERE id = ? AND places <> ? RETURNING id",
            (told, root_id, told),
        )
        if rows:
            engine.execute("UPDATE directories SET stale = ? WHERE root_id = ?", (b"", root_id))
    return bool(rows)


def inspection_progress(engine: Engine, host_id: int | None = None) -> dict[str, Progress]:
    """Return how far the roots of a host, or of all, are looked into, by name."""
    where, params = ("", ()) if host_id is None else (" WHERE host_id = ?", (host_id,))
    named = engine.execute(f"SELECT id, name FROM roots{where} ORDER BY name", params)
    ids = [id_ for id_, _ in named]
    waiting = uninspected(engine, ids)
    refused = _by_root(
        engine,
        ids,
        "facts t CROSS JOIN files f CROSS JOIN directories d WHERE f.id = t.file_id"
        " AND d.id = f.directory_id AND t.outcome = 'refused' AND t.file_id > 0"
        " AND f.state = 'present'",
    )
    return {name: Progress(waiting[id_], refused[id_]) for id_, name in named}


def uninspected(engine: Engine, root_ids: Sequence[int]) -> dict[int, int]:
    """Return how many files of each of these roots wait to be inspected."""
    return _by_root(
        engine,
        root_ids,
        "files f CROSS JOIN directories d WHERE d.id = f.directory_id"
        " AND f.inspected_ns IS NULL AND f.state = 'present' AND f.growing = 0 AND f.id > 0",
    )


def _by_root(engine: Engine, root_ids: Sequence[int], which: str) -> dict[int, int]:
    """Count in one pass, and not by GROUP BY: SQLite would sort a million rows, in 60 MB."""
    counted: dict[int, int] = {}
    for first in range(0, len(root_ids), _COLUMNS):
        ids = root_ids[first : first + _COLUMNS]
        columns = ", ".join("count(*) FILTER (WHERE d.root_id = ?)" for _ in ids)
        (row,) = engine.execute(f"SELECT {columns} FROM {which}", ids)
        counted |= zip(ids, row, strict=True)
    return counted


def sweeping(engine: Engine, host_id: int) -> Sweeping | None:
    """Return the sweep of a host's files that is under way, if one is."""
    rows = engine.execute(
        "SELECT name, swept_id FROM inspectors WHERE host_id = ? AND swept_id IS NOT NULL"
        " ORDER BY name",
        (host_id,),
    )
    if not rows:
        return None
    last = engine.execute("SELECT max(file_id) FROM facts")[0][0] or 0
    swept = min(swept_id for _, swept_id in rows)
    return Sweeping(tuple(name for name, _ in rows), swept / last if last else 1.0)
