"""What should happen next to each file and when: decided by the database, a slice at a time.

The verdict is SQL that the room of the policies renders; here it is run over files that wait to be
decided, and what differs from what is stored is written. A file of which no policy says anything
has no row, unless time alone will change that. Owned by the recorder thread, inside its
transactions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol

from storewarden.catalogue.dialect import Dialect
from storewarden.catalogue.engine import Engine

COLUMNS = (
    *("hold", "place", "phases", "care", "policy_id", "action", "due_ns", "store"),
    *("blocked", "again_ns"),
)
_LIST = ", ".join(COLUMNS)
_NOTHING = "{0}hold = 0 AND {0}place = 0 AND {0}phases = 0 AND {0}care = 0 AND {0}again_ns IS NULL"
_DIFFERS = " OR ".join(f"{{0}}.{name} IS DISTINCT FROM {{1}}.{name}" for name in COLUMNS)
_SET = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS)
# What is gone has no future; its row stays for its history.
_THERE = "f.state <> 'missing' AND f.state <> 'purged'"

# SQLite joins in this order: left to itself it goes through all files to find the few that wait.
_OF_HOST = (
    " CROSS JOIN directories d CROSS JOIN roots r"
    " WHERE d.id = f.directory_id AND r.id = d.root_id AND r.host_id = ?"
)
_AGAIN = f"schedule s CROSS JOIN files f{_OF_HOST} AND f.id = s.file_id"

# What says nothing, and what is of files that are gone: one after the other takes half as long as
# both at once, which would look up the file of every row.
_GONE = "SELECT f.id FROM files f WHERE (f.state = 'missing' OR f.state = 'purged') AND {}"
_CLEAR = (
    (f"DELETE FROM schedule WHERE {_NOTHING.format('')} AND {{}}", "file_id"),
    (f"DELETE FROM schedule WHERE file_id IN ({_GONE})", "f.id"),
)

_RANGE = "{id} > ? AND {id} <= ?"
_LISTED = "{id} IN ({{in}})"


class Verdict(Protocol):
    """SQL that decides files: a query with the columns ``file_id`` and ``COLUMNS``, by name."""

    @property
    def params(self) -> Sequence[Any]:
        """The values of its marks, all of which stand before those of a condition."""
        ...

    def query(self, where: str) -> str:
        """Return it over the files that meet a condition.

        There files are f, their directories d and the roots of these r.
        """
        ...


class Directory(NamedTuple):
    """A directory whose files have to be decided anew, and how often it was said so."""

    id: int
    undecided: int


class Schedule:
    """The schedule of one host's files."""

    def __init__(self, engine: Engine, host_id: int) -> None:
        self._engine = engine
        self._host_id = host_id

    # -- what waits to be decided -------------------------------------------------------------

    def through(self, set_id: int) -> int | None:
        """Return up to which file a set has decided, None when there is no such set."""
        rows = self._engine.execute(
            "SELECT decided_through FROM policy_sets WHERE id = ?", (set_id,)
        )
        return rows[0][0] if rows else None

    def until(self, through: int, limit: int) -> int | None:
        """Return the id of the last of the next files beyond one, None when there is none."""
        rows = self._engine.execute(
            "SELECT max(id) FROM (SELECT id FROM files WHERE id > ? ORDER BY id LIMIT ?) t",
            (through, limit),
        )
        last: int | None = rows[0][0]
        return last

    def noted(self, limit: int) -> list[int]:
        """Return files of which something changed."""
        rows = self._engine.execute(
            f"SELECT u.file_id FROM undecided u CROSS JOIN files f{_OF_HOST} AND f.id = u.file_id"
            " LIMIT ?",
            (self._host_id, limit),
        )
        return [file_id for (file_id,) in rows]

    def moved(self) -> Directory | None:
        """Return a directory whose path changed."""
        rows = self._engine.execute(
            "SELECT d.id, d.undecided FROM directories d CROSS JOIN roots r"
            " WHERE d.undecided <> 0 AND r.id = d.root_id AND r.host_id = ? ORDER BY d.id LIMIT 1",
            (self._host_id,),
        )
        return Directory(*rows[0]) if rows else None

    def inside(self, directory: Directory, after: bytes, limit: int) -> list[tuple[int, bytes]]:
        """Return the next files of a directory, by name."""
        rows = self._engine.execute(
            "SELECT id, name FROM files WHERE directory_id = ? AND name > ? ORDER BY name LIMIT ?",
            (directory.id, after, limit),
        )
        return [(id_, bytes(name)) for id_, name in rows]

    def due_again(self, now_ns: int, limit: int) -> list[int]:
        """Return files that may be decided otherwise because time passed."""
        rows = self._engine.execute(
            f"SELECT s.file_id FROM {_AGAIN} AND s.again_ns <= ? ORDER BY s.again_ns LIMIT ?",
            (self._host_id, now_ns, limit),
        )
        return [file_id for (file_id,) in rows]

    def next_again(self) -> int | None:
        """Return when the next file may be decided otherwise."""
        rows = self._engine.execute(
            f"SELECT s.again_ns FROM {_AGAIN} AND s.again_ns IS NOT NULL"
            " ORDER BY s.again_ns LIMIT 1",
            (self._host_id,),
        )
        return rows[0][0] if rows else None

    # -- deciding -----------------------------------------------------------------------------

    def decide_range(self, verdict: Verdict, after: int, until: int) -> None:
        """Decide the files after one id, up to another."""
        sql = _decide(verdict, _RANGE.format(id="f.id"), self._engine.dialect)
        self._engine.execute(sql, (*verdict.params, self._host_id, after, until))
        for clear, id_ in _CLEAR:
            self._engine.execute(clear.format(_RANGE.format(id=id_)), (after, until))

    def decide(self, verdict: Verdict, ids: Collection[int]) -> None:
        """Decide these files."""
        sql = _decide(verdict, _LISTED.format(id="f.id"), self._engine.dialect)
        self._engine.fetch_in(sql, ids, (*verdict.params, self._host_id))
        for clear, id_ in _CLEAR:
            self._engine.fetch_in(clear.format(_LISTED.format(id=id_)), ids)

    # -- what is decided ----------------------------------------------------------------------

    def decided_through(self, set_id: int, until: int) -> None:
        """Note up to which file a set has decided."""
        self._engine.execute(
            "UPDATE policy_sets SET decided_through = ? WHERE id = ?", (until, set_id)
        )

    def forget_noted(self, ids: Collection[int]) -> None:
        """Take files out of what waits."""
        self._engine.fetch_in("DELETE FROM undecided WHERE file_id IN ({in})", ids)

    def forget_again(self, ids: Collection[int], now_ns: int) -> None:
        """Forget times that have come: who was decided anew has another one, or none."""
        self._engine.fetch_in(
            "UPDATE schedule SET again_ns = NULL WHERE again_ns <= ? AND file_id IN ({in})",
            ids,
            (now_ns,),
        )

    def forget_moved(self, directory: Directory) -> None:
        """Take a directory out of what waits, unless it was moved again meanwhile."""
        self._engine.execute(
            "UPDATE directories SET undecided = 0 WHERE id = ? AND undecided = ?", directory
        )


