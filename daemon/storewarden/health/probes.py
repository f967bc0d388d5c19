"""What is looked at to say how healthy all of it is: plain values, as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Damaged(NamedTuple):
    """A database whose last whole check found it wrong."""

    database: str
    why: str
    rows_whole: bool = False  # only its indexes are wrong


class LastCopies(NamedTuple):
    """A store in which copies were damaged that are the last of their files."""

    store: str
    copies: int


class Orphans(NamedTuple):
    """Rows of a declared child table whose parent is gone."""

    table: str  # as the configuration calls the parent
    child: str
    rows: int


class Slow(NamedTuple):
    """How many statements of a database were slow within the last day, as near as is known."""

    database: str
    place: str  # what `db slow` finds it by
    statements: float


class Unseen(NamedTuple):
    """A place that cannot be seen."""

    root: str
    reason: str
    path: bytes = b""
    detail: str = ""
    remedy: str = ""


class Disk(NamedTuple):
    """A file system of ours: what lies on it, and when it is full at its present growth."""

    roots: tuple[str, ...]
    used: int  # bytes
    free: int  # bytes that may still be used without privileges
    full_ns: int | None = None
    state: bool = False  # whether the catalogue or its directory lies on it


class Backed(NamedTuple):
    """A database of which a policy wants backups."""

    database: str
    every_ns: int | None  # from one backup to the next; None while that is not known
    due_ns: int  # when the next is due
    taken_ns: int | None  # of what time the newest good one is
    proven_ns: int | None  # when one was last restored on trial


class Care(NamedTuple):
    """Something that is to be done for a database, and is not done."""

    database: str
    what: str
    due_ns: int
    failures: int
    why: str = ""
    waits: bool = False  # for the database to be idle: that is nobody's failure


class Acts(NamedTuple):
    """What a policy is to do to files, and does not."""

    policy: str
    files: int
    since_ns: int  # when somebody should have done it
    why: str = ""
    remedy: str = ""
    failing: bool = False  # it was tried again and again


class Late(NamedTuple):
    """How long something waits to be recorded that should have been by now."""

    root: str  # "": the catalogue cannot be written at all
    seconds: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Probes:
    """Everything that is looked at, at one moment."""

    damaged: tuple[Damaged, ...] = ()
    last_copies: tuple[LastCopies, ...] = ()
    unheeded: tuple[str, ...] = ()  # databases whose foreign keys are declared, and off
    orphans: tuple[Orphans, ...] = ()
    slow: tuple[Slow, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    disks: tuple[Disk, ...] = ()
    backed: tuple[Backed, ...] = ()
    care: tuple[Care, ...] = ()
    acts: tuple[Acts, ...] = ()
    late: tuple[Late, ...] = ()
