"""How many files there are of what, and when they came: kept by slices of neighbouring ids.

Whoever changes what a file is counted by doubts its slice in the same transaction, which costs one
row for thousands of files; a slice that is doubted, or has newer files, is counted anew: by a
daemon when there is time, and by whoever asks before that. So the answer is always what is so, and
as a rule all but the last slices are read from what was counted before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.rules import HERE
from storewarden.catalogue.told import took
from storewarden.catalogue.told.sums import DAY_NS

SIZE: Final = 20_000
ABOUT: Final = ("kind", "tool", "model", "workflow", "user")
WAITED: Final = "waited"
"""How long after its workflow was begun a file came: by steps, see ``took``."""

_LATE: Final = 2  # slices: hosts that share a catalogue commit out of order

_COUNT: Final = (
    f"SELECT d.root_id, coalesce(t.owner_id, 0), coalesce(t.public, 0), f.first_seen_ns / {DAY_NS},"
    " f.kind, p.tool, p.model, w.name, u.name, COUNT(*), CAST(SUM(f.size) AS BIGINT)"
    " FROM files f CROSS JOIN directories d"  # in this order: SQLite takes another
    " LEFT JOIN told_files t ON t.file_id = f.id"
    " LEFT JOIN users u ON u.id = t.owner_id"
    " LEFT JOIN facts x ON x.file_id = f.id"
    " LEFT JOIN workflows w ON w.id = coalesce(t.workflow_id, x.workflow_id)"
    " LEFT JOIN prompts p ON p.file_id = f.id"
    " AND NOT EXISTS (SELECT 1 FROM sidecars s WHERE s.file_id = f.id)"
    " WHERE f.id >= ? AND f.id < ? AND d.id = f.directory_id"
    f" AND f.state IN ({', '.join(map(repr, HERE))})"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9"
)
_WAITED: Final = (
    f"SELECT w.host_id, coalesce(t.owner_id, 0), coalesce(t.public, 0), f.first_seen_ns / {DAY_NS},"
    " f.first_seen_ns - w.created_ns, f.size"
    " FROM files f LEFT JOIN told_files t ON t.file_id = f.id"
    " LEFT JOIN facts x ON x.file_id = f.id"
    " JOIN workflows w ON w.id = coalesce(t.workflow_id, x.workflow_id)"
    " WHERE f.id >= ? AND f.id < ? AND w.created_ns <= f.first_seen_ns"
    f" AND f.state IN ({', '.join(map(repr, HERE))})"
)
_SUMS: Final = "host_id, about, name, day, owner_id, public, files, bytes"


class Key(NamedTuple):
    """What files have in common."""

    host_id: int
    about: str
    name: str
    day: int
    owner_id: int
    public: int


class Held(NamedTuple):
    """Files and their bytes."""

    files: int = 0
    bytes: int = 0

    def plus(self, other: Held) -> Held:
        """Return both together."""
        return Held(self.files + other.files, self.bytes + other.bytes)


class Asked(NamedTuple):
    """Which files are asked for: of a host, from a day on, of what a user may see."""

    host_id: int | None = None
    since_day: int = 0
    user_id: int | None = None

    def takes(self, key: Key) -> bool:
        """Tell whether files with this in common are asked for."""
        if self.host_id not in {None, key.host_id} or key.day < self.since_day:
            return False
        return self.user_id is None or bool(key.public) or key.owner_id == self.user_id

    def where(self) -> tuple[str, tuple[int, ...]]:
        """Return the same as a condition, and its values."""
        met = {
            "day >= ?": self.since_day,
            "host_id = ?": self.host_id,
            "(owner_id = ? OR public = 1)": self.user_id,
        }
        asked = {sql: value for sql, value in met.items() if value is not None}
        return " AND ".join(asked), tuple(asked.values())


Counted = Mapping[Key, Held]


# -- what is doubted ----------------------------------------------------------------------------


def doubt(engine: Engine, ids: Collection[int]) -> None:
    """Have files counted anew, in the transaction that changes them."""
    if not ids:
        return
    engine.executemany(
        "INSERT INTO file_doubts (slice) VALUES (?)",
        [(each,) for each in sorted({file_id // SIZE for file_id in ids})],
    )


def doubt_all(engine: Engine) -> None:
    """Have all files counted anew: against whatever may have been missed."""
    with engine.joined():
        engine.execute("INSERT INTO file_doubts (slice) SELECT slice FROM file_slices")


def doubted(engine: Engine) -> list[int]:
    """Return the slices that what is stored does not hold for, the newest first."""
    ((last,),) = engine.execute("SELECT coalesce(max(id), 0) FROM files")
    counted: dict[int, int] = dict(engine.execute("SELECT slice, through_id FROM file_slices"))
    doubts = {number for (number,) in engine.execute("SELECT DISTINCT slice FROM file_doubts")}
    through, newest = max(counted.values(), default=0), last // SIZE
    if through != last:
        late = 0 if engine.dialect == "sqlite" else _LATE
        doubts |= set(range(min(through // SIZE, max(0, newest - late)), newest + 1))
    doubts |= set(range(newest + 1)) - counted.keys() if last else set()
    return sorted(doubts, reverse=True)


# -- counting -----------------------------------------------------------------------------------


def count(engine: Engine, number: int) -> dict[Key, Held]:
    """Count the files of a slice: some fifty milliseconds."""
    hosts: dict[int, int] = dict(engine.execute("SELECT id, host_id FROM roots"))
    between = number * SIZE, (number + 1) * SIZE
    found: dict[Key, Held] = defaultdict(Held)
    for root_id, owner_id, public, day, *names, files, size in engine.execute(_COUNT, between):
        held = Held(files, size)
        for about, name in zip(ABOUT, names, strict=True):
            key = Key(hosts[root_id], about, name or "", day, owner_id, public)
            found[key] = found[key].plus(held)
    for host_id, owner_id, public, day, waited_ns, size in engine.execute(_WAITED, between):
        key = Key(host_id, WAITED, str(took.step(waited_ns)), day, owner_id, public)
        found[key] = found[key].plus(Held(1, size))
    return dict(found)


def keep(engine: Engine, number: int) -> None:
    """Count a slice and store what it came to, which holds until it is doubted again."""
    # by their ids: what is doubted meanwhile stays so, whatever number it was given before
    doubts = engine.execute("SELECT id FROM file_doubts WHERE slice = ?", (number,))
    ((through,),) = engine.execute(
        "SELECT coalesce(max(id), 0) FROM files WHERE id >= ? AND id < ?",
        (number * SIZE, (number + 1) * SIZE),
    )
    counted = count(engine, number)
    with engine.joined():
        engine.execute(  # first: of two hosts that keep the same slice one waits here
            "INSERT INTO file_slices (slice, through_id) VALUES (?, ?)"
            " ON CONFLICT (slice) DO UPDATE SET through_id = excluded.through_id",
            (number, through),
        )
        for about in (*ABOUT, WAITED):
            engine.execute("DELETE FROM file_sums WHERE about = ? AND slice = ?", (about, number))
        engine.executemany(
            f"INSERT INTO file_sums (slice, {_SUMS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(number, *key, *held) for key, held in counted.items()],
        )
        engine.executemany("DELETE FROM file_doubts WHERE id = ?", doubts)


# -- asking -------------------------------------------------------------------------------------


class Files:
    """All that is asked of files at one time: what is doubted is counted once."""

    def __init__(self, engine: Engine, asked: Asked) -> None:
        self._engine, self._asked = engine, asked
        self._live = doubted(engine)
        self._counted: list[Counted] = [count(engine, number) for number in self._live]

    def by(self, about: str) -> dict[str, Held]:
        """Return how many there are of each kind, tool, model, workflow or user; "" is none."""
        return self._of(about, "name")

    def by_day(self) -> dict[int, Held]:
        """Return how many came on each day."""
        return self._of("kind", "day")

    def waited(self) -> dict[int, int]:
        """Return how many came how long after their workflow was begun."""
        return {int(step): held.files for step, held in self._of(WAITED, "name").items()}

    def _of(self, about: str, column: str) -> dict[Any, Held]:
        where, params = self._asked.where()
        live = ", ".join(map(str, self._live)) or "-1"
        stored = self._engine.execute(
            f"SELECT {column}, SUM(files), SUM(bytes) FROM file_sums"
            f" WHERE about = ? AND slice NOT IN ({live}) AND {where} GROUP BY {column}",
            (about, *params),
        )
        found: dict[Any, Held] = defaultdict(Held)
        for name, files, size in stored:
            found[name] = Held(int(files), int(size))
        for counted in self._counted:
            for key, held in counted.items():
                if key.about == about and self._asked.takes(key):
                    name = getattr(key, column)
                    found[name] = found[name].plus(held)
        return dict(found)
