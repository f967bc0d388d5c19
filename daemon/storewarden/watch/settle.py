"""When is a file quiet enough to be recorded? Pure in ``now``: no clock, no file is touched here.

The recorder notes hints, asks what is due, looks at it, and tells what it saw; the answer is
what the look means. Nothing noted is ever forgotten: a name stays here until a look resolved
it, or its directory is handed over by `overflow` to be listed as a whole.

- Closed after writing: looked at once, settled. Closing a download's partial name proves nothing.
- Made without a close (hard links, memory maps, writers that keep the file open): settled when
  two looks a settle time apart see the same. No event will tell of later writes, so it is
  looked at a few times more after that.
- Never at rest: said to be growing once, at the cap, then looked at ever more rarely.
- Gone: looked for after a moment, so that a rename's new name comes first.

Owned by the recorder thread; no locks.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from storewarden.model import Hint

Signature = tuple[int, int, int, int]  # inode, size, modified_ns, changed_ns
Key = tuple[bytes, bytes]  # directory, name

FIRST_LOOK: Final = 4  # a fresh name is first looked at after a quarter of the settle time
PARTIAL_LOOKS: Final = 4  # looks at a partial name in the time it must be quiet
GONE_AFTER: Final = 0.5  # seconds, or half the settle time when that is shorter
SHORTEST_INTERVAL: Final = 0.001  # seconds; a rounding error must not mean the same moment again
LONGEST_INTERVAL: Final = 300.0  # seconds between looks at what grows for hours
RETRY: Final = 5.0  # seconds until a look that was never answered is asked for again
LINGER_MOST: Final = 4096  # names at rest that were never closed and are still looked at
NEVER: Final = math.inf


class Rest(Enum):
    """What a look means."""

    SETTLED = "settled"  # at rest: record it
    GROWING = "growing"  # over the cap and still changing: record it as growing; said once
    WAIT = "wait"  # nothing to record now: it will be due again
    GONE = "gone"  # not there, and time enough was given to it


@dataclass(frozen=True, slots=True)
class SettleSettings:
    """How long files rest before they are recorded, and how many may be under way."""

    settle_seconds: float = 2.0
    cap_seconds: float = 60.0
    max_pending: int = 50_000


class _Pending:
    """One name under way."""

    __slots__ = (
        "changed_at",
        "confirming",
        "directory",
        "due",
        "growing",
        "handed",
        "hint",
        "interval",
        "lingering",
        "name",
        "partial",
        "queued",
        "signature",
        "since",
    )

    def __init__(self, directory: bytes, name: bytes, now: float) -> None:
        self.directory = directory
        self.name = name
        self.hint = Hint.OPENED
        self.handed: Hint | None = None  # out for a look under this hint; None when noted again
        self.since = now  # when this stretch of changes began: the cap counts from here
        self.due = NEVER
        self.queued = False  # stands in the queue of those due at once
        self.partial = False
        self.growing = False  # was said to be growing
        self.confirming = False  # the next look tells whether what grew is at rest now
        self.lingering = False  # was said to be settled, but was never closed
        self.interval = 0.0  # seconds to the next look while growing or lingering
        self.signature: Signature | None = None
        self.changed_at = now  # when the signature was first seen


class Settle:
    """The names of one root that changed and were not recorded since."""

    def __init__(
        self, settings: SettleSettings, partial: Callable[[bytes], bool] = lambda _: False
    ) -> None:
        self._settle = settings.settle_seconds
        self._cap = max(settings.cap_seconds, settings.settle_seconds)
        self._most = settings.max_pending
        self._gone_after = min(GONE_AFTER, settings.settle_seconds / 2)
        self._base = max(settings.settle_seconds, 1.0)
        self._is_partial = partial
        self._names: dict[bytes, dict[bytes, _Pending]] = {}
        self._count = 0
        self._lingering = 0
        self._ready: deque[_Pending] = deque()
        self._timed: list[tuple[float, int, _Pending]] = []
        self._serial = 0  # keeps equal times in order, so that names are never compared
        self._out: list[_Pending] = []
        self._out_at = 0.0
        self._overflow: set[bytes] = set()

    # -- hints come in ------------------------------------------------------------------------

    def note(self, directory: bytes, name: bytes, hint: Hint, now: float) -> None:
        """Take one hint."""
        self.note_all({directory: {name: hint}}, now)

    def note_all(self, names: Mapping[bytes, Mapping[bytes, Hint]], now: float) -> None:
        """Take the hints of a `Touched`."""
        for directory, hints in names.items():
            known = self._names.get(directory, {})
            for name, hint in hints.items():
                pending = known.get(name)
                if pending is not None:
                    self._note_again(pending, hint, now)
                elif self._count - self._lingering >= self._most:
                    self._overflow.add(directory)
                else:
                    pending = self._add(directory, name, now)
                    known = self._names[directory]
                    pending.hint = hint
                    self._plan(pending, now)

    def overflow(self) -> set[bytes]:
        """Return, once, the directories with names there was no room for: list them later."""
        directories, self._overflow = self._overflow, set()
        return directories

    def has_room(self) -> bool:
        """Tell whether it is worth while to list what found no room before."""
        return self.pending() <= self._most // 2

    def moved(self, old: bytes, new: bytes) -> None:
        """Follow a directory that was renamed: what is under way in and below it goes along."""
        inside = _inside(old)
        for directory in [one for one in self._overflow if inside(one)]:
            self._overflow.remove(directory)
            self._overflow.add(new + directory[len(old) :])
        for directory in [one for one in self._names if inside(one)]:
            names = self._names.pop(directory)
            target = new + directory[len(old) :]
            for pending in names.values():
                pending.directory = target
            standing = self._names.setdefault(target, {})
            for name, pending in names.items():
                other = standing.get(name)
                due = NEVER if other is None else other.due
                if other is not None:
                    self._drop(other)
                    standing = self._names.setdefault(target, {})
                standing[name] = pending
                if due < pending.due and pending.handed is None:
                    self._at(pending, due)

    def _note_again(self, pending: _Pending, hint: Hint, now: float) -> None:
        if pending.lingering:
            self._wake(pending, now)
        if pending.handed is None and pending.hint is Hint.CLOSED and hint is Hint.OPENED:
            return  # closed, then given other attributes: closed it remains
        pending.hint = hint
        pending.handed = None
        self._plan(pending, now)

    def _add(self, directory: bytes, name: bytes, now: float) -> _Pending:
        pending = _Pending(directory, name, now)
        pending.partial = self._is_partial(name)
        self._names.setdefault(directory, {})[name] = pending
        self._count += 1
        return pending

    def _drop(self, pending: _Pending) -> None:
        names = self._names[pending.directory]
        del names[pending.name]
        if not names:
            del self._names[pending.directory]
        self._count -= 1
        self._lingering -= pending.lingering
        pending.due = NEVER
        pending.handed = None

    # -- when to look -------------------------------------------------------------------------

    def _plan(self, pending: _Pending, now: float) -> None:
        """Set when a name with a new hint is looked at; hints without end cannot put it off."""
        if pending.hint is Hint.CLOSED and not pending.partial:
            pending.due = now
            if not pending.queued:
                pending.queued = True
                self._ready.append(pending)
        elif pending.hint is Hint.GONE:
            self._at(pending, max(now, min(now + self._gone_after, pending.since + self._cap)))
        else:
            first = now + self._settle / FIRST_LOOK
            if pending.due > first:
                self._at(pending, first)

    def _at(self, pending: _Pending, due: float) -> None:
        pending.due = due
        self._serial += 1
        heapq.heappush(self._timed, (due, self._serial, pending))
        if len(self._timed) > 2 * (self._count + LINGER_MOST):  # mostly times that were replaced
            self._timed = [entry for entry in self._timed if entry[2].due == entry[0]]
            heapq.heapify(self._timed)

    def due(self, now: float, limit: int) -> list[Key]:
        """Return at most ``limit`` names to look at now; answer each with `seen`.

        What was handed out before and never answered is handed out again some seconds later.
        """
        self._take_back(now)
        found = self._out = []
        self._out_at = now
        while len(found) < limit and self._timed and self._timed[0][0] <= now:
            due, _, pending = heapq.heappop(self._timed)
            if pending.due == due:
                self._hand_out(pending)
        while len(found) < limit and self._ready:
            pending = self._ready.popleft()
            pending.queued = False
            if pending.due <= now:
                self._hand_out(pending)
        return [(pending.directory, pending.name) for pending in found]

    def _hand_out(self, pending: _Pending) -> None:
        pending.handed = pending.hint
        pending.due = NEVER
        self._out.append(pending)

    def _take_back(self, now: float) -> None:
        for pending in self._out:
            if pending.handed is not None:
                pending.handed = None
                self._at(pending, max(now, self._out_at + RETRY))

    def next_due(self) -> float | None:
        """Return when something will be due; None when nothing is under way."""
        times = [self._ready[0].since] if self._ready else []  # a time that has passed
        while self._timed and self._timed[0][2].due != self._timed[0][0]:
            heapq.heappop(self._timed)
        if self._timed:
            times.append(self._timed[0][0])
        if any(pending.handed is not None for pending in self._out):
            times.append(self._out_at + RETRY)
        return min(times, default=None)

    # -- what a look means --------------------------------------------------------------------

    def seen(
        self,
        directory: bytes,
        name: bytes,
        signature: Signature | None,
        closed: bool,  # noqa: FBT001 -- a look tells two things, in this order
        now: float,
    ) -> Rest:
        """Take what a look saw, None for "not there", and return what it means.

        ``closed`` is further proof that nobody writes the file; a close that was noted counts by
        itself. A name that changed again while it was looked at stays under way.
        """
        pending = self._names.get(directory, {}).get(name)
        if pending is None:
            if signature is None or closed:
                return Rest.GONE if signature is None else Rest.SETTLED
            if self.pending() >= self._most:
                self._overflow.add(directory)
                return Rest.WAIT
            pending = self._add(directory, name, now)
            pending.handed = Hint.OPENED
        handed, pending.handed = pending.handed, None
        if signature is None:
            return self._seen_absent(pending, handed, now)
        if signature != pending.signature:
            pending.signature = signature
            pending.changed_at = now
            if pending.lingering:
                self._wake(pending, now)
        shut = (closed or handed is Hint.CLOSED) and not pending.partial
        if shut or now - pending.changed_at >= self._quiet(pending):
            return self._seen_at_rest(pending, handed, now, shut=shut)
        return self._seen_changing(pending, handed, now)

    def _quiet(self, pending: _Pending) -> float:
        """Return how long this name must be quiet to be at rest."""
        return self._cap if pending.partial else self._settle

    def _seen_absent(self, pending: _Pending, handed: Hint | None, now: float) -> Rest:
        if handed is Hint.GONE:
            self._drop(pending)
            return Rest.GONE
        if handed is not None:  # its deletion is still to be told, or its new name is
            if pending.lingering:
                self._wake(pending, now)
            pending.hint = Hint.GONE
            self._plan(pending, now)
        return Rest.WAIT

    def _seen_at_rest(
        self, pending: _Pending, handed: Hint | None, now: float, *, shut: bool
    ) -> Rest:
        if pending.lingering:
            pending.interval *= 2
            if shut or pending.interval > LONGEST_INTERVAL:
                self._drop(pending)
            else:
                self._at(pending, now + pending.interval)
            return Rest.WAIT
        pending.growing = False
        if handed is None:  # noted again meanwhile: what was seen may be recorded, but it stays
            return Rest.SETTLED
        if shut or self._lingering >= LINGER_MOST:
            self._drop(pending)
        else:
            pending.lingering = True
            self._lingering += 1
            pending.interval = self._base
            self._at(pending, now + pending.interval)
        return Rest.SETTLED

    def _seen_changing(self, pending: _Pending, handed: Hint | None, now: float) -> Rest:
        if handed is None:
            return Rest.WAIT  # noted again meanwhile: its time is set
        pending.hint = Hint.OPENED
        said = pending.growing
        if not said and now - pending.since >= self._cap:
            pending.growing = True
            pending.confirming = False
            pending.interval = self._base
        self._at(pending, now + self._next_look(pending, now))
        return Rest.GROWING if pending.growing and not said else Rest.WAIT

    def _next_look(self, pending: _Pending, now: float) -> float:
        """Return the seconds to the next look at what is not at rest.

        What grows for hours is looked at in pairs: the second look of a pair tells whether it
        rests now, and the time between pairs doubles.
        """
        left = max(self._quiet(pending) - (now - pending.changed_at), SHORTEST_INTERVAL)
        if not pending.growing:
            return (
                min(left, max(self._settle, self._cap / PARTIAL_LOOKS)) if pending.partial else left
            )
        if now > pending.changed_at or not pending.confirming:
            pending.confirming = True
            return left
        pending.confirming = False
        pending.interval = min(pending.interval * 2, LONGEST_INTERVAL)
        return pending.interval

    def _wake(self, pending: _Pending, now: float) -> None:
        """Treat a name that was settled without a close as under way again."""
        pending.lingering = False
        self._lingering -= 1
        pending.since = now
        self._at(pending, now + self._settle)

    def drain(self) -> dict[bytes, list[bytes]]:
        """Hand over all that is under way, by directory, and forget it: the daemon stops."""
        names = {
            directory: [name for name, one in under.items() if not one.lingering]
            for directory, under in self._names.items()
        }
        self._names, self._ready, self._timed, self._out = {}, deque(), [], []
        self._count = self._lingering = 0
        return {directory: listed for directory, listed in names.items() if listed}

    # -- figures ------------------------------------------------------------------------------

    def pending(self) -> int:
        """Return how many names are under way and not yet recorded as they are."""
        return self._count - self._lingering

    def oldest(self) -> float | None:
        """Return since when the oldest name waits to be recorded; costs a step for each of them.

        What is recorded as growing does not wait: its row is there.
        """
        waiting = (one.since for one in self._all() if not one.lingering and not one.growing)
        return min(waiting, default=None)

    def _all(self) -> Iterator[_Pending]:
        return (pending for names in self._names.values() for pending in names.values())


def _inside(directory: bytes) -> Callable[[bytes], bool]:
    """Return a test whether a directory is this one or below it."""
    below = directory + b"/"
    return lambda other: other == directory or other.startswith(below)
