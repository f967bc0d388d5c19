"""One file as policies see it: its facts, and for each whether it is known at all.

Absent and unknown are two things. A picture that was looked into and tells no prompt has none,
and ``not: {model: flux*}`` is true of it. One that was not looked into yet, or that could not be
read, may have one: every term about it is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from storewarden.policy.rules import LOCAL


class Day(NamedTuple):
    """How often a file was used on a day, counted from 1970 in UTC."""

    day: int
    opens: int
    writes: int


@dataclass(frozen=True, slots=True)
class Subject:
    """The facts of one file. Times are nanoseconds since 1970."""

    id: int
    root: str
    path: bytes  # relative to the root
    kind: str
    size: int
    first_seen_ns: int
    modified_ns: int
    state: str = "present"
    state_ns: int | None = None  # since when it is archived, moved away, or trashed
    growing: bool = False
    uid: int = 0

    inspected: bool = False  # it was looked into and could be read: else facts are unknown
    understood: bool = False  # and so could what it says about its making, if anything
    mime: str | None = None
    width: int | None = None
    height: int | None = None
    duration_ns: int | None = None
    workflow: str | None = None
    scene: str | None = None
    tool: str | None = None
    model: str | None = None
    prompt: str | None = None
    seed: str | None = None

    pinned: bool = False
    rating: float | None = None
    tags: tuple[str, ...] = ()
    owner: str | None = None
    cost: float | None = None  # unknown until an application tells it, in one currency
    file_type: str | None = None
    workflow_told: bool = False  # then it is known without a look into the file
    scene_told: bool = False

    usage_since_ns: int | None = None  # since when its root counts; never: use is unknown
    last_opened_ns: int | None = None
    days: tuple[Day, ...] = ()

    copies: tuple[tuple[str, int], ...] = ()  # store, and when the copy was verified
    placed: str = LOCAL  # the store in which it is for use
    placed_ns: int | None = None  # since when; from the beginning, when nobody moved it
    sidecar_of: bytes | None = None

    free_ratio: float | None = field(default=None)  # of a database's pages; known once measured

    @property
    def name(self) -> bytes:
        """Its last part."""
        return self.path.rpartition(b"/")[2]

    @property
    def away(self) -> bool:
        """Whether it was moved to another store, which is not to be archived by its life."""
        return self.state == "archived" and self.placed != LOCAL

    @property
    def lies(self) -> str:
        """The store in which it is for use; what is present is here, whatever was noted before."""
        return self.placed if self.away else LOCAL

    @property
    def stage(self) -> str:
        """How far its life is: what was moved away lives on as if it were here."""
        return "present" if self.away else self.state

    @property
    def last_used_ns(self) -> int | None:
        """When it was last used, at the latest; unknown where nobody counts.

        What was not opened since counting began may have been until then.
        """
        if self.usage_since_ns is None:
            return None
        known = (self.usage_since_ns, self.first_seen_ns, self.modified_ns)
        return max(*known, self.last_opened_ns or 0)
