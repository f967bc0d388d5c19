"""How long statements take: heard of while they run, kept by days, the slow ones with plans.

Hearing costs a microsecond and writes nothing. What was heard is taken and kept now and then, by
whoever has the time. Values of statements are never heard of.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from storewarden.catalogue.engine import Engine

CATALOGUE: Final = "catalogue"
"""What our own statements are said to be of."""

SLOW: Final = 0.1
LONGEST: Final = 4_000  # characters of a statement that are kept
MOST: Final = 200  # slow statements of one source that are kept, and that are heard of at once
_PLANNED: Final = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "REPLACE")
_NS: Final = 1e9
_DAY_NS: Final = 86_400 * 10**9


class Slow(NamedTuple):
    """A slow statement; ``plan`` is how the database goes about it, a line for each step."""

    statement: str
    times: int
    worst: float  # seconds
    total: float
    plan: str = ""


class Heard(NamedTuple):
    """What was heard since it was last taken."""

    statements: int = 0
    slow: int = 0
    seconds: float = 0.0
    slowest: tuple[Slow, ...] = ()


class Kept(NamedTuple):
    """A slow statement as it is kept."""

    source: str
    statement: str
    plan: str
    times: int
    worst: float
    total: float
    first_ns: int
    last_ns: int


class Day(NamedTuple):
    """What a source ran on some days together."""

    source: str
    statements: int
    slow: int
    seconds: float


class QueryTimes:
    """Hears of statements, from any thread; see `engine.Timed`."""

    def __init__(self, observe: Callable[[float], None] = lambda _seconds: None) -> None:
        """``observe`` is told of each."""
        self._observe = observe
        self._lock = threading.Lock()
        self._statements = self._slow = 0
        self._seconds = 0.0
        self._slowest: dict[str, Slow] = {}

    def __call__(self, sql: str, seconds: float, /, *, rows: int = 1) -> None:
        """Hear of one statement; a batch of many rows is as slow as it is for one of them."""
        self._observe(seconds)
        slow = seconds > SLOW * rows and sql.lstrip()[:7].upper().startswith(_PLANNED)
        with self._lock:
            self._statements += 1
            self._seconds += seconds
            if slow:
                self._slow += 1
                before = self._slowest.get(sql)
                if before is not None:
                    now = Slow(sql, before.times + 1, max(before.worst, seconds), before.total)
                    self._slowest[sql] = now._replace(total=before.total + seconds)
                elif len(self._slowest) < MOST:
                    self._slowest[sql] = Slow(sql, 1, seconds, seconds)

    def take(self) -> Heard:
        """Return what was heard since the last time."""
        with self._lock:
            slowest = tuple(self._slowest.values())
            heard = Heard(self._statements, self._slow, self._seconds, slowest)
            self._statements = self._slow = 0
            self._seconds, self._slowest = 0.0, {}
        return heard


def keep(engine: Engine, host_id: int, source: str, heard: Heard, now_ns: int) -> None:
    """Add what was heard of a source to what is kept of it."""
    if not heard.statements and not heard.slowest:
        return
    with engine.joined():
        engine.execute(
            "INSERT INTO query_days (host_id, source, day, statements, slow, seconds)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (host_id, source, day) DO UPDATE SET"
            " statements = query_days.statements + excluded.statements,"
            " slow = query_days.slow + excluded.slow,"
            " seconds = query_days.seconds + excluded.seconds",
            (host_id, source, now_ns // _DAY_NS, heard.statements, heard.slow, heard.seconds),
        )
        for one in heard.slowest:
            _keep_slow(engine, host_id, source, one, now_ns)
        if heard.slowest:
            _forget_fastest(engine, host_id, source)


def _keep_slow(engine: Engine, host_id: int, source: str, one: Slow, now_ns: int) -> None:
    digest = _digest(one.statement)
    engine.execute(
        "INSERT INTO slow_queries (host_id, source, digest, statement, plan, times, worst_ns,"
        " total_ns, first_ns, last_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (host_id, source, digest) DO UPDATE SET"
        " plan = CASE excluded.plan WHEN '' THEN slow_queries.plan ELSE excluded.plan END,"
        " times = slow_queries.times + excluded.times,"
        " worst_ns = CASE WHEN excluded.worst_ns > slow_queries.worst_ns"
        " THEN excluded.worst_ns ELSE slow_queries.worst_ns END,"
        " total_ns = slow_queries.total_ns + excluded.total_ns, last_ns = excluded.last_ns",
        (
            *(host_id, source, digest, one.statement[:LONGEST], one.plan, one.times),
            *(round(one.worst * _NS), round(one.total * _NS), now_ns, now_ns),
        ),
    )


def _digest(statement: str) -> bytes:
    return hashlib.blake2b(statement.encode(errors="replace"), digest_size=16).digest()


def _forget_fastest(engine: Engine, host_id: int, source: str) -> None:
    """Keep only so many statements of a source: an application may write values into each."""
    engine.execute(
        "DELETE FROM slow_queries WHERE host_id = ? AND source = ? AND id NOT IN (SELECT id FROM"
        " slow_queries WHERE host_id = ? AND source = ? ORDER BY total_ns DESC, id LIMIT ?)",
        (host_id, source, host_id, source, MOST),
    )


def note_plan(engine: Engine, host_id: int, source: str, statement: str, plan: str) -> None:
    """Remember how the database goes about a slow statement."""
    with engine.joined():
        engine.execute(
            "UPDATE slow_queries SET plan = ? WHERE host_id = ? AND source = ? AND digest = ?",
            (plan, host_id, source, _digest(statement)),
        )


def note_keys(engine: Engine, database_id: int, *, heeded: bool) -> None:
    """Remember whether an application heeds the foreign keys that its database declares."""
    found = "on" if heeded else "off"
    find = "id = ? AND foreign_keys <> 'none' AND foreign_keys <> ?"
    if engine.execute(f"SELECT 1 FROM databases WHERE {find}", (database_id, found)):
        with engine.joined():
            engine.execute(
                "UPDATE databases SET foreign_keys = ? WHERE id = ?", (found, database_id)
            )


def forget(engine: Engine, host_id: int, before_ns: int) -> None:
    """Forget days before a time, and slow statements that were not met since."""
    with engine.joined():
        engine.execute(
            "DELETE FROM query_days WHERE host_id = ? AND day < ?", (host_id, before_ns // _DAY_NS)
        )
        engine.execute(
            "DELETE FROM slow_queries WHERE host_id = ? AND last_ns < ?", (host_id, before_ns)
        )


def days(engine: Engine, host_id: int, since_ns: int) -> dict[str, Day]:
    """Return what each source ran since the day of a time, all days together."""
    rows = engine.execute(
        "SELECT source, sum(statements), sum(slow), sum(seconds) FROM query_days"
        " WHERE host_id = ? AND day >= ? GROUP BY source ORDER BY source",
        (host_id, since_ns // _DAY_NS),
    )
    return {row[0]: Day(row[0], int(row[1]), int(row[2]), float(row[3])) for row in rows}


def slow(
    engine: Engine,
    host_id: int,
    sources: Iterable[str] | None = None,
    most: int = 20,
    since_ns: int = 0,
) -> list[Kept]:
    """Return slow statements met since a time, those first that took most time together."""
    named = None if sources is None else tuple(sources)
    if named == ():
        return []
    chosen = "" if named is None else f" AND source IN ({', '.join('?' * len(named))})"
    rows = engine.execute(
        "SELECT source, statement, plan, times, worst_ns, total_ns, first_ns, last_ns"
        f" FROM slow_queries WHERE host_id = ? AND last_ns >= ?{chosen}"
        " ORDER BY total_ns DESC, id LIMIT ?",
        (host_id, since_ns, *(named or ()), most),
    )
    return [Kept._make((*row[:4], row[4] / _NS, row[5] / _NS, *row[6:])) for row in rows]


def whole(plan: str) -> tuple[str, ...]:
    """Return the tables that a plan reads from end to end: those that no index was used for."""
    found: Mapping[str, None] = dict.fromkeys(
        name for line in plan.splitlines() if (name := _scanned(line.strip(" ->"))) is not None
    )
    return tuple(found)


def _scanned(line: str) -> str | None:
    if line.startswith("Seq Scan on "):
        return line.split()[3]
    words = line.split()
    scans = words[:1] == ["SCAN"] and len(words) > 1 and "INDEX" not in words
    return words[1] if scans and words[1] != "CONSTANT" else None
