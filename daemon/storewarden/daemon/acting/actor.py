"""The thread that acts: recovery first, then what people wish, what was put off, and policies.

It is in nobody's way: while a burst is recorded it waits, unless a disk is too full. Asked to stop,
it ends in the middle of a file, and the journal goes on from there with the next start.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from storewarden.act.execute import Outcome
from storewarden.catalogue import requests
from storewarden.catalogue.acts import REFUSED, Act
from storewarden.config.schema import Settings
from storewarden.daemon.acting.hands import Acting, GivenUp, Seen
from storewarden.daemon.acting.judge import Judge
from storewarden.daemon.acting.perform import perform
from storewarden.daemon.acting.pressing import Resting
from storewarden.daemon.acting.recovering import Recovery
from storewarden.daemon.acting.runs import Runs
from storewarden.daemon.acting.shown import Shown
from storewarden.daemon.acting.vanished import conclude
from storewarden.daemon.acting.waiting import Waiting
from storewarden.daemon.acting.wish import Told, Wish
from storewarden.daemon.answer import Answer, to_nobody
from storewarden.errors import CatalogueCorrupt, LeaseLost, StorewardenError
from storewarden.policy.timing import machine_zone

log = logging.getLogger(__name__)

TICK: Final = 1.0
_ROOTS: Final = 5.0  # seconds between two looks whether a root is there
_AFTER_BURST: Final = 0.5
_AGAIN: Final = 5.0  # after the catalogue could not be used
_PACE: Final = 0.05  # between two looks whether a burst is over, and two pieces of a file in one
_A_MOMENT: Final = 2.0  # in which one act may follow another
_TELL: Final = 0.5  # seconds between two tellings how far a wish is

_FATAL: Final = (LeaseLost, CatalogueCorrupt)


class Actor:
    """Acts for people and for policies. ``step`` is the actor's thread's; any may call the rest."""

    def __init__(
        self,
        acting: Acting,
        root_ids: dict[str, int],
        resting: Resting,
        shown: Shown,
        *,
        busy: Callable[[], bool],
        decided: Callable[[], int],
    ) -> None:
        """Act through ``acting``; never while ``busy`` unless it is urgent."""
        self._acting, self._shown, self._busy = acting, shown, busy
        self._recovery = Recovery(acting, root_ids)
        self._waiting = Waiting(acting, self._recovery, root_ids)
        self._runs = Runs(
            *(acting, self._recovery, resting, machine_zone()),
            decided=decided,
            between=self._between,
        )
        self._runs.news = shown.news
        self._waiting.back = self._runs.try_again
        self._recovery.recall = self._waiting.recall
        self._wishes: deque[tuple[int, Wish]] = deque()
        self._performing = False
        self._polite = False  # what goes on now lets the recorder go first
        self._roots_at = self._told_at = float("-inf")
        self._failing = False
        self._stopping = threading.Event()
        acting.stopping = self._stopping.is_set
        self.answer: Answer = to_nobody
        self.wake: Callable[[], None] = lambda: None
        self.beat: Callable[[], None] = lambda: None
        self._refused: list[Act] = []  # of which nothing may be left to act on
        self._acted_at = float("-inf")
        acting.hear(Seen(self._passes, self._begins, self._ended))

    # -- for other threads ------------------------------------------------------------------------

    def ask(self, job: int, wish: Wish) -> None:
        """Take a wish; it is answered when it is carried out."""
        self._wishes.append((job, wish))
        self.wake()

    def judge_by(self, judge: Judge | None) -> None:
        """Act by other policies from now on."""
        self._acting.judge = judge
        self.wake()

    def follow(self, settings: Settings) -> None:
        """Take other settings over: where roots are, and stores."""
        self._acting.roots.want(settings.roots)
        self._acting.stores.follow(settings)
        self._roots_at = float("-inf")
        self.wake()

    def give_up(self) -> None:
        """End what is done now, in the middle of a file."""
        self._stopping.set()

    def at_work(self) -> bool:
        """Tell whether an act goes on, or did a moment ago."""
        return self._acting.clock.monotonic() - self._acted_at < _A_MOMENT

    def sleep(self, seconds: float) -> None:
        """Wait, for a store that is to be asked again; not beyond our end."""
        if self._stopping.wait(seconds):
            raise GivenUp

    # -- the worker's steps -----------------------------------------------------------------------

    def step(self) -> float:
        """Do what is to be done; return the seconds until there may be more."""
        try:
            wait = self._step()
        except GivenUp:
            return TICK
        except StorewardenError as error:
            if not error.transient:
                raise
            if not self._failing:
                self._failing = True
                facts = {"why": error}
                log.warning("nothing is done while the catalogue is away", extra={"facts": facts})
            self._waiting.forget()
            return _AGAIN
        self._failing = False
        return wait

    def finish(self) -> None:
        """Give back what is open."""
        self._acting.stores.close()
        self._acting.roots.close()

    def _step(self) -> float:
        self._recover()
        self._perform_wishes()
        if self._busy():
            self._runs.step(urgent_only=True)
            return _AFTER_BURST
        self._waiting.step()
        self._conclude()
        try:
            wait = self._runs.step()
        finally:
            self._polite = False
        self._show()
        return min(wait, TICK)

    def _show(self) -> None:
        judge = self._acting.judge
        names = [policy.id for policy in judge.policies.policies] if judge is not None else []
        self._shown.step(names, self._waiting.under_way)

    def _recover(self) -> None:
        now = self._acting.clock.monotonic()
        if now - self._roots_at < _ROOTS:
            return
        if self._recovery.step():
            self._runs.forget()
            self._waiting.forget()
        self._roots_at = now

    def _between(self, urgent: bool) -> None:  # noqa: FBT001  # what it hears
        """Let others go first: people, and the recorder unless a disk is too full."""
        self.beat()
        self._perform_wishes()
        self._polite = not urgent
        self._give_way()
        if self._stopping.is_set():
            raise GivenUp

    def _give_way(self) -> None:
        """Wait while others go first, or until a person wishes something."""
        while self._yields() and not self._wishes and not self._stopping.is_set():
            self._stopping.wait(_PACE)
            self.beat()

    def _yields(self) -> bool:
        """Tell whether the recorder has much to do, and nothing urgent goes on."""
        return self._polite and not self._performing and self._busy()

    # -- wishes -----------------------------------------------------------------------------------

    def _perform_wishes(self) -> None:
        if self._performing:
            return
        self._performing = True
        try:
            while self._wishes:
                job, wish = self._wishes[0]
                self._shown.jobs(running=1, waiting=len(self._wishes) - 1)
                self._perform(job, wish)
                self._wishes.popleft()
                self._shown.jobs(running=0, waiting=len(self._wishes))
        finally:
            self._performing = False

    def _perform(self, job: int, wish: Wish) -> None:
        """Carry out a wish and answer; what the catalogue keeps us from is done later."""
        self._recovery.step()

        def tell(told: Told) -> None:
            self._tell(job, told)

        try:
            result = perform(self._acting, wish, tell, self._stopping.is_set, job=job)
        except StorewardenError as error:
            if error.transient or isinstance(error, _FATAL):
                raise
            self.answer(job, {"error": str(error)}, failed=True)
            return
        finally:
            self._waiting.forget()
            if wish.approves:
                self._runs.forget()
                self._shown.news()
        self.answer(job, result.facts())
        facts = {"by": wish.asked_by, "done": result.done, "refused": result.refused}
        facts |= {"failed": result.failed, "put_off": result.put_off, "held": result.held}
        facts |= {"freed": result.freed, "seconds": f"{result.seconds:.2f}"}
        log.info("a wish was carried out", extra={"facts": facts})

    def _tell(self, job: int, told: Told) -> None:
        now = self._acting.clock.monotonic()
        if now - self._told_at < _TELL:
            return
        self._told_at = now
        try:
            requests.progress(self._acting.engine, job, told.facts())
        except StorewardenError as error:
            if not error.transient:
                raise

    # -- what acts tell ---------------------------------------------------------------------------

    def _goes_on(self, _with: object) -> None:
        self._acted_at = self._acting.clock.monotonic()
        self.beat()

    def _passes(self, size: int) -> None:
        """Be slow in a burst, in the middle of files: no store waits for us in vain."""
        if self._yields():
            self._stopping.wait(_PACE)
        self._goes_on(size)

    def _begins(self, act: Act) -> None:
        """Go on with some more; what was planned at once may take minutes."""
        self._give_way()
        self._goes_on(act)

    def _ended(self, outcome: Outcome) -> None:
        self._goes_on(outcome)
        self._shown.ended(outcome)
        self._show()
        self._waiting.forget()
        if outcome.act.verb == "purge" and outcome.act.state == REFUSED:
            self._refused.append(outcome.act)

    def _conclude(self) -> None:
        """Note what is gone from the trash by another's hand: it would be refused for ever."""
        while self._refused:
            conclude(self._acting, self._refused[-1])
            self._refused.pop()
