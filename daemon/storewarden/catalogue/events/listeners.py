"""How far each configured listener came, and how it goes: written after each delivery."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.events import feed
from storewarden.catalogue.events.cursor import Cursor, read

_COLUMNS = "name, place, cursor, heard_ns, delivered, failing_ns, attempts, next_try_ns, error"


class Standing(NamedTuple):
    """A listener as it stands; ``failing_ns``: since when nothing can be delivered to it."""

    name: str
    place: str
    cursor: str
    heard_ns: int
    delivered: int
    failing_ns: int | None
    attempts: int
    next_try_ns: int | None
    error: str

    @property
    def at(self) -> Cursor:
        """Its cursor."""
        return read(self.cursor) if self.cursor else Cursor()


def begin(engine: Engine, host_id: int, name: str, place: str, now_ns: int) -> Standing:
    """Return how far a listener came; one that is new begins now. It may be at another place."""
    with engine.joined():
        engine.execute(
            "INSERT INTO listeners (host_id, name, place, cursor, heard_ns) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (host_id, name) DO UPDATE SET place = excluded.place",
            (host_id, name, place, str(feed.newest(engine, host_id)), now_ns),
        )
        rows = engine.execute(
            f"SELECT {_COLUMNS} FROM listeners WHERE host_id = ? AND name = ?", (host_id, name)
        )
    return Standing(*rows[0])


def standings(engine: Engine, host_id: int) -> list[Standing]:
    """Return all listeners of a host that there are or were, by name."""
    rows = engine.execute(
        f"SELECT {_COLUMNS} FROM listeners WHERE host_id = ? ORDER BY name", (host_id,)
    )
    return [Standing(*row) for row in rows]


def heard(
    engine: Engine, host_id: int, name: str, cursor: Cursor, delivered: int, now_ns: int
) -> None:
    """Note that everything up to a cursor was delivered, so many events of it just now."""
    with engine.joined():
        engine.execute(
            "UPDATE listeners SET cursor = ?, heard_ns = ?, delivered = delivered + ?,"
            " failing_ns = NULL, attempts = 0, next_try_ns = NULL, error = ''"
            " WHERE host_id = ? AND name = ?",
            (str(cursor), now_ns, delivered, host_id, name),
        )


def failed(
    engine: Engine, host_id: int, name: str, why: str, now_ns: int, next_try_ns: int | None
) -> None:
    """Note that nothing could be delivered, why, and when it is tried again."""
    with engine.joined():
        engine.execute(
            "UPDATE listeners SET failing_ns = coalesce(failing_ns, ?), attempts = attempts + 1,"
            " next_try_ns = ?, error = ? WHERE host_id = ? AND name = ?",
            (now_ns, next_try_ns, why, host_id, name),
        )


def hurry(engine: Engine, host_id: int, name: str) -> bool:
    """Have a listener tried again at once; false when there is none of that name."""
    with engine.joined():
        rows = engine.execute(
            "UPDATE listeners SET next_try_ns = 0 WHERE host_id = ? AND name = ? RETURNING name",
            (host_id, name),
        )
    return bool(rows)


def hurried(engine: Engine, host_id: int, name: str) -> bool:
    """Tell whether somebody wants a listener tried again at once."""
    return bool(
        engine.execute(
            "SELECT 1 FROM listeners WHERE host_id = ? AND name = ? AND next_try_ns = 0",
            (host_id, name),
        )
    )


def behind(engine: Engine, host_id: int, at: Cursor) -> int | None:
    """Return since when something waits for a listener, in nanoseconds since 1970.

    None: it heard everything. What waits may turn out to be nothing that it asked for.
    """
    position = at.positions.get(host_id)
    after = position.round if position is not None else 0
    rows = engine.execute(
        "SELECT at_ns FROM event_rounds WHERE host_id = ? AND id > ? ORDER BY id LIMIT 1",
        (host_id, after),
    )
    return int(rows[0][0]) if rows else None
