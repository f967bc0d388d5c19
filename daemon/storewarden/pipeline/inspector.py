"""Look into files in the background: caged processes read (see inspecting), the recorder writes."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from storewarden.catalogue.inspections import Inspected, Inspections
from storewarden.catalogue.waiting import Waiting
from storewarden.clock import Clock
from storewarden.config.places import place_of
from storewarden.config.schema import RootSettings
from storewarden.errors import StorewardenError
from storewarden.facts.kinds import kind_of, mime_of
from storewarden.facts.opened import CHANGED
from storewarden.facts.sidecars import language, sidecar
from storewarden.facts.wire import NoAnswer, unpack
from storewarden.measure.shown import shown
from storewarden.model import Facts, Outcome
from storewarden.pipeline.caged import PATIENCE, Answer, CannotInspect, Pool
from storewarden.pipeline.cursor import FIRST_PASS, Cursor
from storewarden.pipeline.inbox import FactsReady, Inbox, SweepAsked
from storewarden.watch.own import NOT_OPENED, OwnReads

log = logging.getLogger(__name__)

_BATCH: Final = 256
_BUSY: Final = 0.5  # seconds; recording comes first
# Files come one by one where somebody works: a process that is kept answers at once, one that is
# started costs a tenth of a second of processor. After a while it is memory for nothing.
_KEPT: Final = 30.0
# Where no process starts, somebody has to mend something; or the machine was short of memory.
_FIRST_START: Final = 0.5
_LONGEST_START: Final = 300.0
# The inspector of files that no inspection survived; its version rises with every other's.
_ENDED: Final = "ended"
# A recorder that cannot write is not buried in facts: they are found again.
# A long transcript is megabytes: bytes are what counts.
_MOST_UNWRITTEN: Final = 16 << 20

_DIED: Final = {
    "exit": "the inspection of it ended by itself",
    "signal": "the inspection of it crashed",
    "processor": "the inspection of it computed without end",
    "time": "the inspection of it did not end",
    "nonsense": "the inspection of it gave no answer that can be used",
}


class Hears(Protocol):
    """Whom the inspector tells what comes of its work, in its own thread."""

    def inspection_failed(self, root: str, path: bytes, error: int) -> None:
        """Hear that a file could not be read; it waits."""
        ...

    def inspection_died(self, reason: str) -> None:
        """Hear that a process died of a file."""
        ...

    def inspected(self, seconds: float) -> None:
        """Hear how long a file took."""
        ...


class Inspector:
    """Gives the pool its work and hands facts over. ``step`` runs in a worker thread of its own."""

    def __init__(
        self,
        inspections: Inspections,
        inbox: Inbox,
        roots: Callable[[], Mapping[str, RootSettings]],
        clock: Clock,
        hears: Hears,
        *,
        busy: Callable[[], bool],
        own: OwnReads,
    ) -> None:
        """Inspect files of ``roots`` (those that are there); never while ``busy``.

        ``own`` is told of each read, so that nobody takes it for a use of the file.
        """
        self._inspections = inspections
        self._inbox = inbox
        self._roots = roots
        self._clock = clock
        self._hears = hears
        self._busy = busy
        self._own = own
        self._pool = Pool(processes(), clock, hears.inspection_died)
        self._given_up = False
        self._cursor = Cursor()
        self._may_sweep = True  # there may be files that newer inspectors would understand
        self._start_pause = _FIRST_START
        self._worked_at = float("-inf")
        self._places: dict[str, tuple[str, ...]] = {}  # as they were when a sweep was asked for
        self._handed = 0  # bytes of facts given to the recorder; this thread adds to it
        self._written = 0  # and what became of them; the recorder's adds to it

    def news(self) -> None:
        """Hear, in any thread, that files were recorded."""
        self._may_sweep = True
        self._cursor.news()

    def swept(self, marked: int) -> None:
        """Hear, in the recorder's thread, that so many files wait again, maybe further back."""
        if marked:
            self._may_sweep = True
            self._cursor.waiting_again()

    def written(self, weight: int) -> None:
        """Hear, in the recorder's thread, that so much of what was handed over is dealt with."""
        self._written += weight

    def _unwritten(self) -> int:
        return self._handed - self._written

    def step(self) -> float:
        """Inspect some files; return how long to wait until more."""
        try:
            return self._turn()
        except CannotInspect as error:
            self._cursor.ask_again()
            self._start_pause = min(self._start_pause * 2, _LONGEST_START)
            self._hears.inspection_died("start")
            log.error("files are not inspected", extra={"facts": {"why": error}})  # noqa: TRY400  # it says all there is
            return self._start_pause

    def _turn(self) -> float:
        roots = {name: root for name, root in self._roots().items() if root.inspect}
        if self._given_up or self._busy() or not roots or self._unwritten() > _MOST_UNWRITTEN:
            return _BUSY if roots else FIRST_PASS
        if not self._pool.versions:
            self._pool.warm()
            self._worked_at = self._clock.monotonic()
        now = self._clock.monotonic()
        if not self._cursor.wants(now):
            self._rest(now)
            self._ask_for_more(roots)
            return self._cursor.wait(now)
        try:
            wanted = self._inspections.wanted(list(roots), self._cursor.after_id, _BATCH)
        except StorewardenError as error:
            if not error.transient:
                raise
            self._cursor.ask_again()
            return FIRST_PASS
        self._examine(roots, [file for file in wanted if not self._cursor.is_left(file.id)])
        self._cursor.got([file.id for file in wanted], self._clock.monotonic())
        return 0.0

    def _ask_for_more(self, roots: Mapping[str, RootSettings]) -> None:
        places = {name: root.places for name, root in roots.items()}
        if self._may_sweep or places != self._places:
            self._may_sweep = False
            self._places = places
            self._inbox.put(SweepAsked(self._versions(), places))

    def _versions(self) -> dict[str, int]:
        versions = self._pool.versions
        return {**versions, _ENDED: sum(versions.values())}

    def _examine(self, roots: Mapping[str, RootSettings], wanted: Sequence[Waiting]) -> None:
        found: list[Inspected] = []
        reading = {file.id: file for file in wanted}
        for file in wanted:
            self._own.expect(file.root, file.path, file.name)
        try:
            for answer in self._pool.examine([(roots[file.root].path, file) for file in wanted]):
                file = reading.pop(answer.file.id)
                opened = answer.told.get("error") not in NOT_OPENED
                self._own.over(file.root, file.path, file.name, opened=opened)
                one = self._inspected(answer, roots[file.root])
                if one is not None:
                    found.append(one)
                    self._handed += one.weight
                if self._unwritten() > _MOST_UNWRITTEN:
                    self._pool.stop()  # what it has in hand comes to its turn again
                    self._cursor.ask_again()
                    break
        finally:
            for file in reading.values():
                self._own.over(file.root, file.path, file.name)
        self._worked_at = self._clock.monotonic()
        self._start_pause = _FIRST_START
        if found:
            self._cursor.found()
            self._inbox.put(FactsReady(tuple(found)))

    def _inspected(self, answer: Answer, root: RootSettings) -> Inspected | None:
        file, told = answer.file, answer.told
        identity = (file.inode, file.size, file.modified_ns)
        if answer.died:
            facts = self._refused(file, answer.died)
            log.warning("a file cannot be inspected", extra={"facts": _which(file, facts.reason)})
        elif "error" in told:
            error = told["error"] if isinstance(told["error"], int) else errno.EIO
            self._cursor.unread(file.id)
            if error not in {CHANGED, errno.ENOENT}:
                self._hears.inspection_failed(file.root, _path(file), error)
            return None
        else:
            try:
                facts = unpack(told.get("facts"))
                identity = _identity(told.get("identity"))
                self._hears.inspected(_seconds(told.get("seconds")))
            except NoAnswer:
                self._hears.inspection_died("nonsense")
                facts = self._refused(file, "nonsense")
        belongs = sidecar(file.name)
        return Inspected(
            *(file.id, file.path, file.name, *identity),
            facts,
            place_of(root.places, _path(file)),
            belongs.stems if belongs is not None else (),
            belongs.role if belongs is not None else "",
            language(file.name),
        )

    def _refused(self, file: Waiting, died: str) -> Facts:
        """Return what is known of a file that must not be looked into again before it changes."""
        version = self._versions()[_ENDED]
        kind, mime = kind_of(file.name), mime_of(file.name)
        return Facts(kind, mime, _ENDED, version, Outcome.REFUSED, _DIED[died])

    def _rest(self, now: float) -> None:
        if now - self._worked_at > _KEPT:
            self._pool.stop()

    def give_up(self) -> None:
        """Let the step under way end at once, from any thread."""
        self._given_up = True
        self._pool.give_up()

    def stop(self) -> None:
        """End the processes; what is not inspected is by the next start."""
        self._pool.stop()


def processes() -> int:
    """Return how many files are looked into at once: half of the processors, four at most."""
    with suppress(AttributeError):  # not on every system
        return max(1, min(4, len(os.sched_getaffinity(0)) // 2))
    return 1


def _identity(told: Any) -> tuple[int, int, int]:
    if isinstance(told, list) and len(told) == 3 and all(type(one) is int for one in told):  # noqa: PLR2004  # its length
        inode, size, modified_ns = told
        return inode, size, modified_ns
    raise NoAnswer("does not say which file it is about")


def _seconds(told: Any) -> float:
    return told if isinstance(told, float) and 0 <= told < PATIENCE else 0.0


def _path(file: Waiting) -> bytes:
    return file.path + b"/" + file.name if file.path else file.name


def _which(file: Waiting, reason: str) -> dict[str, object]:
    return {"root": file.root, "path": shown(_path(file)), "why": reason}
