"""How much a user may have, and what becomes of more: it is not taken in. Nothing is removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from storewarden.errors import QuotaExceeded
from storewarden.units import format_size


class Held(NamedTuple):
    """How much a user has: files that it was told of and that are kept, and their bytes."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: object) -> Held:
        """Return both together."""
        if not isinstance(other, Held):
            return NotImplemented
        return Held(self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a user may have; None is as much as it likes."""

    bytes: int | None = None
    files: int | None = None

    def allows(self, held: Held) -> bool:
        """Tell whether a user may have as much as that."""
        return not self.beyond(held)

    def beyond(self, held: Held) -> tuple[str, ...]:
        """Return of what that is too much: ``bytes``, ``files``."""
        limits = (("bytes", held.bytes, self.bytes), ("files", held.files, self.files))
        return tuple(name for name, has, may in limits if may is not None and has > may)


def admit(name: str, quota: Quota, held: Held, more: Held) -> None:
    """Refuse more of what a user would then have too much of.

    What adds to nothing is let through whatever the user has: that something is said anew of a file
    that counts already, or that one becomes smaller, is no reason to refuse it.

    Raises:
        QuotaExceeded: it would be too much.
    """
    then = held + more
    grows = {"bytes": more.bytes > 0, "files": more.files > 0}
    beyond = [what for what in quota.beyond(then) if grows[what]]
    # Of a file that is not seen yet nobody knows its size: over is over.
    if not beyond and more.files > 0:
        beyond = list(quota.beyond(held))
    if beyond:
        raise QuotaExceeded(
            "the quota does not allow more",
            where=name,
            why=f"there would be {_amounts(beyond, quota, then)}",
            remedy="remove files, or ask for a larger quota; those that are there stay",
        )


def _amounts(beyond: list[str], quota: Quota, held: Held) -> str:
    told = {
        "bytes": f"{format_size(held.bytes)} of {format_size(quota.bytes or 0)}",
        "files": f"{held.files:,} files of {quota.files or 0:,}",
    }
    return " and ".join(told[what] for what in beyond)
