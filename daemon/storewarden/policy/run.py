"""What of a policy's due work may be done in one run, and what is held back; pure.

A run lets through one file after the other, in the order in which they come, until a limit is met.
From there on nothing more is freed, nor anything smaller that would still fit: what is held back
is counted, and told with the command that releases it. Copying frees nothing, and meets no limit
but that of errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from storewarden.policy.guards import over
from storewarden.policy.rules import Force, Guard
from storewarden.units import format_share, format_size

# One act of three that fails says nothing of a share, so a share is not judged before so many.
JUDGED_FROM = 20
# What fails for every file (a store that refuses, a disk that may only be read) shall not be tried
# twenty times. Where one in twenty may fail, three in a row come by chance once in 8,000 acts.
IN_A_ROW = 3


class Limit(Enum):
    """What holds work back; its value is the word for it."""

    FROZEN = "frozen-root"
    CLOCK = "clock"
    OBSERVED = "observed"
    OBJECTS = "max_objects"
    BYTES = "max_bytes"
    SHARE = "max_share"
    ERRORS = "max_errors"

    @property
    def asks(self) -> bool:
        """Whether it holds until a person answers; the others end when their cause does."""
        return self in {Limit.OBSERVED, Limit.OBJECTS, Limit.BYTES, Limit.SHARE}


_LASTING = {Limit.OBJECTS, Limit.BYTES, Limit.SHARE}
"""What a run that met it leaves behind for the next ones; all else is judged anew."""


class Outcome(Enum):
    """What became of an act."""

    DONE = "done"
    REFUSED = "refused"  # the file changed, or is in use: that is nobody's failure
    FAILED = "failed"


class Due(NamedTuple):
    """Something that is due, with all files that go together."""

    file_id: int
    root: str
    action: Force
    bytes: int
    files: int = 1
    store: str | None = None
    due_ns: int = 0


class Held(NamedTuple):
    """What was held back by one limit, and how it is released."""

    limit: Limit
    files: int
    bytes: int
    why: str
    command: str
    root: str | None = None  # the one that is frozen

    @property
    def guard(self) -> str:
        """What it is noted under: of a policy there is one note for each."""
        return self.limit.value if self.root is None else f"{self.limit.value}:{self.root}"


class Frozen(NamedTuple):
    """Why nothing may be done in a root, and the command that helps, or tells what does."""

    why: str
    command: str = "storewarden doctor"


@dataclass(frozen=True, slots=True)
class Ground:
    """What is so when a run of a policy begins.

    What the same run did before a restart, or in an earlier batch, counts: ``spent_…`` is what was
    freed, ``tried`` and ``failed`` are acts.
    """

    policy: str
    guard: Guard
    of_files: int  # what there is, of which a share is taken
    of_bytes: int
    frozen: Mapping[str, Frozen] = field(default_factory=dict)  # by root
    jumped: str = ""  # how the clock jumped, while nobody accepted it
    observed: bool = False  # no person applied its first plan yet
    asked: Limit | None = None  # an earlier run met it, and no person answered
    by_person: bool = False  # a person saw this plan and applies it
    spent_files: int = 0
    spent_bytes: int = 0
    tried: int = 0
    failed: int = 0


@dataclass(slots=True)
class _Count:
    files: int = 0
    bytes: int = 0

    def add(self, due: Due) -> None:
        self.files += due.files
        self.bytes += due.bytes


class Run:
    """One run: iterate over what may be done, tell what became of each, then ask what was held."""

    def __init__(self, ground: Ground, due: Iterable[Due]) -> None:
        self._ground = ground
        self._due = due
        self._met = ground.asked if ground.asked in _LASTING and not ground.by_person else None
        self._tried, self._failed, self._in_a_row = ground.tried, ground.failed, 0
        self._held: dict[tuple[Limit, str | None], _Count] = {}
        self.through = _Count()  # let through, copies included
        self._freed = _Count(ground.spent_files, ground.spent_bytes)

    def __iter__(self) -> Iterator[Due]:
        """Yield what may be done; to the end, so that all that is held back is counted."""
        for due in self._due:
            limit = self._holds(due)
            if limit is not None:
                key = limit, due.root if limit is Limit.FROZEN else None
                self._held.setdefault(key, _Count()).add(due)
                continue
            self.through.add(due)
            if due.action.destructive:
                self._freed.add(due)
            yield due

    def note(self, outcome: Outcome) -> None:
        """Take note of what became of an act."""
        if outcome is Outcome.REFUSED:
            return
        failed = outcome is Outcome.FAILED
        self._tried += 1
        self._failed += failed
        self._in_a_row = self._in_a_row + 1 if failed else 0

    @property
    def failing(self) -> bool:
        """Whether so much failed that nothing more is tried in this run."""
        most = self._ground.guard.max_errors
        if most is None:
            return False
        if self._in_a_row >= IN_A_ROW:
            return True
        return self._tried >= JUDGED_FROM and self._failed > most * self._tried

    def held(self) -> list[Held]:
        """Return what was held back so far, by each limit."""
        return [
            Held(limit, each.files, each.bytes, *self._told(limit, root, each), root)
            for (limit, root), each in self._held.items()
        ]

    # -- whether one may be done ------------------------------------------------------------------

    def _holds(self, due: Due) -> Limit | None:
        """Return what holds it back. No person is beyond the first three."""
        ground = self._ground
        if due.root in ground.frozen:
            return Limit.FROZEN
        if self.failing:
            return Limit.ERRORS
        if ground.jumped and due.action.destructive:
            return Limit.CLOCK
        if ground.by_person:
            return None
        if ground.observed:
            return Limit.OBSERVED
        if due.action.destructive and self._met is None:
            self._met = self._meets(due)
        return self._met if due.action.destructive else None

    def _meets(self, due: Due) -> Limit | None:
        """Return the limit that one more would meet."""
        ground = self._ground
        files, size = self._freed.files + due.files, self._freed.bytes + due.bytes
        met = next(over(ground.guard, files, size, ground.of_files, ground.of_bytes), None)
        return None if met is None else Limit(met[0])

    # -- in words ---------------------------------------------------------------------------------

    def _told(self, limit: Limit, root: str | None, held: _Count) -> tuple[str, str]:
        """Return why so much is held back, and the command that releases it."""
        ground = self._ground
        apply = f"storewarden apply --policy {ground.policy}"
        match limit:
            case Limit.FROZEN:
                frozen = ground.frozen[root or ""]
                return f"the root {root} is frozen: {frozen.why}", frozen.command
            case Limit.CLOCK:
                why = "nothing is freed until it is known to be right"
                return f"{ground.jumped}: {why}", "storewarden policy accept-clock"
            case Limit.OBSERVED:
                first = "nothing is done before a person has applied its first plan"
                return f"{ground.policy} is new or was changed: {first}", apply
            case Limit.ERRORS:
                return f"{ground.policy}: {self._errors()}", apply
            case _:
                return f"{ground.policy}: {self._more(limit, held)}", apply

    def _errors(self) -> str:
        if self._in_a_row >= IN_A_ROW:
            return f"{self._in_a_row} acts failed one after the other"
        share = format_share(self._failed / self._tried)
        most = format_share(self._ground.guard.max_errors or 0.0)
        return f"{self._failed} of {self._tried} acts failed, {share}, at most {most} may"

    def _more(self, limit: Limit, held: _Count) -> str:
        """Say what the run would come to with all that is held back."""
        ground = self._ground
        files, size = self._freed.files + held.files, self._freed.bytes + held.bytes
        told = dict(over(ground.guard, files, size, ground.of_files, ground.of_bytes))
        if limit.value in told:
            return told[limit.value]
        waits = f"{held.files:,} {'file' if held.files == 1 else 'files'}"
        earlier = f"an earlier run met {limit.value} and nobody answered"
        return f"{earlier}; {waits}, {format_size(held.bytes)}"
