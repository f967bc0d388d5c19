"""A restored image is proven: sound, and with as many rows as it had."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from storewarden.databases.child import run_job

SECONDS = 6 * 3600.0


class Proved(NamedTuple):
    """What was found of an image; without problems it is sound."""

    problems: tuple[str, ...]
    counted: Mapping[str, int]  # rows by table; none when there are problems
    broken_keys: int  # rows without their parents, as they are in the database itself
    schema_digest: bytes
    size: int  # bytes of the image
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether it can be counted on."""
        return not self.problems


def prove(
    scratch: int,
    name: bytes,
    *,
    seconds: float = SECONDS,
    stopping: Callable[[], bool] = lambda: False,
) -> Proved:
    """Check an image: its integrity, its foreign keys, and how many rows its tables have.

    Args:
        scratch: a directory of ours.
        name: of the image's file in it.
        seconds: that it may take.
        stopping: asked ten times a second.

    Raises:
        DatabaseUnusable: it is no database, or checking it takes too long.
        WorkStopped: ``stopping`` said so.
    """
    done = run_job(
        "prove",
        {"name": name, "seconds": seconds},
        scratch=scratch,
        stopping=stopping,
        seconds=seconds,
    )
    return Proved(
        problems=tuple(map(str, done["problems"])),
        counted={str(table): int(rows) for table, rows in done["counted"].items()},
        broken_keys=int(done["broken_keys"]),
        schema_digest=bytes(done["schema_digest"]),
        size=int(done["size"]),
        seconds=float(done["seconds"]),
    )
