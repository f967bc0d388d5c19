"""The clocks of a host as they were last noted, and a jump that nobody confirmed yet."""

from __future__ import annotations

from typing import NamedTuple

from storewarden.catalogue.engine import Engine


class Clocks(NamedTuple):
    """What was noted: the wall clock beside the one that runs since the machine was started.

    ``jumped_ns``: by how much the wall clock jumped, while that is not known to be right; what
    frees bytes waits for it, ``since_ns`` by the clock as it was after the jump.
    """

    wall_ns: int
    boot_ns: int
    boot_id: str
    jumped_ns: int | None = None
    since_ns: int | None = None


def read(engine: Engine, host_id: int) -> Clocks | None:
    """Return what was noted of a host's clocks."""
    rows = engine.execute(
        "SELECT wall_ns, boot_ns, boot_id, jumped_ns, since_ns FROM clocks WHERE host_id = ?",
        (host_id,),
    )
    return Clocks(*rows[0]) if rows else None


def note(engine: Engine, host_id: int, clocks: Clocks) -> None:
    """Note a host's clocks, and the jump if there is one."""
    with engine.joined():
        engine.executemany(
            "INSERT INTO clocks (host_id, wall_ns, boot_ns, boot_id, jumped_ns, since_ns)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (host_id) DO UPDATE SET"
            " wall_ns = excluded.wall_ns, boot_ns = excluded.boot_ns, boot_id = excluded.boot_id,"
            " jumped_ns = excluded.jumped_ns, since_ns = excluded.since_ns",
            [(host_id, *clocks)],
        )


def accept(engine: Engine, host_id: int) -> bool:
    """Take the wall clock for right after a jump; False when it did not jump."""
    with engine.joined():
        rows = engine.execute(
            "UPDATE clocks SET jumped_ns = NULL, since_ns = NULL"
            " WHERE host_id = ? AND jumped_ns IS NOT NULL RETURNING host_id",
            (host_id,),
        )
    return bool(rows)