def _decide(verdict: Verdict, which: str, dialect: Dialect) -> str:
    """Return the statement that writes what is decided otherwise of some files.

    What says nothing any more is written as nothing, and cleared right after. SQLite is quickest
    when rows go straight in, and finds there what is already so. A server would lock each of those
    rows, and keep what was cleared for a while: it compares first, with a verdict that it works out
    once, and not for every comparison.
    """
    decided = verdict.query(f"{_THERE} AND r.host_id = ? AND {which}")
    values = ", ".join(f"v.{name}" for name in ("file_id", *COLUMNS))
    into = f"INSERT INTO schedule (file_id, {_LIST}) SELECT {values}"
    if dialect == "sqlite":
        same = _DIFFERS.format("schedule", "excluded")
        found, unless = f"{into} FROM ({decided}) v WHERE TRUE", f" WHERE {same}"
    else:
        found = (
            f"WITH v AS MATERIALIZED ({decided}) {into}"
            " FROM v LEFT JOIN schedule s ON s.file_id = v.file_id"
            " WHERE CASE WHEN s.file_id IS NULL"
            f" THEN NOT ({_NOTHING.format('v.')}) ELSE {_DIFFERS.format('s', 'v')} END"
        )
        unless = ""
    return f"{found} ON CONFLICT (file_id) DO UPDATE SET {_SET}{unless}"
