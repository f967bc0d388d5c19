"""What came of a deed: one frozen value, the same from the catalogue and over HTTP."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A deed that is kept: what it is about, its row, and whether that row was made by it.

    ``file`` is the row of the file that it is about, None while that was not seen on disk.
    """

    what: str
    id: int
    created: bool = False
    workflow: str | None = None
    scene: str | None = None
    path: str | None = None
    file: int | None = None
