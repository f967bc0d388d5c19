"""What a set of policies says: frozen, checked, every name resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, NamedTuple

from storewarden.config.problems import Place
from storewarden.policy.expression import Condition

LOCAL = "local"
"""The store that a root itself is."""

Clock = Literal["created", "modified", "last_used"]


class Force(IntEnum):
    """What can be done to a file, the gentlest first: where two could act, the lesser does."""

    COPY = 1
    MOVE = 2  # to another store: copied, verified, then freed here
    ARCHIVE = 3
    TRASH = 4
    PURGE = 5

    @property
    def word(self) -> str:
        """Return it as policies write it."""
        return self.name.lower()

    @property
    def destructive(self) -> bool:
        """Whether it frees bytes here: never on what is not known."""
        return self is not Force.COPY


@dataclass(frozen=True, slots=True)
class Phase:
    """A step in the life of a file, so long after its clock or after the step before."""

    do: Force
    after_ns: int
    after_previous: bool = False  # counted from when the step before was done
    to: str | None = None  # a store, for copy and archive
    compress: str | None = None
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Where a file belongs, by how it was used in a window."""

    window_ns: int
    local_if: Condition
    otherwise: str  # a store
    min_stay_ns: int = 0
    hysteresis: float = 0.0  # a share by which a limit has to be passed on the way back


class Placement(NamedTuple):
    """Where files belong; exactly one of the three is given."""

    required: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    evaluate: Evaluate | None = None


class Timer(NamedTuple):
    """When something is to be done again and again: every so often, or by the calendar."""

    every_ns: int | None = None
    cron: str | None = None


class Order(NamedTuple):
    """What comes first when not everything has to go."""

    term: str
    descending: bool = False


class Pressure(NamedTuple):
    """Act only while the file system is fuller than ``high``, until it is below ``low``."""

    high: float
    low: float
    order: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Triggers:
    """When due work is done: at once, on timers, and under pressure of space."""

    event: bool = True
    timers: tuple[Timer, ...] = ()
    pressure: Pressure | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Which backups are kept: those that any of these keeps, and all where none is said."""

    last: int | None = None
    hourly: int | None = None
    daily: int | None = None
    weekly: int | None = None
    monthly: int | None = None
    yearly: int | None = None
    within_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Backup:
    """When a database is backed up, how, where to, and which backups are kept."""

    timer: Timer
    keep: Keep = Keep()
    full: Timer | None = None  # when a whole one is taken; None for how it is without a word
    compress: Literal["zstd", "none"] | None = None  # None for what suits the store
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Care:
    """What is done for a database, whatever becomes of its place."""

    backup: Backup | None = None
    integrity: Timer | None = None
    drill: Timer | None = None
    analyze: Timer | None = None
    vacuum: Timer | None = None
    vacuum_when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """How much one run may do before a person is asked; ``None`` is no limit."""

    max_objects: int | None = 500
    max_bytes: int | None = 20 * 2**30
    max_share: float | None = 0.10
    max_errors: float | None = 0.05


@dataclass(frozen=True, slots=True)
class Policy:
    """One statement about the files that it matches. It has at least one of the four kinds."""

    id: str
    match: Condition
    rows: str | None = None  # it is about rows of this declared table, and not about files
    clock: str = "created"  # a Clock, or a column of the declared table
    place: Placement | None = None
    phases: tuple[Phase, ...] = ()
    care: Care | None = None
    hold: bool = False
    triggers: Triggers = Triggers()
    guard: Guard = Guard()
    observe: bool = True
    category: str = ""
    reason: str = ""
    where: Place | None = field(default=None, compare=False, repr=False)

    @property
    def destructive(self) -> bool:
        """Whether it may free bytes anywhere."""
        return any(phase.do.destructive for phase in self.phases) or (
            self.place is not None and not self.place.required
        )


@dataclass(frozen=True, slots=True)
class Expectation:
    """A test inside a policy file: facts that are given, and what is to be decided of them."""

    given: Condition  # terms that are taken for true, classes among them
    facts: tuple[tuple[str, object], ...]  # what the given terms say of the file, by field
    at_ns: int  # how long after the file was made
    do: str | None  # an action, or "nothing"
    policy: str | None
    category: str | None = None
    where: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PolicySet:
    """All policies that are in force together, in the order in which they count."""

    policies: tuple[Policy, ...] = ()
    classes: tuple[tuple[str, Condition], ...] = ()
    tests: tuple[Expectation, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()  # the name and the text of each file
    fingerprint: str = ""  # of what it says, not of how it is written

    def policy(self, id_: str) -> Policy | None:
        """Return the policy of that name."""
        return next((policy for policy in self.policies if policy.id == id_), None)
