"""One act under way: what a verb is given to carry it out, and what it did."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from storewarden.act.codec import Codec
from storewarden.act.copying import Progress, Source, quiet
from storewarden.act.drawers import Room
from storewarden.act.identity import Identity
from storewarden.act.kernel import KERNEL, Kernel
from storewarden.act.leases import Quiet
from storewarden.act.members import Bundle
from storewarden.act.members import Member as Local
from storewarden.act.refused import Refused, Stop
from storewarden.catalogue import acts, subjects, undecided
from storewarden.catalogue.acted import Acted
from storewarden.catalogue.acts import Act, Member
from storewarden.catalogue.journal import Journal
from storewarden.catalogue.subjects import SubjectRow
from storewarden.clock import Clock
from storewarden.errors import (
    FileChanged,
    FileUnusable,
    LeaseLost,
    ObjectDamaged,
    ObjectExists,
    ObjectMissing,
    PlaceTaken,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
    StorewardenError,
)
from storewarden.store.contract import Store
from storewarden.watch.exclude import OURS

log = logging.getLogger(__name__)

_DATABASE: Final = "database"

# What stores and files say that only concerns the step that asked them.
STEP_ERRORS: Final = (
    *(StoreUnavailable, StoreFull, StoreRefused, ObjectExists, ObjectMissing, ObjectDamaged),
    FileUnusable,
)


@dataclass(frozen=True, slots=True)
class Root:
    """A root that is there, open."""

    name: str
    host: str
    uuid: str  # "" for a root that bears none
    descriptor: int


class Roots(Protocol):
    """Where roots come from."""

    def opened(self, name: str) -> AbstractContextManager[Root]:
        """Lend a root for the time of one act; it must be the one that was registered.

        One that is lent already may be lent once more, to the same thread.

        Raises:
            FileUnusable: it is not there now.
        """
        ...


class PurgeRule(NamedTuple):
    """What has to hold before something is removed from the trash."""

    at_least_ns: int = 0  # it lay there
    copy_stays: bool = False  # a copy must be proven first: the policy archives as well


def purge_at_once(_act: Act) -> PurgeRule:
    """Ask for nothing: a person named what shall be purged."""
    return PurgeRule()


def pack(_store: str) -> Codec:
    """Pack what is stored, wherever."""
    return "zstd"


@dataclass(frozen=True, slots=True)
class Tools:
    """What all acts share. ``stores`` are in the order in which copies are fetched from them."""

    journal: Journal
    acted: Acted
    roots: Roots
    stores: Mapping[str, Store]
    clock: Clock
    kernel: Kernel = KERNEL
    purge_rule: Callable[[Act], PurgeRule] = purge_at_once
    codec: Callable[[str], Codec] = pack
    progress: Progress = quiet

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", self.kernel.asking(self._refuse_if_lost))

    def _refuse_if_lost(self) -> None:
        """Raise LeaseLost when that is certain; a catalogue that cannot be asked stops nobody.

        What is undone goes back to its user, who waits for it.
        """
        try:
            with self.journal.engine.transaction():
                pass
        except LeaseLost:
            raise
        except StorewardenError:
            log.warning("it is not known whether the lease still holds: what was begun is undone")


class Halted(Exception):
    """Carries what was refused out of a verb; never out of this room."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused)
        self.refused = refused


@dataclass(slots=True)
class Tally:
    """What was done in this attempt; bytes are those of contents unless told otherwise."""

    copied: int = 0
    verified: int = 0
    fetched: int = 0
    freed: int = 0  # on the disk
    quiet: Sequence[Quiet] = ()  # how it was known that nobody was writing, file by file
    lacking: list[str] = field(default_factory=list)  # what came back not as it was, in words


