"""Carries out what verbs ask of the daemon through the catalogue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from storewarden.catalogue import acts, requests, usage
from storewarden.catalogue.counts import Counts
from storewarden.catalogue.requests import Facts, Request
from storewarden.catalogue.told import forgetting
from storewarden.catalogue.told.forgetting import Before
from storewarden.clock import Clock
from storewarden.daemon.acting import wish as acting
from storewarden.daemon.acting.wish import Wish
from storewarden.daemon.ground import Ground
from storewarden.daemon.tending import wish as tending
from storewarden.daemon.tending.wish import TendWish
from storewarden.errors import StorewardenError, UsageError
from storewarden.pipeline.scanner import Scanner
from storewarden.pipeline.state import ScanTally, ScanWish

INTERVAL = 0.5
_FORGET_EVERY = 24 * 3600.0
# What was done to a file stays in its history; of the act itself nothing is asked any more.
_ACTS_KEPT_NS = 400 * 86_400 * 1_000_000_000
_FORGOTTEN_AT_ONCE = 2_000  # days of files: some milliseconds, so that recording does not wait


_Wish = TypeVar("_Wish", Wish, TendWish)


class Clerk:
    """Takes requests out of the catalogue and answers them. ``ended`` is called by the recorder."""

    def __init__(
        self,
        ground: Ground,
        scanner: Scanner,
        counts: Counts,
        clock: Clock,
        is_up: Callable[[str], bool],
        usage_kept: Callable[[], Mapping[str, float]] = dict,
        act: Callable[[int, Wish], None] | None = None,
    ) -> None:
        """Take what is asked for to the scanner, and what is wished of files to ``act``.

        ``usage_kept`` tells for how many seconds each root keeps what was counted on a day.
        """
        self._ground = ground
        self._scanner = scanner
        self._counts = counts
        self._clock = clock
        self._is_up = is_up
        self._told = -1
        self._answers: list[tuple[int, Facts, bool]] = []
        self._act = act
        self.tend: Callable[[int, TendWish], None] | None = None  # what is wished for databases
        self.told_kept: Callable[[], tuple[float, float]] = lambda: (0.0, 0.0)  # calls, talks
        self.tidied: Callable[[], None] = lambda: None  # hears that what is old was forgotten
        self.also: Callable[[], None] = lambda: None  # small work that has no worker of its own
        self._answering = threading.Lock()
        self._forgotten_at = float("-inf")
        self._usage_kept = usage_kept
        self._acts_before_ns = 0  # acts that ended before then are to be forgotten
        self._told_before = Before()
        self._to_forget: dict[str, int] = {}  # roots, and before when their days are too old

    def step(self) -> float:
        """Take one request if there is one, and tell how far the scan under way is."""
        try:
            self._answer()
            self._take()
            self._tell_progress()
            self._forget()
            self.also()
        except StorewardenError as error:
            if not error.transient:
                raise
        return INTERVAL

    def _take(self) -> None:
        ground = self._ground
        if not ground.engine.execute("SELECT 1 FROM jobs WHERE state <> 'done' LIMIT 1"):
            return
        request = requests.take_next(
            ground.engine, ground.lease.epoch, self._clock.wall_ns(), ground.host_id
        )
        if request is None:
            return
        root = self._counts.names.get(request.root_id or 0)
        if request.verb == acting.REQUEST and self._act is not None:
            self._wish(request, Wish.of, self._act)
        elif request.verb == tending.REQUEST and self.tend is not None:
            self._wish(request, TendWish.of, self.tend)
        elif request.verb != "scan" or root is None:
            self._refuse(request.id, f"this daemon cannot do {request.verb!r} for that root")
        elif not self._is_up(root):
            self._refuse(request.id, f"{root} cannot be scanned now; see 'storewarden status'")
        else:
            accept = bool(request.arguments.get("accept_missing", False))
            self._scanner.want(root, ScanWish("asked", (request.id,), accept_missing=accept))

    def _wish(
        self, request: Request, read: Callable[[Facts], _Wish], take: Callable[[int, _Wish], None]
    ) -> None:
        try:
            wish = read(request.arguments)
        except UsageError as error:
            self._refuse(request.id, str(error))
        else:
            take(request.id, wish)

    def _refuse(self, request_id: int, why: str) -> None:
        requests.finish(
            self._ground.engine, request_id, {"error": why}, self._clock.wall_ns(), failed=True
        )

    def _tell_progress(self) -> None:
        tally = self._scanner.running()
        if tally is not None and tally.wish.jobs and tally.listed != self._told:
            self._told = tally.listed
            for job in tally.wish.jobs:
                requests.progress(self._ground.engine, job, {"files": tally.listed})

    def _forget(self) -> None:
        now = self._clock.monotonic()
        if now - self._forgotten_at >= _FORGET_EVERY:
            self._forgotten_at = now
            now_ns = self._clock.wall_ns()
            requests.forget_old(self._ground.engine, now_ns)
            self._to_forget = {
                root: now_ns - int(kept * 1e9) for root, kept in self._usage_kept().items()
            }
            self._acts_before_ns = now_ns - _ACTS_KEPT_NS
            self._told_before = forgetting.before(now_ns, *self.told_kept())
            self.tidied()
        if self._acts_before_ns and not acts.forget(
            self._ground.engine, self._acts_before_ns, _FORGOTTEN_AT_ONCE
        ):
            self._acts_before_ns = 0
        if self._told_before != Before() and not forgetting.forget(
            self._ground.engine, self._ground.host_id, self._told_before, _FORGOTTEN_AT_ONCE
        ):
            self._told_before = Before()
        for root, before_ns in list(self._to_forget.items())[:1]:
            root_id = self._ground.roots[root]
            if not usage.forget(self._ground.engine, root_id, before_ns, _FORGOTTEN_AT_ONCE):
                del self._to_forget[root]

    def ended(self, tally: ScanTally, seconds: float) -> None:
        """Answer who asked for this scan; a broken one is tried again under the same request."""
        if tally.broken or not tally.whole:
            return
        recorded = tally.recorded
        size = sum(
            figures[1]
            for (root, _, state), figures in list(self._counts.totals.items())
            if root == tally.root and state == "present"
        )
        outcome: dict[str, object] = {
            "files": self._counts.present(tally.root),
            "bytes": size,
            "added": recorded.added + recorded.returned,
            "changed": recorded.changed + recorded.touched + recorded.renamed,
            "gone": recorded.missing,
            "errors": tally.errors,
            "seconds": seconds,
            "held": tally.held,
        }
        for job in tally.wish.jobs:
            self.answer(job, outcome)

    def answer(self, job: int, outcome: Facts, *, failed: bool = False) -> None:
        """Say what came of a request, now or as soon as it can be written; any thread may."""
        self._answers.append((job, outcome, failed))
        self.last()

    def last(self) -> None:
        """Give the answers that are known; what cannot be written now is kept for a later step."""
        try:
            self._answer()
        except StorewardenError as error:
            if not error.transient:
                raise

    def _answer(self) -> None:
        with self._answering:
            while self._answers:
                job, outcome, failed = self._answers[0]
                requests.finish(
                    self._ground.engine, job, outcome, self._clock.wall_ns(), failed=failed
                )
                del self._answers[0]
