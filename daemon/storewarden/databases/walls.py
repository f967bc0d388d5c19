"""Walls around the process that opens an application's database.

Each child has limits of memory and processor time. One that only reads stands in the cage of those
that look into files, with one directory of ours in which it may write: there SQLite may play back
the log of a program that was killed, whatever that log says.
"""

from __future__ import annotations

import os
import resource
from typing import Final

from storewarden.facts import cage

MEMORY: Final = 1 << 30
"""Bytes of addresses; threads take much of these and use little."""

HEAP: Final = 256 << 20
"""Bytes that SQLite may have at a time, for all its connections."""

_LARGEST: Final = 1 << 50


def stand(memory: int, seconds: float) -> None:
    """Limit what this process may use, for ever."""
    cage.limit(
        {
            resource.RLIMIT_AS: memory,
            # what waits for a disk is ended by the parent; this ends what only computes
            resource.RLIMIT_CPU: int(seconds) + 2,
            resource.RLIMIT_CORE: 0,
        }
    )


def enclose(memory: int, scratch: int | None) -> tuple[str, ...]:
    """Let this process write nowhere but below a scratch directory; return the walls that stand."""
    if scratch is not None:
        os.environ["SQLITE_TMPDIR"] = f"/proc/self/fd/{scratch}"
    return cage.enter(memory, scratch, 0 if scratch is None else _LARGEST)


def limit_heap() -> None:
    """Limit what SQLite may allocate; asking for more fails as running out of memory does."""
    import apsw  # noqa: PLC0415  # the parent, which knows this module, must not load it

    apsw.hard_heap_limit(HEAP)
