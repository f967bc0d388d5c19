"""What is told of databases in figures: sizes, care, backups; a few statements for all of them."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue.engine import Engine

_ID_OF = "SELECT d.id FROM databases d WHERE d.host_id = ?"


class Size(NamedTuple):
    """How large a database is that is there."""

    id: int
    name: str
    bytes: int | None
    pages: int | None
    free_pages: int | None
    wal_bytes: int | None


class Waits(NamedTuple):
    """What one kind of care comes to, over all databases."""

    what: str
    due: int = 0
    oldest_ns: int | None = None  # since when
    failing: int = 0  # that failed when last tried
    found: int = 0  # of which something wrong was found when last tried
    good_ns: int | None = None  # when it last went well


class Trouble(NamedTuple):
    """Care that failed when it was last tried, or found a database wrong; ``detail`` is JSON."""

    database: str
    what: str
    failures: int
    detail: str


class Backed(NamedTuple):
    """The newest backup of a database that counts, and when one was last proven."""

    taken_ns: int | None
    proven_ns: int | None


def sizes(engine: Engine, host_id: int) -> list[Size]:
    """Return the databases that are there: those that are configured first, then as they came."""
    rows = engine.execute(
        "SELECT id, name, bytes, pages, free_pages, wal_bytes FROM databases"
        " WHERE host_id = ? AND there = 1 ORDER BY named DESC, id",
        (host_id,),
    )
    return [Size(*row) for row in rows]


def checked(engine: Engine, host_id: int) -> dict[int, tuple[int, bool]]:
    """Return when databases were last checked as a whole, and whether nothing wrong was found."""
    rows = engine.execute(
        "SELECT database_id, last_ns, good_ns FROM care WHERE what = 'check'"
        f" AND last_ns IS NOT NULL AND database_id IN ({_ID_OF})",
        (host_id,),
    )
    return {database_id: (last_ns, last_ns == good_ns) for database_id, last_ns, good_ns in rows}


def backed(engine: Engine, host_id: int) -> dict[int, Backed]:
    """Return what backups there are, by database."""
    rows = engine.execute(
        "SELECT b.database_id, max(b.taken_ns), max(b.proven_ns) FROM backups b"
        f" WHERE b.state = 'good' AND b.database_id IN ({_ID_OF}) GROUP BY b.database_id",
        (host_id,),
    )
    return {database_id: Backed(taken_ns, proven_ns) for database_id, taken_ns, proven_ns in rows}


def waits(engine: Engine, host_id: int, now_ns: int) -> dict[str, Waits]:
    """Return what is due, and what fails, by what it is."""
    rows = engine.execute(
        "SELECT what, sum(CASE WHEN due_ns <= ? THEN 1 ELSE 0 END),"
        " min(CASE WHEN due_ns <= ? THEN due_ns END),"
        " sum(CASE WHEN failures > 0 AND due_ns IS NOT NULL THEN 1 ELSE 0 END),"
        " sum(CASE WHEN outcome = 'found' AND due_ns IS NOT NULL THEN 1 ELSE 0 END), max(good_ns)"
        f" FROM care WHERE database_id IN ({_ID_OF}) GROUP BY what",
        (now_ns, now_ns, host_id),
    )
    return {
        what: Waits(what, int(due), oldest_ns, int(failing), int(found), good_ns)
        for what, due, oldest_ns, failing, found, good_ns in rows
    }


def troubles(engine: Engine, host_id: int) -> list[Trouble]:
    """Return what is not well with databases that are there: what was found, then what failed."""
    rows = engine.execute(
        "SELECT d.name, c.what, c.failures, c.detail FROM care c"
        " JOIN databases d ON d.id = c.database_id"
        " WHERE d.host_id = ? AND d.there = 1 AND (c.outcome = 'found' OR c.failures > 0)"
        " AND (c.due_ns IS NOT NULL OR c.outcome = 'found')"
        " ORDER BY CASE c.outcome WHEN 'found' THEN 0 ELSE 1 END, c.failures DESC, d.name, c.what",
        (host_id,),
    )
    return [Trouble(*row) for row in rows]


def going_on(engine: Engine, host_id: int) -> list[tuple[str, str, int]]:
    """Return what is being done: for which database, what, and since when."""
    rows = engine.execute(
        "SELECT d.name, r.what, r.began_ns FROM care_runs r JOIN databases d"
        " ON d.id = r.database_id WHERE r.ended_ns IS NULL AND d.host_id = ? ORDER BY r.id",
        (host_id,),
    )
    return [(name, what, began_ns) for name, what, began_ns in rows]


def counted_rows(engine: Engine, host_id: int) -> dict[str, dict[str, int]]:
    """Return what was counted of declared tables: by sort (due, orphans, fileless) and table.

    What is due by several policies, or hangs on nothing in several children, is added up.
    """
    found: dict[str, dict[str, int]] = {}
    rows = engine.execute(
        "SELECT figure, name, value FROM row_figures WHERE host_id = ?", (host_id,)
    )
    for figure, name, value in rows:
        of_sort = found.setdefault(figure.partition(".")[0], {})
        of_sort[name] = of_sort.get(name, 0) + value
    return found
