"""What is recorded, and known by now, is decided: in transactions of its own, by the recorder.

Recording never waits for it and never fails with it. Nothing is decided while a burst is recorded;
a slice is so small that a file which lands meanwhile waits some milliseconds. What waits stands in
the catalogue, so that nothing is forgotten however this program ends.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from storewarden.catalogue.engine import Engine
from storewarden.catalogue.schedule import Directory, Schedule, Verdict
from storewarden.clock import Clock
from storewarden.errors import CatalogueRefused

log = logging.getLogger(__name__)

# How long a transaction may take, and how many files it decides, at first and at the most. Ending
# one takes some milliseconds by itself: a pass in shorter ones would take twice as long.
_SLICE_SECONDS: Final = 0.040
_FIRST: Final = 500
_MOST: Final = 10_000
# A verdict tells of one moment; within so many seconds another one would tell the same.
_SAME_MOMENT: Final = 0.5
_AFTER_BURST: Final = 0.5
# Other programs change marks: what they note is found when one looks.
_LOOK: Final = 5.0
_SOON: Final = 0.05
# So many files in a row that are refused: it is not the files.
_ALL_REFUSED: Final = 16

Render = Callable[[int], Verdict]
"""Returns the verdict of the policies in force, at a time."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A stored set of policies, and how it decides."""

    set_id: int
    render: Render


class _Slice(NamedTuple):
    """Some files to be decided, and what is to be noted when they are."""

    decide: Callable[[Verdict], None]
    note: Callable[[], None]
    first: int | None  # one of them, for messages
    files: int  # at the most
    noted: Callable[[], None] = lambda: None  # what is to be remembered once it is stored


class Deciding:
    """Keeps the schedule right. ``step`` is the recorder thread's; any thread may set the rest."""

    def __init__(self, engine: Engine, host_id: int, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._schedule = Schedule(engine, host_id)
        self.busy: Callable[[], bool] = lambda: False
        self.worked: Callable[[int], None] = lambda _files: None  # is told how many were decided
        self.going_on = False  # whether the last step decided something
        self.decided = 0  # slices: who shows what is decided sees whether anything was
        self.stopped = ""  # why nothing is decided though policies are in force
        self._changing = threading.Lock()
        self._in_force: InForce | None = None
        self._verdict: Verdict | None = None
        self._moment = (float("-inf"), 0)  # by the clock that never jumps, and by the other
        self._inside: tuple[Directory, bytes] | None = None  # a directory, and how far it is done
        self._limit = _FIRST
        self._refused = 0  # one after the other

    def put(self, in_force: InForce | None) -> None:
        """Decide by these policies from now on."""
        with self._changing:
            self._in_force = in_force
            self._verdict = None
            self._refused = 0
            self.stopped = ""

    def step(self) -> float:
        """Decide some files; return in how many seconds there may be more to do."""
        wait = self._decide_some()
        self.going_on = wait == 0.0
        return wait

    def _decide_some(self) -> float:
        if self._in_force is None or self.stopped:
            return _LOOK
        if self.busy():
            return _AFTER_BURST
        with self._changing:
            in_force = self._in_force
            if self._clock.monotonic() - self._moment[0] > _SAME_MOMENT:
                self._moment = self._clock.monotonic(), self._clock.wall_ns()
                self._verdict = None
            some = self._next(in_force)
            if some is None:
                return self._until_again()
            if self._verdict is None:
                self._verdict = in_force.render(self._moment[1])
            self._write(some, self._verdict)
        return 0.0

    # -- one slice ----------------------------------------------------------------------------

    def _write(self, some: _Slice, verdict: Verdict) -> None:
        began = self._clock.monotonic()
        try:
            with self._engine.transaction():
                some.decide(verdict)
                some.note()
        except CatalogueRefused as error:
            self._refuse(some, error)
            return
        some.noted()
        self._refused = 0
        self.decided += 1
        self.worked(some.files)
        took = max(self._clock.monotonic() - began, 1e-4)
        self._limit = max(1, min(int(self._limit * min(2.0, _SLICE_SECONDS / took)) + 1, _MOST))

    def _refuse(self, some: _Slice, error: CatalogueRefused) -> None:
        """Find what cannot be decided by halves; it must not keep others out."""
        if self._limit > 1:
            self._limit //= 2
            return
        with self._engine.transaction():
            some.note()
        some.noted()
        self._refused += 1
        facts = {"file": some.first, "why": error}
        log.error("a file cannot be decided", extra={"facts": facts})
        if self._refused >= _ALL_REFUSED:
            self.stopped = str(error)
            log.error("nothing is decided any more by these policies")

    # -- what comes next ----------------------------------------------------------------------

    def _next(self, in_force: InForce) -> _Slice | None:
        """Return what waits: what changed comes first, then what is new, then what time changes."""
        return self._noted() or self._moved() or self._beyond(in_force.set_id) or self._again()

    def _noted(self) -> _Slice | None:
        ids = self._schedule.noted(self._limit)
        if not ids:
            return None
        schedule = self._schedule
        return _Slice(
            lambda verdict: schedule.decide(verdict, ids),
            lambda: schedule.forget_noted(ids),
            *(ids[0], len(ids)),
        )

    def _moved(self) -> _Slice | None:
        directory = self._schedule.moved()
        if directory is None:
            return None
        after = b""
        if self._inside is not None and self._inside[0] == directory:
            after = self._inside[1]
        files = self._schedule.inside(directory, after, self._limit)
        more = len(files) == self._limit

        def note() -> None:
            if not more:
                self._schedule.forget_moved(directory)

        def noted() -> None:  # not before: what was not stored has to be done again
            self._inside = (directory, files[-1][1]) if more else None

        return _Slice(
            lambda verdict: self._schedule.decide(verdict, [id_ for id_, _ in files]),
            note,
            *(files[0][0] if files else None, len(files)),
            noted,
        )

    def _beyond(self, set_id: int) -> _Slice | None:
        through = self._schedule.through(set_id)
        until = None if through is None else self._schedule.until(through, self._limit)
        if through is None or until is None:
            return None
        return _Slice(
            lambda verdict: self._schedule.decide_range(verdict, through, until),
            lambda: self._schedule.decided_through(set_id, until),
            # Of what trickles in the limit would be thousands, for each file.
            *(until, min(until - through, self._limit)),
        )

    def _again(self) -> _Slice | None:
        now_ns = self._moment[1]
        ids = self._schedule.due_again(now_ns, self._limit)
        if not ids:
            return None
        return _Slice(
            lambda verdict: self._schedule.decide(verdict, ids),
            lambda: self._schedule.forget_again(ids, now_ns),
            *(ids[0], len(ids)),
        )

    def _until_again(self) -> float:
        again_ns = self._schedule.next_again()
        if again_ns is None:
            return _LOOK
        return min(_LOOK, max(_SOON, (again_ns - self._clock.wall_ns()) / 1e9))
