"""What guards keep policies from doing: told to people, who may let it go on.

Each run of a policy says anew what is kept from it; what goes on keeps the time since when.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from storewarden.catalogue.engine import Engine


class HeldBack(NamedTuple):
    """What one guard keeps a policy from doing."""

    policy: str
    guard: str  # the limit, by its name
    why: str
    files: int
    size: int  # bytes
    since_ns: int
    command: str = ""  # lets it go on


def replace(
    engine: Engine, host_id: int, policy: str, kept: Iterable[HeldBack], now_ns: int
) -> None:
    """Remember all that is kept from a policy now; an empty list: nothing is.

    The times in ``kept`` are not looked at.
    """
    with engine.joined():
        since: dict[str, int] = dict(
            engine.execute(
                "SELECT guard, since_ns FROM held_back WHERE host_id = ? AND policy = ?",
                (host_id, policy),
            )
        )
        engine.execute("DELETE FROM held_back WHERE host_id = ? AND policy = ?", (host_id, policy))
        engine.insert(
            "held_back",
            (*("host_id", "policy", "guard", "why", "files", "bytes", "since_ns"), "command"),
            [
                (host_id, policy, *one[1:5], since.get(one.guard, now_ns), one.command)
                for one in kept
            ],
        )


def read(engine: Engine, host_id: int) -> list[HeldBack]:
    """Return what is held back on a host, what waits longest first."""
    rows = engine.execute(
        "SELECT policy, guard, why, files, bytes, since_ns, command FROM held_back"
        " WHERE host_id = ? ORDER BY since_ns, policy, guard",
        (host_id,),
    )
    return [HeldBack(*row) for row in rows]


def approve(engine: Engine, host_id: int, policy: str, now_ns: int) -> bool:
    """Note that a person let a policy act; false when there is no such policy.

    One that was approved before stays so since then. It has to be approved again once it says
    something else.
    """
    with engine.joined():
        rows = engine.execute(
            "UPDATE policies SET approved_ns = coalesce(approved_ns, ?)"
            " WHERE host_id = ? AND name = ? RETURNING id",
            (now_ns, host_id, policy),
        )
    return bool(rows)
