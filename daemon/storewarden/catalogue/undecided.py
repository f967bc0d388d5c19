"""Which files have to be decided anew: told in the same transaction that changed them.

New files need nothing: their ids lie beyond the one up to which all were decided. A file of which a
row changed is noted by its id, one whose directory was renamed by its directory. Whoever changes
what a policy can ask for calls one of these. What a user has, and how many files there are of what,
is counted anew by the same call.
"""

from __future__ import annotations

from collections.abc import Collection

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events import rounds
from storewarden.catalogue.told import holdings, slices


def mark(engine: Engine, ids: Collection[int], *, used: bool = False) -> None:
    """Have files decided anew; ``used``: only how often they are used is another."""
    engine.fetch_in(
        "INSERT INTO undecided (file_id) SELECT id FROM files WHERE id IN ({in})"
        " ON CONFLICT (file_id) DO NOTHING",
        ids,
    )
    if not used:
        holdings.note(engine, ids)
        slices.doubt(engine, ids)


def mark_directories(engine: Engine, ids: Collection[int]) -> None:
    """Have all files of directories decided anew."""
    engine.fetch_in("UPDATE directories SET undecided = undecided + 1 WHERE id IN ({in})", ids)


def mark_root(engine: Engine, root_id: int) -> None:
    """Have all files of a root decided anew."""
    engine.execute("UPDATE directories SET undecided = undecided + 1 WHERE root_id = ?", (root_id,))


def drop(engine: Engine, ids: Collection[int]) -> None:
    """Forget what was to become of files that are gone."""
    engine.fetch_in("DELETE FROM schedule WHERE file_id IN ({in})", ids)
    holdings.note(engine, ids)
    slices.doubt(engine, ids)


def recede(engine: Engine, gone: Collection[int]) -> None:
    """Take back that files were decided of which the rows were just deleted.

    SQLite gives the highest number out again after its row was deleted; a server never does.
    """
    slices.doubt(engine, gone)
    rounds.recede(engine)
    if engine.dialect == "sqlite":
        last = "(SELECT coalesce(max(id), 0) FROM files)"
        engine.execute(
            f"UPDATE policy_sets SET decided_through = {last} WHERE decided_through > {last}"
        )
