"""The thread that looks after databases: what people wish first, then what is due; one at a time.

It is in nobody's way: while a burst is recorded nothing new is begun. Asked to stop, it ends the
child that works and what it did not finish is done again after the next start.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Final

from storewarden.catalogue import care, requests
from storewarden.config.schema import Settings
from storewarden.daemon.acting.hands import GivenUp
from storewarden.daemon.acting.judge import Judge
from storewarden.daemon.answer import Answer, to_nobody
from storewarden.daemon.tending import put_off
from storewarden.daemon.tending.carry import AWAY, carry_out
from storewarden.daemon.tending.deeds import DEEDS
from storewarden.daemon.tending.figures import QUERIES, CareFigures
from storewarden.daemon.tending.forgetting import go_on
from storewarden.daemon.tending.gathering import directory, waits
from storewarden.daemon.tending.hands import Hands
from storewarden.daemon.tending.row_keeping import go_on_with_rows
from storewarden.daemon.tending.row_timers import RowTimers
from storewarden.daemon.tending.standing import BY, Standing
from storewarden.daemon.tending.wish import TendResult, TendWish, Told
from storewarden.databases.filled import System
from storewarden.databases.schedule import LOOK
from storewarden.errors import CatalogueCorrupt, LeaseLost, StorewardenError

log = logging.getLogger(__name__)

TICK: Final = 2.0
_AGAIN: Final = 5.0  # after the catalogue could not be used
_TELL: Final = 0.5  # seconds between two tellings how far it is
_REFRESH: Final = 2.0
_REST: Final = 1000  # times as long as it took: a thousandth of a core, however many there are
_BETWEEN: Final = 5.0  # two searches for databases that are not known; each looks at all files
_TIDY: Final = 24 * 3600.0
_GATHER: Final = 5.0
_SEARCH: Final = 3600.0  # after that all are searched even if there are as many as before

_FATAL: Final = (LeaseLost, CatalogueCorrupt)


class Tender:
    """Looks after databases. ``step`` and ``finish`` are its thread's, any may call the rest."""

    def __init__(
        self, hands: Hands, figures: CareFigures, zone: tzinfo, *, busy: Callable[[], bool]
    ) -> None:
        """Work with ``hands``; begin nothing that nobody waits for while ``busy``.

        Calendars are meant in ``zone``.
        """
        self._figures = figures
        self._hands, self._busy = hands, busy
        self._wishes: deque[tuple[int, TendWish]] = deque()
        self._stopping = threading.Event()
        self._standing = Standing(hands, zone)
        self._standing.ended = figures.ended
        self._rows = RowTimers(hands, zone)
        self._failing = self._recovered = False
        self._told_at = self._refresh_at = float("-inf")
        self._tidy_at = hands.clock.monotonic() + _TIDY
        self._gather_at = float("-inf")
        self._searched: object = None  # how many files are databases, and which are configured
        self._searched_at = self._search_at = float("-inf")
        self.answer: Answer = to_nobody
        self.wake: Callable[[], None] = lambda: None
        self.beat: Callable[[], None] = lambda: None
        self.beside: Callable[[], None] = lambda: None  # what is cheap, and done now and then

    # -- for other threads ------------------------------------------------------------------------

    def ask(self, job: int, wish: TendWish) -> None:
        """Take a wish; it is answered when it is carried out."""
        self._wishes.append((job, wish))
        self.wake()

    def judge_by(self, judge: Judge) -> None:
        """Care by other policies from now on."""
        self._hands.policies = judge.policies
        self.wake()

    def follow(self, settings: Settings) -> None:
        """Take other settings over."""
        self._hands.settings = settings
        self._hands.roots.want(settings.roots)
        self._hands.stores.follow(settings)
        self.wake()

    @property
    def systems(self) -> Sequence[System]:
        """The file systems of roots, and when each is full, as found within the last hour."""
        return self._figures.systems

    def give_up(self) -> None:
        """End what is done now."""
        self._stopping.set()

    def stopping(self) -> bool:
        """Tell whether we are to stop; who asks gets on."""
        self.beat()
        return self._stopping.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait, for a store or for another thread; not beyond our end."""
        self.beat()
        if self._stopping.wait(seconds):
            raise GivenUp

    # -- the worker's steps -----------------------------------------------------------------------

    def step(self) -> float:
        """Do what is to be done; return the seconds until there may be more."""
        try:
            wait = self._step()
        except GivenUp:
            return TICK
        except AWAY as error:
            if not self._failing:
                facts = {"why": error}
                log.warning("databases wait while the catalogue is away", extra={"facts": facts})
            self._failing, self._recovered = True, False
            return _AGAIN
        self._failing = False
        return wait

    def finish(self) -> None:
        """Give back what is open."""
        self._hands.stores.close()
        self._hands.roots.close()

    def _step(self) -> float:
        if not self._recovered:
            self._standing.recover()
            go_on(self._hands, self.stopping)
            go_on_with_rows(self._hands, self.stopping)
            self._recovered = True
        self.beside()
        self._perform_wishes()
        if self._busy():
            return TICK
        self._refresh()
        self._figures.show()
        standing = self._standing
        wish = self._unknown() or standing.due() or self._rows.due()
        wish = wish or put_off.due(self._hands) or self._housework()
        if wish is None:
            return TICK
        self._care(wish)
        return 0.0

    def _perform_wishes(self) -> None:
        while self._wishes:
            job, wish = self._wishes[0]
            self._perform(job, wish)
            self._wishes.popleft()

    def _perform(self, job: int, wish: TendWish) -> None:
        def tell(told: Told) -> None:
            self._tell(job, told)

        try:
            result = self._carried_out(wish, tell)
        except StorewardenError as error:
            if isinstance(error, (*_FATAL, *AWAY)):
                raise
            self.answer(job, {"error": str(error)}, failed=True)
        else:
            self.answer(job, result.facts())

    def _care(self, wish: TendWish) -> None:
        """Do what is due; what fails is noted, and tried again when its pause is over."""
        try:
            self._carried_out(wish, lambda _told: self.beat())
        except StorewardenError as error:
            if isinstance(error, (*_FATAL, *AWAY)):
                raise
            facts = {"what": wish.what, "databases": len(wish.databases), "why": error}
            log.warning("databases could not be looked after", extra={"facts": facts})

    def _carried_out(self, wish: TendWish, tell: Callable[[Told], None]) -> TendResult:
        if self.stopping():
            raise GivenUp
        try:
            return carry_out(self._hands, self._standing, wish, tell, self.stopping)
        finally:
            self._refresh_at = float("-inf")

    # -- what is due ------------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Find out what is due, the more seldom the longer that takes."""
        clock = self._hands.clock
        began = clock.monotonic()
        if began < self._refresh_at:
            return
        self._standing.refresh()
        now = clock.monotonic()
        self._refresh_at = now + max(_REFRESH, _REST * (now - began))

    def _unknown(self) -> TendWish | None:
        """Return a look at all databases where there are others than at the last one."""
        clock = self._hands.clock
        now = clock.monotonic()
        if LOOK not in DEEDS or now < self._search_at:
            return None
        there = (care.files(self._hands.engine, self._hands.host_id), self._hands.settings)
        if there == self._searched and now < self._searched_at + _SEARCH:
            return None
        self._searched, self._searched_at, self._search_at = there, now, now + _BETWEEN
        return TendWish(LOOK, (), {}, BY)

    def _housework(self) -> TendWish | None:
        """Return what is no care of a database, and done beside."""
        now = self._hands.clock.monotonic()
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY
            return TendWish("tidy", (), {}, BY)
        if now >= self._gather_at:
            self._gather_at = now + _GATHER
            if waits(directory(self._hands.settings)):
                return TendWish(QUERIES, (), {}, BY)
        return None

    def _tell(self, job: int, told: Told) -> None:
        self.beat()
        now = self._hands.clock.monotonic()
        if now - self._told_at < _TELL:
            return
        self._told_at = now
        try:
            requests.progress(self._hands.engine, job, told.facts())
        except StorewardenError as error:
            if not error.transient:
                raise
