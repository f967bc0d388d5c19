"""What happened to a file, what will, and why: a part of ``records``."""

from __future__ import annotations

from dataclasses import dataclass, field

from storewarden.api.reading.kinds import Anything, Hex, Moment, Nanoseconds, Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that was noted of a file."""

    at_ns: Nanoseconds
    event: str
    detail: Anything = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened: an act with its outcome, or what was seen of a file."""

    at_ns: Nanoseconds
    what: str
    root: str
    path: Shown
    files: int
    bytes: int
    outcome: str | None = None
    path_hex: Hex | None = None
    store: str | None = None
    policy: str | None = None
    by: str | None = None
    why: str | None = None
    error: str | None = None
    act: int | None = None
    undoes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What happened to a file, the last first."""

    history: tuple[Happening, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One term of a policy: what is known of the file, and whether it is so."""

    term: str
    value: str
    result: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one policy says of a file."""

    id: str
    result: str
    kinds: tuple[str, ...]
    wins: tuple[str, ...]
    after: tuple[str, ...]
    terms: tuple[Judged, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBy:
    """What keeps an action from being carried out now, and the command that lets it."""

    guard: str
    why: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """What happens to a file next."""

    action: str
    policy: str
    observed: bool
    due: Moment | None = None
    due_ns: Nanoseconds | None = None
    store: str | None = None
    blocked: str | None = None
    held: tuple[HeldBy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiesIn:
    """Where a copy of a file that is gone lies."""

    store: str
    key: str
    damaged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HowItWent:
    """What took a file from its place, and the command that brings it back."""

    what: str
    by: str
    reason: str
    back: str
    act: int | None = None
    at_ns: Nanoseconds | None = None
    policy: str | None = None
    lies: tuple[LiesIn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The last act on a file, when nothing came of it."""

    act: int
    verb: str
    state: str
    at_ns: Nanoseconds
    why: str
    again_ns: Nanoseconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Why one policy does not do a thing."""

    policy: str
    what: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """Why an action does not happen to a file."""

    action: str
    because: tuple[Because, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Winners:
    """The policies that decide of a file, by what they decide."""

    hold: str | None = None
    place: str | None = None
    phases: str | None = None
    care: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What becomes of a file and why: every policy, term by term."""

    root: str
    path: Shown
    state: str
    reason: str
    policies: tuple[Account, ...]
    winners: Winners
    next: Coming | None = None
    path_hex: Hex | None = None
    went: HowItWent | None = None
    tried: Attempt | None = None
    lies_in: str | None = None
    clock_frozen: str | None = None
    history: tuple[Event, ...] = ()
    not_: WhyNot | None = None
