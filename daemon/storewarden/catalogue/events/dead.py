"""Dead letters: events that a listener refuses, kept as they were sent until somebody decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from storewarden.catalogue.engine import Engine

MOST: Final = 1000
"""Of one listener. With so many it is sent nothing more: that none is dropped, it waits."""


class Letter(NamedTuple):
    """An event that was refused, and why."""

    id: int
    listener: str
    at_ns: int
    event: str
    why: str
    again: int


def bury(engine: Engine, host_id: int, listener: str, event: str, why: str, now_ns: int) -> None:
    """Keep an event that a listener refuses, inside the open transaction."""
    engine.execute(
        "INSERT INTO dead_letters (host_id, listener, at_ns, event, why) VALUES (?, ?, ?, ?, ?)",
        (host_id, listener, now_ns, event, why),
    )


def letters(
    engine: Engine, host_id: int, listener: str | None = None, limit: int = MOST
) -> list[Letter]:
    """Return dead letters, oldest first, of one listener or of all."""
    whose, params = ("", ()) if listener is None else (" AND listener = ?", (listener,))
    rows = engine.execute(
        "SELECT id, listener, at_ns, event, why, again FROM dead_letters"
        f" WHERE host_id = ?{whose} ORDER BY id LIMIT ?",
        (host_id, *params, limit),
    )
    return [Letter(*row) for row in rows]


def counts(engine: Engine, host_id: int) -> dict[str, int]:
    """Return how many each listener has."""
    return dict(
        engine.execute(
            "SELECT listener, count(*) FROM dead_letters WHERE host_id = ? GROUP BY listener",
            (host_id,),
        )
    )


def send_again(engine: Engine, host_id: int, listener: str) -> int:
    """Have all dead letters of a listener sent once more; return how many."""
    with engine.joined():
        rows = engine.execute(
            "UPDATE dead_letters SET again = 1 WHERE host_id = ? AND listener = ? RETURNING id",
            (host_id, listener),
        )
    return len(rows)


def to_send(engine: Engine, host_id: int, listener: str, most: int) -> list[Letter]:
    """Return those that are to be sent once more."""
    rows = engine.execute(
        "SELECT id, listener, at_ns, event, why, again FROM dead_letters"
        " WHERE host_id = ? AND listener = ? AND again = 1 ORDER BY id LIMIT ?",
        (host_id, listener, most),
    )
    return [Letter(*row) for row in rows]


def taken(engine: Engine, ids: Collection[int]) -> None:
    """Forget those that were taken after all."""
    with engine.joined():
        engine.fetch_in("DELETE FROM dead_letters WHERE id IN ({in})", ids)


def drop(engine: Engine, host_id: int, listener: str) -> int:
    """Throw all dead letters of a listener away; return how many."""
    with engine.joined():
        rows = engine.execute(
            "DELETE FROM dead_letters WHERE host_id = ? AND listener = ? RETURNING id",
            (host_id, listener),
        )
    return len(rows)


def refused_again(engine: Engine, ids: Iterable[int], why: str, now_ns: int) -> None:
    """Note that they were refused once more: they stay."""
    with engine.joined():
        engine.fetch_in(
            "UPDATE dead_letters SET again = 0, why = ?, at_ns = ? WHERE id IN ({in})",
            ids,
            (why, now_ns),
        )