class Work:
    """An act in the hands of its verb; ``act`` is always as the journal has it."""

    def __init__(
        self, act: Act, root: Root, tools: Tools, progress: Progress | None = None
    ) -> None:
        """Touch nothing; ``progress`` hears of it instead of that of the tools."""
        self.act, self.root, self.tools = act, root, tools
        self.progress = progress or tools.progress
        self.tally = Tally()

    @property
    def now_ns(self) -> int:
        return self.tools.clock.wall_ns()

    @property
    def store(self) -> Store:
        """The store that the act is about.

        Raises:
            StoreRefused: it is not among those that are configured.
        """
        return self.store_named(self.act.store or "")

    def store_named(self, name: str) -> Store:
        """Return a store; see `store`."""
        try:
            return self.tools.stores[name]
        except KeyError:
            raise StoreRefused(
                "a store is not known",
                where=name,
                remedy="configure it again, or choose another one",
            ) from None

    def advance(
        self, state: str, *, members: tuple[Member, ...] | None = None, place: bytes | None = None
    ) -> None:
        """Note that a step is done."""
        self.act = self.tools.journal.advance(
            self.act, state, self.now_ns, members=members, place=place
        )

    def require_lease(self) -> None:
        """Raise LeaseLost unless we may still act; asked before anything that cannot be undone."""
        with self.tools.journal.engine.transaction():
            pass

    def source(self, member: Member) -> Source:
        """Return a file to be read as it was decided on."""
        root = self.root
        identity = Identity(*member.identity)
        return Source(root.host, root.name, root.uuid, root.descriptor, member.path, identity)

    def bundle(self, members: Sequence[Member], kinds: Collection[str] | None = None) -> Bundle:
        """Return files to be moved together; the same for every attempt.

        ``kinds`` are those of the act's files, where they are known.
        """
        if kinds is None:
            kinds = {row.kind for row in self.rows().values()}
        act = self.act
        return Bundle(
            members=tuple([Local(one.path, Identity._make(one.identity)) for one in members]),
            mark=act.mark,
            now_ns=act.planned_ns,
            told=_told(act.verb, act.asked_by, act.reason, act.policy),
            unused=_DATABASE in kinds,
            shared=drawer_of(act),
        )

    def rows(self) -> dict[int, SubjectRow]:
        """Return what the catalogue says of the files now."""
        engine = self.tools.journal.engine
        return {row.id: row for row in subjects.subjects(engine, file_ids(self.act.members))}

    def reconsider(self, members: Collection[Member]) -> None:
        """Have files decided anew that the act did nothing to."""
        with self.tools.journal.engine.transaction(durable=True):
            undecided.mark(self.tools.journal.engine, file_ids(members))


@lru_cache(maxsize=16)
def _told(verb: str, asked_by: str, reason: str, policy: str | None) -> Mapping[str, str]:
    """Return what a person finds in the note of an act; many acts say the same."""
    told = {"verb": verb, "by": asked_by, "reason": reason}
    return MappingProxyType(told | ({"policy": policy} if policy else {}))


# What stops one act, and no other.
ITS_OWN: Final = (Halted, Stop, *STEP_ERRORS, FileChanged, PlaceTaken)

Carry = Callable[[Work], Act]
"""Goes on from the state that the journal tells, and returns the act ended."""

Settle = Callable[[Work], Act | None]
"""Ends an act that cannot be finished as what became of it; None when nothing did."""


class Verb(NamedTuple):
    """How acts of one verb are carried out, and given up.

    Both raise `Halted` for what is refused and ``STEP_ERRORS`` for what stores and disks say. An
    act is not given up before `settle` returned: until then it is not known where its files lie.
    """

    carry: Carry
    settle: Settle


def drawer_place(room: Room, mark: str) -> bytes:
    """Return where a drawer lies, relative to its root."""
    return b"/".join((OURS, room.value.encode(), mark.encode()))


def drawer_of(act: Act) -> str | None:
    """Return the mark of the drawer in the trash where the journal has the files of an act."""
    place = act.place or b""
    return os.path.basename(place).decode() if place.startswith(acts.TRASH) else None


def file_ids(members: Collection[Member]) -> list[int]:
    """Return the rows of those that have one."""
    return [one.file_id for one in members if one.file_id is not None]
