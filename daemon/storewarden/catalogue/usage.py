"""How often files are opened and written: totals for ever, single days for a bounded time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from storewarden.catalogue import undecided
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.directories import Directories
from storewarden.catalogue.engine import Engine
from storewarden.model import UsageCount

DAY_NS = 86_400 * 1_000_000_000

_ADD_TOTALS = (
    "INSERT INTO usage (file_id, last_ns, opens, writes) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (file_id) DO UPDATE SET opens = usage.opens + excluded.opens,"
    " writes = usage.writes + excluded.writes, last_ns = CASE"
    " WHEN excluded.last_ns > usage.last_ns THEN excluded.last_ns ELSE usage.last_ns END"
)
_ADD_DAYS = (
    "INSERT INTO usage_days (file_id, day, opens, writes) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (file_id, day) DO UPDATE SET opens = usage_days.opens + excluded.opens,"
    " writes = usage_days.writes + excluded.writes"
)


class Usage:
    """Adds counts to what is stored. Owned by the recorder thread, inside its transactions."""

    def __init__(self, engine: Engine, counts: Counts, directories: Directories) -> None:
        self._engine = engine
        self._counts = counts
        self._directories = directories
        self.decides = True  # the policies in force ask how files are used

    def store(self, root: str, counted: Sequence[UsageCount]) -> list[UsageCount]:
        """Add counts of files that are there; return those of files that have no row (yet).

        No file may be in ``counted`` twice.

        Raises:
            CatalogueRefused: none of them was stored; the transaction goes on without them.
        """
        with self._engine.savepoint():
            return self._store(root, counted)

    def _store(self, root: str, counted: Sequence[UsageCount]) -> list[UsageCount]:
        by_directory: dict[bytes, dict[bytes, UsageCount]] = defaultdict(dict)
        for one in counted:
            by_directory[one.directory][one.name] = one
        root_id = self._counts.roots[root]
        known: list[tuple[int, UsageCount]] = []
        unknown: list[UsageCount] = []
        for path, by_name in by_directory.items():
            directory = self._directories.known(root_id, path)
            for id_, name in self._present(directory.id, by_name) if directory else ():
                known.append((id_, by_name.pop(name)))
            unknown += by_name.values()
        self._engine.executemany(
            _ADD_TOTALS, [(id_, one.last_ns, one.opens, one.writes) for id_, one in known]
        )
        self._engine.executemany(
            _ADD_DAYS, [(id_, one.last_ns // DAY_NS, one.opens, one.writes) for id_, one in known]
        )
        if self.decides:
            undecided.mark(self._engine, [id_ for id_, _ in known], used=True)
        return unknown

    def _present(
        self, directory_id: int, names: dict[bytes, UsageCount]
    ) -> list[tuple[int, bytes]]:
        rows = self._engine.fetch_in(
            "SELECT id, name FROM files WHERE state = 'present' AND directory_id = ?"
            " AND name IN ({in})",
            names,
            (directory_id,),
        )
        return [(id_, bytes(name)) for id_, name in rows]


def carry(engine: Engine, from_id: int, to_id: int) -> None:
    """Add what was counted of one row to another: they turned out to be the same file."""
    for table, add, key in (
        ("usage", _ADD_TOTALS, "last_ns"),
        ("usage_days", _ADD_DAYS, "day"),
    ):
        rows = engine.execute(
            f"SELECT {key}, opens, writes FROM {table} WHERE file_id = ?", (from_id,)
        )
        engine.executemany(add, [(to_id, *row) for row in rows])


def begin(engine: Engine, root_id: int, now_ns: int, *, counted: bool) -> None:
    """Note since when the use of a root's files is counted, or that it is not."""
    since = engine.execute("SELECT usage_since_ns FROM roots WHERE id = ?", (root_id,))
    if since and (since[0][0] is not None) == counted:
        return
    with engine.joined():
        engine.execute(
            "UPDATE roots SET usage_since_ns = ? WHERE id = ?",
            (now_ns if counted else None, root_id),
        )
        undecided.mark_root(engine, root_id)


def forget(engine: Engine, root_id: int, before_ns: int, limit: int) -> int:
    """Delete the counts of some of a root's days that ended before; return of how many."""
    find = (
        # In this order: all other days stay unread.
        "SELECT u.file_id, u.day FROM usage_days u CROSS JOIN files f CROSS JOIN directories d"
        " WHERE u.day < ? AND f.id = u.file_id AND d.id = f.directory_id AND d.root_id = ? LIMIT ?"
    )
    wanted = (before_ns // DAY_NS, root_id, limit)
    if not engine.execute(find, wanted):
        return 0  # the usual answer, and it costs no transaction
    with engine.joined():
        gone = engine.execute(
            f"DELETE FROM usage_days WHERE (file_id, day) IN ({find}) RETURNING file_id", wanted
        )
        undecided.mark(engine, {file_id for (file_id,) in gone}, used=True)
    return len(gone)


def counted_since(engine: Engine, host_id: int) -> dict[str, int | None]:
    """Return of each root of a host since when its files' use is counted; None where it is not."""
    rows = engine.execute(
        "SELECT name, usage_since_ns FROM roots WHERE host_id = ? ORDER BY name", (host_id,)
    )
    return dict(rows)
