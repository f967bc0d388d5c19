"""What an application is told when something fails; each is one of Storewarden's own errors.

``transient`` says whether trying again later can help. An application that opens a catalogue
itself may also meet what a catalogue raises: see ``storewarden.errors``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewarden.errors import (
    AlreadyThere,
    NotAllowed,
    NotKnown,
    NotThere,
    PermanentError,
    QuotaExceeded,
    StorewardenError,
    TransientError,
    UsageError,
)

if TYPE_CHECKING:
    from storewarden.api.checked import Wrong

__all__ = [
    "AlreadyThere",
    "Closed",
    "NotAllowed",
    "NotKnown",
    "NotThere",
    "PermanentError",
    "QuotaExceeded",
    "StorewardenError",
    "TransientError",
    "Unreachable",
    "UsageError",
    "Wrong",
]


class Unreachable(TransientError):
    """No daemon answers there, or not in time.

    What was told may have been kept or not. To tell it once more does no harm: it counts once.
    """

    def __init__(
        self, what: str, *, where: str = "", why: str = "", remedy: str = "", after: float = 0.0
    ) -> None:
        super().__init__(what, where=where, why=why, remedy=remedy)
        self.after = after  # seconds that the other side wants to be left alone


class Closed(PermanentError):
    """It was closed, and is used again."""


def __getattr__(name: str) -> object:
    """Import what only a mistake needs when one is made."""
    if name == "Wrong":
        from storewarden.api.checked import Wrong  # noqa: PLC0415  # it brings all checks along

        return Wrong
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
